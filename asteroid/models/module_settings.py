"""What the architectures have in common that come from an installed package of models.

The package is `xnns` (imported as `xnn`, MIT licence, the Molecular Sciences Software Institute), an extra of this one.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from asteroid.errors import InputError
from asteroid.models.module_network import ModuleNetwork
from asteroid.models.network import NetworkSettings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from asteroid.descriptors.layout import Layout


@dataclass(frozen=True)
class ModuleSettings(NetworkSettings):
    """Size of a message-passing network of the package, and the elements that it knows.

    Attributes:
        hidden: features per atom.
        layers: rounds of messages.
        cutoff_ang: neighbours beyond this distance (Å) do not count.
        elements: atomic numbers that it can be trained on.
        fixed_shapes: on one molecule, the shapes in a step do not depend on the positions: models of a pack then run as
            one batch on a GPU.
        fitted_buffers: end of the names of its constants that are fitted to the training frames; empty for none.
    """

    hidden: int = field(default=32, metadata={"gt": 0})
    layers: int = field(default=3, metadata={"gt": 0})
    cutoff_ang: float = field(default=5.0, metadata={"gt": 1})
    elements: tuple[int, ...] = (1, 6, 7, 8)

    packs: ClassVar[bool] = False
    packs_on_gpus: ClassVar[bool] = True
    needs_descriptors: ClassVar[bool] = False
    one_composition: ClassVar[bool] = False
    matches_scores: ClassVar[bool] = False
    fixed_shapes: ClassVar[bool] = True
    fitted_buffers: ClassVar[str] = ""

    @property
    def reach_ang(self) -> float:
        """Edges end here."""
        return self.cutoff_ang

    def __post_init__(self) -> None:
        object.__setattr__(self, "elements", tuple(self.elements))  # a list where a record was read

    def network(self, layout: Layout | None) -> ModuleNetwork:  # noqa: ARG002
        """K models of this size; descriptors are of no use to them.

        Raises:
            InputError: the package is not installed.
        """
        with published():
            pass
        return ModuleNetwork(self)

    @abstractmethod
    def module(self) -> Any:
        """The module with weights of its own, drawn from torch's generator; it has `node_energy`."""

    def fit_buffers(self, module: Any, numbers: Tensor, edges: Tensor, positions: Tensor) -> None:
        """Fit the module's constants to atoms [n] at positions [n, 3] (Å) with edges [2, E]."""

    @abstractmethod
    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Names of weights by layer, from the inputs on: what `frozen_layers` counts."""


@contextmanager
def published() -> Iterator[None]:
    """The package, importable within and quiet.

    Raises:
        InputError: it is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of compiled functions that torch has deprecated
        try:
            import e3nn

            import_module("xnn.gnn.models")
        except ImportError as error:
            raise InputError(
                f"this architecture needs the extra 'models' ({error}): pip install 'asteroid-study[models]', or "
                "pip install -e '.[models]'"
            ) from error
        before = e3nn.get_optimization_defaults()["jit_mode"]
        e3nn.set_optimization_defaults(jit_mode="eager")  # compiled ones cannot be run side by side
        try:
            yield
        finally:
            e3nn.set_optimization_defaults(jit_mode=before)

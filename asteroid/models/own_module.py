"""A model of the user's own: a function that makes a `torch.nn.Module`, named by its import path.

The module maps positions [n, 3] (Å), atomic numbers [n] and the frame of each atom [n] to energies of the frames [M].
What the function can be told, its arguments with their defaults, are the settings of the architecture.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field, make_dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor

from asteroid.errors import InputError
from asteroid.import_path import load_factory
from asteroid.models.module_network import ModuleNetwork
from asteroid.models.network import NetworkSettings
from asteroid.models.positions import force_scaling

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameTensors
    from asteroid.descriptors.layout import Layout
    from asteroid.models.network import Scaling

_PLAIN = (bool, int, float, str)
_REMEDY = "see 'A model of your own' in docs/models.md"


@dataclass(frozen=True)
class OwnModuleSettings(NetworkSettings):
    """Arguments of the user's function; subclasses of `own_settings` have a field for each."""

    packs: ClassVar[bool] = False
    packs_on_gpus: ClassVar[bool] = False
    needs_descriptors: ClassVar[bool] = False
    one_composition: ClassVar[bool] = False
    matches_scores: ClassVar[bool] = False
    exports: ClassVar[bool] = False
    fixed_shapes: ClassVar[bool] = False
    fitted_buffers: ClassVar[str] = ""

    def __reduce__(self) -> tuple[Any, ...]:
        """The class is made anew where it is read."""
        return _remade, (self.architecture, dict(vars(self)))

    def network(self, layout: Layout | None) -> ModuleNetwork:  # noqa: ARG002
        """K models of this size; descriptors are of no use to them."""
        return _OwnModuleNetwork(self)  # type: ignore[arg-type]

    def module(self) -> Any:
        """The module with weights of its own, drawn from torch's generator.

        Raises:
            InputError: the function raised an error, or what it returned is no module with weights.
        """
        factory = _factory(self.architecture)
        try:
            made = factory(**vars(self))
        except Exception as error:  # somebody else's code
            raise InputError(
                f"{self.architecture} must return a torch.nn.Module, it raised {type(error).__name__} "
                f"({' '.join(str(error).split())[:200]}): repair it"
            ) from error
        if not isinstance(made, torch.nn.Module) or not list(made.parameters()):
            raise InputError(
                f"{self.architecture} must return a torch.nn.Module with weights, found {type(made).__name__}: "
                f"{_REMEDY}"
            )
        return made

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Its direct children, in their order."""
        return [(f"{name}.",) for name, _ in self.module().named_children()]


@cache
def own_settings(path: str) -> type[OwnModuleSettings]:
    """The settings of an architecture `module:factory`.

    Raises:
        InputError: it cannot be imported, or an argument has no plain default.
    """
    keys = []
    for name, parameter in inspect.signature(_factory(path)).parameters.items():
        if type(parameter.default) not in _PLAIN:
            raise InputError(
                f"arguments of {path} have a number, a text, true or false as their default, found {parameter}: "
                f"{_REMEDY}"
            )
        keys.append((name, type(parameter.default), field(default=parameter.default)))
    if "hidden" not in {name for name, *_ in keys}:
        raise InputError(
            f"{path} must take the argument hidden, its width, which searches vary: write hidden: int = 32"
        )
    name = "".join(c if c.isalnum() else "_" for c in path)
    return make_dataclass(name, keys, bases=(OwnModuleSettings,), frozen=True, namespace={"architecture": path})


def _remade(path: str, values: dict[str, Any]) -> OwnModuleSettings:
    return own_settings(path)(**values)


def _factory(path: str) -> Any:
    return load_factory(path, str(Path.cwd()), "a torch.nn.Module")


class _Energies(torch.nn.Module):
    """The user's module, under the name that weights have."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, positions: Tensor, numbers: Tensor, batch: Tensor) -> Any:
        return self.module(positions, numbers, batch)


class _OwnModuleNetwork(ModuleNetwork):
    """Models of the user's module, which is given frames instead of edges."""

    def measure_scaling(self, frames: FrameTensors, rows: Tensor, forces: Tensor) -> Scaling:
        """Force scale of one model; the module is tried on two frames first.

        Raises:
            InputError: it returns another shape, has a detached graph or mixes frames.
        """
        scaling = force_scaling(frames, rows, forces)
        (inputs,) = self.batches(frames, [rows[None, :2]])
        self._try(*inputs)
        return scaling

    def _try(self, numbers: Tensor, positions: Tensor) -> None:
        name = self.settings.architecture  # type: ignore[attr-defined]
        at = positions[0].requires_grad_()
        weights = self.initial_parameters(0).to(at.device).requires_grad_()
        with torch.enable_grad():
            found = self._energies(weights, numbers.expand(1, len(at), -1)[0], at)
            if not isinstance(found, Tensor) or found.shape != at.shape[:1]:
                shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
                raise InputError(
                    f"the module of {name} must return one energy for each frame, shape {[len(at)]}, found {shape}: "
                    "sum the energies of the atoms by batch"
                )
            slope = torch.autograd.grad(found[0], at, allow_unused=True)[0] if found.requires_grad else None
        if slope is None:
            raise InputError(
                f"the energies of {name} must be differentiable by the positions, found a detached graph: compute them "
                "from the positions with torch, without detach(), item() or numpy()"
            )
        if slope[1:].any():
            raise InputError(f"the first energy of {name} depends on atoms of the second frame: keep to the batch")

    def _of_one_molecule(self, parameters: Tensor, numbers: Tensor, at: Tensor, scaling: Scaling) -> Tensor:  # noqa: ARG002
        every = numbers.expand(at.shape[1], -1)
        return torch.stack([self._energies(*own) for own in zip(parameters, [every] * len(at), at, strict=True)])

    def _of_several(self, weights: Tensor, numbers: Tensor, at: Tensor, constants: Tensor) -> Tensor:  # noqa: ARG002
        found: Tensor = self._energies(weights, numbers, at)
        return found

    def _energies(self, weights: Tensor, numbers: Tensor, at: Tensor) -> Any:
        """What the module returns for frames [M, A], [M, A, 3]: their energies [M]."""
        is_atom = numbers > 0
        batch = torch.arange(len(at), device=at.device)[:, None].expand_as(numbers)[is_atom]
        inputs = at[is_atom], numbers[is_atom], batch
        return self._called(self._module_on(at.device, weights.dtype), self._named(weights), inputs)

    def _wrapped(self, module: Any) -> torch.nn.Module:
        return _Energies(module)

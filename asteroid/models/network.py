"""What an architecture is: settings that say what it needs and can do, and K models as functions of flat weights.

One file per architecture has its `NetworkSettings` and its `Network`; `architectures.py` lists the former.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Protocol, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from asteroid.descriptors.frame_bank import FrameTensors, Probes
    from asteroid.descriptors.layout import Layout


@dataclass(frozen=True)
class Usual:
    """How an architecture is trained where nobody says otherwise: to begin with, not tuned for any one molecule.

    Attributes:
        steps: gradient steps on accurate labels alone.
        learning_rate: peak rate of these.
        ema: decay of the running mean of weights that is validated and kept.
        batch_size: frames per step.
    """

    steps: int
    learning_rate: float
    ema: float = 0.99
    batch_size: int = 10


@dataclass(frozen=True)
class NetworkSettings(ABC):
    """Settings of an architecture, all with defaults, and what it needs and can do.

    A field's metadata are its bounds, as pydantic names them (`gt`, `ge`, `lt`, `le`): the section `model` of sweep
    files has a key for each field. Fields are part of stage keys, the facts below are not.

    Attributes:
        hidden: width of the network; every architecture has one, and searches vary it.
        architecture: its name in sweep files and stage keys.
        packs: K models train faster side by side than one after another, on a CPU.
        packs_on_gpus: they do so on a GPU.
        needs_descriptors: it learns from descriptors, not from positions.
        one_composition: all frames are of one molecule.
        matches_scores: it can be trained on frames without labels (its network is a `ScoreNetwork`).
        exports: its models can leave in a folder of their own.
        interrupts: its training can be interrupted and gone on with, as pruning does.
        learns_energies_alone: it can be trained on labels without forces.
        packages: what must be installed for it beside PyTorch, by the names of PyPI.
        usual: steps and rates of a sweep file that does not say them.
        unkeyed: fields that do not decide what is trained, and are no part of stage keys.
    """

    hidden: int = field(default=32, metadata={"gt": 0})

    architecture: ClassVar[str]
    packs: ClassVar[bool]
    packs_on_gpus: ClassVar[bool]
    needs_descriptors: ClassVar[bool]
    one_composition: ClassVar[bool]
    matches_scores: ClassVar[bool]
    exports: ClassVar[bool] = True
    interrupts: ClassVar[bool] = True
    learns_energies_alone: ClassVar[bool] = True
    packages: ClassVar[tuple[str, ...]] = ()
    usual: ClassVar[Usual] = Usual(3000, 0.003)
    unkeyed: ClassVar[tuple[str, ...]] = ()

    @property
    def finetunes(self) -> bool:
        """Whether a training can go on with a trained model."""
        return True

    @abstractmethod
    def network(self, layout: Layout | None) -> Network:
        """K models of this size.

        Args:
            layout: the descriptors of the molecule; None where there are none.

        Raises:
            ValueError: the architecture needs descriptors.
        """


#: What an architecture reads of a batch of frames.
Inputs = tuple[Tensor, ...]


@dataclass(frozen=True)
class Scaling:
    """Fixed numbers that bring inputs and forces to order one; taken from the frames a chain starts on.

    Attributes:
        mean: [K, W] mean of each input.
        inverse_std: [K, W] inverse of its spread.
        force_scale_ev_ang: [K] mean absolute force component, eV/Å.
    """

    mean: Tensor
    inverse_std: Tensor
    force_scale_ev_ang: Tensor

    def rows(self, index: Tensor | list[int]) -> Scaling:
        """Scaling of some of the models."""
        return Scaling(self.mean[index], self.inverse_std[index], self.force_scale_ev_ang[index])

    def to(self, device: torch.device) -> Scaling:
        """The same on a device."""
        return Scaling(self.mean.to(device), self.inverse_std.to(device), self.force_scale_ev_ang.to(device))


def stack_scalings(scalings: Sequence[Scaling]) -> Scaling:
    """Scaling of K models from those of its members."""
    return Scaling(
        torch.cat([s.mean for s in scalings]),
        torch.cat([s.inverse_std for s in scalings]),
        torch.cat([s.force_scale_ev_ang for s in scalings]),
    )


class Network(Protocol):
    """K models of one architecture, side by side. P weights each, in one flat tensor [K, P].

    Attributes:
        frames_on_gpu: frames that a GPU predicts at once, each one counted for every model; 1: one model at a time.
    """

    @property
    def frames_on_gpu(self) -> int:
        """See above."""
        ...

    def parameter_count(self) -> int:
        """Number of weights P of one model."""
        ...

    def initial_parameters(self, seed: int) -> Tensor:
        """Random weights [P] of one model."""
        ...

    def trainable_mask(self, frozen_layers: int) -> Tensor:
        """Zero [P] for weights of the first layers, counted from the inputs; one for the others."""
        ...

    def measure_scaling(self, frames: FrameTensors, rows: Tensor, forces: Tensor) -> Scaling:
        """Scaling of one model (K = 1) from its training frames [n] and the forces [n, 3A] that it is to learn."""
        ...

    def batches(self, frames: FrameTensors, rows: Iterable[Tensor]) -> Iterator[Inputs]:
        """Inputs of one batch after another.

        Args:
            frames: the frames.
            rows: of each batch, the rows [K, M] of every model's own frames, or [1, M] where all models share them.
        """
        ...

    def captures(self, frames: FrameTensors) -> bool:
        """Whether a step on these frames has fixed shapes and asks the device for nothing, as a CUDA graph needs."""
        ...

    def energy_and_forces(self, parameters: Tensor, scaling: Scaling, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Energies [K, M] in eV up to a constant and forces [K, M, 3A] in eV/Å; differentiable by the weights."""
        ...


@runtime_checkable
class ScoreNetwork(Network, Protocol):
    """A network that score matching can train: it knows second derivatives of its energy."""

    def score_batches(self, frames: FrameTensors, probes: Probes, rows: Iterable[Tensor]) -> Iterator[Inputs]:
        """Inputs of one batch after another, with the derivatives of the inputs along the probes (see `batches`)."""
        ...

    def forces_and_curvature(self, parameters: Tensor, scaling: Scaling, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Forces [K, M, 3A] in eV/Å and second derivatives of the energy along V probes [K, M, V] in eV/Å^2."""
        ...


@runtime_checkable
class PositionNetwork(Network, Protocol):
    """A network that predicts from positions alone in double precision, faster than by way of a batch's inputs."""

    def summed(
        self, parameters: Tensor, scaling: Scaling
    ) -> Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """The sum of K models: positions [N, A, 3] in Å -> energies [N] in eV up to a constant, forces in eV/Å."""
        ...

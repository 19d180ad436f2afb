"""Any `torch.nn.Module` that gives energies of atoms, behind the fit loop's protocol.

The module is a function of its weights (`torch.func.functional_call`), so K models of one architecture lie side by side
in one flat tensor; on a GPU they run as one batch (`torch.func.vmap`), elsewhere one after another. Forces are the
gradient of the energy. Frames of one molecule have all ordered pairs of atoms as their edges, whatever the distance: a
module's messages end at its cutoff by themselves, and a step of fixed shapes asks the device for nothing. Frames of
several molecules have the pairs within the cutoff.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import torch
from torch import Tensor
from torch.func import functional_call, vmap

from asteroid.errors import InputError
from asteroid.models.positions import centred_positions, force_scaling

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from asteroid.descriptors.frame_bank import FrameTensors
    from asteroid.models.network import Inputs, Scaling

#: Frames that constants are fitted to.
_FITTED_FRAMES = 32


class ModuleSource(Protocol):
    """Where the module comes from, and what there is to know of it."""

    @property
    def elements(self) -> tuple[int, ...]:
        """Atomic numbers that it can be trained on."""
        ...

    @property
    def reach_ang(self) -> float:
        """Edges end here (Å)."""
        ...

    @property
    def fixed_shapes(self) -> bool:
        """On one molecule, the shapes in a step do not depend on the positions."""
        ...

    @property
    def fitted_buffers(self) -> str:
        """End of the names of constants that are fitted to the training frames; empty for none."""
        ...

    def fit_buffers(self, module: Any, numbers: Tensor, edges: Tensor, positions: Tensor) -> None:
        """Fit these constants to atoms [n] at positions [n, 3] (Å) with edges [2, E]."""
        ...

    def module(self) -> Any:
        """The module with weights drawn from torch's generator; it has `node_energy(numbers, edges, vectors)`."""
        ...

    def layer_prefixes(self) -> list[tuple[str, ...]]:
        """Names of weights by layer, from the inputs on."""
        ...


class _Energies(torch.nn.Module):
    """A module as a function of atomic numbers [n], edges [2, E] and their vectors [E, 3] to energies of atoms [n]."""

    def __init__(self, module: Any) -> None:
        super().__init__()
        self.module = module

    def forward(self, numbers: Tensor, edges: Tensor, vectors: Tensor) -> Tensor:
        energies: Tensor = self.module.node_energy(numbers, edges, vectors)
        return energies


@dataclass(frozen=True)
class ModuleNetwork:
    """Models of one module as the fit loop sees them (`asteroid.models.network.Network`), for any composition.

    Attributes:
        settings: architecture and size.
    """

    settings: ModuleSource

    frames_on_gpu: ClassVar[int] = 512

    def parameter_count(self) -> int:
        """Number of weights P of one model."""
        return sum(math.prod(shape) for shape in self._shapes.values())

    def initial_parameters(self, seed: int) -> Tensor:
        """Random weights [P] of one model, as its module draws them."""
        made = self._first if seed == 0 else self._make(seed)
        return torch.cat([p.detach().flatten().float() for p in made.parameters()])

    def trainable_mask(self, frozen_layers: int) -> Tensor:
        """Zero [P] for the embedding and the first layers, as the settings count them."""
        frozen = self.settings.layer_prefixes()[:frozen_layers]
        prefixes = tuple(f"module.{name}" for group in frozen for name in group)
        return torch.cat(
            [
                torch.full((math.prod(shape),), float(not (prefixes and name.startswith(prefixes))))
                for name, shape in self._shapes.items()
            ]
        )

    def measure_scaling(self, frames: FrameTensors, rows: Tensor, forces: Tensor) -> Scaling:
        """Force scale of one model and, in the place of an inverse spread, its fitted constants; distances need none.

        The constants are fitted with the weights of seed 0, so they follow from the frames alone.

        Raises:
            InputError: an element that the settings do not list.
        """
        found = set(frames.numbers_of(rows).unique().tolist()) - {0}
        if not found <= set(self.settings.elements):
            raise InputError(
                f"the model's elements are {sorted(self.settings.elements)}, found {sorted(found)}: list them under "
                "model.elements"
            )
        scaling = force_scaling(frames, rows, forces)
        if not self.settings.fitted_buffers:
            return scaling
        return replace(scaling, inverse_std=self._fitted(frames, rows[:_FITTED_FRAMES])[None].to(frames.device))

    def _fitted(self, frames: FrameTensors, rows: Tensor) -> Tensor:
        """The fitted constants [W], taken on the CPU."""
        (positions,) = centred_positions(frames, [rows[None]])
        numbers, places = frames.numbers_of(rows[None])[0].cpu(), positions[0].cpu()
        is_atom, n_atoms = numbers > 0, numbers.shape[1]
        edges = _all_pairs(len(rows), n_atoms, places.device)
        edges = edges[:, is_atom.flatten()[edges].all(0)]
        flat = places.reshape(-1, 3)
        near = (flat[edges[0]] - flat[edges[1]]).norm(dim=-1) < self.settings.reach_ang
        index = is_atom.flatten().cumsum(0) - 1
        module = deepcopy(self._first)
        self.settings.fit_buffers(module.module, numbers[is_atom], index[edges[:, near]], places[is_atom])
        return torch.stack([own.float() for name, own in module.named_buffers() if self._is_fitted(name)])

    def _is_fitted(self, name: str) -> bool:
        return bool(self.settings.fitted_buffers) and name.endswith(self.settings.fitted_buffers)

    def batches(self, frames: FrameTensors, rows: Iterable[Tensor]) -> Iterator[Inputs]:
        """Atomic numbers, [A] of one molecule or [K, M, A], and positions [K, M, A, 3] (float32, Å) of each batch."""
        batches = list(rows)
        for batch, positions in zip(batches, centred_positions(frames, batches), strict=True):
            yield frames.numbers if frames.numbers.ndim == 1 else frames.numbers_of(batch), positions

    def captures(self, frames: FrameTensors) -> bool:
        """Whether a step has fixed shapes and asks the device for nothing."""
        return frames.numbers.ndim == 1 and self.settings.fixed_shapes

    def energy_and_forces(self, parameters: Tensor, scaling: Scaling, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Energies [K, M] in eV up to a constant and forces [K, M, 3A] in eV/Å."""
        numbers, positions = inputs
        learning = torch.is_grad_enabled() and parameters.requires_grad
        slope: Tensor
        n_models = len(parameters)
        with torch.enable_grad():
            at = positions.detach().expand(n_models, -1, -1, -1).contiguous().requires_grad_()
            if numbers.ndim == 1:
                energy = self._of_one_molecule(parameters, numbers, at, scaling)
            else:
                every = numbers.expand(n_models, -1, -1)
                constants = self._constants(scaling, n_models)
                found = zip(parameters, every, at, constants, strict=True)
                energy = torch.stack([self._of_several(*own) for own in found])
            (slope,) = torch.autograd.grad(energy.sum(), at, create_graph=learning)
        scale = scaling.force_scale_ev_ang[:, None]
        energy = energy if learning else energy.detach()
        return energy * scale, slope.flatten(2) * -scale[..., None]

    def _of_one_molecule(self, parameters: Tensor, numbers: Tensor, at: Tensor, scaling: Scaling) -> Tensor:
        """Energies [K, M] of frames [K, M, A, 3]."""
        n_frames, n_atoms = at.shape[1:3]
        if (n_frames, n_atoms, at.device) not in self._pairs:
            self._pairs[n_frames, n_atoms, at.device] = _all_pairs(n_frames, n_atoms, at.device)
        edges, every = self._pairs[n_frames, n_atoms, at.device], numbers.repeat(n_frames)
        constants = self._constants(scaling, len(parameters))
        module = self._module_on(at.device, parameters.dtype)
        _ = self._shapes, self._tied  # not to be found inside of vmap

        def energies(weights: Tensor, positions: Tensor, constants: Tensor) -> Tensor:
            flat = positions.reshape(-1, 3)
            vectors = flat.index_select(0, edges[1]) - flat.index_select(0, edges[0])
            found: Tensor = self._called(module, self._named(weights, constants), (every, edges, vectors))
            return found.reshape(n_frames, n_atoms).sum(1)

        if len(parameters) == 1:
            return energies(parameters[0], at[0], constants[0])[None]
        if at.device.type != "cpu" and self.settings.fixed_shapes:
            side_by_side: Tensor = vmap(energies)(parameters, at, constants)
            return side_by_side
        return torch.stack([energies(*own) for own in zip(parameters, at, constants, strict=True)])

    def _of_several(self, weights: Tensor, numbers: Tensor, at: Tensor, constants: Tensor) -> Tensor:
        """Energies [M] of frames of several molecules [M, A], [M, A, 3]."""
        n_frames, n_atoms = numbers.shape
        is_atom = (numbers > 0).flatten()
        vectors = at[:, None] - at[:, :, None]  # [M, from, to, 3]
        apart = ~torch.eye(n_atoms, dtype=torch.bool, device=at.device)
        both = is_atom.reshape(n_frames, n_atoms, 1) & is_atom.reshape(n_frames, 1, n_atoms) & apart
        frame, first, second = (both & (vectors.detach().norm(dim=-1) < self.settings.reach_ang)).nonzero(as_tuple=True)
        place = is_atom.cumsum(0) - 1
        edges = torch.stack([place[frame * n_atoms + first], place[frame * n_atoms + second]])
        module, own = self._module_on(at.device, weights.dtype), numbers.flatten()[is_atom]
        inputs = own, edges, vectors[frame, first, second]
        found: Tensor = self._called(module, self._named(weights, constants), inputs)
        whose = torch.arange(n_frames, device=at.device).repeat_interleave(n_atoms)[is_atom]
        return found.new_zeros(n_frames).index_add(0, whose, found)

    def _constants(self, scaling: Scaling, n_models: int) -> Tensor:
        """Fitted constants [K, W] of the models; W = 0 where there are none, or models are older than the fit."""
        return scaling.inverse_std.expand(n_models, -1)

    def _called(self, module: Any, named: dict[str, Tensor], inputs: tuple[Tensor, ...]) -> Any:
        """What the module returns with these weights."""
        return functional_call(module, named, inputs, tie_weights=self._tied)  # looking for ties takes milliseconds

    def _named(self, weights: Tensor, constants: Tensor | None = None) -> dict[str, Tensor]:
        pieces = weights.split([math.prod(shape) for shape in self._shapes.values()])
        named = {name: p.view(shape) for (name, shape), p in zip(self._shapes.items(), pieces, strict=True)}
        if constants is not None and len(constants):
            named |= dict(zip(self._fitted_names, constants.to(weights.dtype).unbind(), strict=True))
        return named

    def _make(self, seed: int) -> Any:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return self._wrapped(self.settings.module())

    def _wrapped(self, module: Any) -> torch.nn.Module:
        return _Energies(module)

    def _module_on(self, device: torch.device, dtype: torch.dtype) -> Any:
        """The module with its constants on a device; its weights are not used."""
        key = (device, dtype)
        if key not in self._modules:
            self._modules[key] = deepcopy(self._first).to(device=device, dtype=dtype).requires_grad_(False)
        return self._modules[key]

    @cached_property
    def _first(self) -> Any:
        return self._make(0)  # seconds, for some

    @cached_property
    def _modules(self) -> dict[tuple[torch.device, torch.dtype], Any]:
        return {}

    @cached_property
    def _pairs(self) -> dict[tuple[int, int, torch.device], Tensor]:
        """Edges by number of frames and of atoms; a captured step needs them to stay where they are."""
        return {}

    @cached_property
    def _tied(self) -> bool:
        """Whether a weight has several names."""
        module = self._module_on(torch.device("cpu"), torch.float32)
        every = [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]
        return len(every) != len([*module.named_parameters(), *module.named_buffers()])

    @cached_property
    def _fitted_names(self) -> list[str]:
        return [name for name, _ in self._first.named_buffers() if self._is_fitted(name)]

    @cached_property
    def _shapes(self) -> dict[str, torch.Size]:
        own = self._module_on(torch.device("cpu"), torch.float32)
        return {name: p.shape for name, p in own.named_parameters()}


def _all_pairs(n_frames: int, n_atoms: int, device: torch.device) -> Tensor:
    """Edges [2, M A (A - 1)], from and to, between all atoms of each frame."""
    places = torch.arange(n_atoms, device=device)
    # Every other atom: 1 to A - 1 places further on, around the molecule.
    shift = torch.arange(1, n_atoms, device=device)
    to = places[:, None].expand(-1, n_atoms - 1)
    pairs = torch.stack([(places[:, None] + shift) % n_atoms, to]).flatten(1)
    return (pairs[:, None] + n_atoms * torch.arange(n_frames, device=device)[:, None]).flatten(1)

"""What training will cost, from a few real steps of each sort of pack on the frames of the sweep."""

from __future__ import annotations

import time
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch

from asteroid.models.outside.settings import CommandSettings
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.stage import Frames, KernelStage, NetworkStage
from asteroid.stages.train import train_pack

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import StageSpec
    from asteroid.training.schedule import Schedule
    from study.recipes.packs import Pack

#: Steps and validations of the two short trainings that are there to tell fixed costs from those of a step.
_FEW = 4
#: The longer training takes about so long, s, and at most so many steps.
_LONG_S, _MOST_STEPS = 0.6, 100
#: Frames that packs are tried on, at most: with thousands, what comes before the first step would take minutes.
_FRAMES = 200
#: Frames of more atoms than this take so long that packs are tried on so many of them, in batches of no more. Models
#: that draw batches of their own then take as many times as long as one, since what takes long is the description of a
#: batch. A frame costs the same in a step, whatever the batch, in a validation, and in each pass over all frames before
#: the first and after the last step.
_LARGE_ATOMS, _LARGE_FRAMES, _PASSES = 100, 4, 3
#: Frames of the two small kernels.
_KERNEL_FRAMES = (20, 40)


@dataclass(frozen=True)
class PackRate:
    """CPU seconds of packs of one sort and size.

    Attributes:
        fixed_s: before the first and after the last step.
        step_s: one gradient step of all models.
        validation_s: one validation of all models.
    """

    fixed_s: float
    step_s: float
    validation_s: float

    def core_s(self, schedule: Schedule) -> float:
        """CPU seconds of a pack of this sort and size."""
        return self.fixed_s + self.step_s * schedule.steps + self.validation_s * schedule.validations


@dataclass(frozen=True)
class KernelRate:
    """CPU seconds of a kernel in closed form: assembly grows with N², the solution with N³."""

    square_s: float
    cube_s: float

    @classmethod
    def through(cls, small: tuple[int, float], large: tuple[int, float]) -> KernelRate:
        """The two coefficients, neither of them negative, from (frames, seconds) of two fits."""
        (n, t), (m, s) = small, large
        if m == n:
            return cls(0.0, s / m**3)
        cube = (s / m**2 - t / n**2) / (m - n)
        square = t / n**2 - cube * n
        if cube <= 0:
            return cls(s / m**2, 0.0)
        return cls(0.0, s / m**3) if square < 0 else cls(square, cube)

    def core_s(self, n_frames: int) -> float:
        """CPU seconds of a kernel of so many frames."""
        return self.square_s * n_frames**2 + self.cube_s * n_frames**3


class WarmUp:
    """Measured costs of packs; what an outside program trains, or was given, is not tried and costs nothing here.

    Args:
        bank: the described frames of the sweep.
        packs: the packs that are asked for later; the smallest and the largest of each sort are tried.
        stages: the sweep's stages by key, for stand-ins of parents.
        n_atoms: of the largest frame.
    """

    def __init__(
        self, bank: FrameBank, packs: Iterable[Pack], stages: Mapping[str, StageSpec], n_atoms: int = 1
    ) -> None:
        self._bank, self._stages, self._large = bank, stages, n_atoms > _LARGE_ATOMS
        sorts: dict[tuple[object, ...], list[Pack]] = defaultdict(list)
        for pack in packs:
            if not _is_free(pack.specs[0]):
                sorts[_sort(pack)].append(pack)
        self._kernels: dict[tuple[object, ...], KernelRate] = {}
        self._rates: dict[tuple[object, ...], dict[int, PackRate]] = {}
        for sort, own in sorts.items():
            kernels = [spec for pack in own for spec in pack.specs if isinstance(spec, KernelStage)]
            if kernels:
                self._kernels[sort] = self._kernel_rate(max(kernels, key=lambda spec: spec.n_frames))
            else:
                ends = [min(own, key=_size), max(own, key=_size)]
                if self._alone(own[0]):
                    ends = [replace(ends[0], specs=ends[0].specs[:1])]
                tried = {len(pack.specs): pack for pack in ends}
                self._rates[sort] = {size: self._pack_rate(pack) for size, pack in tried.items()}

    def core_s(self, pack: Pack) -> float:
        """Expected CPU seconds of one of the packs; between the two sizes that were tried, a straight line."""
        first = pack.specs[0]
        if _is_free(first):
            return 0.0
        if isinstance(first, KernelStage):
            return self._kernels[_sort(pack)].core_s(first.n_frames)
        (least, small), *more = sorted(self._rates[_sort(pack)].items())
        if self._alone(pack):
            return len(pack.specs) * small.core_s(first.schedule)
        if not more:
            return small.core_s(first.schedule)
        most, large = more[0]
        share = (len(pack.specs) - least) / (most - least)
        return (1 - share) * small.core_s(first.schedule) + share * large.core_s(first.schedule)

    def _alone(self, pack: Pack) -> bool:
        """Whether one model is tried for all of a pack."""
        return self._large and not pack.share_batches

    def _pack_rate(self, pack: Pack) -> PackRate:
        """Tried on a part of the frames, twice: what comes before the first step grows with their number."""
        if self._large:
            return self._large_pack_rate(pack)
        parents = {key: self._stand_in(self._stages[key]) for key in pack.parents}
        n_frames = max(len(spec.train) for spec in pack.specs)
        least = max(_FRAMES, *(spec.schedule.batch_size for spec in pack.specs if isinstance(spec, NetworkStage)))
        part = _part(pack, least)
        self._spend(part, parents, 1, 1)  # what is loaded and allocated once
        short_s = self._spend(part, parents, _FEW, 1)
        steps = max(2 * _FEW, min(_MOST_STEPS, int(_FEW * _LONG_S / max(short_s, 1e-6))))
        step_s = max(0.0, self._spend(part, parents, steps, 1) - short_s) / (steps - _FEW)
        validation_s = max(0.0, self._spend(part, parents, _FEW, _FEW) - short_s) / (_FEW - 1)
        fixed_s = max(0.0, short_s - _FEW * step_s - validation_s)
        if n_frames > least:
            frame_s = max(0.0, short_s - self._spend(_part(pack, least // 2), parents, _FEW, 1)) / (least - least // 2)
            fixed_s += frame_s * (n_frames - least)
            validation_s *= _n_val(pack) / max(_n_val(part), 1)
        return PackRate(fixed_s, step_s, validation_s)

    def _large_pack_rate(self, pack: Pack) -> PackRate:
        """Tried with one and with two steps of a small batch."""
        parents = {key: self._stand_in(self._stages[key]) for key in pack.parents}
        part = _part(pack, _LARGE_FRAMES)
        batch = max(spec.schedule.batch_size for spec in pack.specs if isinstance(spec, NetworkStage))
        first_s = self._spend(part, parents, 1, 1)
        step_s = max(0.0, self._spend(part, parents, 2, 1) - first_s)
        frame_s = step_s / min(batch, _LARGE_FRAMES)
        fixed_s = max(0.0, first_s - step_s - frame_s * _n_val(part))
        fixed_s += _PASSES * frame_s * max(0, max(len(spec.train) for spec in pack.specs) - _LARGE_FRAMES)
        return PackRate(fixed_s, batch * frame_s, frame_s * _n_val(pack))

    def _spend(self, pack: Pack, parents: Mapping[str, TrainedModel], steps: int, validations: int) -> float:
        """CPU seconds of a short training."""
        specs = []
        for spec in pack.specs:
            if isinstance(spec, NetworkStage):
                batch = min(spec.schedule.batch_size, _LARGE_FRAMES) if self._large else spec.schedule.batch_size
                short = replace(spec.schedule, steps=steps, validations=validations, batch_size=batch)
                specs.append(replace(spec, schedule=short))
        began = time.process_time()
        train_pack(self._bank, specs, parents, share_batches=pack.share_batches)
        return time.process_time() - began

    def _kernel_rate(self, spec: KernelStage) -> KernelRate:
        parents = {key: self._stand_in(self._stages[key]) for key in spec.parents}
        sizes = [min(n, spec.n_frames) for n in _KERNEL_FRAMES]
        self._spend_kernel(spec, parents, min(sizes))  # the package is loaded once
        small, large = ((n, self._spend_kernel(spec, parents, n)) for n in sizes)
        return KernelRate.through(small, large)

    def _spend_kernel(self, spec: KernelStage, parents: Mapping[str, TrainedModel], n_frames: int) -> float:
        level, hashes = spec.train.level, (*spec.train.hashes, *spec.val.hashes)
        small = replace(spec, train=Frames(level, hashes[:n_frames]), val=Frames(level, ()))
        began = time.process_time()
        train_pack(self._bank, [small], parents)
        return time.process_time() - began

    def _stand_in(self, spec: StageSpec) -> TrainedNetwork:
        """An untrained network in the place of a parent: it computes as fast as a trained one."""
        if isinstance(spec, KernelStage):
            raise ValueError("no stage is a kernel's child")
        network, frames = spec.model.network(self._bank.layout), self._bank.levels[spec.train.level]
        if not len(spec.train):  # a model that was given; any forces will do
            like = next(own for own in self._stages.values() if spec.key in own.parents)
            spec = replace(spec, train=like.train) if isinstance(spec, NetworkStage) else spec
        enough = _LARGE_FRAMES if self._large else len(spec.train)
        rows = self._bank.rows_of(spec.train.level, spec.train.hashes[:enough])
        forces = torch.nan_to_num(frames.forces[rows], nan=1.0)
        scaling = network.measure_scaling(frames, rows, forces).to(torch.device("cpu"))
        return TrainedNetwork(spec.model, network.initial_parameters(spec.seeds.weights), scaling, 0.0)


def _is_free(spec: StageSpec) -> bool:
    """Whether it takes no time here: an outside program trains it, or it is a model that was given."""
    return isinstance(spec.model, CommandSettings) or (isinstance(spec, NetworkStage) and spec.given is not None)


def _sort(pack: Pack) -> tuple[object, ...]:
    """Packs of equal sort cost the same for each step, validation and model."""
    spec = pack.specs[0]
    weighted = any(s.is_weighted for s in pack.specs)
    batch = (spec.schedule.batch_size, spec.schedule.force_loss) if isinstance(spec, NetworkStage) else None
    return (pack.kind, spec.train.level, spec.model, batch, pack.share_batches, weighted, spec.base is not None)


def _part(pack: Pack, n_frames: int) -> Pack:
    """The pack on the first frames of each of its models, held-out ones in their share."""
    return replace(pack, specs=tuple(_on_part(spec, n_frames) for spec in pack.specs))


def _on_part(spec: StageSpec, n_frames: int) -> StageSpec:
    kept = min(n_frames, len(spec.train))
    held_out = -(-kept * len(spec.val) // max(len(spec.train), 1))
    base = spec.base
    if base is not None:
        hashes = base.hashes[:kept] + base.hashes[len(spec.train) :][:held_out]
        base = Frames(base.level, hashes)
    train, val = (Frames(f.level, f.hashes[:n]) for f, n in ((spec.train, kept), (spec.val, held_out)))
    return replace(spec, train=train, val=val, base=base)


def _n_val(pack: Pack) -> int:
    return sum(len(spec.val) for spec in pack.specs)


def _size(pack: Pack) -> tuple[int, int]:
    return len(pack.specs), max(len(spec.val) for spec in pack.specs)

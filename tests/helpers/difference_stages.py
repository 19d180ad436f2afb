"""A small bank with cheap labels and probes, stages of every kind on it, and planted labels."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, FrameBank, Prediction, build_bank
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.labels.label_set import content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.models.predict import predict_models
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages.stage import Frames, KernelStage, NetworkStage, ScoreSettings, Seeds, StageResult
from asteroid.stages.train import train_pack
from asteroid.training.schedule import Schedule

ACCURATE, CHEAP = "ccsd_t/cc-pvdz", "gfn2-xtb"
DESCRIPTORS = DescriptorSettings(n_radial=5, n_angular=3, l_max=2)
SCHEDULE = Schedule(steps=60, learning_rate=1e-2, warmup_steps=5, ema=0.9, validations=4)
KERNEL = KernelSettings(sigmas=(10,))


@cache
def bank() -> FrameBank:
    """60 accurate frames with cheap labels at their geometries, 160 cheap frames with probes."""
    methanol = load_methanol()
    accurate = methanol.accurate.select(np.arange(60))
    sets = (accurate, methanol.cheap.select(accurate.frame_id), methanol.cheap.select(np.arange(0, 16_000, 100)))
    hashes = [content_hashes(labels) for labels in sets]
    entries = [BankEntry(sets[0], hashes[0], cheap=(sets[1],)), BankEntry(sets[2], hashes[2], n_probes=2)]
    return build_bank(DESCRIPTORS, entries)


def with_labels(level: str, labels: Prediction) -> FrameBank:
    """The bank with other labels at one level."""
    frames = replace(bank().levels[level], energy=labels.energy, forces=labels.forces)
    return replace(bank(), levels={**bank().levels, level: frames})


def some(level: str, start: int, stop: int) -> Frames:
    return Frames(level, tuple(bank().rows[level])[start:stop])


def stage(kind: str = "identify", **changes: object) -> NetworkStage | KernelStage:
    on_cheap = kind in ("pretrain", "score_match")
    if kind == "kernel":
        frames = some(ACCURATE, 0, 40), some(ACCURATE, 40, 50)
        return replace(KernelStage(DESCRIPTORS, KERNEL, *frames, Seeds(0, 1, 2)), **changes)
    spec = NetworkStage(
        kind=kind,
        descriptors=DESCRIPTORS,
        model=MLPSettings(hidden=12),
        schedule=SCHEDULE,
        train=some(CHEAP, 0, 140) if on_cheap else some(ACCURATE, 0, 40),
        val=some(CHEAP, 140, 160) if on_cheap else some(ACCURATE, 40, 50),
        seeds=Seeds(0, 1, 2),
    )
    return replace(spec, **changes)


#: Cheap labels at the frames that a stage on accurate labels sees; what they are is in the bank.
BASE = Frames(CHEAP, tuple(f"cheap {i}" for i in range(50)))
SCORE = ScoreSettings(temperature_k=500.0, n_probes=2)


@cache
def parent() -> StageResult:
    (result,) = train_pack(bank(), [stage("pretrain")], {})
    return result


def everything(level: str = ACCURATE) -> torch.Tensor:
    return torch.arange(len(bank().levels[level].energy))


def parents_prediction() -> Prediction:
    """Of all accurate frames: energies [60] and forces [60, 18]."""
    found = predict_models(bank(), ACCURATE, everything(), [parent().model])
    return Prediction(found.energy[0], found.forces[0])


def spring(stiffness_ev_ang2: float = 8.0) -> Prediction:
    """A known small function, a spring between carbon and oxygen: its energies [60] and forces [60, 18]."""
    at = bank().levels[ACCURATE].positions
    along = at[:, 1] - at[:, 0]
    length = along.norm(dim=1, keepdim=True)
    forces = torch.zeros_like(at)
    forces[:, 0] = stiffness_ev_ang2 * (length - 1.4) * along / length
    forces[:, 1] = -forces[:, 0]
    return Prediction(0.5 * stiffness_ev_ang2 * (length[:, 0] - 1.4).square(), forces.flatten(1).float())


def total(one: Prediction, other: Prediction) -> Prediction:
    return Prediction(one.energy + other.energy, one.forces + other.forces)


def force_mae(found: Prediction, labelled: Prediction, rows: slice = slice(50, 60)) -> float:
    return float((found.forces[0, rows] - labelled.forces[rows]).abs().mean())

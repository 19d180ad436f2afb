"""A chain as a function of positions: the same numbers as the bank's, sums of terms, and what a call costs."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, FrameBank, build_bank
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet, content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.models.schnet import SchNetSettings
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages.potential import Potential, cpu_s_per_frame
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.stage import Frames, KernelStage, NetworkStage, Seeds
from asteroid.stages.train import train_pack
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import StageSpec

LEVEL = "ccsd_t/cc-pvdz"
MLP, SCHNET = MLPSettings(hidden=8), SchNetSettings(hidden=8, layers=1, n_gaussians=8)


@cache
def bank() -> FrameBank:
    """30 accurate frames with cheap labels at their geometries."""
    methanol = load_methanol()
    labels = methanol.accurate.select(np.arange(30))
    entry = BankEntry(labels, content_hashes(labels), cheap=(methanol.cheap.select(labels.frame_id),))
    return build_bank(DescriptorSettings(n_radial=4, n_angular=2, l_max=1), [entry])


@cache
def trained() -> tuple[dict[str, StageSpec], dict[str, TrainedModel]]:
    """Chains by name (their last stages), and all models by key."""
    names = tuple(bank().rows[LEVEL])
    first = NetworkStage(
        kind="identify",
        descriptors=bank().layout.settings,
        model=MLP,
        schedule=Schedule(steps=20, learning_rate=1e-2, validations=2),
        train=Frames(LEVEL, names[:16]),
        val=Frames(LEVEL, names[16:20]),
        seeds=Seeds(0, 1, 2),
    )
    kernel = KernelStage(first.descriptors, KernelSettings(sigmas=(10,)), first.train, first.val, first.seeds)
    base = Frames("gfn2-xtb", tuple(f"cheap {i}" for i in range(20)))
    chains = {
        "mlp": first,
        "schnet": replace(first, model=SCHNET),
        "kernel": kernel,
        "residual": replace(first, kind="residual", parents=(first.key,)),
        "mixed": replace(first, kind="residual", model=SCHNET, parents=(first.key,)),
        "kernel on a network": replace(kernel, parents=(first.key,)),
        "delta": replace(kernel, base=base),
    }
    models: dict[str, TrainedModel] = {}
    for spec in chains.values():
        (result,) = train_pack(bank(), [spec], models)
        models[spec.key] = result.model
    return chains, models


def cheap(
    numbers: NDArray[np.int64], positions: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The cheap method: it knows the labels of the frames of the bank."""
    frames = bank().levels[LEVEL]
    rows = [int(np.abs(frames.positions.numpy() - at).sum((1, 2)).argmin()) for at in positions]
    known = frames.cheap["gfn2-xtb"]
    return known.energy[rows].numpy(), known.forces[rows].double().numpy().reshape(-1, 6, 3)


def potential(name: str) -> Potential:
    chains, models = trained()
    spec = chains[name]
    terms = [spec.key] + ([spec.added_to] if spec.added_to else [])
    return Potential(bank().layout, tuple(models[key] for key in terms), cheap if spec.base else None)


NUMBERS = np.array([6, 8, 1, 1, 1, 1])


@pytest.mark.parametrize("name", ["mlp", "schnet", "kernel", "residual", "mixed", "kernel on a network", "delta"])
def test_positions_give_what_the_described_frames_give(name: str) -> None:
    chains, models = trained()
    rows = torch.arange(20, 30)
    wanted = predict_chain(bank(), LEVEL, rows, [chains[name]], models)
    at = bank().levels[LEVEL].positions[rows].numpy()
    energy, forces = potential(name).energy_and_forces(NUMBERS, at)
    assert (energy.shape, forces.shape, energy.dtype, forces.dtype) == ((10,), (10, 6, 3), np.float64, np.float64)
    np.testing.assert_allclose(energy, wanted.energy[0], rtol=0, atol=2e-5)
    np.testing.assert_allclose(forces.reshape(10, 18), wanted.forces[0], rtol=0, atol=2e-5)
    one = potential(name).energy_and_forces(NUMBERS, at[3:4])
    np.testing.assert_allclose(one[1][0], forces[3], rtol=0, atol=2e-5)


def test_terms_add_up() -> None:
    whole = potential("kernel on a network")
    at = bank().levels[LEVEL].positions[20:25].numpy()
    parts = [Potential(whole.layout, (model,)).energy_and_forces(NUMBERS, at) for model in whole.models]
    energy, forces = whole.energy_and_forces(NUMBERS, at)
    np.testing.assert_allclose(energy, sum(e for e, _ in parts), rtol=0, atol=1e-6)
    np.testing.assert_allclose(forces, sum(f for _, f in parts), rtol=0, atol=1e-6)
    live = replace(whole, cheap=lambda _, x: (np.full(len(x), 2.0), np.full(x.shape, 0.25)))
    np.testing.assert_allclose(live.energy_and_forces(NUMBERS, at)[0], energy + 2.0, rtol=0, atol=1e-9)
    np.testing.assert_allclose(live.energy_and_forces(NUMBERS, at)[1], forces + 0.25, rtol=0, atol=1e-9)


@pytest.mark.parametrize("numbers", [[8, 6, 1, 1, 1, 1], [6, 8, 1, 1, 1], [6, 8, 1, 1, 1, 9]])
@pytest.mark.parametrize("name", ["schnet", "kernel on a network"])
def test_other_atoms_or_another_order_are_refused_in_one_line(name: str, numbers: list[int]) -> None:
    with pytest.raises(InputError) as caught:
        potential(name).energy_and_forces(np.array(numbers), np.zeros((1, len(numbers), 3)))
    assert str(caught.value) == f"the model knows the atoms [6, 8, 1, 1, 1, 1], found {numbers}: keep their order"


def test_later_calls_use_the_network_of_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Published models take seconds to make."""
    potential("schnet")  # trains it, and so makes networks of its own
    made, original = [], SchNetSettings.network
    monkeypatch.setattr(SchNetSettings, "network", lambda *given: made.append(given) or original(*given))
    own, at = potential("schnet"), load_methanol().accurate.positions[:1]
    own.energy_and_forces(NUMBERS, at)
    n_made = len(made)
    own.energy_and_forces(NUMBERS, at)
    assert len(made) == n_made > 0


def test_a_call_costs_time_and_a_slow_method_costs_more() -> None:
    frames = bank().levels[LEVEL].positions.numpy()
    labels = LabelSet(NUMBERS, frames, None, None, LEVEL)
    calls: list[int] = []

    def counted(z: NDArray[np.int64], x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        calls.append(len(x))
        total = 0.0
        for _ in range(20):
            total += float(np.linalg.norm(np.ones((300, 300)) @ np.ones((300, 300))))
        return np.zeros(len(x)), np.zeros(x.shape) + 0.0 * total

    quick = cpu_s_per_frame(potential("mlp"), labels)
    assert 0 < quick < 0.5
    assert cpu_s_per_frame(replace(potential("mlp"), cheap=counted), labels) > 1.5 * quick
    assert set(calls) == {1}, "one frame at a time, as molecular dynamics asks"
    assert cpu_s_per_frame(potential("mlp"), labels.select([0, 1])) > 0, "fewer frames than are timed"

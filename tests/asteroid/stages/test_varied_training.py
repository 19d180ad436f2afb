"""Several molecules in one batch: nothing leaks between frames or from padding, errors are those of the atoms."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from varied_sets import FORMALDEHYDE, HYDROGEN, WATER, springs, together

from asteroid.descriptors.frame_bank import BankEntry, FrameBank, FrameTensors, Prediction, build_bank
from asteroid.labels.label_set import LabelSet, content_hashes
from asteroid.labels.molecules import split_molecules
from asteroid.labels.total_energy import all_electron_energy_ev
from asteroid.models.mlp import MLPSettings
from asteroid.models.network import Scaling
from asteroid.models.predict import predict_models
from asteroid.models.schnet import SchNet, SchNetSettings
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.bias_weights import estimate_bias
from asteroid.stages.evaluation import evaluate
from asteroid.stages.potential import Potential, cpu_s_per_frame
from asteroid.stages.stage import Frames, NetworkStage, Seeds, StageResult
from asteroid.stages.train import train_pack
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVEL = "ccsd_t/cc-pvdz"
SETTINGS = SchNetSettings(hidden=16, layers=2, n_gaussians=20)
ONE = Scaling(torch.empty(1, 0), torch.empty(1, 0), torch.ones(1, dtype=torch.float64))
SCHEDULE = Schedule(steps=100, learning_rate=5e-3, warmup_steps=5, batch_size=8, ema=0.9, validations=4)


def labels_of(n: int = 30, seed: int = 0, level: str = LEVEL) -> LabelSet:
    molecules = (WATER, HYDROGEN, FORMALDEHYDE)
    return together([springs(m, n, seed + i, level=level) for i, m in enumerate(molecules)], seed)


def bank_of(*sets: LabelSet) -> FrameBank:
    return build_bank(None, [BankEntry(labels, content_hashes(labels)) for labels in sets])


def padded(labels: LabelSet, more: int) -> LabelSet:
    """The same frames with more places that hold no atom."""
    wider = ((0, 0), (0, more))
    return replace(
        labels,
        numbers=np.pad(labels.numbers, wider),
        positions=np.pad(labels.positions, (*wider, (0, 0))),
        forces=np.pad(labels.forces, (*wider, (0, 0))),
    )


def spec_of(labels: LabelSet, n: int = 60, **changes: object) -> NetworkStage:
    names = content_hashes(labels)
    spec = NetworkStage(
        kind="identify",
        descriptors=None,
        model=SETTINGS,
        schedule=SCHEDULE,
        train=Frames(labels.level, tuple(names[:n])),
        val=Frames(labels.level, tuple(names[n : n + 20])),
        seeds=Seeds(0, 1, 2),
    )
    return replace(spec, **changes)


def parameters_of(seed: int) -> torch.Tensor:
    return SchNet(SETTINGS).initial_parameters(seed)[None].double()


def test_a_frame_in_a_mixed_batch_is_what_it_is_alone() -> None:
    labels, network = labels_of(4), SchNet(SETTINGS)
    frames = bank_of(labels).levels[LEVEL]
    (inputs,) = network.batches(frames, [torch.arange(12)[None]])
    weights, one = parameters_of(3).float(), replace(ONE, force_scale_ev_ang=torch.ones(1))
    energy, forces = network.energy_and_forces(weights, one, inputs)
    assert forces.shape == (1, 12, 12)
    for molecule in split_molecules(labels):
        own = bank_of(molecule.labels).levels[LEVEL]
        assert own.numbers.ndim == 1
        for place, row in enumerate(molecule.rows):
            (alone,) = network.batches(own, [torch.tensor([[place]])])
            found = network.energy_and_forces(weights, one, alone)
            size = found[1].shape[-1]
            torch.testing.assert_close(energy[0, row], found[0][0, 0], rtol=1e-5, atol=1e-6)
            torch.testing.assert_close(forces[0, row, :size], found[1][0, 0], rtol=1e-4, atol=1e-6)
            assert not forces[0, row, size:].any(), "no force where there is no atom"


def test_forces_of_a_mixed_batch_are_the_falling_slope_of_its_energies() -> None:
    labels, network, step = labels_of(1), SchNet(SETTINGS), 1e-4
    frames = bank_of(labels).levels[LEVEL]

    def energy(positions: torch.Tensor) -> torch.Tensor:
        return network.energy_and_forces(parameters_of(3), ONE, (frames.numbers[None], positions[None]))[0][0]

    at = frames.positions
    forces = network.energy_and_forces(parameters_of(3), ONE, (frames.numbers[None], at[None]))[1].reshape(3, 4, 3)
    for atom in range(4):
        for axis in range(3):
            moved = torch.zeros_like(at)
            moved[:, atom, axis] = step
            slope = (energy(at + moved) - energy(at - moved)) / (2 * step)
            torch.testing.assert_close(forces[:, atom, axis], -slope, rtol=1e-5, atol=1e-7)


def test_batches_are_those_that_pyg_collates() -> None:
    from torch_geometric.data import Batch, Data

    from asteroid.models.schnet import _graphs

    labels = labels_of(2)
    frames = bank_of(labels).levels[LEVEL]
    graphs = _graphs(frames.numbers, frames.positions)
    assert isinstance(graphs, Batch)
    assert graphs.num_graphs == 6
    collated = Batch.from_data_list(
        [
            Data(z=numbers[:size], pos=at[:size])
            for numbers, at, size in zip(frames.numbers, frames.positions, labels.n_atoms, strict=True)
        ]
    )
    for name in ("z", "pos", "batch", "ptr"):
        assert torch.equal(graphs[name], collated[name]), name


def test_errors_and_biases_are_means_over_atoms() -> None:
    labels = labels_of(5)
    frames, rows = bank_of(labels).levels[LEVEL], torch.tensor([3, 0, 14, 7])
    rng = np.random.default_rng(0)
    off = rng.normal(size=labels.forces.shape) * (labels.numbers > 0)[..., None]
    predicted = Prediction(frames.energy[rows][None] + 0.5, (frames.forces + torch.tensor(off).flatten(1))[rows][None])
    (errors,) = evaluate(predicted, frames, rows)
    own = [off[row, : labels.n_atoms[row]] for row in rows]
    assert errors.force_mae_ev_ang == pytest.approx(np.mean([np.abs(o).mean() for o in own]), rel=1e-6)
    assert errors.force_rmse_ev_ang == pytest.approx(np.sqrt(np.mean([(o**2).mean() for o in own])), rel=1e-6)
    assert errors.energy_mae_ev == pytest.approx(0.5)
    (aligned,) = evaluate(predicted, frames, rows, realign_energy=True)
    assert aligned.energy_mae_ev < 1e-9


def test_realigned_energies_know_no_zero_of_any_element() -> None:
    labels = labels_of(5)
    frames, rows = bank_of(labels).levels[LEVEL], torch.arange(15)
    strange = torch.zeros(119, dtype=torch.float64)
    strange[[1, 6, 8]] = torch.tensor([3.0, -700.0, 44.0], dtype=torch.float64)
    moved = frames.energy + strange[frames.numbers].sum(-1)
    plain, (aligned,) = (
        evaluate(Prediction(moved[None], frames.forces[None]), frames, rows, realign_energy=realign)
        for realign in (False, True)
    )
    assert plain[0].energy_mae_ev > 50
    assert aligned.energy_mae_ev < 1e-8


@pytest.fixture(scope="module")
def trained() -> tuple[FrameBank, NetworkStage, StageResult]:
    labels = labels_of()
    bank, spec = bank_of(labels), spec_of(labels)
    (result,) = train_pack(bank, [spec], {})
    return bank, spec, result


def test_training_learns_forces_and_energies(trained: tuple[FrameBank, NetworkStage, StageResult]) -> None:
    bank, spec, result = trained
    assert result.status == "ok"
    frames, rows = bank.levels[LEVEL], bank.rows_of(LEVEL, spec.val.hashes)
    mean_force = float(frames.component_mean(frames.forces[rows].abs(), rows).mean())
    assert result.val_force_mae_ev_ang < 0.8 * mean_force
    predicted = predict_models(bank, LEVEL, rows, [result.model])
    (errors,) = evaluate(predicted, frames, rows)
    assert errors.force_mae_ev_ang == pytest.approx(result.val_force_mae_ev_ang, rel=1e-4)
    # Molecules differ by thousands of eV; what is left is the size of the springs' energies.
    assert float(frames.energy[rows].std()) > 1000
    assert errors.energy_mae_ev < 1.0
    assert isinstance(result.model, TrainedNetwork)
    fitted = result.model.element_energies_ev
    assert fitted is not None
    for number in (1, 6, 8):
        assert float(fitted[number]) == pytest.approx(1.01 * all_electron_energy_ev(np.array([number])), abs=5.0)


@pytest.mark.parametrize("loss", ["l2", "mae"])
def test_places_without_atoms_change_nothing(loss: str) -> None:
    labels = labels_of()
    schedule = replace(SCHEDULE, steps=8, force_loss=loss)
    (narrow,) = train_pack(bank_of(labels), [spec_of(labels, schedule=schedule)], {})
    (wide,) = train_pack(bank_of(padded(labels, 4)), [spec_of(labels, schedule=schedule)], {})
    assert narrow.key == wide.key, "a frame is the same frame in a wider set"
    for name in ("parameters", "element_energies_ev"):
        torch.testing.assert_close(getattr(wide.model, name), getattr(narrow.model, name), rtol=1e-3, atol=1e-4)
    assert wide.val_force_mae_ev_ang == pytest.approx(narrow.val_force_mae_ev_ang, rel=1e-4)


def test_a_set_of_one_molecule_trains_as_that_molecule_does() -> None:
    one = springs(WATER, 60, 5)
    varied = replace(one, numbers=np.tile(one.numbers, (60, 1)))
    assert varied.varied
    schedule = replace(SCHEDULE, steps=10)
    results = [train_pack(bank_of(s), [spec_of(s, 40, schedule=schedule)], {})[0] for s in (one, varied)]
    torch.testing.assert_close(results[1].model.parameters, results[0].model.parameters, rtol=1e-4, atol=1e-5)
    rows = torch.arange(60)
    energies = [
        predict_models(bank_of(s), LEVEL, rows, [r.model]).energy for s, r in zip((one, varied), results, strict=True)
    ]
    torch.testing.assert_close(energies[0], energies[1], rtol=0, atol=2e-2)  # a median against a mean


def chain_of(accurate: LabelSet, cheap: LabelSet) -> tuple[NetworkStage, NetworkStage, NetworkStage]:
    identify = spec_of(accurate)
    pretrain = spec_of(cheap, kind="pretrain", parents=(identify.key,), gamma_rel=1.0)
    return identify, pretrain, spec_of(accurate, kind="finetune", parents=(pretrain.key,))


def run_chain(bank: FrameBank, chain: Sequence[NetworkStage]) -> dict[str, StageResult]:
    results: dict[str, StageResult] = {}
    for spec in chain:
        (results[spec.key],) = train_pack(bank, [spec], {key: results[key].model for key in spec.parents})
    return results


def test_the_three_stages_of_asteroid_on_several_molecules() -> None:
    accurate, cheap = labels_of(), labels_of(30, 50, "gfn2-xtb")
    spoilt = cheap.forces.copy()
    water = cheap.n_atoms == 3
    spoilt[water, :3] += 5.0 * np.random.default_rng(0).normal(size=(30, 3, 3))
    cheap = replace(cheap, forces=spoilt, energy=cheap.energy + 300.0 * cheap.n_atoms)
    bank = bank_of(accurate, cheap)
    chain = chain_of(accurate, cheap)
    results = run_chain(bank, chain)
    assert all(result.status == "ok" for result in results.values())
    teacher, weighted, tuned = (results[spec.key] for spec in chain)
    bias = estimate_bias(bank, "gfn2-xtb", torch.arange(90), [teacher.model])[0].numpy()
    assert bias[water].min() > np.median(bias[~water]), "the spoilt labels are seen, in the molecule that has them"
    own = predict_models(bank, "gfn2-xtb", torch.arange(90), [teacher.model]).forces[0].numpy().reshape(90, 4, 3)
    for row in (0, 5, 11):
        size = cheap.n_atoms[row]
        assert bias[row] == pytest.approx(np.abs(own[row, :size] - cheap.forces[row, :size]).mean(), rel=1e-4)
    assert weighted.effective_sample is not None
    assert weighted.effective_sample < 0.8 * 60
    rows = bank.rows_of(LEVEL, chain[2].val.hashes)
    (errors,) = evaluate(predict_models(bank, LEVEL, rows, [tuned.model]), bank.levels[LEVEL], rows)
    assert errors.energy_mae_ev < 1.0, "energies of the elements are those of the accurate level again"


def test_interrupted_training_goes_on_to_the_same_bits() -> None:
    labels = labels_of()
    bank, spec = bank_of(labels), spec_of(labels)
    (whole,) = train_pack(bank, [spec], {})
    (early,) = train_pack(bank, [spec], {}, until=50)
    (late,) = train_pack(bank, [spec], {}, earlier=[early])
    assert torch.equal(late.model.parameters, whole.model.parameters)
    assert torch.equal(late.model.element_energies_ev, whole.model.element_energies_ev)
    assert late.model.energy_shift_ev == whole.model.energy_shift_ev


def test_a_model_survives_storage(trained: tuple[FrameBank, NetworkStage, StageResult]) -> None:
    model = trained[2].model
    again = TrainedNetwork.from_tensors(SETTINGS, model.tensors())
    assert torch.equal(again.element_energies_ev, model.element_energies_ev)
    rows = torch.arange(10)
    one, other = (predict_models(trained[0], LEVEL, rows, [m]).energy for m in (model, again))
    assert torch.equal(one, other)
    plain = replace(model, element_energies_ev=None)
    assert TrainedNetwork.from_tensors(SETTINGS, plain.tensors()).element_energies_ev is None


def test_a_potential_takes_molecules_it_never_saw_together(
    trained: tuple[FrameBank, NetworkStage, StageResult],
) -> None:
    bank, _, result = trained
    potential = Potential(None, (result.model,))
    labels = labels_of()
    everything = predict_models(bank, LEVEL, torch.arange(90), [result.model])
    for molecule in split_molecules(labels):
        energy, forces = potential.energy_and_forces(molecule.labels.numbers, molecule.labels.positions)
        np.testing.assert_allclose(energy, everything.energy[0, molecule.rows], atol=1e-4)
        wanted = everything.forces[0, molecule.rows, : forces[0].size]
        np.testing.assert_allclose(forces.reshape(len(forces), -1), wanted, atol=1e-5)
    assert 0 < cpu_s_per_frame(potential, labels) < 1.0


def test_frames_of_several_molecules_have_no_descriptors() -> None:
    frames = bank_of(labels_of(2)).levels[LEVEL]
    assert frames.descriptors is None
    assert isinstance(frames, FrameTensors)
    with pytest.raises(ValueError, match="descriptors of one composition"):
        MLPSettings().network(None)

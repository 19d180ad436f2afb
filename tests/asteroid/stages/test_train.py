"""Stages that learn differences, kernels and frames without labels: planted labels, sums by hand, failures by step."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, FrameBank, Prediction, build_bank
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.labels.label_set import content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.models.predict import predict_models
from asteroid.models.sgdml.fit import fit_kernel
from asteroid.models.sgdml.model import KernelModel
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.stage import Frames, KernelStage, NetworkStage, ScoreSettings, Seeds, StageResult
from asteroid.stages.train import train_pack
from asteroid.training import fit_loop as training
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
    entries = [BankEntry(sets[0], hashes[0], cheap=sets[1]), BankEntry(sets[2], hashes[2], n_probes=2)]
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


def test_a_residual_network_learns_what_the_parent_leaves() -> None:
    labels = total(parents_prediction(), spring())
    planted = with_labels(ACCURATE, labels)
    schedule = replace(SCHEDULE, steps=300)
    residual, alone = stage("residual", parents=(parent().key,), schedule=schedule), stage(schedule=schedule)
    known = {parent().key: parent().model}
    (result,), (blind,) = train_pack(planted, [residual], known), train_pack(planted, [alone], {})
    known |= {result.key: result.model, blind.key: blind.model}
    chain = predict_chain(planted, ACCURATE, everything(), [residual], known)
    left = float(spring().forces[50:].abs().mean())
    assert force_mae(chain, labels) < 0.35 * left, "the parent misses all of the spring"
    assert force_mae(chain, labels) < 0.35 * force_mae(
        predict_chain(planted, ACCURATE, everything(), [alone], known), labels
    )
    assert float((chain.energy[0] - labels.energy)[50:].abs().mean()) < 0.02
    measured = force_mae(chain, labels, slice(40, 50))
    assert result.val_force_mae_ev_ang == pytest.approx(measured, rel=1e-3), "the error of the sum, on its own frames"


def test_a_residual_network_has_nothing_to_add_to_a_perfect_parent() -> None:
    labels = parents_prediction()
    planted = with_labels(ACCURATE, labels)
    residual = stage("residual", parents=(parent().key,))
    (result,) = train_pack(planted, [residual], {parent().key: parent().model})
    own = predict_models(planted, ACCURATE, everything(), [result.model])
    assert float(own.forces.abs().max()) < 1e-3
    assert float(own.energy.abs().max()) < 1e-3
    assert result.status == "ok"


def test_residuals_of_different_parents_train_in_one_pack() -> None:
    (other,) = train_pack(bank(), [stage("pretrain", seeds=Seeds(0, 5, 6))], {})
    known = {parent().key: parent().model, other.key: other.model}
    specs = [stage("residual", parents=(key,)) for key in known]
    packed = train_pack(bank(), specs, known, share_batches=True)
    for spec, result in zip(specs, packed, strict=True):
        (alone,) = train_pack(bank(), [spec], known)
        assert alone.val_force_mae_ev_ang == pytest.approx(result.val_force_mae_ev_ang, rel=1e-3)
        assert alone.model.energy_shift_ev == pytest.approx(result.model.energy_shift_ev, abs=1e-3)
    assert packed[0].val_force_mae_ev_ang != pytest.approx(packed[1].val_force_mae_ev_ang, rel=1e-3)


@pytest.mark.parametrize("on_base", [False, True])
@pytest.mark.parametrize("on_parent", [False, True])
def test_a_kernel_is_fitted_to_the_differences(on_parent: bool, on_base: bool) -> None:
    spec = stage("kernel", parents=(parent().key,) if on_parent else (), base=BASE if on_base else None)
    (result,) = train_pack(bank(), [spec], {parent().key: parent().model})
    frames = bank().levels[ACCURATE]
    base = Prediction(torch.zeros(60, dtype=torch.float64), torch.zeros(60, 18))
    if on_base:
        base = frames.cheap
    if on_parent:
        base = total(base, parents_prediction())
    energy, forces = frames.energy - base.energy, frames.forces - base.forces
    wanted = fit_kernel(
        bank().layout.numbers,
        frames.positions[:50].numpy(),
        energy[:50].numpy(),  # validation labels are its as well
        forces[:50].double().numpy().reshape(50, 6, 3),
        KERNEL,
        1,
    ).model
    assert isinstance(result.model, KernelModel)
    for name, tensor in wanted.tensors().items():
        torch.testing.assert_close(result.model.tensors()[name], tensor, rtol=1e-6, atol=1e-9, msg=name)
    assert (result.status, result.validation_curve, result.spec["schedule"]) == ("ok", (), None)
    assert math.isnan(result.val_force_mae_ev_ang), "one length scale is not cross-validated"


def test_a_kernel_reports_its_cross_validated_error_and_keeps_its_seed() -> None:
    spec = stage("kernel", model=KernelSettings(sigmas=(5, 20)), base=BASE)
    one, again = train_pack(bank(), [spec, spec], {})
    assert 0 < one.val_force_mae_ev_ang < 0.5
    assert one.val_force_mae_ev_ang == again.val_force_mae_ev_ang
    assert torch.equal(one.model.coefficients, again.model.coefficients)


def test_a_singular_kernel_fails_alone() -> None:
    specs = [stage("kernel", model=KernelSettings(sigmas=(s,), regularisation=1e-30), base=BASE) for s in (10**6, 10)]
    singular, sound = train_pack(bank(), specs, {})
    assert singular.status == "a kernel with sigma 1000000 is not positive at 1e-30: raise the regularisation"
    assert math.isnan(singular.model.scale_ev_ang)
    assert sound.status == "ok"


def test_the_prediction_of_a_chain_is_the_sum_of_its_terms() -> None:
    specs = [
        stage("residual", parents=(parent().key,)),
        stage("kernel", parents=(parent().key,)),
        stage("kernel", base=BASE),
        stage("kernel", parents=(parent().key,), base=BASE),
        stage("finetune", parents=(parent().key,)),
    ]
    known = {parent().key: parent().model}
    for spec in specs:
        (result,) = train_pack(bank(), [spec], known)
        known[result.key] = result.model
    rows = torch.tensor([57, 3, 41])
    cheap = bank().levels[ACCURATE].cheap.rows(rows)
    found = predict_chain(bank(), ACCURATE, rows, specs, known)
    assert (found.energy.shape, found.forces.shape) == ((5, 3), (5, 3, 18))
    mine = parents_prediction().rows(rows)
    zero = Prediction(torch.zeros(3, dtype=torch.float64), torch.zeros(3, 18))
    added = (mine, mine, cheap, total(mine, cheap), zero)  # a fine-tuned network stands for itself
    for place, (spec, extra) in enumerate(zip(specs, added, strict=True)):
        own = predict_models(bank(), ACCURATE, rows, [known[spec.key]])
        torch.testing.assert_close(found.energy[place], own.energy[0] + extra.energy, rtol=0, atol=1e-6)
        torch.testing.assert_close(found.forces[place], own.forces[0] + extra.forces, rtol=0, atol=1e-5)
        assert float((found.forces[place] - bank().levels[ACCURATE].forces[rows]).abs().mean()) < 0.7


@pytest.mark.parametrize("kind", ["kernel", "residual"])
def test_differences_to_a_cheap_method_need_its_labels(kind: str) -> None:
    frames = replace(bank().levels[ACCURATE], cheap=None)
    bare = replace(bank(), levels={**bank().levels, ACCURATE: frames})
    with pytest.raises(ValueError, match="difference to a cheap method needs its labels in the bank"):
        train_pack(bare, [stage(kind, base=BASE)], {})


def test_weights_that_throw_most_labels_away_are_doubted() -> None:
    (teacher,) = train_pack(bank(), [stage()], {})
    specs = [stage("pretrain", parents=(teacher.key,), gamma_rel=gamma) for gamma in (0.002, 1.0)]
    cold, warm = train_pack(bank(), specs, {teacher.key: teacher.model}, share_batches=True)
    assert cold.effective_sample < 0.02 * 140 < warm.effective_sample
    share = f"{cold.effective_sample / 140:.1%}"
    assert cold.warnings[0] == f"effective sample {cold.effective_sample:.1f} of 140 frames ({share}): raise gamma_rel"
    assert warm.warnings == teacher.warnings == ()


def test_a_model_worse_than_none_is_told_though_its_loss_stays_finite() -> None:
    wild = replace(SCHEDULE, learning_rate=30.0, warmup_steps=0)
    specs = [stage("identify", schedule=schedule) for schedule in (SCHEDULE, wild)]
    sane, useless = (train_pack(bank(), [spec], {})[0] for spec in specs)
    assert (sane.status, useless.status) == ("ok", "ok")
    rows = bank().rows_of(ACCURATE, specs[0].val.hashes)
    idle = float(bank().levels[ACCURATE].forces[rows].abs().mean())
    assert sane.val_force_mae_ev_ang < idle < useless.val_force_mae_ev_ang
    assert sane.warnings == ()
    assert useless.warnings == (
        f"identify leaves a validation error of {useless.val_force_mae_ev_ang:.3g} eV/Å, predicting no forces one of "
        f"{idle:.3g}: lower its learning_rate or train longer",
    )


def test_a_loss_that_is_not_finite_is_told_with_its_step() -> None:
    schedule = replace(SCHEDULE, batch_size=5)  # eight batches to a pass of 40 frames
    child = stage("finetune", parents=(parent().key,), schedule=schedule)
    batches = training._batches(40, schedule, child.seeds.batches)
    place = int(batches[4, 2])  # first seen in the fifth step
    forces = bank().levels[ACCURATE].forces.clone()
    forces[place, 7] = math.nan
    planted = with_labels(ACCURATE, Prediction(bank().levels[ACCURATE].energy, forces))
    without = Frames(ACCURATE, tuple(h for row, h in enumerate(child.train.hashes) if row != place))
    specs = [child, replace(child, train=without)]
    broken, whole = train_pack(planted, specs, {parent().key: parent().model})
    assert broken.status == "loss not finite at step 5"
    assert whole.status == "ok"


def test_score_matching_sees_no_label() -> None:
    spec = stage("score_match", score=SCORE)
    (result,) = train_pack(bank(), [spec], {})
    frames = bank().levels[CHEAP]
    ruined = with_labels(CHEAP, Prediction(frames.energy * math.nan, frames.forces * math.nan))
    (again,) = train_pack(ruined, [spec], {})
    assert torch.equal(result.model.parameters, again.model.parameters)
    assert result.validation_curve == again.validation_curve
    assert result.status == again.status == "ok"
    assert math.isnan(result.val_force_mae_ev_ang), "there is no force to miss"
    assert len(result.validation_curve) == 4
    assert all(math.isfinite(loss) for _, loss in result.validation_curve)
    assert result.validation_curve[-1][1] < result.validation_curve[0][1]
    assert result.model.energy_shift_ev == result.energy_shift_ev == 0.0
    others = [replace(spec, score=replace(SCORE, temperature_k=300.0)), replace(spec, seeds=Seeds(0, 1, 9))]
    for other, found in zip(others, train_pack(bank(), others, {}), strict=True):
        assert found.key == other.key != result.key
        assert not torch.equal(found.model.parameters, result.model.parameters)


def test_score_matching_packs_like_everything_else() -> None:
    given = ((300.0, 1), (600.0, 4))
    specs = [stage("score_match", score=ScoreSettings(t, 2), seeds=Seeds(0, seed, 2)) for t, seed in given]
    for share in (False, True):
        packed = train_pack(bank(), specs, {}, share_batches=share)
        for spec, result in zip(specs, packed, strict=True):
            (alone,) = train_pack(bank(), [spec], {})
            assert result.validation_curve[0][1] == pytest.approx(alone.validation_curve[0][1], rel=1e-3)
            assert result.validation_curve[-1][1] == pytest.approx(alone.validation_curve[-1][1], rel=1e-2)


def test_fine_tuning_goes_on_from_score_matching() -> None:
    (scored,) = train_pack(bank(), [stage("score_match", score=SCORE)], {})
    child = stage("finetune", parents=(scored.key,))
    still = replace(child, schedule=replace(SCHEDULE, learning_rate=1e-12))
    tuned, unmoved = train_pack(bank(), [child, still], {scored.key: scored.model})
    torch.testing.assert_close(unmoved.model.parameters, scored.model.parameters, rtol=0, atol=1e-6)
    assert tuned.status == "ok"
    assert tuned.val_force_mae_ev_ang < unmoved.val_force_mae_ev_ang
    assert math.isfinite(tuned.model.energy_shift_ev)
    assert abs(tuned.energy_shift_ev) > 1000, "score matching does not know the constant of the energy"


def test_score_matching_needs_probes() -> None:
    frames = replace(bank().levels[CHEAP], probes=None)
    bare = replace(bank(), levels={**bank().levels, CHEAP: frames})
    with pytest.raises(ValueError, match="frames with probes"):
        train_pack(bare, [stage("score_match", score=SCORE)], {})

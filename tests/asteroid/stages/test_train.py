"""Stages that learn differences, kernels and frames without labels: planted labels, sums by hand, failures by step."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
import torch
from difference_stages import (
    ACCURATE,
    CHEAP,
    SCHEDULE,
    SCORE,
    bank,
    everything,
    force_mae,
    parent,
    parents_prediction,
    spring,
    stage,
    total,
    with_labels,
)

from asteroid.descriptors.frame_bank import Prediction
from asteroid.errors import InputError
from asteroid.models.predict import predict_models
from asteroid.stages import train as training_of_stages
from asteroid.stages.predict_chain import predict_chain
from asteroid.stages.stage import Frames, ScoreSettings, Seeds
from asteroid.stages.train import train_pack
from asteroid.training import fit_loop as training

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.stages.stage import NetworkStage, StageResult


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


def test_too_little_memory_of_a_gpu_halves_the_pack(monkeypatch: pytest.MonkeyPatch) -> None:
    pack = [stage(schedule=replace(SCHEDULE, steps=4), seeds=Seeds(0, k, 2)) for k in range(3)]
    expected = [train_pack(bank(), [spec], {})[0] for spec in pack]
    whole, sizes, most = training_of_stages.train_networks, [], 1

    def train_networks(own_bank: FrameBank, specs: list[NetworkStage], *args: Any, **kwargs: Any) -> list[StageResult]:
        sizes.append(len(specs))
        if len(specs) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return whole(own_bank, specs, *args, **kwargs)

    monkeypatch.setattr(training_of_stages, "train_networks", train_networks)
    with pytest.warns(UserWarning, match="does not fit into the GPU's memory and is halved: lower pack_size"):
        results = train_pack(bank(), pack, {})
    assert sizes == [3, 1, 2, 1, 1]
    assert [result.key for result in results] == [spec.key for spec in pack]
    assert all(torch.equal(a.model.parameters, b.model.parameters) for a, b in zip(results, expected, strict=True))
    most = 0
    with pytest.raises(InputError, match="one network of mlp must fit into the GPU's memory"):
        train_pack(bank(), pack[:1], {})

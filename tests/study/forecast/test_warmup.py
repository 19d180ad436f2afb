from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

import study.forecast.warmup
from study.forecast.count import make_forecast
from study.forecast.warmup import KernelRate, WarmUp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asteroid.stages.stage import NetworkStage, StageSpec
    from asteroid.training.schedule import Schedule
    from study.recipes.workload import Workload


@given(st.floats(0, 1e-3), st.floats(1e-9, 1e-4))
def test_kernel_seconds_are_recovered(square: float, cube: float) -> None:
    truth = KernelRate(square, cube)
    found = KernelRate.through((20, truth.core_s(20)), (40, truth.core_s(40)))
    assert found.core_s(1000) == pytest.approx(truth.core_s(1000), rel=1e-6)


def test_noisy_kernel_seconds_never_shrink() -> None:
    for small, large in (((20, 1.0), (40, 1.1)), ((20, 0.001), (40, 1.0)), ((7, 0.5), (7, 0.5))):
        rate = KernelRate.through(small, large)
        assert min(rate.square_s, rate.cube_s) >= 0
        assert rate.core_s(large[0]) == pytest.approx(large[1])


def test_the_warm_up_tells_fixed_costs_from_steps_and_validations(
    tiny_workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = 0.0

    def train(_: object, specs: list[object], *__: object, **___: object) -> None:
        nonlocal clock
        schedule = specs[0].schedule  # type: ignore[attr-defined]
        clock += 0.25 + len(specs) * (0.03 * schedule.steps + 0.07 * schedule.validations)

    monkeypatch.setattr(study.forecast.warmup, "train_pack", train)
    monkeypatch.setattr(study.forecast.warmup.time, "process_time", lambda: clock)
    monkeypatch.setattr(WarmUp, "_stand_in", lambda *_: None)
    forecast = make_forecast(tiny_workload)
    warm_up = WarmUp(None, forecast.packs, forecast.stages)  # type: ignore[arg-type]
    for pack in forecast.packs:
        schedule = pack.specs[0].schedule
        assert schedule is not None
        truth = 0.25 + len(pack.specs) * (0.03 * schedule.steps + 0.07 * schedule.validations)
        assert warm_up.core_s(pack) == pytest.approx(truth, rel=1e-9)


def test_many_frames_are_reckoned_from_a_part_of_them(tiny_workload: Workload, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, most = 0.0, 0

    def train(_: object, specs: list[NetworkStage], *__: object, **___: object) -> None:
        nonlocal clock, most
        most = max(most, *(len(spec.train) for spec in specs))
        clock += cost(specs, specs[0].schedule)

    def cost(specs: Sequence[StageSpec], schedule: Schedule) -> float:
        held_out = sum(len(spec.val) for spec in specs)
        before = 0.25 + 0.5 * max(len(spec.train) for spec in specs)
        return before + 0.03 * schedule.steps + held_out * 0.07 * schedule.validations

    monkeypatch.setattr(study.forecast.warmup, "_FRAMES", 20)
    monkeypatch.setattr(study.forecast.warmup, "train_pack", train)
    monkeypatch.setattr(study.forecast.warmup.time, "process_time", lambda: clock)
    monkeypatch.setattr(WarmUp, "_stand_in", lambda *_: None)
    forecast = make_forecast(tiny_workload)
    packs = [pack for pack in forecast.packs if pack.kind == "pretrain"]
    warm_up = WarmUp(None, packs, forecast.stages)  # type: ignore[arg-type]
    assert most == 20 < max(len(spec.train) for pack in packs for spec in pack.specs)
    for pack in packs:
        assert warm_up.core_s(pack) == pytest.approx(cost(pack.specs, pack.specs[0].schedule), rel=0.02)


def test_of_a_large_molecule_one_model_is_tried_for_all(
    tiny_workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, tried = 0.0, []

    def cost(specs: Sequence[StageSpec], schedule: Schedule) -> float:
        frames = 3 * max(len(spec.train) for spec in specs) + schedule.steps * schedule.batch_size
        held_out = sum(len(spec.val) for spec in specs) / len(specs)
        return len(specs) * (0.2 + 0.03 * (frames + held_out * schedule.validations))

    def train(_: object, specs: list[NetworkStage], *__: object, **___: object) -> None:
        nonlocal clock
        tried.append((len(specs), max(max(len(spec.train), spec.schedule.batch_size) for spec in specs)))
        clock += cost(specs, specs[0].schedule)

    monkeypatch.setattr(study.forecast.warmup, "train_pack", train)
    monkeypatch.setattr(study.forecast.warmup.time, "process_time", lambda: clock)
    monkeypatch.setattr(WarmUp, "_stand_in", lambda *_: None)
    forecast = make_forecast(tiny_workload)
    packs = [pack for pack in forecast.packs if not pack.share_batches and len(pack.specs) > 1]
    warm_up = WarmUp(None, packs, forecast.stages, 300)  # type: ignore[arg-type]
    assert any(pack.specs[0].schedule.batch_size > 4 for pack in packs)  # type: ignore[union-attr]
    assert {n for n, _ in tried} == {1}
    assert max(n for _, n in tried) <= 4
    for pack in packs:
        one = min((p for p in packs if p.kind == pack.kind), key=lambda p: len(p.specs)).specs[:1]
        assert warm_up.core_s(pack) == pytest.approx(len(pack.specs) * cost(one, pack.specs[0].schedule), rel=0.05)

from __future__ import annotations

from typing import TYPE_CHECKING

from tiny_sweep import NINE, sweep_of

import study.forecast.warmup
from study.forecast.count import make_forecast
from study.forecast.measure import measure
from study.recipes.workload import make_workload

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_every_kind_of_stage_is_tried(tiny_labels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study.forecast.warmup, "_LONG_S", 0.02)
    tried = []
    real = study.forecast.warmup.train_pack

    def noting(bank: object, specs: list[object], *given: object, **named: object) -> object:
        tried.append(specs[0].kind)  # type: ignore[attr-defined]
        return real(bank, specs, *given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(study.forecast.warmup, "train_pack", noting)
    workload = make_workload(sweep_of(tiny_labels, *NINE))
    forecast = make_forecast(workload)
    found = measure(workload, forecast, 2)
    assert set(tried) == {"identify", "pretrain", "score_match", "finetune", "residual", "kernel"}
    assert found.wall_s > 0
    assert 0 < found.core_s < 120
    assert 2**26 < found.memory_bytes < 2**35
    assert found.disk_bytes > 0
    finished = measure(workload, forecast, 1, workload.stages.keys())
    assert finished.core_s == 0

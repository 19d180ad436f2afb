from __future__ import annotations

import os
from typing import TYPE_CHECKING

from study.run import hardware

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_processor_is_the_systems_or_the_kind_of_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "cpuinfo"
    monkeypatch.setattr(hardware, "Path", lambda _: info)
    monkeypatch.setattr(hardware.platform, "machine", lambda: "riscv64")
    assert hardware.processor() == "riscv64"
    info.write_text("processor : 0\nmodel name\t: Some CPU: 3 GHz\nmodel name\t: another\n")
    assert hardware.processor() == "Some CPU: 3 GHz"


def test_numerical_libraries_get_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    for name in names:
        monkeypatch.setenv(name, "7")
    hardware.use_one_thread()
    assert [os.environ[name] for name in names] == ["1", "1", "1"]

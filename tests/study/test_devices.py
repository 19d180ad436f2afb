"""Names of devices, and what stands in keys and folders of where a stage was trained."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import torch
from tiny_packs import quick

from asteroid.errors import InputError
from study.devices import parse_device
from study.run.folder import check_device

if TYPE_CHECKING:
    from pathlib import Path


def test_only_classes_of_devices_have_names() -> None:
    assert parse_device("cpu") == "cpu"
    with pytest.raises(InputError, match="cpu or cuda, found 'cuda:1'"):
        parse_device("cuda:1")


def test_cuda_needs_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="sees none"):
        parse_device("cuda")


def test_the_key_of_a_stage_names_its_device_unless_it_is_the_cpu() -> None:
    spec = quick(0).specs[0]
    there = replace(spec, device="cuda")
    assert "device" not in spec.to_json()
    assert there.to_json() == spec.to_json() | {"device": "cuda"}
    assert there.key != spec.key


def test_a_run_goes_on_where_it_began(tmp_path: Path) -> None:
    check_device(tmp_path, "cuda")
    (tmp_path / "manifest.json").write_text(json.dumps({"name": "of an older release"}))
    check_device(tmp_path, "cpu")
    with pytest.raises(InputError, match="was trained on cpu, found --device cuda"):
        check_device(tmp_path, "cuda")

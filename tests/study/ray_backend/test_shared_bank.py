"""Frames in files: the same arrays, nothing half-written, and a worker that does not see them."""

from __future__ import annotations

import errno
from dataclasses import is_dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from tiny_packs import DESCRIPTORS, LEVEL, bank

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, build_bank
from asteroid.labels.label_set import content_hashes
from study.ray_backend import shared_bank as mapped_bank
from study.ray_backend.shared_bank import MappedBank, SharedBank

if TYPE_CHECKING:
    from pathlib import Path


def tensors(value: Any) -> dict[str, Any]:
    found = {}
    for name, item in (value if isinstance(value, dict) else vars(value)).items():
        if isinstance(item, dict) or is_dataclass(item):
            found |= {f"{name}.{inner}": tensor for inner, tensor in tensors(item).items()}
        else:
            found[name] = item
    return found


def test_mapped_frames_are_the_same_arrays_on_disk(tmp_path: Path) -> None:
    labels = load_methanol().accurate.select(np.arange(4))
    given = build_bank(DESCRIPTORS, [BankEntry(labels, content_hashes(labels), cheap=(labels,), n_probes=2)])
    empty = replace(given.levels[LEVEL], jacobians=torch.empty(0, 3), descriptors=None)
    given = replace(given, levels={LEVEL: given.levels[LEVEL], "empty": empty})
    (tmp_path / "scratch").mkdir()
    (tmp_path / "scratch" / "left by a killed driver").touch()
    opened = MappedBank.write(SharedBank.of(given), tmp_path / "scratch").open()
    assert (opened.layout, opened.rows) == (given.layout, given.rows)
    for level in given.levels:
        before, after = tensors(given.levels[level]), tensors(opened.levels[level])
        assert before.keys() == after.keys()
        for name, tensor in before.items():
            assert (tensor is None and after[name] is None) or (
                tensor.dtype == after[name].dtype
                and tensor.shape == after[name].shape
                and tensor.numpy().tobytes() == after[name].numpy().tobytes()
            ), name
    names = sorted(path.name for path in (tmp_path / "scratch").iterdir())
    assert names == sorted(f"{n}.npy" for n in range(10 + 8)), "empty ones need none"
    path = next((tmp_path / "scratch").glob("1.npy"))
    before_it = float(opened.levels[LEVEL].positions[0, 0, 0])
    with path.open("r+b") as file:  # really mapped: a change of the file is seen
        array = np.lib.format.open_memmap(path, mode="r+")
        array[0, 0, 0] = before_it + 1
        array.flush()
        del array, file
    assert float(opened.levels[LEVEL].positions[0, 0, 0]) == before_it + 1


def test_a_full_disk_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved = []
    save = np.save

    def until_full(file: Any, array: np.ndarray, **options: Any) -> None:
        saved.append(file)
        if len(saved) == 3:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(file, array, **options)

    monkeypatch.setattr(mapped_bank.np, "save", until_full)
    with pytest.raises(OSError, match="No space left"):
        MappedBank.write(SharedBank.of(bank()), tmp_path / "scratch")
    assert list(tmp_path.iterdir()) == []


def test_files_that_a_node_does_not_see_are_an_error_to_whoever_opens_them(tmp_path: Path) -> None:
    written = MappedBank.write(SharedBank.of(bank()), tmp_path / "scratch")
    (tmp_path / "scratch").rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError):
        written.open()

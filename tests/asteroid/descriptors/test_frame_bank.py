from __future__ import annotations

import re
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.descriptors import frame_bank as frames
from asteroid.descriptors.describe import bytes_per_frame, describe
from asteroid.descriptors.frame_bank import BankEntry, build_bank
from asteroid.descriptors.layout import DescriptorSettings, make_layout
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet, content_hashes

if TYPE_CHECKING:
    from asteroid.descriptors.frame_bank import FrameBank

RESOLUTION = DescriptorSettings(n_radial=3, n_angular=2, l_max=1)


def without(labels: LabelSet, *missing: str) -> LabelSet:
    kept = {name: None if name in missing else getattr(labels, name) for name in ("energy", "forces")}
    return LabelSet(labels.numbers, labels.positions, level=labels.level, **kept)


def test_tensors_hold_the_labels(methanol_bank: FrameBank, methanol_sets: tuple[LabelSet, LabelSet]) -> None:
    assert set(methanol_bank.levels) == set(methanol_bank.rows) == {labels.level for labels in methanol_sets}
    for labels in methanol_sets:
        tensors = methanol_bank.levels[labels.level]
        assert tensors.energy.dtype == torch.float64  # total energies need it
        np.testing.assert_array_equal(tensors.energy, labels.energy)
        np.testing.assert_allclose(tensors.forces, labels.forces.reshape(len(labels), 18), rtol=1e-6)
        values, jacobians = describe(methanol_bank.layout, labels.positions[3:5])
        assert torch.allclose(tensors.descriptors[3:5], values, atol=1e-6)
        assert torch.allclose(tensors.jacobians[3:5], jacobians, atol=1e-6)


def test_the_bank_owns_its_labels(methanol_sets: tuple[LabelSet, LabelSet]) -> None:
    labels = methanol_sets[0].select(np.arange(3))
    tensors = build_bank(RESOLUTION, [BankEntry(labels, content_hashes(labels))]).levels[labels.level]
    tensors.energy.add_(1.0)
    tensors.forces.add_(1.0)
    np.testing.assert_allclose(labels.energy, methanol_sets[0].energy[:3])
    np.testing.assert_allclose(labels.forces, methanol_sets[0].forces[:3])


def test_frames_are_found_by_content_in_the_order_asked(methanol_sets: tuple[LabelSet, LabelSet]) -> None:
    accurate, cheap = (labels.select(np.arange(8)) for labels in methanol_sets)
    hashes = {labels.level: content_hashes(labels) for labels in (accurate, cheap)}
    bank = build_bank(RESOLUTION, [BankEntry(accurate, hashes[accurate.level]), BankEntry(cheap, hashes[cheap.level])])
    wanted = [5, 0, 7, 5]
    for labels in (accurate, cheap):
        rows = bank.rows_of(labels.level, [hashes[labels.level][row] for row in wanted])
        assert rows.dtype == torch.int64
        assert rows.tolist() == wanted
    assert bank.rows_of(cheap.level, []).shape == (0,)
    with pytest.raises(KeyError):
        bank.rows_of(accurate.level, hashes[cheap.level])


def test_progress_is_told(methanol_sets: tuple[LabelSet, LabelSet]) -> None:
    accurate, cheap = methanol_sets[0].select(np.arange(4)), methanol_sets[1].select(np.arange(9))
    told: list[int] = []
    build_bank(RESOLUTION, [BankEntry(labels, content_hashes(labels)) for labels in (accurate, cheap)], told.append)
    assert told == [4, 9]


@pytest.mark.parametrize("missing", [("energy",), ("forces",), ("energy", "forces")], ids="-".join)
def test_missing_labels_are_refused_in_one_line(
    methanol_sets: tuple[LabelSet, LabelSet], missing: tuple[str, ...]
) -> None:
    bare = without(methanol_sets[1].select(np.arange(3)), *missing)
    with pytest.raises(InputError, match=r"needs energies and forces, the gfn2-xtb set lacks them") as caught:
        build_bank(RESOLUTION, [BankEntry(bare, content_hashes(bare))])
    assert "\n" not in str(caught.value)


def test_what_does_not_fit_in_memory_is_refused_before_the_work(
    methanol_sets: tuple[LabelSet, LabelSet], monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = methanol_sets[1].select(np.arange(30))
    hashes = content_hashes(labels)
    width = make_layout(labels.numbers, RESOLUTION).width
    per_frame = 6 * (3 * 8 + 3 * 4) + 8 + (2 + 1) * 4 * width  # positions and forces, energy; two probes, Laplacian
    monkeypatch.setattr(
        frames.psutil, "virtual_memory", lambda: SimpleNamespace(available=int(26 * per_frame / 0.8) + 1)
    )
    described: list[int] = []
    with pytest.raises(InputError, match=r"30 frames with 2 probes need .* are free: use at most \d+ frames") as caught:
        build_bank(RESOLUTION, [BankEntry(labels, hashes, n_probes=2)], described.append)
    assert "\n" not in str(caught.value)
    assert described == []
    largest = int(re.search(r"at most (\d+)", str(caught.value))[1])
    assert largest == 26
    build_bank(RESOLUTION, [BankEntry(labels.select(np.arange(26)), hashes[:26], n_probes=2)])  # as promised
    (tensors,) = build_bank(RESOLUTION, [BankEntry(labels, hashes)]).levels.values()
    assert tensors.jacobians is None  # without probes all can be trained on, described batch by batch


def test_the_largest_level_is_streamed_where_memory_is_short(methanol_sets: tuple[LabelSet, LabelSet]) -> None:
    accurate, cheap = methanol_sets[0].select(np.arange(10)), methanol_sets[1].select(np.arange(30))
    given = [BankEntry(labels, content_hashes(labels)) for labels in (cheap, accurate)]
    per_frame = bytes_per_frame(make_layout(cheap.numbers, RESOLUTION))
    for stored_frames, stored in (
        (9, set()),
        (10, {accurate.level}),
        (39, {accurate.level}),
        (40, {accurate.level, cheap.level}),
    ):
        bank = build_bank(RESOLUTION, given, memory_bytes=stored_frames * per_frame)
        assert {level for level, tensors in bank.levels.items() if tensors.jacobians is not None} == stored
        for level, tensors in bank.levels.items():
            assert (tensors.descriptors is not None) == (level in stored)
    both = build_bank(RESOLUTION, given).levels.values()  # by the memory that is free
    assert all(tensors.jacobians is not None for tensors in both)

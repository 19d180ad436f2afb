from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import strategies as st
from plain_sweep import parse, sweep_data

from study.config.sweep_text import parse_sweep, read_sweep, sweep_yaml

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("written", "price_cpu_s"), [("28s", 28.0), ("1.4 ms", 0.0014), ("2 h", 7200.0), (3, 3.0), (0.5, 0.5), ("0 s", 0.0)]
)
def test_prices_are_numbers_or_carry_a_unit(written: str | float, price_cpu_s: float) -> None:
    section = {"dataset": "methanol", "prices": {"CCSD(T)/cc-pVDZ": written}}
    assert parse(sweep_data(data=section)).data.prices == {"ccsd_t/cc-pvdz": pytest.approx(price_cpu_s, rel=1e-15)}


def test_paths_of_label_files_count_from_the_sweep_file(tmp_path: Path) -> None:
    folder = tmp_path / "sweeps"
    folder.mkdir()
    elsewhere = tmp_path / "absolute.npz"
    section = {"accurate": {"file": "../labels/a.npz", "price": "28s"}, "cheap": {"file": str(elsewhere)}}
    (folder / "sweep.yaml").write_text(yaml.safe_dump(sweep_data(data=section)))
    data = read_sweep(folder / "sweep.yaml").data
    assert data.accurate is not None
    assert data.cheap is not None
    assert data.accurate.file == (tmp_path / "labels" / "a.npz").resolve()
    assert data.accurate.price == 28.0
    assert data.cheap.file == elsewhere.resolve()


def test_sets_of_md17_are_named_and_their_folder_counts_from_the_sweep_file(tmp_path: Path) -> None:
    named = {"file": "md17:aspirin CCSD train", "price": "28s", "data_folder": "sets"}
    (tmp_path / "sweep.yaml").write_text(yaml.safe_dump(sweep_data(data={"accurate": named, "cheap": named})))
    data = read_sweep(tmp_path / "sweep.yaml").data
    assert data.accurate is not None
    assert str(data.accurate.file) == "md17:aspirin CCSD train"
    assert data.accurate.data_folder == (tmp_path / "sets").resolve()
    again = parse_sweep(sweep_yaml(read_sweep(tmp_path / "sweep.yaml")), "again", tmp_path / "elsewhere").data
    assert again == data


prices = st.floats(min_value=0, max_value=1e9)


@pytest.mark.parametrize("written", [1e308, float("inf"), -1, "1e300 d"])
def test_nobody_pays_for_longer_than_the_world_lasts(written: str | float) -> None:
    with pytest.raises(ValueError, match=r"prices"):
        parse(sweep_data(data={"dataset": "methanol", "prices": {"CCSD(T)/cc-pVDZ": written}}))

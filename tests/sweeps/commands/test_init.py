"""The command `init`: files that run as they are, drafted from label files, a pool, or one geometry."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from command_line import call, refused
from varied_sets import mixed

from asteroid.datasets import load_methanol
from asteroid.io.write import write_labels
from study.config.buying import read_buy_study
from study.config.sweep_text import read_sweep
from sweeps import sampling

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few hundred methanol labels of both levels, without prices."""
    folder = tmp_path_factory.mktemp("files")
    data = load_methanol()
    write_labels(data.accurate.select(range(0, 1360, 6)), folder / "cc.xyz")
    write_labels(data.cheap.select(range(0, 20000, 20)), folder / "xtb.npz")
    return folder


PRICES = ("--set", "accurate.price=28s", "--set", "cheap.price=1.4ms")


def test_a_sweep_from_two_files(files: Path, tmp_path: Path) -> None:
    out = tmp_path / "own" / "first.yaml"
    result = call("init", "--accurate", files / "cc.xyz", "--cheap", files / "xtb.npz", *PRICES, "--out", out)
    assert result.exit_code == 0, result.output
    assert f"asteroid-study run {out} --out runs/first --workers 2" in result.output
    sweep = read_sweep(out)
    assert sweep.name == "first"
    assert sweep.strategies == ("accurate_only", "pretrain_finetune", "residual", "gdml_delta")
    assert sweep.data.accurate is not None
    assert (sweep.data.accurate.file, sweep.data.accurate.price) == (files / "cc.xyz", 28.0)
    schema = json.loads((out.parent / "asteroid-study.schema.json").read_text())
    assert out.read_text().startswith("# yaml-language-server: $schema=asteroid-study.schema.json\n")
    assert "BuyStudy" in schema["$defs"]
    assert "choose another file with --out" in refused("init", "--cheap", files / "xtb.npz", "--out", out)


def test_a_cheap_level_that_another_program_computed_drafts_no_delta_learning(files: Path, tmp_path: Path) -> None:
    """B3LYP of two programs, say; here GFN2 labels under the name of GFN1."""
    write_labels(replace(load_methanol().cheap.select(range(0, 20000, 20)), level="gfn1-xtb"), tmp_path / "xtb.npz")
    out = tmp_path / "s.yaml"
    result = call("init", "--accurate", files / "cc.xyz", "--cheap", tmp_path / "xtb.npz", *PRICES, "--out", out)
    assert result.exit_code == 0, result.output
    assert read_sweep(out).strategies == ("accurate_only", "pretrain_finetune", "residual")
    assert "# Without gdml_delta: gfn1-xtb computed here is not what the file holds\n# (on 5 of its frames" in (
        out.read_text()
    )


def test_a_purchase_from_a_pool(files: Path, tmp_path: Path) -> None:
    words = ("init", "--cheap", files / "xtb.npz", "--set", "cheap.price=1.4ms", "--out", tmp_path / "p.yaml")
    assert "needs the level of its labels" in refused(*words)
    assert not list(tmp_path.iterdir())
    assert "their price is yours to say: add --price 2h" in refused(*words, "--level", "RPA/cc-pVTZ")
    result = call(*words, "--level", "CCSD(T)/cc-pVTZ", "--price", "2h")
    assert result.exit_code == 0, result.output
    study = read_buy_study(tmp_path / "p.yaml")
    assert (study.buy.level, study.buy.price, study.buy.here is not None) == ("ccsd_t/cc-pvtz", 7200.0, True)
    assert study.n_cheap == (500,)
    assert "buy " in result.output


def test_labels_that_cannot_be_computed_here_are_handed_over(files: Path, tmp_path: Path) -> None:
    words = ("init", "--cheap", files / "xtb.npz", "--set", "cheap.price=1.4ms", "--out", tmp_path / "p.yaml")
    assert call(*words, "--level", "DLPNO-CCSD(T)/cc-pVTZ", "--price", "2h").exit_code == 0
    hand_over = read_buy_study(tmp_path / "p.yaml").buy.hand_over
    assert hand_over is not None
    assert hand_over.template == tmp_path / "p.inp.jinja"
    assert "{{ elements_and_positions_ang }}" in hand_over.template.read_text()


def test_a_purchase_is_of_one_molecule(tmp_path: Path) -> None:
    write_labels(replace(mixed(), level="gfn2-xtb"), tmp_path / "several.xyz")
    words = ("init", "--cheap", tmp_path / "several.xyz", "--set", "cheap.price=1ms", "--level", "MP2/cc-pVDZ")
    answer = refused(*words, "--out", tmp_path / "p.yaml")
    assert "buy labels for one molecule at a time" in answer


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--accurate", "cc.xyz"), "a study needs cheap frames"),
        (("--cheap", "xtb.npz", "--set", "cheap.prize=1"), "prize"),
        (("--cheap", "xtb.npz", "--set", "price=1"), "set by role and key, found 'price=1'"),
        (("--cheap", "none.npz"), "--cheap is a file of labels, found none"),
        (
            ("--cheap", "xtb.npz", "--accurate", "cc.xyz"),
            "do not state everything: add --set accurate.price=6.24s --set cheap.price=",
        ),
    ],
)
def test_mistakes(
    words: tuple[str, ...], expected: str, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(files)
    assert expected in refused("init", *words, "--yes", "--out", tmp_path / "x.yaml")
    assert not (tmp_path / "x.yaml").exists()


def test_all_that_a_file_leaves_open_is_named_at_once(files: Path, tmp_path: Path) -> None:
    """Keys, units, level, copies and price of an npz file of somebody else; with them, the draft is written."""
    data = load_methanol().cheap.select(range(0, 20000, 25))
    rows = np.r_[0, 0 : len(data)]  # the first frame twice
    np.savez(
        tmp_path / "dft.npz",
        z=data.numbers,
        R=data.positions[rows],
        E_low=data.energy[rows],
        F_low=data.forces[rows],
        E_lower=data.energy[rows],
        F_lower=data.forces[rows],
    )
    words = ("init", "--accurate", files / "cc.xyz", "--cheap", tmp_path / "dft.npz", "--out", tmp_path / "s.yaml")
    words += ("--set", "cheap.energy_unit=eV", "--set", "cheap.length_unit=Angstrom")
    wanted = ("accurate.price=6.24s", "cheap.energy_key=E_low", "cheap.forces_key=F_low", "cheap.level=pbe/def2-svp")
    wanted += ("cheap.duplicates=drop", "cheap.price=20s")
    says = [word for value in wanted for word in ("--set", value)]
    assert f"add {' '.join(says)} (examples" in refused(*words)
    assert not (tmp_path / "s.yaml").exists()
    assert call(*words, *says).exit_code == 0
    cheap = read_sweep(tmp_path / "s.yaml").data.cheap
    assert (cheap.energy_key, cheap.forces_key, cheap.duplicates) == ("E_low", "F_low", "drop")


def test_one_geometry_is_enough(water: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = sampling.make_dynamics
    # The same sampling, only shorter.
    monkeypatch.setattr(
        sampling, "make_dynamics", lambda kelvin, step, friction, *_: settings(kelvin, step, friction, "2fs", "10fs", 0)
    )
    out = tmp_path / "w.yaml"
    words = ("init", "--geometry", water / "water.xyz", "--level", "HF/STO-3G", "--frames", 140, "--out", out)
    result = call(*words)
    assert result.exit_code == 0, result.output
    study = read_buy_study(out)
    assert study.data.cheap is not None
    assert study.data.cheap.file == tmp_path / "water_gfn2-xtb.npz"
    assert study.buy.price is not None
    out.unlink()
    assert "is there already and is used" in call(*words).stderr
    out.unlink()
    assert "begun with another temperature k (500.0, now 300.0)" in refused(*words, "--temperature", 300)
    (water / "water.xyz").write_text("3\n\nO 0 0 0\nH 0 0.8 0.6\nH 0 -0.8 0.61\n")
    assert "begun with another molecule" in refused(*words)


def test_charge_and_spin_go_from_the_geometry_to_the_study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cation of water has nine electrons: whatever forgets its charge on the way cannot compute it."""
    settings = sampling.make_dynamics
    monkeypatch.setattr(sampling, "make_dynamics", lambda *_: settings(100.0, "0.5fs", 0.01, "2fs", "10fs", 0))
    (tmp_path / "ion.xyz").write_text("3\n\nO 0 0 0\nH 0 0.8 0.6\nH 0 -0.8 0.6\n")
    out = tmp_path / "w.yaml"
    words = ("init", "--geometry", tmp_path / "ion.xyz", "--level", "HF/STO-3G", "--frames", 140, "--out", out)
    assert "an odd number of electrons (9), found spin 0" in refused(*words, "--charge", 1)
    radical = ("init", "--geometry", tmp_path / "ion.xyz", "--out", out, "--charge", 1, "--spin", 1)
    assert "CCSD(T) forces of open shells" in refused(*radical, "--level", "ccsd_t/sto-3g")
    assert "a purchase needs the level of its labels" in refused(*radical)
    assert "so their price is yours to say" in refused(*radical, "--level", "rpa/cc-pvtz")
    assert not list(tmp_path.glob("*gfn2*")), "before minutes of sampling"
    result = call(*words, "--charge", 1, "--spin", 1)
    assert result.exit_code == 0, result.output
    assert "here: {charge: 1, unpaired: 1}" in out.read_text()
    assert "gdml_delta" in read_buy_study(out).strategies
    out.unlink()
    assert "begun with another charge (1, now 0)" in refused(*words, "--charge", 0)
    pool = ("init", "--cheap", tmp_path / "ion_gfn2-xtb.npz", "--level", "rpa/cc-pvtz", "--price", "2h", "--out", out)
    assert call(*pool).exit_code == 0
    assert 'outputs: "*.engrad", charge: 1, unpaired: 1}' in out.read_text()

"""The table of errors by molecule: planted errors, the right runs, what is left out, and errors of other runs."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from analysis.report.molecules_table import molecules_table
from asteroid.errors import InputError
from asteroid.units import KCAL_PER_MOL_EV
from study.counts import COUNT_COLUMNS
from study.tables.molecules import molecules_frame
from study.tables.results import COLUMNS, KEY_COLUMNS, results_frame

if TYPE_CHECKING:
    import pandas as pd

    from analysis.report.tables import TextTable

BLANK: dict[str, Any] = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
FRAMES = {"H2O": 60, "CH4O": 300, "C2H6": 60, "H2": 1}
ATOMS = {"H2O": 3, "CH4O": 6, "C2H6": 8, "H2": 2}
#: (strategy, gamma_rel, schedule, n_cheap) -> factor on the errors, validation error.
CURVES: dict[tuple[str, float, str, int], tuple[float, float]] = {
    ("cheap_only", np.inf, "", 4000): (9.0, np.nan),
    ("accurate_only", np.nan, "", 0): (2.0, 0.4),
    ("asteroid", 0.3, "standard", 1000): (0.1, 0.1),
    ("asteroid", 0.3, "standard", 4000): (1.0, 0.2),  # the one to show: the most frames, the best validation
    ("asteroid", 3.0, "standard", 4000): (0.5, 0.3),
}
BUDGETS = (20, 50)


def planted(name: str, seed: int, budget: int, factor: float) -> float:
    """kcal/mol/Å: at 50 labels 1, 2, ... of one seed and 1.5, 2.5, ... of the other times the factor."""
    return factor * (1 + list(FRAMES).index(name) + 0.5 * seed) * (1 if budget in (0, 50) else 7)


def tables(frames: dict[str, int] | None = None, seeds: int = 2) -> tuple[pd.DataFrame, pd.DataFrame]:
    frames = frames or FRAMES
    rows, parts = [], []
    for (strategy, gamma_rel, schedule, n_cheap), (factor, validation) in CURVES.items():
        for budget in (0,) if strategy == "cheap_only" else BUDGETS:
            for seed in range(seeds):
                own = {"strategy": strategy, "gamma_rel": gamma_rel, "schedule": schedule, "n_cheap": n_cheap}
                own |= {"budget": budget, "seed": seed}
                errors = {name: planted(name, seed, budget, factor) * KCAL_PER_MOL_EV for name in frames}
                whole = sum(frames[name] * error for name, error in errors.items()) / sum(frames.values())
                values = (
                    {column: BLANK[dtype] for column, (dtype, _) in COLUMNS.items() if column not in COUNT_COLUMNS}
                    | own
                    | {"status": "ok"}
                )
                values |= {"val_force_mae_ev_ang": validation, "n_test": sum(frames.values())}
                rows.append(values | {"test_force_mae_ev_ang": whole})
                about = {"test_force_mae_se_ev_ang": np.nan}
                parts += [
                    own
                    | about
                    | {"molecule": name, "n_atoms": ATOMS[name], "n_test": n, "test_force_mae_ev_ang": errors[name]}
                    for name, n in frames.items()
                ]
    return results_frame(rows), molecules_frame(parts)


def shown(table: pd.DataFrame, molecules: pd.DataFrame | None, **options: Any) -> TextTable:
    found = molecules_table(table, molecules, **({"force_unit": "kcal/mol/Å"} | options))
    assert found is not None
    return found


def cells(found: TextTable) -> list[list[str]]:
    return [[cell.replace("\u00a0", " ") for cell in row] for row in found.rows]


def test_planted_errors_of_the_right_runs() -> None:
    found = shown(*tables())
    assert found.head == (
        "Molecule",
        "Atoms",
        "Test frames",
        "Cheap labels only, 4,000 cheap",
        "Accurate labels only, 50 labels",
        "ASTEROID, γ/median = 0.3, 4,000 cheap, 50 labels",
    )
    assert cells(found) == [
        ["CH₄O", "6", "300", "20.2 ± 3.2", "4.50 ± 0.71", "2.25 ± 0.35"],
        ["C₂H₆", "8", "60", "29.2 ± 3.2", "6.50 ± 0.71", "3.25 ± 0.35"],
        ["H₂O", "3", "60", "11.2 ± 3.2", "2.50 ± 0.71", "1.25 ± 0.35"],
        ["H₂", "2", "1", "38.2 ± 3.2", "8.50 ± 0.71", "4.25 ± 0.35"],
        ["All molecules", "", "421", "20.3 ± 3.2", "4.51 ± 0.71", "2.25 ± 0.35"],
    ]
    assert found.caption.endswith("mean over 2 seeds ± standard deviation between them")
    assert "left out" not in found.caption


def test_other_units_and_the_order_of_rows() -> None:
    table, molecules = tables()
    found = shown(table, molecules.sample(frac=1, random_state=1), force_unit="meV/Å")
    assert cells(found)[0][-1] == f"{2.25 * KCAL_PER_MOL_EV * 1000:.1f} ± 15"
    assert "Force MAE (meV/Å)" in found.caption


def test_one_seed_has_no_spread() -> None:
    found = shown(*tables(seeds=1))
    assert [row[-1] for row in cells(found)] == ["2.00", "3.00", "1.00", "4.00", "2.00"]
    assert found.caption.endswith("one seed")


def test_molecules_with_few_frames_are_named_as_left_out() -> None:
    found = shown(*tables(), shown=2)
    assert [row[0] for row in found.rows] == ["CH₄O", "C₂H₆", "All molecules"]
    assert found.rows[-1][2] == "421", "all are all, the ones left out as well"
    assert found.caption.endswith("; left out, with fewer test frames, but in molecules.csv: H₂O, H₂")


def test_of_very_many_molecules_some_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {f"C{n}H4": n for n in range(1, 41)}
    monkeypatch.setitem(globals(), "FRAMES", names)
    monkeypatch.setitem(globals(), "ATOMS", {name: n + 4 for name, n in names.items()})
    found = shown(*tables())
    assert len(found.rows) == 13
    assert found.rows[0][0] == "C₄₀H₄"
    assert "C₂₈H₄, C₂₇H₄" in found.caption
    assert found.caption.endswith("C₉H₄ and 8 more")


def test_runs_that_the_file_does_not_have_yet() -> None:
    table, molecules = tables()
    early = molecules[(molecules["budget"] == 20) & ((molecules["seed"] == 0) | (molecules["strategy"] == "asteroid"))]
    found = shown(table, early)
    assert [head.rpartition(", ")[2] for head in found.head[3:]] == ["20 labels", "20 labels"]
    assert [row[-1] for row in cells(found)][:2] == ["15.8 ± 2.5", "22.8 ± 2.5"]
    assert "mean over 1 to 2 seeds" in found.caption
    other = molecules[molecules["n_cheap"] == 1000]
    for none in (None, molecules.iloc[:0], other, molecules.assign(seed=7)):
        assert molecules_table(table, none, force_unit="eV/Å") is None
    failed = table.assign(status=table["status"].where(table["seed"] == 0, "diverged"))
    assert shown(failed, molecules).caption.endswith("one seed")


@pytest.mark.parametrize("strategy", ["accurate_only", "asteroid", "cheap_only"])
def test_errors_of_another_table_are_refused(strategy: str) -> None:
    table, molecules = tables()
    one = int(np.flatnonzero(molecules["strategy"] == strategy)[0])
    changed = molecules.copy()
    changed.loc[one, "test_force_mae_ev_ang"] *= 1.01
    for wrong in (molecules.drop(index=one), changed):
        with pytest.raises(InputError, match="have the mean of the results") as refusal:
            molecules_table(table, wrong, force_unit="eV/Å")
        assert f"'strategy': '{strategy}'" in str(refusal.value)
        assert "\n" not in str(refusal.value)


def test_the_keys_are_those_of_the_results() -> None:
    table, molecules = tables()
    counts = molecules.groupby(KEY_COLUMNS, dropna=False).size()
    assert len(counts) == len(table)
    assert set(counts) == {4}


def test_nothing_heavy_is_loaded() -> None:
    modules = "analysis.report.molecules_table, study.tables.molecules"
    code = f"import sys, {modules}; print({{'torch', 'ray'}} & {{*sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"

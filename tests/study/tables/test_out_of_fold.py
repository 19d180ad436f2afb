"""Out-of-fold errors survive their file, and a table that a fit could misread is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from asteroid.errors import InputError
from study.digests import DIGESTS_FILE
from study.tables.out_of_fold import (
    DIVISION_COLUMNS,
    OUT_OF_FOLD_COLUMNS,
    OUT_OF_FOLD_FILE,
    is_balanced,
    out_of_fold_frame,
    read_out_of_fold,
    validate_out_of_fold,
    write_out_of_fold,
)

if TYPE_CHECKING:
    from pathlib import Path


def looks() -> pd.DataFrame:
    """Two looks at one order of purchase by two strategies, in 10 folds and in 2."""
    draw = np.random.default_rng(0)
    return out_of_fold_frame(
        [
            {
                "strategy": strategy,
                "gamma_rel": gamma_rel,
                "schedule": "standard",
                "n_cheap": n_cheap,
                "seed": 0,
                "n_labels": n_labels,
                "n_folds": n_folds,
                "split": split,
                "label": label,
                "force_mae_ev_ang": draw.lognormal(-4, 0.4),
                "energy_error_ev": draw.normal(),
                "cheap_energy_ev": -100.0 + label / 3,
                "cheap_force_ev_ang": np.nan,
                "pool_cheap_energy_ev": -98.0,
                "pool_cheap_force_ev_ang": np.nan,
            }
            for strategy, gamma_rel, n_cheap in (("pretrain_finetune", np.inf, 500), ("accurate_only", np.nan, 0))
            for n_labels in (16, 20)
            for n_folds, split in ((10, 0), (2, 0), (2, 1))
            for label in range(n_labels)
        ]
    )


def test_a_table_survives_its_files(tmp_path: Path) -> None:
    table = looks()
    assert len(table) == 2 * 3 * (16 + 20)
    for frame in (table, out_of_fold_frame([])):
        write_out_of_fold(frame.sample(frac=1, random_state=0), tmp_path)
        found = read_out_of_fold(tmp_path)
        assert found is not None
        pd.testing.assert_frame_equal(found, frame, check_exact=True)
        assert sorted(path.name for path in tmp_path.iterdir()) == [DIGESTS_FILE, "out_of_fold.csv", OUT_OF_FOLD_FILE]
    assert list(table.dtypes.astype(str)) == [dtype for dtype, _ in OUT_OF_FOLD_COLUMNS.values()]
    assert table.groupby(DIVISION_COLUMNS, dropna=False).ngroups == 12


def test_a_run_with_a_test_set_has_none(tmp_path: Path) -> None:
    assert read_out_of_fold(tmp_path) is None


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("label", 1, "found twice"),
        ("label", 40, "scores the labels 0 to 15"),
        ("label", -1, "label of at least 0, found -1"),
        ("n_folds", 0, "n_folds of at least 1, found 0"),
        ("force_mae_ev_ang", np.nan, "positive and finite force errors, found nan"),
        ("force_mae_ev_ang", 0.0, "positive and finite force errors, found 0.0"),
        ("pool_cheap_energy_ev", -97.0, "has one pool_cheap_energy_ev, found 2"),
    ],
)
def test_what_a_fit_could_misread_is_refused(column: str, value: object, says: str) -> None:
    table = looks()
    assert table.loc[0, ["n_labels", "label"]].tolist() == [16, 0]
    table.loc[0, column] = value
    with pytest.raises(InputError) as refusal:
        validate_out_of_fold(table)
    assert says in str(refusal.value)
    assert str(refusal.value).endswith(": repeat the command that wrote it")
    assert "\n" not in str(refusal.value)


def test_other_columns_and_types_are_refused() -> None:
    table = looks()
    with pytest.raises(InputError, match=r"missing: \['seed'\], unknown: \['seeds'\]"):
        validate_out_of_fold(table.rename(columns={"seed": "seeds"}))
    with pytest.raises(InputError, match="does not fit its column"):
        validate_out_of_fold(table.assign(label="first"))
    with pytest.raises(InputError, match="scores the labels 0 to 15"):
        validate_out_of_fold(table.drop(index=3))


@pytest.mark.parametrize("content", [b"", b"PAR1 and no more", b"strategy\n"])
def test_a_damaged_file_is_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / OUT_OF_FOLD_FILE).write_bytes(content)
    with pytest.raises(InputError, match="is damaged") as refusal:
        read_out_of_fold(tmp_path)
    assert "\n" not in str(refusal.value)


def test_how_labels_were_drawn_is_kept_where_all_were_drawn_so(tmp_path: Path) -> None:
    balanced = looks().assign(balanced=True)
    write_out_of_fold(balanced, tmp_path)
    read = read_out_of_fold(tmp_path)
    assert read is not None
    assert is_balanced(read)
    assert read["balanced"].dtype == bool
    # A purchase that an earlier version began knows it of some looks only.
    for partly in (pd.concat([looks()[:16], balanced[16:]]), looks().assign(balanced=False)):
        assert not is_balanced(validate_out_of_fold(partly))

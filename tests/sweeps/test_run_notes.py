"""What is said of a run folder beside an answer."""

from __future__ import annotations

import pandas as pd
import pytest

from sweeps.run_notes import run_notes


@pytest.mark.parametrize(("rows", "says"), [(2, ("the run is not finished: 2 of 3 rows",)), (3, ())])
def test_rows_to_come_are_noted(rows: int, says: tuple[str, ...]) -> None:
    assert run_notes(pd.DataFrame({"seed": range(rows)}), {"rows": 3}) == says


def test_a_manifest_that_somebody_changed_is_noted() -> None:
    (said,) = run_notes(pd.DataFrame({"seed": range(3)}), {"rows": 3, "altered": True})
    assert "not as the run wrote it" in said

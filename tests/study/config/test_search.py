from __future__ import annotations

import pytest

from study.config.search import PruningSection


@pytest.mark.parametrize("wrong", [{"first": 1.0}, {"first": 0.0}, {"factor": 1}, {"method": "median stop"}])
def test_wrong_rules_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PruningSection(**wrong)  # type: ignore[arg-type]

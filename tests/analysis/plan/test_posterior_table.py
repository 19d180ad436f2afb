"""The table of answers: at every target and confidence what the planner says."""

from __future__ import annotations

import numpy as np
import pytest
from finished_run import PRICES, table
from planted_plans import SURFACE_TABLE

from analysis.plan.between import candidates_between
from analysis.plan.conditions import Target, conditions_of
from analysis.plan.options import curve_candidates, option_of
from analysis.plan.posterior_table import PROBABILITIES, posterior_table
from analysis.plan.run_evidence import RunEvidence
from analysis.surface.transfer import surface_of


@pytest.mark.parametrize("rows", [table(), SURFACE_TABLE], ids=["curves", "surface"])
def test_it_holds_what_a_plan_finds(rows) -> None:
    run = RunEvidence(rows, PRICES, surface=surface_of(rows))
    conditions = conditions_of(run, None, 0.0)
    targets = [0.012, 0.02, 0.035]
    found = posterior_table(run, targets)
    candidates = curve_candidates(run, conditions)
    if run.surface is not None and run.surface.usable:
        candidates += candidates_between(run, conditions)
    assert [option.candidate.label for option in found.options] == [own.label for own in candidates]
    for option, candidate in zip(found.options, candidates, strict=True):
        for at, target in enumerate(targets):
            for confidence in (0.5, 0.8, 0.9, 0.99):
                asked = option_of(candidate, Target(target, confidence), conditions)
                place = at, PROBABILITIES.index(confidence)
                assert (option.n_accurate[place] >= 0) == asked.promised
                if asked.promised:
                    assert (option.n_accurate[place], option.probability[place]) == (
                        asked.n_accurate,
                        asked.probability,
                    )
                else:
                    assert option.at_most[at] == asked.probability
            ends = [int(n) for n in option.n_accurate[at, [0, PROBABILITIES.index(0.95)]]]
            assert [None if n < 0 else n for n in ends] == list(asked.interval_n)
    assert (np.diff(np.where(found.options[-1].n_accurate < 0, 10**9, found.options[-1].n_accurate), axis=1) >= 0).all()

"""What competes in a purchase: every strategy with every setting, under a name of its own."""

from __future__ import annotations

import math
from pathlib import Path

from tiny_purchase import study_of

from study.buying.contenders import contenders_of
from study.recipes.lower_levels import BelowLevel


def test_every_setting_competes_under_a_name_of_its_own() -> None:
    study = study_of(
        Path(),
        ("[accurate_only, pretrain_finetune]", "[cheap_only, accurate_only, pretrain_finetune, asteroid]"),
        ("n_cheap: [40]", "n_cheap: [20, 40]\ngamma_rel: [1, inf]"),
        ("  standard: {", "  long: {steps: 24, learning_rate: 0.002, validations: 2}\n  standard: {"),
    )
    found = contenders_of(study, [BelowLevel("gfn2-xtb", is_paired=True)])
    names = [contender.name for contender in found]
    assert len(set(names)) == len(names) == 1 + 2 * 2 + 2 * 2, "without cheap_only, which buys no accurate labels"
    assert names[0] == "accurate_only"
    assert "pretrain_finetune, standard, 20 cheap" in names
    assert "asteroid, gamma 1, long, 40 cheap" in names
    columns = {contender.name: contender.columns for contender in found}
    assert math.isnan(columns["accurate_only"]["gamma_rel"])
    assert columns["asteroid, gamma 1, long, 40 cheap"] == {
        "strategy": "asteroid",
        "gamma_rel": 1.0,
        "schedule": "long",
        "n_cheap": 40,
    }

"""Contenders of a purchase are called as curves of a study are."""

import pytest

from analysis.buying.contender_name import contender_name


@pytest.mark.parametrize(
    ("contender", "shown"),
    [
        ("accurate_only", "Accurate labels only"),
        ("pretrain_finetune, standard, 4000 cheap", "Pretraining + fine-tuning, standard schedule, 4,000 cheap"),
        ("residual, 4000 gfn2-xtb, 30 mp2/cc-pvdz", "Pretraining + residual net, 4,000 GFN2-xTB, 30 MP2/cc-pVDZ"),
        ("asteroid, gamma 0.3, short, 500 cheap", "ASTEROID, γ/median = 0.3, short schedule, 500 cheap"),
        ("gdml_delta, b3lyp/def2-svp", "Delta-learning with sGDML, B3LYP/def2-SVP"),
    ],
)
def test_names(contender, shown):
    assert contender_name(contender, contender.partition(",")[0]) == shown

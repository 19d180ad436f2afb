"""Contenders of a purchase are called as curves of a study are."""

from analysis.buying.contender_name import contender_names


def test_names() -> None:
    shown = {
        "accurate_only": "Accurate labels only",
        "pretrain_finetune, standard, 4000 cheap": "Pretraining + fine-tuning, 4,000 cheap",
        "residual, 4000 gfn2-xtb, 30 mp2/cc-pvdz": "Pretraining + residual net, 4,000 GFN2-xTB, 30 MP2/cc-pVDZ",
        "asteroid, gamma 0.3, short, 500 cheap": "ASTEROID, γ/median = 0.3, short schedule, 500 cheap",
        "asteroid, gamma 0.3, long, 500 cheap": "ASTEROID, γ/median = 0.3, long schedule, 500 cheap",
        "gdml_delta, b3lyp/def2-svp": "Delta-learning with sGDML, B3LYP/def2-SVP",
    }
    assert contender_names((name, name.partition(",")[0]) for name in shown) == shown

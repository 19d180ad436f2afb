"""The gallery: every picture of a full run, without text on text or empty panels; what has no data is left out."""

import json
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from planning import plan_target

from analysis.figures.bars import bars_picture
from analysis.figures.gallery import FIGURES, draw_figures
from analysis.figures.picture import FigureInput
from analysis.plan.run_evidence import RunEvidence
from analysis.surface.transfer import surface_of
from asteroid.errors import InputError
from asteroid.units import KCAL_PER_MOL_EV
from study.counts import COUNT_COLUMNS
from study.prices import LevelPrice, PriceList
from study.tables.results import COLUMNS, results_frame
from study.tables.trials import validate_importances, validate_trials

LEVELS = {"ccsd_t/cc-pvdz": LevelPrice(28.0, "card"), "gfn2-xtb": LevelPrice(0.002, "card", 0.018)}
PRICES = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", LEVELS)
MANIFEST = {"name": "methanol", "molecule": "CH4O", "level_accurate": "ccsd_t/cc-pvdz", "prices": PRICES.to_json()}
LAWS = {
    ("cheap_only", np.inf, 4000): (lambda _: 7.0, 1.2),
    ("accurate_only", np.nan, 0): (lambda n: 2.2 * (n / 20) ** -0.57, 1.3),
    ("pretrain_finetune", np.inf, 4000): (lambda n: 0.18 + 0.37 * (n / 20) ** -0.5, 2.0),
    ("asteroid", 1.0, 4000): (lambda n: 0.19 + 0.37 * (n / 20) ** -0.5, 3.2),
    ("asteroid", 0.3, 4000): (lambda n: 0.21 + 0.39 * (n / 20) ** -0.5, 3.2),
}


def table(strategies=("cheap_only", "accurate_only", "pretrain_finetune", "asteroid"), timed=True):
    rng = np.random.default_rng(0)
    blank = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    rows = []
    for (strategy, gamma_rel, n_cheap), (law, seconds) in LAWS.items():
        for budget in (0,) if strategy == "cheap_only" else (20, 50, 100, 200, 350, 500):
            for seed in range(3):
                values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
                values |= {"strategy": strategy, "gamma_rel": gamma_rel, "n_cheap": n_cheap, "budget": budget}
                error = law(budget) * KCAL_PER_MOL_EV * np.exp(0.05 * rng.normal())
                values |= {"seed": seed, "test_force_mae_ev_ang": error, "status": "ok", "n_test": 300}
                values |= {"val_force_mae_ev_ang": error, "recipe_core_s": seconds if timed else np.nan}
                rows += [values] if strategy in strategies else []
    return results_frame(rows)


def trials():
    rng = np.random.default_rng(0)
    rows = []
    for strategy in ("accurate_only", "pretrain_finetune", "asteroid"):
        for at in range(20):
            budget = int(rng.choice([20, 50, 200, 500]))
            error = KCAL_PER_MOL_EV * (0.2 + 5 / budget) * np.exp(0.2 * rng.normal())
            own = {"study": f"pareto {strategy}", "mode": "pareto", "strategy": strategy, "trial": at}
            own |= {"state": "COMPLETE", "budget": budget, "n_cheap": 0, "gamma_rel": np.inf, "chosen": False}
            own |= {"cv_force_mae_ev_ang": error, "cv_force_mae_se_ev_ang": 0.1 * error, "core_s": 1.0}
            own |= {"cost_accurate_cpu_s": 28.0 * budget, "cost_cheap_cpu_s": 0.0}
            rows.append(own | {"settings": json.dumps({"rho": 0.99})})
    return validate_trials(pd.DataFrame(rows))


def importances():
    names = ("finetune_learning_rate", "finetune_steps", "pretrain_learning_rate", "gamma_rel", "seed_noise")
    rows = []
    for study in ("tune asteroid 50", "tune asteroid 200", "tune pretrain_finetune 50"):
        for name, share in zip(names, (0.4, 0.25, 0.12, 0.03, 0.2), strict=True):
            own = {"study": study, "strategy": study.split()[1], "budget": 50, "parameter": name, "importance": share}
            rows.append(own | {"kind": "seed_noise" if name == "seed_noise" else "parameter"})
    return validate_importances(pd.DataFrame(rows))


def with_few_cheap_frames():
    """The same run with 500 cheap frames as well: both axes of the surface."""
    rows = TABLE[TABLE["n_cheap"] > 0]
    error = 1.15 * rows["test_force_mae_ev_ang"]
    fewer = rows.assign(
        n_cheap=500, n_cheap_labels=500, n_cheap_sampled=500, test_force_mae_ev_ang=error, val_force_mae_ev_ang=error
    )
    return results_frame([*TABLE.to_dict("records"), *fewer.to_dict("records")])


def surfaced():
    """All figures of such a run, two columns wide."""
    both = with_few_cheap_frames()
    fitted = surface_of(both)
    plan = plan_target(both, PRICES, 0.3 * KCAL_PER_MOL_EV, surface=fitted)
    return draw_figures(FigureInput(MANIFEST, PRICES, RunEvidence(both, PRICES, surface=fitted), plan, wide=True))


TABLE = table()
SURFACED = surfaced()
PICTURES = draw_figures(FigureInput(MANIFEST, PRICES, RunEvidence(TABLE, PRICES), None, trials(), importances()))


def texts_of(figure):
    """Every text that is drawn, with its box."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    found = [text for text in (figure._supxlabel, figure._supylabel, *figure.legends) if text is not None]
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick.label1 for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
            found += [axis.label, *ticks]
        found += [*ax.texts, ax.title, ax._left_title, *([ax.get_legend()] if ax.get_legend() else [])]
    shown = [text for text in found if text.get_visible() and (not hasattr(text, "get_text") or text.get_text())]
    return [(text, text.get_window_extent(canvas.get_renderer())) for text in shown]


def test_every_picture_of_a_full_run():
    stems = ["learning_curve", "cost", "bars", "pareto", "gamma", "importance", "every_curve"]
    assert [picture.stem for picture in PICTURES] == stems


def test_figures_of_the_surface_and_journal_widths():
    stems = [picture.stem for picture in SURFACED]
    assert stems == ["learning_curve", "cost", "bars", "effective_labels", "budget_map", "gamma", "every_curve"]
    widths = {picture.stem: picture.figure.get_figwidth() for picture in SURFACED}
    assert widths["learning_curve"] == widths["cost"] == 7.0
    assert PICTURES[0].figure.get_figwidth() == 3.4
    (cost,) = [picture for picture in SURFACED if picture.stem == "cost"]
    assert "equal accuracy: 0.3 kcal/mol/Å" in [text.get_text() for text in cost.figure.legends[0].get_texts()]


def awkward():
    """One budget, prices over six decades, cheap labels almost free."""
    few = TABLE[TABLE["budget"].isin((0, 200))]
    levels = {"ccsd_t/cc-pvdz": LevelPrice(2e4, "card"), "gfn2-xtb": LevelPrice(0.002, "card")}
    prices = PriceList("ccsd_t/cc-pvdz", "gfn2-xtb", levels)
    pictures = draw_figures(FigureInput(MANIFEST, prices, RunEvidence(few, prices)))
    return [picture for picture in pictures if picture.stem in ("cost", "bars", "gamma")]


@pytest.mark.parametrize("picture", [*PICTURES, *SURFACED, *awkward()], ids=lambda picture: picture.stem)
def test_text_stands_free_and_panels_are_filled(picture):
    found = texts_of(picture.figure)
    assert len(found) > 8
    for (one, box), (other, other_box) in combinations(found, 2):
        assert not box.shrunk(0.98, 0.9).overlaps(other_box), f"{one} overlaps {other}"
    for text, box in found:
        assert box.x0 >= -1, f"{text} leaves the figure"
        assert box.y0 >= -1, f"{text} leaves the figure"
        assert box.x1 <= picture.figure.bbox.x1 + 1, f"{text} leaves the figure"
        assert box.y1 <= picture.figure.bbox.y1 + 1, f"{text} leaves the figure"
    for ax in picture.figure.axes:
        if ax.get_label() == "<colorbar>":
            continue
        assert ax.lines or ax.patches
        assert ax.get_window_extent().width > 60
        assert ax.get_window_extent().height > 60


@pytest.mark.parametrize("picture", [*PICTURES, *SURFACED], ids=lambda picture: picture.stem)
def test_words_are_single_sentences_with_numbers_in_the_alternative(picture):
    assert picture.caption.endswith(".")
    assert ". " not in picture.caption
    assert any(character.isdigit() for character in picture.alt)
    assert "nan" not in picture.alt
    assert len(picture.data)


def test_alternatives_tell_the_medians():
    alt = next(picture.alt for picture in PICTURES if picture.stem == "bars")
    median = TABLE[(TABLE["strategy"] == "accurate_only") & (TABLE["budget"] == 500)]["test_force_mae_ev_ang"].median()
    assert f"accurate_only {median / KCAL_PER_MOL_EV:.2g}" in alt


def test_what_has_no_data_is_left_out():
    plain = table(strategies=("accurate_only", "pretrain_finetune"), timed=False)
    pictures = draw_figures(FigureInput(MANIFEST, PRICES, RunEvidence(plain, PRICES)))
    assert [picture.stem for picture in pictures] == ["learning_curve", "cost", "bars", "every_curve"]
    cost = pictures[1]
    assert len(cost.figure.axes) == 1
    assert "training" not in cost.caption
    assert draw_figures(FigureInput(MANIFEST, PRICES)) == []
    assert (
        draw_figures(FigureInput(MANIFEST, PRICES, trials=trials().iloc[:0], importances=importances().iloc[:0])) == []
    )


def test_no_two_figures_share_a_stem():
    stems = [figure.stem for figure in FIGURES]
    assert len(set(stems)) == len(stems)


def test_bars_of_several_runs_name_each_run():
    tables, manifests = {"methanol": TABLE, "ethanol": TABLE}, {"methanol": MANIFEST, "ethanol": MANIFEST}
    picture = bars_picture(tables, manifests, force_unit="meV/Å", budget=100)
    assert len(picture.figure.axes) == 2
    assert picture.title == "Strategies at 100 accurate labels"
    assert "ethanol: " in picture.alt
    with pytest.raises(InputError, match="found 30: choose one of 20, 50"):
        bars_picture(tables, manifests, budget=30)

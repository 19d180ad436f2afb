"""A tiny purchase on methanol: labels replayed from a file, a rule without statistics, what two folders must share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from study.buying.decision import Request, Standing, Verdict
from study.buying.labellers import make_intermediate_labeller, make_labeller
from study.buying.load import load_candidates
from study.buying.purchase import Tools, run_purchase
from study.config.buying import BuyStudy, parse_buy_study
from study.engine.executors import SerialExecutor

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from study.buying.batch import Labeller
    from study.buying.candidates import Candidates
    from study.buying.decision import Situation
    from study.buying.state import PurchaseState

UNITS = "energy_unit: eV, length_unit: Angstrom, group_key: replica"
STUDY = f"""
name: tiny
data:
  cheap: {{file: cheap.npz, level: gfn2-xtb, {UNITS}, price: 2 ms, sampling_price: 50 ms}}
buy:
  start: 10
  replay:
    labels: {{file: accurate.npz, level: ccsd_t/cc-pvdz, {UNITS}, price: 28s}}
    hidden_groups: [3]
strategies: [accurate_only, pretrain_finetune]
n_cheap: [40]
model: {{hidden: 8}}
descriptors: {{n_radial: 4, n_angular: 2, l_max: 1}}
identify: {{steps: 12, learning_rate: 0.01, validations: 2}}
pretrain: {{steps: 16, learning_rate: 0.01, validations: 2}}
finetune:
  standard: {{steps: 12, learning_rate: 0.002, validations: 2}}
"""
REQUEST = Request(0.3, 0.9, None, None, "learnt")


def study_of(folder: Path, *changes: tuple[str, str]) -> BuyStudy:
    """The tiny study with pieces of its text changed; its files lie in the folder."""
    text = STUDY
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    return parse_buy_study(text, "study.yaml", folder)


def until(n: int, step: int = 3) -> Any:
    """A rule that buys until n labels are owned, and then keeps what has the smallest error in the most folds."""

    def decide(situation: Situation) -> Verdict:
        looks = situation.looks
        last = looks[(looks["n_labels"] == situation.n_owned) & (looks["n_folds"] == 10)]
        errors = {
            name: float(last[_are(last, columns)]["force_mae_ev_ang"].mean())
            for name, columns in situation.racing.items()
        }
        standings = tuple(
            Standing(name, error, 0.8 * error, 1.2 * error, 0.5, True)
            for name, error in sorted(errors.items(), key=lambda item: item[1])
        )
        more = situation.n_owned < min(n, situation.most_labels)
        following = min(situation.n_owned + step, situation.most_labels) if more else situation.n_owned
        return Verdict("buy" if more else "stop", following, standings, ("because",))

    return decide


def _are(rows: pd.DataFrame, columns: Mapping[str, Any]) -> pd.Series[bool]:
    """Rows of one contender."""
    own = [name for name in columns if name in rows and name != "gamma_rel"]
    return (rows[own] == [columns[name] for name in own]).all(axis=1)


def tools_of(
    study: BuyStudy,
    candidates: Candidates,
    labeller: Labeller | None = None,
    notes: list[str] | None = None,
    **changes: Any,
) -> Tools:
    given: dict[str, Any] = {
        "labeller": labeller
        or make_labeller(
            study, candidates, workers=1, calculator_folder=Path(), give_up=False, on_progress=lambda _: None
        ),
        "make_executor": SerialExecutor,
        "decide": until(13),
        "on_progress": lambda _: None,
        "on_round": lambda _: None,
        "on_note": (notes if notes is not None else []).append,
        "intermediate_labeller": make_intermediate_labeller(
            study, candidates, workers=1, give_up=False, on_progress=lambda _: None
        ),
    }
    return Tools(**given | changes)


def bought(study: BuyStudy, folder: Path, labeller: Labeller | None = None, **changes: Any) -> PurchaseState:
    """Run or go on with a purchase."""
    candidates = load_candidates(study)
    return run_purchase(study, candidates, folder, REQUEST, tools_of(study, candidates, labeller, **changes))


def outcome(folder: Path) -> dict[str, Any]:
    """What two purchases must have in common: everything on disk but times and names of the run."""
    state = json.loads((folder / "purchase.json").read_text())
    del state["digest"]
    del state["run_id"]
    for own in state["rounds"]:
        del own["core_s"]
    return {
        "state": state,
        "out_of_fold": (folder / "out_of_fold.csv").read_text(),
        "stages": sorted(stage.parent.name for stage in (folder / "store").glob("[!.]*/stage.json")),
    }

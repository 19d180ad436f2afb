"""The card of a report in which target, confidence, prices and use are moved: what it carries, as plain data.

The script `planner.js` answers from it as `analysis.plan.labels_for_target.plan_target` does, number by number.
"""

from __future__ import annotations

import base64
import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from analysis.caveats import Caveat
from analysis.curves.posterior import N_DRAWS
from analysis.names import display_level
from analysis.plan.labels_for_target import WORTH_IT
from analysis.plan.posterior_table import PER_CENT, PROBABILITIES, posterior_table
from asteroid.measured_errors import a_mae_in, error_unit
from study.strategies import baseline, strategy_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from analysis.curves.curves import Curve
    from analysis.plan.labels_for_target import TargetPlan
    from analysis.plan.options import Candidate
    from analysis.plan.posterior_table import TabulatedOption
    from analysis.plan.run_evidence import RunEvidence

#: Targets on the slider: two digits, from this share of the smallest mean error to the largest one.
_LOWEST = 0.4
#: Caveats that depend on what is asked.
_ASKED = (
    Caveat.EXTRAPOLATED,
    Caveat.TRAINING_LIMIT,
    Caveat.SMALLEST_BUDGET,
    Caveat.BEYOND_POOL,
    Caveat.USE_NOT_MEASURED,
    Caveat.OVERLAPPING_SUBSETS,
)


def planner_data(run: RunEvidence, plan: TargetPlan, force_unit: str) -> dict[str, Any]:
    """Everything that the card asks about, with the question that it opens with.

    Args:
        run: what is known.
        plan: the plan of the page.
        force_unit: of targets.

    Raises:
        InputError: the unit is not known.
    """
    scale = error_unit(force_unit)
    own = float(f"{plan.target_ev_ang / scale:.6g}")  # as the page's own command has it
    shown = _targets(run, own, scale)
    table = posterior_table(run, [value * scale for value in shown])
    bits = 32 if max(int(option.n_accurate.max()) for option in table.options) >= 2**16 - 1 else 16
    accurate, cheap = (plan.prices.levels[level] for level in (plan.prices.accurate, plan.prices.cheap))
    named = {caveat for option in table.options for caveat in option.candidate.status} | {*run.caveats, *_ASKED}
    return {
        "unit": force_unit,
        "error": a_mae_in(force_unit),
        "targets": shown,
        "start": {
            "target": shown.index(own),
            "confidence": round(100 * plan.confidence),
            "accurate": accurate.label_cpu_s,
            "cheap": cheap.label_cpu_s,
            "mdSteps": plan.md_steps,
        },
        "perCent": [PER_CENT[0], PER_CENT[-1]],
        "interval": [0, PROBABILITIES.index(0.95)],
        "accurate": {"level": plan.prices.accurate, "name": display_level(plan.prices.accurate)},
        "cheap": {
            "level": plan.prices.cheap,
            "name": display_level(plan.prices.cheap),
            "sampling": cheap.sampling_cpu_s,
        },
        "pool": run.pool,
        "bits": bits,
        "draws": N_DRAWS,
        "worthIt": WORTH_IT,
        "baseline": {"strategy": baseline().slug, "name": baseline().name_inside},
        "options": [_option(option, bits) for option in table.options],
        "runCaveats": list(run.caveats),
        "caveats": {caveat: caveat.sentence for caveat in sorted(named)},
    }


def planner_json(data: dict[str, Any]) -> str:
    """The same as text that may stand in a page's script: no `<` closes it."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _targets(run: RunEvidence, own: float, scale: float) -> list[float]:
    """Targets in the unit of display about the errors of the run, and the page's own."""
    errors = [error for known in run.competing.values() for error in _mean_errors(known.curve)]
    return targets_between(_LOWEST * min(errors) / scale, max(errors) / scale, own)


def targets_between(low: float, high: float, own: float) -> list[float]:
    """Numbers of two digits from `low` to `high`, and `own` beside them, rising."""
    first, last = math.floor(math.log10(low)), math.floor(math.log10(high))
    # Read as they are typed: 0.3 is the double of "0.3", which 3 * 0.1 is not.
    ladder = [float(f"{digits}e{power - 1}") for power in range(first, last + 1) for digits in range(10, 100)]
    return sorted({own, *(value for value in ladder if low <= value <= high)})


def _mean_errors(curve: Curve) -> list[float]:
    return [float(curve.error_ev_ang[curve.budget == n].mean()) for n in np.unique(curve.budget)]


def _option(option: TabulatedOption, bits: int) -> dict[str, Any]:
    candidate = option.candidate
    curve, key = candidate.curve, candidate.key
    budgets = sorted({int(budget) for budget in curve.budget})
    use, purchase = curve.use_cpu_s_per_frame, candidate.price.purchase
    return {
        "label": candidate.label,
        "strategy": key.way,
        "nCheap": key.n_cheap,
        "between": option.between,
        "level": _level(candidate),
        "buys": [purchase.frames, purchase.labels, purchase.labels_at_accurate],
        "runsCheap": strategy_of(key.strategy).runs_cheap_method,
        "smallest": budgets[0],
        "largest": budgets[-1],
        "most": math.floor(candidate.limit),
        "use": None if math.isnan(use) else use,
        "trained": [[n, _finite(np.median(curve.train_core_s[curve.budget == n]))] for n in budgets],
        "status": list(candidate.status),
        "n": packed(option.n_accurate + 1, bits),  # 0: none
        "chance": _chances(option),
        "atMost": [round(float(chance), 9) for chance in option.at_most],
        "trainingLimit": int(option.training_limit.sum()),  # targets below this place are near it
    }


def _level(candidate: Candidate) -> dict[str, Any] | None:
    """The levels of an option of several below the accurate one; None where there is one, whose price may be changed.

    `label` is None where the price of a cheap label is the one that may be changed; `fixed` is the price of the labels
    of an intermediate level.
    """
    lower, prices = candidate.price.lower, candidate.price.prices
    if not lower.cheap_level:
        return None
    own = prices.levels[lower.cheap_level]
    return {
        "level": lower.cheap_level,
        "name": display_level(lower.cheap_level),
        "label": None if lower.cheap_level == prices.cheap else own.label_cpu_s,
        "sampling": own.sampling_cpu_s,
        "nBetween": lower.n_intermediate,
        "between": display_level(lower.intermediate_level) if lower.intermediate_level else "",
        "fixed": candidate.price.intermediate(),
    }


def _chances(option: TabulatedOption) -> str:
    """Counts of draws where draws were counted; per cent, as they are printed, where the surface was integrated."""
    known = np.nan_to_num(option.probability)
    if not option.between:
        return packed(np.rint(known * N_DRAWS).astype(np.int64), 16)
    shown = [int(f"{chance:.0%}".removesuffix("%")) for chance in known.ravel()]
    return packed(np.array(shown).reshape(known.shape), 8)


def packed(values: NDArray[np.int64], bits: int) -> str:
    """Whole numbers, little-endian, row by row, in base64."""
    return base64.b64encode(values.astype(f"<u{bits // 8}").tobytes()).decode("ascii")


def _finite(value: np.floating[Any] | float) -> float | None:
    return float(value) if math.isfinite(value) else None

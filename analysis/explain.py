"""A plan in plain English, line by line; whoever calls prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.promise import EXTRAPOLATION_LIMIT
from analysis.strategies import strategy_of
from asteroid.units import SECONDS, force_unit_in_ev_ang

if TYPE_CHECKING:
    from collections.abc import Sequence

    from analysis.options import Option
    from analysis.planner import Plan
    from study.costs import LevelPrice

#: What each doubt means to somebody who is about to buy labels.
DOUBTS = {
    "extrapolated": "more labels than any run of this sweep had: the number rests on the power law going on",
    "smallest_budget": "the smallest budget of this sweep is already enough; fewer labels might do, but were not tried",
    "beyond_pool": "more labels than the set holds for buying: further frames must be labelled",
    "overlapping_subsets": "the largest budget is over half of the pool, so seeds share labels and agree too well",
    "lack_of_fit": "the power law misses these runs by more than the noise between seeds: it is not extrapolated",
    "bent_curve": "the misfit is too large for a good or bad draw of labels at some budgets: the curve bends",
    "budget_effect": "the misfit looks like good or bad draws of labels that all seeds of a budget share",
    "too_few_budgets": "a power law needs at least 4 budgets",
    "sampled_budgets_only": "only budgets that were run are considered; a number between two of them might do",
    "one_seed": "one seed only: whether the power law fits cannot be tested, and the noise between runs is a guess",
    "few_budgets": "fewer than 6 budgets: a floor is hard to tell from a slow decrease",
    "floor": "the error levels off: more labels will soon stop helping (longer training or a larger model might)",
    "bound_hit": "the slope lies at the edge of what is plausible: check the runs",
    "no_test_set": "no test set: errors are cross-validated inside the bought labels",
    "unfinished_run": "the run is not finished: strategies and budgets that are still to come are not weighed",
    "use_not_measured": "what a prediction costs was not measured for this strategy: the MD steps are not in its price",
    "interpolated_cheap": "this number of cheap frames was not run: the surface between those that were tells it",
    "negative_transfer": "cheap frames made errors larger at some budgets; those runs were left out of the surface",
    "farthest_labels": "the accurate labels were chosen by farthest-point sampling: their subsets are spread more "
    "evenly than new random labels would be, so errors per label and extrapolations do not carry over to those",
    "farthest_test": "the test labels were chosen by farthest-point sampling as well: the errors are those of "
    "spread-out frames, not of the frames that a simulation meets",
    "farthest_cheap": "the cheap frames were chosen by farthest-point sampling: what they save does not carry over to "
    "frames as they are sampled",
    "unseen_molecules": "some test frames are of molecules that no label can be bought of: the errors are partly those "
    "of molecules unseen",
    "untested_molecules": "labels of some molecules are bought and no test frame is of them: the errors leave them out",
    "failed_runs": "some runs of this curve failed and were left out",
}

#: Doubts about all curves, which hold where nothing is chosen as well.
OF_THE_RUN = (
    "unfinished_run",
    "farthest_labels",
    "farthest_test",
    "farthest_cheap",
    "unseen_molecules",
    "untested_molecules",
)


def explain(plan: Plan, *, force_unit: str = "kcal/mol/Å") -> list[str]:
    """State the recommendation, its price, the runner-up, the saving and every doubt.

    Args:
        plan: the plan.
        force_unit: for display.

    Raises:
        InputError: the unit is not known.
    """
    target = f"{plan.target_ev_ang / force_unit_in_ev_ang(force_unit):.3g} {force_unit}"
    wish = f"a force MAE of {target} in one new run with a probability of at least {plan.confidence:.0%}"
    if plan.choice is None:
        return [
            f"Cannot be promised from this sweep: {wish}.",
            *(refusal(option) for option in plan.alternatives),
            "Remedy: a laxer target, a lower confidence, larger budgets, more cheap frames; where errors level off, "
            "longer training or a larger model.",
            *_doubts(plan, OF_THE_RUN),
        ]
    choice = plan.choice
    lines = [
        f"Cheapest way to {wish}:",
        f"  {choice.label}: {_purchase(choice, plan)}; probability {choice.probability:.0%}.",
        f"Price of the labels: {duration(choice.cost_cpu_s)} of CPU ({_parts(choice, plan)}).",
        f"  {_interval(choice)}",
    ]
    if math.isfinite(choice.training_core_s):
        lines.append(
            f"Training, not in this price: {duration(choice.training_core_s)} on one core "
            f"(measured at {choice.training_at_budget:,} labels)."
        )
    if use := use_text(choice, plan.prices.cheap, plan.md_steps):
        lines.append(use)
    if plan.runner_up is not None:
        other = plan.runner_up
        lines.append(
            f"Runner-up: {other.label}, {_purchase(other, plan)}, {duration(other.cost_cpu_s)}; "
            f"probability {other.probability:.0%}{_use_aside(other, plan)}."
        )
    else:
        lines.append("Runner-up: none, no other strategy with finished runs can promise the target.")
    lines.append(_saving(plan))
    if choice.n_accurate == 0:
        lines.append(
            f"Note: no accurate label is bought, but that this is enough is known only from {plan.n_test:,} accurate "
            f"test labels ({duration(plan.prices.accurate_cpu_s(plan.n_test))}, not in the price)."
        )
    else:
        lines.append(
            f"Not in the price either: {plan.n_test:,} accurate test labels that the errors were measured with "
            f"({duration(plan.prices.accurate_cpu_s(plan.n_test))})."
        )
    return lines + _doubts(plan, plan.status)


def _doubts(plan: Plan, among: Sequence[str]) -> list[str]:
    named = [doubt for doubt in plan.status if doubt in among]
    return doubt_lines(named)


def doubt_lines(doubts: Sequence[str]) -> list[str]:
    """Each doubt as a sentence."""
    return [f"Doubt: {DOUBTS.get(doubt, doubt.replace('_', ' '))}." for doubt in doubts]


def duration(seconds: float) -> str:
    """Seconds as people say them: "0.5 s", "42 s", "12 min", "3.1 h", "2.4 d"."""
    units = [name for name in ("s", "min", "h", "d") if SECONDS[name] <= seconds]
    unit = units[-1] if units else "s"
    return f"{seconds / SECONDS[unit]:.2g} {unit}" if seconds < 100 * SECONDS[unit] else f"{seconds / 86400:,.0f} d"


def _purchase(option: Option, plan: Plan) -> str:
    owned = min(plan.already.get(plan.prices.accurate, 0), option.n_accurate)
    among = f", {owned:,} of them owned" if owned else ""
    bought = f"{option.n_accurate:,} labels of {plan.prices.accurate} (training and validation together{among})"
    if option.n_cheap:
        return f"{bought} and {option.n_cheap:,} frames of {plan.prices.cheap}"
    return f"{bought}, each with a label of {plan.prices.cheap}" if option.cheap_cpu_s > 0 else bought


def _parts(option: Option, plan: Plan) -> str:
    accurate, cheap = plan.prices.levels[plan.prices.accurate], plan.prices.levels[plan.prices.cheap]
    parts = [
        f"accurate labels {duration(option.accurate_cpu_s)} at {duration(accurate.label_cpu_s)} each, {accurate.source}"
    ]
    if option.n_cheap:
        parts.append(
            f"cheap frames {duration(option.cheap_cpu_s)} at {option.cheap_cpu_s / option.n_cheap:.2g} s each "
            f"{_what_is_paid(option, cheap)}, {cheap.source}"
        )
    elif option.cheap_cpu_s > 0:
        parts.append(f"cheap labels of the same geometries {duration(option.cheap_cpu_s)}, {cheap.source}")
    return "; ".join(parts)


def _what_is_paid(option: Option, cheap: LevelPrice) -> str:
    """Whether the cheap frames were labelled: a price of the sampling alone says that they were not."""
    unlabelled = math.isclose(option.cheap_cpu_s, option.n_cheap * cheap.sampling_cpu_s, rel_tol=1e-6)
    return "for sampling alone" if unlabelled and cheap.label_cpu_s > 0 else "with sampling"


def use_text(option: Option, cheap_level: str, md_steps: float = 0.0) -> str:
    """What a prediction costs, in words; empty where that was not measured and the cheap method need not run."""
    if md_steps and math.isfinite(option.use_cpu_s):
        per_frame = f"{option.use_cpu_s_per_frame:.2g} CPU s per predicted frame"
        runs = f", {cheap_level} at every prediction included" if strategy_of(option.strategy).runs_cheap_method else ""
        price = f"{duration(option.use_cpu_s)} for {md_steps:.3g} MD steps"
        return f"Use, weighed with the labels: {price}, {per_frame}{runs}."
    runs = f"it runs {cheap_level} at every prediction" if strategy_of(option.strategy).runs_cheap_method else ""
    if math.isnan(option.use_cpu_s_per_frame):
        return f"Use, not in this price: {runs}." if runs else ""
    measured = f"Use, not in this price: {option.use_cpu_s_per_frame:.2g} CPU s per predicted frame"
    return f"{measured}; {runs}." if runs else f"{measured}."


def _use_aside(option: Option, plan: Plan) -> str:
    use = use_text(option, plan.prices.cheap, plan.md_steps).partition(": ")[2].removesuffix(".")
    return f"; {use}" if use else ""


def _interval(option: Option) -> str:
    low, high = option.interval_n
    price_low, price_high = option.interval_cpu_s
    if option.n_accurate == 0:
        return "No accurate labels, so the price has no interval."
    early = "beyond the range" if low is None or price_low is None else f"{low:,} labels ({duration(price_low)})"
    late = (
        "more labels than this curve may speak about"
        if high is None or price_high is None
        else f"{high:,} labels ({duration(price_high)})"
    )
    return f"5% of runs would need no more than {early}; for 95% of runs it takes {late}."


def _saving(plan: Plan) -> str:
    if plan.saving is None:
        return "Saving against accurate labels only: unknown, that strategy cannot be promised from this sweep."
    factor, cpu_s = plan.saving
    if plan.choice is not None and plan.choice.strategy == "accurate_only":
        return "Saving against accurate labels only: none, that is the cheapest way."
    times = f"{factor:.2g} times cheaper, " if factor is not None else ""
    return f"Saving against accurate labels only: {times}{duration(cpu_s)} of CPU."


def refusal(option: Option) -> str:
    """Say why an option cannot be promised: how probable it is that the most labels it may speak about are enough."""
    reasons = [DOUBTS[doubt] for doubt in option.status if doubt in ("lack_of_fit", "too_few_budgets")]
    if option.largest_budget == 0:
        reach = "without accurate labels"
    elif reasons:
        reach = f"at the largest budget, {option.n_accurate:,} labels"
    else:
        reach = f"even with {option.n_accurate:,} labels, {EXTRAPOLATION_LIMIT:g} times the largest budget"
    line = f"  {option.label}: {option.probability:.0%} {reach}"
    if not reasons and option.largest_budget and option.p_never >= 0.05:
        line += f"; never, with any number of labels: {option.p_never:.0%}"
    return line + "".join(f" ({reason})" for reason in reasons) + "."

"""A plan in plain English, line by line; whoever calls prints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from analysis.caveats import Caveat, caveat_lines
from analysis.names import display_level, duration, in_percent
from asteroid.measured_errors import a_mae_in, error_unit
from study.strategies import baseline, strategy_of

if TYPE_CHECKING:
    from analysis.plan.labels_for_target import TargetPlan
    from analysis.plan.options import Option
    from study.counts import LowerLevels
    from study.prices import LevelPrice, PriceList


def explain(plan: TargetPlan, *, force_unit: str = "kcal/mol/Å") -> list[str]:
    """State the recommendation, its price, the runner-up, the saving and every caveat.

    Args:
        plan: the plan.
        force_unit: for display.

    Raises:
        InputError: the unit is not known.
    """
    target = f"{plan.target_ev_ang / error_unit(force_unit):.3g} {force_unit}"
    wish = f"{a_mae_in(force_unit)} of {target} in one new run with a probability of at least {plan.confidence:.0%}"
    if plan.choice is None:
        return [
            f"Cannot be promised from this sweep: {wish}.",
            *(refusal(option) for option in plan.alternatives),
            "Remedy: a laxer target, a lower confidence, larger budgets, more cheap frames; where errors level off, "
            "longer training or a larger model.",
            *caveat_lines(plan.run_caveats),
        ]
    choice = plan.choice
    lines = [
        f"Cheapest way to {wish}:",
        f"  {choice.label}: {_purchase(choice, plan)}; probability {in_percent(choice.probability)}.",
        f"Price of the labels: {duration(choice.cost_cpu_s)} of CPU ({_parts(choice, plan)}).",
        f"  {_interval(choice)}",
        *_one_more(plan, force_unit),
    ]
    if math.isfinite(choice.training_core_s):
        lines.append(
            f"Training, not in this price: {duration(choice.training_core_s)} on one core "
            f"(measured at {choice.training_at_budget:,} labels)."
        )
    if use := use_text(choice, plan.prices.level_of(choice.key.lower), plan.md_steps):
        lines.append(use)
    if plan.runner_up is not None:
        other = plan.runner_up
        lines.append(
            f"Runner-up: {other.label}, {_purchase(other, plan)}, {duration(other.cost_cpu_s)}; "
            f"probability {in_percent(other.probability)}{_use_aside(other, plan)}."
        )
    else:
        lines.append("Runner-up: none, no other strategy with finished runs can promise the target.")
    lines += [_saving(plan), _measured(plan, choice)]
    return lines + caveat_lines(plan.status)


def _measured(plan: TargetPlan, choice: Option) -> str:
    """What the errors were measured with, and what that cost."""
    price = duration(plan.prices.accurate_cpu_s(plan.n_test))
    if choice.n_accurate == 0:
        labels = (
            f"{plan.n_test:,} accurate test labels ({price}, not in the price)"
            if plan.n_test
            else ("the accurate labels that the sweep owned")
        )
        return f"Note: no accurate label is bought, but that this is enough is known only from {labels}."
    if not plan.n_test:
        errors = plan.measured.named("MAEs")
        return f"Errors are cross-validated {errors} inside the bought labels: no test label was needed."
    return (
        f"Not in the price either: {plan.n_test:,} accurate test labels that the errors were measured with ({price})."
    )


def _purchase(option: Option, plan: TargetPlan) -> str:
    owned = min(plan.already.get(plan.prices.accurate, 0), option.n_accurate)
    among = f", {owned:,} of them owned" if owned else ""
    level = display_level(plan.prices.accurate)
    bought = f"{option.n_accurate:,} labels of {level} (training and validation together{among})"
    below = below_text(option.key.lower, plan.prices)
    if below:
        return f"{bought}{below}"
    return (
        f"{bought}, each with a label of {display_level(plan.prices.level_of(option.key.lower))}"
        if option.cheap_cpu_s > 0
        else bought
    )


def below_text(lower: LowerLevels, prices: PriceList) -> str:
    """What is bought of the levels below the accurate one, to follow its labels in a sentence; empty: no frames."""
    parts = (
        [f"{lower.n_intermediate:,} labels of {display_level(lower.intermediate_level)}"]
        if lower.n_intermediate
        else []
    )
    parts += [f"{lower.n_cheap:,} frames of {display_level(prices.level_of(lower))}"] if lower.n_cheap else []
    return (", " if len(parts) > 1 else " and " if parts else "") + " and ".join(parts)


def _parts(option: Option, plan: TargetPlan) -> str:
    lower = option.key.lower
    accurate, cheap = plan.prices.levels[plan.prices.accurate], plan.prices.levels[plan.prices.level_of(lower)]
    parts = [
        f"accurate labels {duration(option.accurate_cpu_s)} at {duration(accurate.label_cpu_s)} each, {accurate.source}"
    ]
    if lower.n_intermediate:
        between = plan.prices.levels[lower.intermediate_level]
        parts.append(
            f"{display_level(lower.intermediate_level)} labels {duration(option.intermediate_cpu_s)} at "
            f"{duration(between.label_cpu_s)} each, {between.source}"
        )
    cheap_cpu_s = option.cheap_cpu_s - option.intermediate_cpu_s
    if lower.n_cheap:
        parts.append(
            f"cheap frames {duration(cheap_cpu_s)} at {cheap_cpu_s / lower.n_cheap:.2g} s each "
            f"{_what_is_paid(option, cheap)}, {cheap.source}"
        )
    elif cheap_cpu_s > 0:
        parts.append(f"cheap labels of the same geometries {duration(cheap_cpu_s)}, {cheap.source}")
    return "; ".join(parts)


def _what_is_paid(option: Option, cheap: LevelPrice) -> str:
    labelled = strategy_of(option.key.strategy).cheap.labels
    if labelled and not cheap.sampling_cpu_s:
        return "without their sampling, whose price is not stated"
    return "with sampling" if labelled or cheap.label_cpu_s == 0 else "for sampling alone"


def use_text(option: Option, cheap_level: str, md_steps: float = 0.0) -> str:
    """What a prediction costs, in words; empty where that was not measured and the cheap method need not run."""
    live = strategy_of(option.key.strategy).runs_cheap_method
    if md_steps and math.isfinite(option.use_cpu_s):
        per_frame = f"{option.use_cpu_s_per_frame:.2g} CPU s per predicted frame"
        runs = f", {display_level(cheap_level)} at every prediction included" if live else ""
        price = f"{duration(option.use_cpu_s)} for {md_steps:.3g} MD steps"
        return f"Use, weighed with the labels: {price}, {per_frame}{runs}."
    runs = f"it runs {display_level(cheap_level)} at every prediction" if live else ""
    if math.isnan(option.use_cpu_s_per_frame):
        return f"Use, not in this price: {runs}." if runs else ""
    measured = f"Use, not in this price: {option.use_cpu_s_per_frame:.2g} CPU s per predicted frame"
    return f"{measured}; {runs}." if runs else f"{measured}."


def _one_more(plan: TargetPlan, force_unit: str) -> list[str]:
    """What one more label of each level would save, and what others would for the same price; empty: nothing known."""
    scale = error_unit(force_unit)

    def amount(saved: tuple[float, float, float]) -> str:
        median, low, high = (f"{value / scale:.2g}" for value in saved)
        return f"{median} [{low}, {high}]"

    parts = []
    first, *others = plan.one_more or (None,)
    if first is None:
        return []
    parts.append(
        f"One more label of {display_level(first.level)} lowers the error by {amount(first.saved_ev_ang)} {force_unit}"
    )
    for worth in others:
        same = worth.saved_for(first.cpu_s) if first.cpu_s > 0 else None
        one = f"one of {display_level(worth.level)} by {amount(worth.saved_ev_ang)}"
        if same and max(same) < plan.target_ev_ang:
            one += f", and those for the same price by {amount(same)}"
        elif same:  # a slope that goes on for so long promises errors below zero
            one += f", and the same price buys {first.cpu_s / worth.cpu_s:,.0f} of them, too many for this slope"
        parts.append(one)
    return ["; ".join(parts) + " (90% intervals)."]


def _use_aside(option: Option, plan: TargetPlan) -> str:
    use = use_text(option, plan.prices.level_of(option.key.lower), plan.md_steps).partition(": ")[2].removesuffix(".")
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
    if early == late:
        return f"For 95% of runs it takes {late}, and no fewer for 5%."
    return f"5% of runs would need no more than {early}; for 95% of runs it takes {late}."


def _saving(plan: TargetPlan) -> str:
    against = f"Saving against {baseline().name_inside}"
    if plan.saving is None:
        return f"{against}: unknown, that strategy cannot be promised from this sweep."
    factor, cpu_s = plan.saving
    if plan.choice is not None and plan.choice.key.strategy == baseline().slug:
        return f"{against}: none, that is the cheapest way."
    times = f"{factor:.2g} times cheaper, " if factor is not None else ""
    return f"{against}: {times}{duration(cpu_s)} of CPU."


def refusal(option: Option) -> str:
    """Say why an option cannot be promised: how probable it is that the most labels it may speak about are enough."""
    among = (Caveat.LACK_OF_FIT, Caveat.BUDGET_MISSED, Caveat.TOO_FEW_BUDGETS)
    reasons = [caveat.sentence for caveat in option.status if caveat in among]
    sampled = Caveat.SAMPLED_BUDGETS_ONLY in option.status
    if option.largest_budget == 0:
        reach = "without accurate labels"
    elif sampled:
        reach = f"at the largest budget, {option.n_accurate:,} labels"
    else:
        times = option.n_accurate / option.largest_budget
        reach = f"even with {option.n_accurate:,} labels, {times:.2g} times the largest budget"
    line = f"  {option.label}: {in_percent(option.probability)} {reach}"
    if not sampled and option.largest_budget and option.p_never >= 0.05:
        line += f"; never, with any number of labels: {in_percent(option.p_never)}"
    return line + "".join(f" ({reason})" for reason in reasons) + "."

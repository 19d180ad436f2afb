"""Further answers in words and as plain data: what a price buys, which runs to make next, whether a surface holds."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from analysis.caveats import caveat_lines
from analysis.names import display_level, duration, in_percent
from analysis.plan.words import below_text
from asteroid.measured_errors import error_unit, named_in

if TYPE_CHECKING:
    from analysis.plan.error_for_price import PriceOption, PricePlan
    from analysis.plan.next_runs import NextRuns
    from analysis.surface.neighbours import CountCheck
    from analysis.surface.transfer import SurfaceFit


def explain_price(plan: PricePlan, *, force_unit: str = "kcal/mol/Å") -> list[str]:
    """State what a price buys, its error, the runner-up and every caveat.

    Raises:
        InputError: the unit is not known.
    """
    scale = error_unit(force_unit)
    price = duration(plan.budget_cpu_s)
    if plan.choice is None:
        nothing = f"For {price} of CPU nothing of this sweep can be bought: its smallest purchases cost more."
        return [nothing, *caveat_lines(plan.run_caveats)]

    def sentence(option: PriceOption) -> str:
        bought = f"{option.n_accurate:,} labels of {display_level(plan.prices.accurate)}"
        cheap = below_text(option.key.lower, plan.prices)
        median, low, high = (error / scale for error in option.error_ev_ang)
        error = f"{named_in(force_unit)} {median:.3g} [{low:.3g}, {high:.3g}] {force_unit} in 90% of new runs"
        use = f" + {duration(option.use_cpu_s)} of use" if option.use_cpu_s > 0 else ""
        return f"{option.label}: {bought}{cheap}, {duration(option.cost_cpu_s)}{use}; {error}"

    lines = [f"Smallest error for {price} of CPU:", f"  {sentence(plan.choice)}."]
    if plan.alternatives:
        lines.append(f"Runner-up: {sentence(plan.alternatives[0])}.")
    return lines + caveat_lines(plan.status)


def explain_next(found: NextRuns, accurate_level: str, *, force_unit: str = "kcal/mol/Å") -> list[str]:
    """State what the labels owned give, and which runs to make next and what each would tell.

    Raises:
        InputError: the unit is not known.
    """
    scale = error_unit(force_unit)
    lines = []
    if found.now is not None:
        owned = found.owned.get(accurate_level, 0)
        used = f" ({found.now.n_accurate:,} of them)" if found.now.n_accurate < owned else ""
        median, low, high = (error / scale for error in found.now.error_ev_ang)
        lines.append(
            f"With the {owned:,} labels of {display_level(accurate_level)} that you own{used}: {found.now.label}, "
            f"{named_in(force_unit)} {median:.3g} [{low:.3g}, {high:.3g}] {force_unit} in 90% of new runs."
        )
    if (more := found.test_labels) is not None:
        lines.append(
            f"More test labels tell most for their price: {more.n_test:,} more ({duration(more.cost_cpu_s)}) would "
            f"lower the test set's own error from {more.relative_se:.1%} to {more.relative_se / math.sqrt(2):.1%}, "
            "which no run does."
        )
    if not found.runs:
        return [*lines, "No run would tell more: every curve meets the target surely or misses it surely."]
    lines.append("Most informative runs for their price, the first one first:")
    new_of = f"new labels of {display_level(accurate_level)}"
    for run in found.runs:
        labels = f"{run.new_labels:,} {new_of}" if run.new_labels else "no new labels"
        lines.append(
            f"  {run.label} at {run.budget:,} labels: {labels}, {duration(run.cost_cpu_s)}; takes "
            f"{run.variance_saved:.0%} of the variance where that curve is undecided "
            f"(a run there meets the target with {in_percent(run.probability)})."
        )
    return lines


def explain_surface(fitted: SurfaceFit | None) -> list[str]:
    """State how the surface of both kinds of labels did on the budgets held out, and where cheap frames hurt."""
    if fitted is None:
        return []
    lines = []
    check = fitted.held_out
    if check is None:
        lines.append("Surface of both kinds of labels: too few budgets to check it, so it is not used.")
    else:
        budgets = " and ".join(f"{n:,}" for n in check.budgets)
        use = "" if fitted.usable else "; it is not used"
        lines.append(
            f"Surface of both kinds of labels, fitted without the runs at {budgets} labels: {check.covered} of "
            f"{check.cells} of their means lie in its 90 % bands, {math.expm1(check.log_rmse):.1%} off (rms){use}."
        )
    lines += [
        f"Negative transfer: {harm.label} at {harm.budget:,} labels is {harm.ratio:.2f} times as wrong as accurate "
        f"labels only (p = {harm.p:.2g}); left out of the surface."
        for harm in fitted.harm
    ]
    return lines


def explain_counts(check: CountCheck | None) -> list[str]:
    """State how numbers of lower labels did that were told from those on either side; nothing where there was none."""
    if check is None:
        return []
    use = "" if check.usable else "; nothing between those that were run is considered"
    return [
        f"Numbers of lower labels told from the next smaller and larger one: {check.covered} of {check.cells} means "
        f"lie in their 90 % bands, {math.expm1(check.log_rmse):.1%} off (rms){use}."
    ]


def counts_json(check: CountCheck | None) -> dict[str, Any] | None:
    """The same as plain data, documented in docs/plan.md."""
    return None if check is None else vars(check) | {"usable": check.usable}


def surface_json(fitted: SurfaceFit | None) -> dict[str, Any] | None:
    """The same as plain data, documented in docs/plan.md."""
    if fitted is None:
        return None
    return {
        "held_out": vars(fitted.held_out) | {"budgets": list(fitted.held_out.budgets)} if fitted.held_out else None,
        "usable": fitted.usable,
        "negative_transfer": [vars(harm) for harm in fitted.harm],
        "status": list(fitted.status),
    }

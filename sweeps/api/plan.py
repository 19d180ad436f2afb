"""`plan`: what to buy for a target or for a price, and what to run next."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from sweeps.quantities import FORCE_UNIT, asked_for, cpu_s, display_unit, priced
from sweeps.run_notes import run_notes

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from analysis.buying.outlook import Way
    from analysis.plan.error_for_price import PriceOption, PricePlan
    from analysis.plan.labels_for_target import TargetPlan
    from analysis.plan.next_runs import NextRuns
    from analysis.plan.options import Option
    from analysis.plan.run_evidence import RunEvidence
    from sweeps.purchases.plans import PurchasePlan
    from sweeps.quantities import FilePath, Seconds, Target


@dataclass(frozen=True, eq=False)
class Plan:
    """An answer of the planner; `print` shows it in words.

    Attributes:
        found: what was computed: `TargetPlan` for a target, `PricePlan` for a price, `NextRuns` for the next runs, each
            of a run; `PurchasePlan` of a purchase.
        evidence: the fitted curves of the run; None of a purchase.
        ledger: what the labels of the study itself cost; None of a purchase.
        notes: doubts about the run folder.
    """

    found: TargetPlan | PricePlan | NextRuns | PurchasePlan
    evidence: RunEvidence | None
    ledger: Mapping[str, Any] | None
    notes: tuple[str, ...] = ()

    @property
    def options(self) -> tuple[Option | PriceOption | Way, ...]:
        """The strategies, the best one first; none for the next runs."""
        from analysis.plan.next_runs import NextRuns
        from sweeps.purchases.plans import PurchasePlan

        if isinstance(self.found, NextRuns):
            return ()
        if isinstance(self.found, PurchasePlan):
            return self.found.ways
        return (*(() if self.found.choice is None else (self.found.choice,)), *self.found.alternatives)

    @property
    def choice(self) -> Option | PriceOption | Way | None:
        """The recommendation; None where nothing can be promised or paid."""
        from analysis.plan.error_for_price import PriceOption

        best = next(iter(self.options), None)
        return best if best is not None and (isinstance(best, PriceOption) or best.promised) else None

    @property
    def table(self) -> pd.DataFrame:
        """One row for each option, or for each of the next runs: the fields of its dataclass."""
        import pandas as pd

        from analysis.plan.next_runs import NextRuns

        rows = self.found.runs if isinstance(self.found, NextRuns) else self.options
        plain = [{"label": row.key.label(), **asdict(row), **row.key.to_json()} for row in rows]
        return pd.DataFrame([{name: value for name, value in row.items() if name != "key"} for row in plain])

    def to_json(self) -> dict[str, Any]:
        """Plain data, documented in docs/plan.md."""
        from analysis.plan.answers import counts_json, surface_json
        from analysis.plan.labels_for_target import TargetPlan

        told = self.found.to_json()
        if isinstance(self.found, TargetPlan) and self.evidence is not None:
            told |= {"surface": surface_json(self.evidence.surface)}
            told |= {"numbers_between": counts_json(self.evidence.count_check)}
        return told

    def lines(self, force_unit: str = FORCE_UNIT) -> list[str]:
        """The answer in words, as the command prints it.

        Args:
            force_unit: of the errors, where it is a unit of theirs.

        Raises:
            InputError: the unit is not known.
        """
        from analysis.caveats import caveat_lines
        from analysis.names import duration
        from analysis.plan.answers import explain_counts, explain_next, explain_price, explain_surface
        from analysis.plan.labels_for_target import TargetPlan
        from analysis.plan.next_runs import NextRuns
        from analysis.plan.words import explain
        from asteroid.measured_errors import unit_to_show
        from sweeps.purchases.plans import PurchasePlan

        found, unit = self.found, display_unit(force_unit)
        if isinstance(found, PurchasePlan):
            return found.lines(unit)
        assert self.evidence is not None
        unit = unit_to_show(self.evidence.measured, unit)
        if isinstance(found, NextRuns):
            accurate = self.evidence.prices.accurate
            return [*explain_next(found, accurate, force_unit=unit), *caveat_lines(self.evidence.caveats)]
        if not isinstance(found, TargetPlan):
            return explain_price(found, force_unit=unit)
        assert self.ledger is not None
        bought = self.ledger["accurate_labels_assumed_bought"]
        price = duration(self.evidence.prices.accurate_cpu_s(bought))  # at the prices that this plan counts with
        learned = f"Learned from a study of {bought:,} accurate labels ({price}), its budgets and seeds together."
        checks = [*explain_surface(self.evidence.surface), *explain_counts(self.evidence.count_check)]
        return [*explain(found, force_unit=unit), *checks, learned]

    def __str__(self) -> str:
        return "\n".join([*(f"Note: {note}" for note in self.notes), *self.lines()])


def plan(
    run: FilePath,
    *,
    target: Target | None = None,
    budget: Seconds | None = None,
    confidence: float = 0.9,
    prices: Mapping[str, Seconds] | None = None,
    already: Mapping[str, int] | None = None,
    md_steps: float = 0.0,
    next_runs: int | None = None,
    force_unit: str = FORCE_UNIT,
) -> Plan:
    """Say which labels to buy for a target error or for a price, with intervals, or that nothing can be promised.

    Args:
        run: folder of a run, or of a purchase that has ended.
        target: MAE to reach: of forces in eV/Å, or text such as "0.3 kcal/mol/A", "0.5 kcal/mol" (energies, their
            constant free) or "1 meV/atom".
        budget: CPU time to spend instead: seconds, or text such as "500h".
        confidence: probability with which the target must be met, .5 to .99.
        prices: of one label, by level, in place of the run's: seconds, or text such as "12min".
        already: labels owned, by level, which cost nothing.
        md_steps: MD steps that the model is for: the price of prediction enters the choice.
        next_runs: name this many runs that would tell most about the target instead.
        force_unit: without a target it says what the errors are of: forces, or energies as in "kcal/mol".

    Raises:
        InputError: no such folder, or an argument that cannot be used.
    """
    from analysis.curves.energy_errors import unit_of_errors
    from analysis.plan.error_for_price import plan_price
    from analysis.plan.labels_for_target import plan_target
    from analysis.plan.next_runs import next_runs as runs_to_make
    from analysis.plan.run_evidence import run_evidence
    from analysis.purchase_files import is_purchase, read_purchase
    from asteroid.labels.level_names import normalise_level
    from asteroid.measured_errors import measured_in
    from study.tables.manifest import read_manifest
    from study.tables.results import read_results

    if (target is None) == (budget is None):
        raise InputError("a plan is for a target or for a price, found both or none: give --target or --budget")
    if next_runs is not None and target is None:
        raise InputError("the next runs are those that tell about a target, found none: give --target as well")
    target_ev_ang, measured, _ = asked_for(target, force_unit)
    budget_cpu_s = None if budget is None else cpu_s(budget)
    folder = Path(run)
    if is_purchase(folder):
        from sweeps.purchases.plans import purchase_plan

        if already or md_steps or next_runs is not None:
            raise InputError("a purchase knows what is owned and what is next: leave out --already, --md-steps, --next")
        purchase = read_purchase(folder)
        new = priced(purchase.prices.to_json(), prices)
        measured = purchase.measured if target is None else measured
        return Plan(purchase_plan(purchase, new, target_ev_ang, budget_cpu_s, confidence, measured), None, None)
    manifest, table = read_manifest(folder), read_results(folder)
    if target is None:
        measured = measured_in(unit_of_errors(table, display_unit(force_unit)))
    new = priced(manifest["prices"], prices)
    known = run_evidence(table, manifest, new, measured=measured, with_surface=budget_cpu_s is None)
    free = {normalise_level(level): n for level, n in (already or {}).items()}
    found: TargetPlan | PricePlan | NextRuns
    if budget_cpu_s is not None:
        found = plan_price(known, budget_cpu_s, already=free, md_steps=md_steps)
    elif next_runs is not None:
        assert target_ev_ang is not None
        found = runs_to_make(known, target_ev_ang, next_runs, already=free or None)
    else:
        assert target_ev_ang is not None
        found = plan_target(known, target_ev_ang, confidence, already=free, md_steps=md_steps)
    return Plan(found, known, manifest["ledger"], run_notes(table, manifest))

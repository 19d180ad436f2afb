"""What a target or a price would take beyond the labels of a purchase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from analysis.buying.outlook import Way
    from analysis.purchase_files import PurchaseFiles
    from asteroid.measured_errors import Measured
    from study.prices import PriceList


@dataclass(frozen=True)
class PurchasePlan:
    """What a target, or else a price, would take beyond the labels of a purchase.

    Attributes:
        target_ev_ang: force MAE to meet, eV/Å, or of energies, eV; None: a price is asked for.
        budget_cpu_s: CPU seconds to spend; None: a target is asked for.
        confidence: probability with which a target must be met.
        level: accurate level.
        ways: one for each strategy, the best one first.
        measured: what the errors are of.
    """

    target_ev_ang: float | None
    budget_cpu_s: float | None
    confidence: float
    level: str
    ways: tuple[Way, ...]
    measured: Measured

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        told: dict[str, Any] = {name: getattr(self, name) for name in ("target_ev_ang", "budget_cpu_s", "confidence")}
        told |= {"measured": str(self.measured)}
        return told | {"measured_by": "cross_validation", "ways": [way.to_json() for way in self.ways]}

    def lines(self, force_unit: str) -> list[str]:
        """The same in words.

        Raises:
            InputError: the unit is not known.
        """
        from analysis.buying.outlook import explain_price, explain_target
        from asteroid.measured_errors import unit_to_show

        force_unit = unit_to_show(self.measured, force_unit)
        if self.target_ev_ang is not None:
            return explain_target(list(self.ways), self.level, self.target_ev_ang, self.confidence, force_unit)
        assert self.budget_cpu_s is not None
        return explain_price(list(self.ways), self.level, self.budget_cpu_s, force_unit)


def purchase_plan(
    files: PurchaseFiles,
    prices: PriceList,
    target_ev_ang: float | None,
    budget_cpu_s: float | None,
    confidence: float,
    measured: Measured,
) -> PurchasePlan:
    """Ask what a target, or else a price, would take beyond the labels of a purchase.

    Raises:
        InputError: target, price or confidence cannot be used.
    """
    from analysis.buying.outlook import ways_for_price, ways_to_target
    from analysis.buying.prior import prior_of
    from analysis.curves.energy_errors import out_of_fold_errors_of

    prior = prior_of(files.prior)
    looks = out_of_fold_errors_of(files.looks, measured, files.n_atoms)
    if target_ev_ang is not None:
        ways = ways_to_target(looks, prices, target_ev_ang, confidence, prior)
    else:
        assert budget_cpu_s is not None
        ways = ways_for_price(looks, prices, budget_cpu_s, prior)
    return PurchasePlan(target_ev_ang, budget_cpu_s, confidence, prices.accurate, tuple(ways), measured)

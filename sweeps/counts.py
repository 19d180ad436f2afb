"""Lines that count what a sweep trains and buys; `check` and `run` print them before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.forecast.count import Forecast
    from study.prices import PriceList
    from study.recipes.workload import Workload


def count_lines(workload: Workload, forecast: Forecast) -> list[str]:
    """Rows, stages and packs after sharing, searches, and the labels that the sweep assumes bought."""
    from study.run.manifest import ledger_of

    kinds = forecast.by_kind()
    n_packs = sum(packs for _, packs in kinds.values())
    lines = []
    if workload.recipes:
        lines = [
            f"{len(workload.recipes)} rows: {len(workload.requests)} stages requested, {len(workload.stages)} "
            f"distinct, trained in {n_packs} packs",
            "  " + ", ".join(f"{kind}: {stages} in {packs}" for kind, (stages, packs) in kinds.items()),
        ]
    for search in workload.searches:
        keys = ", ".join(search.keys)
        lines.append(f"first: search {search.name!r}, {search.section.trials} trials over {keys}")
    if workload.searches:
        of_a_trial = sum(len(pack.specs) for packs in forecast.trial_rounds for pack in packs)
        adds = f"; then {forecast.tuned_rows} rows with what they choose" if forecast.tuned_rows else ""
        lines.append(f"  at most {forecast.trials * of_a_trial} stages for all searches{adds}")
    return [*lines, *label_lines(ledger_of(workload.data, forecast.stages.values()), workload.data.prices)]


def label_lines(ledger: dict[str, Any], prices: PriceList) -> list[str]:
    """What the labels of a run would cost."""
    from analysis.names import duration

    one = {"frames_assumed_bought": ledger["cheap_frames_assumed_bought"], "cpu_s": ledger["cheap_cpu_s"]}
    below = ledger.get("lower_levels") or {prices.cheap: one}
    bought = [
        f"  {level}: {labels:,} labels assumed bought, {duration(price)} of CPU"
        for level, labels, price in (
            (prices.accurate, ledger["accurate_labels_assumed_bought"], ledger["accurate_cpu_s"]),
            *((level, own["frames_assumed_bought"], own["cpu_s"]) for level, own in below.items()),
        )
    ]
    tested = f"{ledger['evaluation_labels']:,} labels of {prices.accurate}, {duration(ledger['evaluation_cpu_s'])}"
    return [*bought, f"  evaluation: {tested} of CPU, outside every budget"]

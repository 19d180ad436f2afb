"""How far a run or a purchase has come, read from its folder, also while it is being made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.plural import plural
from sweeps.counts import label_lines
from sweeps.quantities import FORCE_UNIT
from sweeps.resume import run_command
from sweeps.run_notes import altered_notes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Standing:
    """What a folder says.

    Attributes:
        lines: stages or rounds, labels, computing.
        ended: whether there is nothing to wait for; a purchase that waits for the user's labels counts.
        errors: mean errors so far, as lines of a table; none before the first row.
        notes: doubts about the folder.
    """

    lines: tuple[str, ...]
    ended: bool
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def standing_of(folder: Path) -> Standing:
    """Read a folder.

    Raises:
        InputError: it is neither that of a run nor that of a purchase, or a file in it is damaged.
    """
    from analysis.names import duration
    from analysis.purchase_files import is_purchase
    from study.prices import PriceList
    from study.tables.manifest import read_manifest

    if is_purchase(folder):
        return _purchase(folder)
    manifest = read_manifest(folder)
    ledger, sharing = manifest["ledger"], manifest.get("sharing", {})
    place = manifest.get("store", "store")
    if place == "store":
        finished = sum(not stage.parent.name.startswith(".") for stage in (folder / place).glob("*/stage.json"))
        finished = min(finished, manifest["stages"])  # a store may hold stages of changed labels as well
    else:  # other runs finish stages there too
        finished = sharing["stages_trained"] + sharing["stages_found"]
    lines = [f"{manifest['name']} ({manifest['molecule']}): {finished}/{manifest['stages']} stages finished"]
    if manifest["status"] != "complete":
        shared = None if place == "store" else Path(place)
        lines.append(f"to go on: {run_command(folder / 'sweep.yaml', folder, store=shared)}")
    elif finished < manifest["stages"] - sharing.get("stages_pruned", 0):
        lines.append(
            "the run is complete; stages whose parents failed were left out: see the column 'status' of results.csv"
        )
    lines += label_lines(ledger, PriceList.from_json(manifest["prices"]))
    lines.append(f"  training: {duration(ledger['sweep_core_s'])} on one core")
    if failures := manifest.get("failures", []):
        last = f"{failures[-1]['reason']} ({failures[-1]['kind']})"
        lines.append(f"  failed attempts at a pack: {len(failures)}, the last one: {last}")
    if sharing:
        found = f", {sharing['stages_found']:,} found finished in {place}" if place != "store" else ""
        pruned = f", {sharing['stages_pruned']:,} given up with their trials" if sharing.get("stages_pruned") else ""
        lines.append(
            f"  sharing: {sharing['stages_requested']:,} stages requested by rows and trials, "
            f"{sharing['stages_distinct']:,} distinct, {sharing['stages_trained']:,} trained here{found}{pruned}; "
            f"{duration(sharing['core_s_saved'])} of one core saved ({sharing['core_s_saved']:,.0f} core-seconds)"
        )
    errors, doubts = _errors(folder)
    return Standing(tuple(lines), manifest["status"] == "complete", errors, (*altered_notes(manifest), *doubts))


def _errors(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Mean errors so far, none before the first row, and why a table is not believed."""
    from study.tables.results import RESULTS_FILE, read_results

    if not (folder / RESULTS_FILE).is_file():
        return (), ()
    try:
        return tuple(error_lines(read_results(folder))), ()
    except InputError as error:
        return (), (str(error),)


def error_lines(table: pd.DataFrame) -> list[str]:
    """Mean errors over seeds by strategy (its smallest one) and budget, as a table of text; of forces, where known."""
    from analysis.curves.energy_errors import unit_of_errors
    from asteroid.measured_errors import error_unit, measured_in, named_in

    rows = table[table["status"] == "ok"]
    unit = unit_of_errors(rows, FORCE_UNIT)
    kind = "energy_free_mae_ev" if measured_in(unit).of_energies else "force_mae_ev_ang"
    test = f"test_{kind}"
    measured = test if len(rows) and rows[test].notna().any() else f"cv_{kind}"
    settings = ["n_cheap", "gamma_rel", "schedule"]
    if "cheap_level" in rows:
        settings += ["intermediate_level", "n_intermediate"]
        levels = rows["cheap_level"].where(rows["cheap_level"] == "", " " + rows["cheap_level"])
        rows = rows.assign(strategy=rows["strategy"] + levels)
    means = rows.groupby(["strategy", "budget", *settings], dropna=False, sort=False)[measured].mean().dropna()
    if not len(means):
        return []
    best = means.groupby(["strategy", "budget"], sort=False).min() / error_unit(unit)
    budgets, strategies = (list(dict.fromkeys(best.index.get_level_values(name))) for name in ("budget", "strategy"))
    cells = [(f"{named_in(unit)} so far ({unit})", *(f"{n:,}" for n in sorted(budgets)))]
    for strategy in strategies:
        known = best.loc[strategy]
        cells.append((strategy, *(f"{known[n]:.3g}" if n in known.index else "." for n in sorted(budgets))))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in cells
    ]


def _purchase(folder: Path) -> Standing:
    """The rounds of a purchase, what it waits for, and its certificate."""
    from analysis.purchase_files import CERTIFICATE
    from study.buying.state import read_state
    from study.digests import read_intact
    from sweeps.purchases.lines import hidden_line, rounds_lines

    state = read_state(folder)
    below = f" beside {' and '.join(state.levels[1:])}" if len(state.levels) > 2 else ""
    rounds = f"{len(state.rounds)} {plural(len(state.rounds), 'round')}"
    lines = [f"{state.name}: purchase of {state.levels[0]} labels{below}, {state.status}, {rounds}"]
    lines += rounds_lines(state, FORCE_UNIT) if state.rounds else []
    lines += state.waiting_for
    certificate = folder / f"{CERTIFICATE}.txt"
    if certificate.is_file():
        text = read_intact(certificate, "run the command 'buy' again")
        lines += text.decode("utf-8", "replace").rstrip("\n").split("\n")
    if state.delivered is not None and state.delivered["n_hidden"] > 0:
        lines.append(hidden_line(state, FORCE_UNIT))
    return Standing(tuple(lines), state.status != "running")

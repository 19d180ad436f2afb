"""The command `status`: how far a run or a purchase has come."""

from __future__ import annotations

from pathlib import Path

from sweeps.console import note_altered, say
from sweeps.counts import label_lines
from sweeps.options import RunFolder
from sweeps.resume import run_command


def status(run: RunFolder) -> None:
    """Show how far a run or a purchase has come, what its labels cost and what computing has cost so far.

    Example:

      asteroid-study status runs/quickstart
    """
    from analysis.names import duration
    from analysis.purchase_files import is_purchase
    from study.prices import PriceList
    from study.tables.manifest import read_manifest

    if is_purchase(run):
        _purchase(run)
        return
    manifest = read_manifest(run)
    note_altered(manifest)
    ledger, sharing = manifest["ledger"], manifest.get("sharing", {})
    place = manifest.get("store", "store")
    if place == "store":
        finished = sum(not stage.parent.name.startswith(".") for stage in (run / place).glob("*/stage.json"))
        finished = min(finished, manifest["stages"])  # a store may hold stages of changed labels as well
    else:  # other runs finish stages there too
        finished = sharing["stages_trained"] + sharing["stages_found"]
    say(f"{manifest['name']} ({manifest['molecule']}): {finished}/{manifest['stages']} stages finished")
    if manifest["status"] != "complete":
        shared = None if place == "store" else Path(place)
        say(f"to go on: {run_command(run / 'sweep.yaml', run, store=shared)}")
    elif finished < manifest["stages"] - sharing.get("stages_pruned", 0):
        say("the run is complete; stages whose parents failed were left out: see the column 'status' of results.csv")
    for line in label_lines(ledger, PriceList.from_json(manifest["prices"])):
        say(line)
    say(f"  training: {duration(ledger['sweep_core_s'])} on one core")
    if failures := manifest.get("failures", []):
        last = f"{failures[-1]['reason']} ({failures[-1]['kind']})"
        say(f"  failed attempts at a pack: {len(failures)}, the last one: {last}")
    if sharing:
        found = f", {sharing['stages_found']:,} found finished in {place}" if place != "store" else ""
        pruned = f", {sharing['stages_pruned']:,} given up with their trials" if sharing.get("stages_pruned") else ""
        say(
            f"  sharing: {sharing['stages_requested']:,} stages requested by rows and trials, "
            f"{sharing['stages_distinct']:,} distinct, {sharing['stages_trained']:,} trained here{found}{pruned}; "
            f"{duration(sharing['core_s_saved'])} of one core saved ({sharing['core_s_saved']:,.0f} core-seconds)"
        )


def _purchase(folder: Path) -> None:
    """The rounds of a purchase, what it waits for, and its certificate."""
    from analysis.purchase_files import CERTIFICATE
    from study.buying.state import read_state
    from sweeps.options import FORCE_UNIT
    from sweeps.purchases import hidden_line, rounds_lines

    state = read_state(folder)
    say(f"{state.name}: purchase of {state.levels[0]} labels, {state.status}, {len(state.rounds)} rounds")
    for line in rounds_lines(state, FORCE_UNIT) if state.rounds else ():
        say(line)
    for line in state.waiting_for:
        say(line)
    certificate = folder / f"{CERTIFICATE}.txt"
    if certificate.is_file():
        say(certificate.read_text(encoding="utf-8").rstrip("\n"))
    if state.delivered is not None and state.delivered["hidden_error_ev_ang"] is not None:
        say(hidden_line(state, FORCE_UNIT))

"""What is to be said of a run folder before anything in it is believed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def altered_notes(manifest: dict[str, Any]) -> tuple[str, ...]:
    """That a manifest is not as the run wrote it, where that is so."""
    if not manifest.get("altered"):
        return ()
    return ("manifest.json is not as the run wrote it (its digest differs): somebody or something changed it",)


def run_notes(table: pd.DataFrame, manifest: dict[str, Any]) -> tuple[str, ...]:
    """The same, and that a run has rows to come."""
    short = f"the run is not finished: {len(table)} of {manifest['rows']} rows"
    return (*altered_notes(manifest), *((short,) if len(table) < manifest["rows"] else ()))

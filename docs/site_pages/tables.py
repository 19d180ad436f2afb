"""The reference of tables and JSON files, from their schemas."""

from __future__ import annotations

from asteroid.deploy.record import ModelRecord
from site_pages.markdown import code, table
from site_pages.settings import sections
from study.config.meanings import add_all_meanings
from study.counts import LEVEL_COLUMNS
from study.tables.manifest import ManifestRecord
from study.tables.molecules import MOLECULE_COLUMNS
from study.tables.out_of_fold import BALANCED_COLUMN, OUT_OF_FOLD_COLUMNS
from study.tables.results import COLUMNS
from study.tables.rounds import ROUNDS_COLUMNS
from study.tables.trials import IMPORTANCE_COLUMNS, TRIAL_COLUMNS

#: Files, what a row of each is, and its columns.
_TABLES = (
    (
        "results.csv, results.parquet",
        "a strategy, γ, schedule, budget, number of cheap frames and seed; the last three columns are there where a "
        "study has several levels below the accurate one",
        COLUMNS | LEVEL_COLUMNS,
    ),
    ("molecules.csv", "a molecule of the test set in a row of `results.csv`", MOLECULE_COLUMNS),
    ("trials.csv", "a trial of a search", TRIAL_COLUMNS),
    ("importances.csv", "a setting of a search", IMPORTANCE_COLUMNS),
    ("rounds.csv", "a contender in a round of a purchase", ROUNDS_COLUMNS),
    (
        "out_of_fold.csv",
        "a label scored by a model that never saw it; the last column is there where labels are drawn balanced",
        OUT_OF_FOLD_COLUMNS | BALANCED_COLUMN,
    ),
)
#: Files, what each is, and its record.
_RECORDS = (
    ("manifest.json", "The keys of a run's manifest that are read again; others are for people.", ManifestRecord),
    ("model.json", "What an exported force field says of itself.", ModelRecord),
)


def all_tables() -> str:
    """A section for each table."""
    parts = []
    for files, row, columns in _TABLES:
        rows = [(code(name), dtype, meaning) for name, (dtype, meaning) in columns.items()]
        parts += [f"## {files}", f"A row is {row}.", table(("column", "type", "meaning"), rows)]
    return "\n\n".join(parts)


def all_records() -> str:
    """The JSON files of a run and of an exported model."""
    parts = []
    for name, what, record in _RECORDS:
        schema = record.model_json_schema()
        add_all_meanings(schema)
        parts += [f"## {name}", what, sections(schema, level=3)]
    return "\n\n".join(parts)

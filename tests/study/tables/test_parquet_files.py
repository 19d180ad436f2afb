"""Damaged tables."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from asteroid.errors import InputError
from study.tables.parquet_files import table_of

if TYPE_CHECKING:
    from pathlib import Path


def test_metadata_without_a_key_that_pandas_looks_up(tmp_path: Path) -> None:
    """Its own reader ends with a KeyError."""
    table = pa.Table.from_pandas(pd.DataFrame({"a": [1.0], "b": ["x"]}))
    metadata = json.loads(table.schema.metadata[b"pandas"])
    for column in metadata["columns"]:
        del column["pandas_type"]
    path = tmp_path / "t.parquet"
    pq.write_table(table.replace_schema_metadata({b"pandas": json.dumps(metadata)}), path)
    with pytest.raises(InputError, match="restore it"):
        table_of(path.read_bytes(), path, "restore it")

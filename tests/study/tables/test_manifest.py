"""A manifest that is damaged is refused with one line, one that was changed is said to be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from asteroid.errors import InputError
from study.files import write_record
from study.tables.manifest import ALTERED, read_manifest

if TYPE_CHECKING:
    from pathlib import Path

LEVEL = {"label_cpu_s": 1.0, "source": "x", "sampling_cpu_s": 0.0}
MANIFEST: dict[str, Any] = {
    "status": "complete",
    "level_accurate": "a",
    "prices": {"accurate": "a", "cheap": "b", "levels": {"a": LEVEL, "b": LEVEL}},
    "ledger": {"accurate_labels_assumed_bought": 3, "sweep_core_s": 2.0},
    "rows": 2,
}


def test_records_come_back_and_changes_are_said(tmp_path: Path) -> None:
    write_record(tmp_path / "manifest.json", MANIFEST)
    assert read_manifest(tmp_path) == MANIFEST
    text = (tmp_path / "manifest.json").read_text()
    (tmp_path / "manifest.json").write_text(text.replace('"rows": 2', '"rows": 3'))
    assert read_manifest(tmp_path)[ALTERED] is True
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))  # as earlier releases wrote it
    assert ALTERED not in read_manifest(tmp_path)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prices": "x"}, "prices: Input should be"),
        ({"prices": {**MANIFEST["prices"], "levels": "\x1b[31mred"}}, "prices.levels"),
        ({"prices": {**MANIFEST["prices"], "cheap": "c"}}, "prices.levels lacks c"),
        ({"ledger": {"accurate_labels_assumed_bought": "$x^$"}}, "ledger.accurate_labels_assumed_bought"),
        ({"ledger": {"sweep_core_s": float("inf")}}, "ledger.sweep_core_s"),
        ({"rows": True}, "rows"),
        ({"sharing": {"core_s_saved": "$"}}, "sharing.core_s_saved"),
    ],
)
def test_values_of_another_kind_are_named(tmp_path: Path, change: dict[str, Any], says: str) -> None:
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST | change))
    with pytest.raises(InputError) as caught:
        read_manifest(tmp_path)
    assert says in str(caught.value)
    assert "writes it anew" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[" * 100_000, "[]", "{", "\0"])
def test_what_is_no_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(InputError, match="is damaged"):
        read_manifest(tmp_path)


def test_a_missing_key_is_named_where_it_is_asked_for(tmp_path: Path) -> None:
    write_record(tmp_path / "manifest.json", {key: MANIFEST[key] for key in ("level_accurate", "prices", "ledger")})
    manifest = read_manifest(tmp_path)
    with pytest.raises(InputError, match="lacks 'status'"):
        manifest["status"]
    with pytest.raises(InputError, match=r"ledger in .* lacks 'accurate_cpu_s'"):
        manifest["ledger"]["accurate_cpu_s"]


def test_failures_say_what_is_asked_of_them(tmp_path: Path) -> None:
    write_record(tmp_path / "manifest.json", {**MANIFEST, "failures": [{"a": 1}]})
    assert read_manifest(tmp_path)["failures"] == [{"a": 1, "kind": "", "reason": ""}]

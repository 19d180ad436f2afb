"""The record of an exported model: read back it is the same, and what was not written by the export is refused."""

from __future__ import annotations

import json

import pytest
from exported_methanol import CARD

from asteroid.deploy.record import DescriptorRecord, FileRecord, ModelRecord, TermRecord, read_record, record_text
from asteroid.errors import InputError

RECORD = ModelRecord(
    units={"energy": "eV"},
    level="ccsd_t/cc-pvdz",
    formulas=("CH4O",),
    numbers=(6, 8, 1, 1, 1, 1),
    descriptors=DescriptorRecord(n_radial=6, n_angular=1, l_max=2, cutoff_ang=5.0, sites=None),
    cheap_method=None,
    members=((TermRecord(architecture="mlp", settings={"hidden": 8, "layers": 2}),),),
    calibration=None,
    card=CARD,
    files={"weights.safetensors": FileRecord(size=3, digest="0" * 32)},
)


def test_it_reads_back() -> None:
    assert read_record(record_text(RECORD), "model.json") == RECORD
    ion = RECORD.model_copy(update={"charge": -1, "unpaired": 1})
    assert read_record(record_text(ion), "model.json").electrons == (-1, 1)


def test_one_of_an_earlier_release_is_a_closed_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    known = json.loads(record_text(RECORD))
    plain = {name: value for name, value in known.items() if name not in ("charge", "unpaired", "digest")}
    monkeypatch.setattr(ModelRecord, "model_dump", lambda *_, **__: plain)
    text = record_text(RECORD)
    assert "charge" not in json.loads(text)
    assert read_record(text, "model.json").electrons == (0, 0)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ("[]", "another file"),
        (record_text(RECORD).replace('"hidden": 8', '"hidden": 9'), "changed after its export"),
        (record_text(RECORD).replace('"name": "', '"name": "\\ud800'), "changed after its export"),
        (json.dumps({**json.loads(record_text(RECORD)), "schema_version": "1"}), "has schema '1'"),
    ],
)
def test_anything_else_is_refused(text: str, found: str) -> None:
    with pytest.raises(InputError, match=found) as caught:
        read_record(text, "model.json")
    assert "\n" not in str(caught.value)


def test_descriptors_that_would_fill_the_memory_are_refused() -> None:
    sites = tuple(range(900))
    wide = RECORD.descriptors.model_copy(update={"sites": sites}) if RECORD.descriptors else None
    with pytest.raises(InputError, match="channels are out of range"):
        read_record(record_text(RECORD.model_copy(update={"descriptors": wide})), "model.json")

"""Tables and texts of a folder are told from what was written; folders without digests are read as they are."""

import shutil

import pandas as pd
import pytest
from ended_purchase import write_ended_purchase
from finished_run import table

from analysis.purchase_files import read_purchase
from asteroid.errors import InputError
from study.digests import DIGESTS_FILE, file_with_digest, read_intact, write_text_with_digest
from study.tables.out_of_fold import OUT_OF_FOLD_FILE
from study.tables.results import RESULTS_FILE, read_results, write_results
from study.tables.rounds import ROUNDS_FILE


def refusal(call, *given):
    with pytest.raises(InputError) as caught:
        call(*given)
    return str(caught.value)


def test_a_changed_value_of_a_table_is_not_believed(tmp_path):
    write_results(table(), tmp_path)
    path = tmp_path / RESULTS_FILE
    edited = pd.read_parquet(path)
    edited.loc[0, "test_force_mae_ev_ang"] *= 0.5
    edited.to_parquet(path, index=False)
    message = refusal(read_results, tmp_path)
    assert RESULTS_FILE in message
    assert "asteroid-study run" in message
    assert "asteroid-study fit" in message
    write_results(table(), tmp_path)
    assert len(read_results(tmp_path)) == len(table())


def test_a_folder_of_an_earlier_version_is_read(tmp_path):
    write_results(table(), tmp_path)
    (tmp_path / DIGESTS_FILE).unlink()
    pd.read_parquet(tmp_path / RESULTS_FILE).iloc[:3].to_parquet(tmp_path / RESULTS_FILE, index=False)
    assert len(read_results(tmp_path)) == 3


@pytest.mark.parametrize("name", [ROUNDS_FILE, OUT_OF_FOLD_FILE, "certificate.txt", "certificate.json"])
def test_a_changed_file_of_a_purchase_is_named(tmp_path, name):
    write_ended_purchase(tmp_path)
    read_purchase(tmp_path)
    path = tmp_path / name
    if name == OUT_OF_FOLD_FILE:
        edited = pd.read_parquet(path)
        edited.loc[0, "force_mae_ev_ang"] *= 0.5
        edited.to_parquet(path, index=False)
    else:
        text = path.read_text()
        digit = next(own for own in reversed(text) if own in "12345678")
        at = text.rindex(digit)
        path.write_text(f"{text[:at]}9{text[at + 1 :]}")
    assert name in refusal(read_purchase, tmp_path)


def test_a_writer_that_is_killed_leaves_one_of_two_files_that_are_known(tmp_path):
    path = tmp_path / "a.txt"
    write_text_with_digest(path, "first")
    shutil.copy(path, tmp_path / "kept")
    write_text_with_digest(path, "second")
    assert read_intact(path, "") == b"second"
    (tmp_path / "kept").replace(path)  # killed between the digest and the file
    assert read_intact(path, "") == b"first"
    write_text_with_digest(path, "third")
    path.write_text("first")
    refusal(read_intact, path, "")


def test_what_stood_there_before_there_were_digests_is_known_while_it_is_replaced(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    write_text_with_digest(path, "new")
    path.write_text("old")
    assert read_intact(path, "") == b"old"


def test_a_failure_leaves_file_and_digests_as_they_were(tmp_path):
    path = tmp_path / "a.txt"
    write_text_with_digest(path, "first")
    with pytest.raises(OSError, match="full"), file_with_digest(path):
        raise OSError("full")
    assert read_intact(path, "") == b"first"
    assert sorted(own.name for own in tmp_path.iterdir()) == ["a.txt", DIGESTS_FILE]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a.txt": 1}', '{"a.txt": [[]]}', "[" * 10**5])
def test_damaged_digests_are_named_with_the_remedy(tmp_path, text):
    path = tmp_path / "a.txt"
    write_text_with_digest(path, "first")
    (tmp_path / DIGESTS_FILE).write_text(text)
    with pytest.raises(InputError, match=DIGESTS_FILE):
        read_intact(path, "")

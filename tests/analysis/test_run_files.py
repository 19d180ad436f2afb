import json

import pytest
from ended_purchase import write_ended_purchase
from finished_run import MANIFEST, PRICES, table

from analysis.report.report import make_report
from analysis.run_files import PURCHASE, read_run
from asteroid.errors import InputError
from study.tables.results import write_results


def test_a_run_folder_is_read_with_what_it_has(tmp_path):
    write_results(table(), tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    files = read_run(tmp_path)
    assert len(files.table) == MANIFEST["rows"]
    assert files.manifest["name"] == "methanol"
    assert (files.sweep_yaml, files.trials, files.importances, files.molecules) == ("", None, None, None)
    (tmp_path / "sweep.yaml").write_text("name: methanol\n")
    assert read_run(tmp_path).sweep_yaml == "name: methanol\n"


def test_a_purchase_in_the_folder_of_a_run_is_shown_beside_it(tmp_path):
    write_results(table(), tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    assert read_run(tmp_path).rounds is None
    (tmp_path / PURCHASE).mkdir()
    write_ended_purchase(tmp_path / PURCHASE)
    files = read_run(tmp_path)
    assert len(files.rounds) == 6
    page = make_report(files, PRICES)
    assert 'id="figure-purchase"' in page
    assert page.index('id="figure-purchase"') < page.index('id="figure-learning_curve"')


def test_a_folder_without_a_run_is_refused(tmp_path):
    with pytest.raises(InputError):
        read_run(tmp_path)

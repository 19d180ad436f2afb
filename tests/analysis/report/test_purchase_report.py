"""The page of a purchase: certificate, figures, rounds, other targets; nothing is loaded from elsewhere."""

import re

import pytest
from ended_purchase import PRICES, write_ended_purchase

from analysis.purchase_files import read_purchase
from analysis.report.purchase_report import make_purchase_report, purchase_pictures, rounds_table
from asteroid.errors import InputError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("purchase")
    write_ended_purchase(folder)
    return read_purchase(folder)


def test_the_page_has_certificate_figures_rounds_and_plans(files):
    page = make_purchase_report(files, PRICES)
    for words in (*files.words, "cv_force_mae", "planted curves", "asteroid-study buy planted.yaml"):
        assert words.replace("'", "&#39;") in page or words in page, words
    assert page.count('<img src="data:image/svg+xml;base64,') == 2
    assert len(re.findall("Cheapest way to|Cannot be promised", page.split("<script")[0])) == 4
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    one = make_purchase_report(files, PRICES, target_ev_ang=0.012, confidence=0.8)
    assert len(re.findall("probability of at least 80%", one)) == 1


def test_figures_have_names_of_their_own(files):
    assert [picture.stem for picture in purchase_pictures(files)] == ["purchase", "purchase_curves"]


def test_one_row_for_each_look(files):
    rows = rounds_table(files.rounds, force_unit="meV/A").rows
    assert [row[:3] for row in rows] == [("1", "16", "7.5 min"), ("2", "24", "11 min"), ("3", "60", "28 min")]
    assert rows[-1][-1] == "stop"


def test_a_wrong_target_is_refused(files):
    with pytest.raises(InputError, match="must be positive"):
        make_purchase_report(files, PRICES, target_ev_ang=0.0)


def test_rounds_of_a_ladder_count_the_labels_between(files):
    more = {"n_intermediate": 60, "n_intermediate_next": 60, "intermediate_cpu_s": 90.0}
    rounds = files.rounds.assign(**more)
    rounds.loc[rounds["round"] == 1, "n_intermediate_next"] = 250
    table = rounds_table(rounds, force_unit="meV/A", between="MP2/cc-pVDZ")
    assert table.head[:4] == ("Round", "Labels", "MP2/cc-pVDZ", "Price")
    assert [row[:4] for row in table.rows][:2] == [("1", "16", "60", "9 min"), ("2", "24", "60", "13 min")]
    assert [row[-1] for row in table.rows] == ["250 of MP2/cc-pVDZ", "24 labels", "stop"]

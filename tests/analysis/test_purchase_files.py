"""The folder of a purchase: read once it has ended, refused before."""

import json

import pytest
from ended_purchase import PRICES, write_ended_purchase

from analysis.purchase_files import is_purchase, read_purchase
from asteroid.errors import InputError


def test_what_an_ended_purchase_holds(tmp_path):
    assert not is_purchase(tmp_path)
    write_ended_purchase(tmp_path)
    assert is_purchase(tmp_path)
    files = read_purchase(tmp_path)
    assert (files.name, files.prior, files.prices) == ("planted", "learnt", PRICES)
    assert "asked for: 0.90" in files.words[1]
    assert (len(files.rounds), files.study_yaml) == (6, "name: planted\n")


def test_one_that_goes_on_or_is_of_an_earlier_version_is_refused(tmp_path):
    write_ended_purchase(tmp_path)
    path = tmp_path / "certificate.json"
    told = json.loads(path.read_text())
    path.unlink()
    with pytest.raises(InputError, match="need its end"):
        read_purchase(tmp_path)
    del told["prices"]
    path.write_text(json.dumps(told))
    with pytest.raises(InputError, match="run the command 'buy' again"):
        read_purchase(tmp_path)


@pytest.mark.parametrize(("key", "value"), [("prior", None), ("prior", "wild"), ("prices", {"levels": "x"})])
def test_a_certificate_of_other_contents_is_one_line(tmp_path, key, value):
    write_ended_purchase(tmp_path)
    path = tmp_path / "certificate.json"
    told = json.loads(path.read_text())
    told.pop("digest", None)  # as somebody would who edits it
    told[key] = value
    if value is None:
        del told[key]
    path.write_text(json.dumps(told))
    with pytest.raises(InputError, match=r"'?buy'? "):
        read_purchase(tmp_path)

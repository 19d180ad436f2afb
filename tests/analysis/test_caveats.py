"""Every caveat is a slug for programs and a sentence for people."""

import json
from pathlib import Path

from analysis.caveats import Caveat, caveat_lines, those_that_hold

DOCS = Path(__file__).parents[2] / "docs" / "plan.md"


def test_a_caveat_is_its_slug():
    assert json.dumps([Caveat.FLOOR]) == '["floor"]'
    assert " ".join([Caveat.LACK_OF_FIT, Caveat.BENT_CURVE]) == "lack_of_fit bent_curve"
    assert Caveat("one_seed") is Caveat.ONE_SEED
    assert all(caveat == caveat.name.lower() for caveat in Caveat)


def test_every_caveat_has_a_sentence_of_its_own_and_is_documented():
    sentences = [caveat.sentence for caveat in Caveat]
    assert len(set(sentences)) == len(sentences)
    assert not any(sentence.endswith(".") for sentence in sentences)
    text = DOCS.read_text(encoding="utf-8")
    assert [caveat for caveat in Caveat if f"`{caveat}`" not in text and f'"{caveat}"' not in text] == []


def test_lines_and_order():
    held = those_that_hold({Caveat.FLOOR: False, Caveat.FEW_BUDGETS: True, Caveat.ONE_SEED: True})
    assert held == (Caveat.FEW_BUDGETS, Caveat.ONE_SEED)
    assert caveat_lines(held[:1]) == [f"Caveat: {Caveat.FEW_BUDGETS.sentence}."]

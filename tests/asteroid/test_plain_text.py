from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from asteroid.errors import InputError
from asteroid.plain_text import MESSAGE_MAX, one_line, printable


@given(st.text())
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in printable(text))


@given(st.text(max_size=3000))
def test_refusals_are_one_short_line(text: str) -> None:
    message = str(InputError(text))
    assert len(message) <= MESSAGE_MAX
    assert "\n" not in message
    assert message == one_line(message)


def test_plain_text_stays_and_escapes_are_spelt_out() -> None:
    assert printable("forces in eV/Å, γ = 1 −") == "forces in eV/Å, γ = 1 −"
    assert printable("\x1b[31mred\u202e") == "\\x1b[31mred\\u202e"
    long = one_line("a" * 4000 + " the remedy")
    assert long.endswith(" the remedy")
    assert " ... " in long

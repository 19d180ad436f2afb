"""Text from outside as it may be shown: no control characters, one line, no longer than somebody reads."""

from __future__ import annotations

import unicodedata

#: Control characters, text direction overrides, halves of characters, line and paragraph separators.
_UNPRINTABLE = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
#: A refusal is read in a terminal.
MESSAGE_MAX = 480
_CUT = " ... "


def printable(text: str) -> str:
    """Text without anything that a terminal would obey: escapes and other controls are spelt out."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_spelt(character) for character in text)


def one_line(text: str, most: int = MESSAGE_MAX) -> str:
    """Text in one line of at most so many characters; of a longer one the middle is left out."""
    line = printable(" ".join(text[: 4 * most].split() + text[4 * most :][-most:].split()))
    if len(line) <= most:
        return line
    behind = (most - len(_CUT)) // 3
    return line[: most - len(_CUT) - behind] + _CUT + line[-behind:]


def _spelt(character: str) -> str:
    if unicodedata.category(character) not in _UNPRINTABLE:
        return character
    return character.encode("unicode_escape", "replace").decode("ascii")

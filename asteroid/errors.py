"""The one exception for a user's mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping


class InputError(ValueError):
    """Bad input: one line with the rule, the value found and the remedy. The command exits with code 2.

    The value found is somebody else's text: control characters are spelt out, and the middle of what is too long to be
    read is left out.
    """

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


class UndeclaredError(InputError):
    """What a label file does not tell and its user has to say.

    Attributes:
        wanted: keys of a label file in a sweep file, each with a value for example.
    """

    def __init__(self, message: str, wanted: Mapping[str, str]) -> None:
        super().__init__(message)
        self.wanted = dict(wanted)

"""The one exception for a user's mistake."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input: one line with the rule, the value found and the remedy. The command exits with code 2."""

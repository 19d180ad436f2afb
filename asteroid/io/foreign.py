"""The boundary around parsers of others' files: what they raise becomes one line, their warnings and logs nothing."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.plain_text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASON_MAX = 160


@contextmanager
def foreign_parser(rule: str, remedy: str) -> Iterator[None]:
    """Run a parser of a file that anybody may have written.

    Args:
        rule: what the file must be, such as "a.npz must be an npz file".
        remedy: what to do.

    Raises:
        InputError: for whatever the parser raises but an error of the file system that names the file.
    """
    try:
        with warnings.catch_warnings(), _without_logs():
            warnings.simplefilter("ignore")
            yield
    except InputError:
        raise
    except Exception as error:  # their authors did not promise anything else
        if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
            raise
        raise InputError(f"{rule}, {reason_of(error)}: {remedy}") from error


@contextmanager
def _without_logs() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable()
    try:
        yield
    finally:
        logging.disable(before)


def reason_of(error: Exception) -> str:
    """What went wrong, in a few words."""
    if isinstance(error, MemoryError):
        return "found a claim to more memory than there is"
    if isinstance(error, RecursionError):
        return "found it nested too deeply"
    if isinstance(error, KeyError):
        return f"found no {one_line(str(error), _REASON_MAX)}"
    return f"found a mistake ({one_line(str(error), _REASON_MAX) or type(error).__name__})"

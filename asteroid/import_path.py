"""Functions of the user's own, named by their import path."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable


def load_factory(path: str, folder: str | None, what: str) -> Callable[..., Any]:
    """Import `package.module:factory`.

    Args:
        path: the import path.
        folder: a folder to look in beside the installed packages, or None.
        what: what the function returns, with its article: an ASE calculator.

    Raises:
        InputError: not of that form, no such module, or nothing callable of that name in it.
    """
    module_name, colon, name = path.partition(":")
    if not colon or not module_name or not name:
        raise InputError(
            f"{what} of your own is package.module:factory, found {path!r}: write for instance my_module:make"
        )
    if folder is not None and folder not in sys.path:
        sys.path.append(folder)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # somebody else's code runs here
        raise InputError(
            f"the module of {path!r} cannot be imported ({type(error).__name__}: "
            f"{' '.join(str(error).split())[:200]}): install it, or call the command in its folder"
        ) from error
    found = getattr(module, name, None)
    if not callable(found):
        raise InputError(f"{module_name} has no function {name!r}: name one that returns {what}")
    return found  # type: ignore[no-any-return]

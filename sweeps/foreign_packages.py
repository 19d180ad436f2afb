"""Other distributions have packages of the names of ours; whoever has both is told so before anything fails oddly.

Loads nothing but the standard library, as what it looks for may be in the way of everything else.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

#: The packages that `sweeps` needs, each with a file of ours that another distribution's lacks.
_OURS = ("asteroid/errors.py", "study/strategies.py", "analysis/caveats.py")


def foreign_package() -> str | None:
    """One line that names a package in the way of ours, with the remedy; None where there is none."""
    beside = Path(__file__).resolve().parents[1]
    for own_file in _OURS:
        name = own_file.partition("/")[0]
        found = find_spec(name)
        where = None if found is None else found.origin
        if where is None:
            problem = "found none"
        elif Path(where).resolve().parent != beside / name:
            problem = f"found another one ({where})"
        elif not (beside / own_file).is_file():
            problem = f"found another distribution's in its place ({where})"
        else:
            continue
        return (
            f"asteroid-study needs its own package {name!r}, {problem}: rename or uninstall the other one, or install "
            "asteroid-study into an environment of its own"
        )
    return None

"""How many models a committee has."""

from __future__ import annotations

from asteroid.errors import InputError

#: Most members of a committee that nobody asked for.
_USUAL = 4


def committee_size(asked: int | None, there: int) -> int:
    """Members of a committee.

    Args:
        asked: how many are wanted, 0 for none; None: as many as there are, at most four.
        there: trained models that the first one's committee can be made of.

    Raises:
        InputError: there are not so many, or one is asked for.
    """
    if asked is None:
        usual = min(there, _USUAL)
        return usual if usual > 1 else 0
    if asked == 1 or asked < 0:
        raise InputError(f"a committee has at least 2 members, found --committee {asked}: ask for 2 or more, or for 0")
    if asked > there:
        raise InputError(
            f"there are {there} further models for a committee, found --committee {asked}: ask for "
            f"{there if there > 1 else 0}, or run more seeds (--extend)"
        )
    return asked

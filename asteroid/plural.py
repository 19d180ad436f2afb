"""A noun behind its number."""


def plural(n: int, noun: str, several: str = "") -> str:
    """The noun for n things.

    Args:
        n: how many.
        noun: of one.
        several: of several; empty: the noun with an s.
    """
    return noun if n == 1 else several or f"{noun}s"

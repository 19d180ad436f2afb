"""Names of methods among other words, by which two levels in one file are told apart; no list of all there are."""

from __future__ import annotations

import re

_METHOD = re.compile(
    r"\b(?:u?hf|mp[2-4]|ccsd|casscf|caspt2|(?:rev)?pbe|b3lyp|blyp|scan|tpss|m06|[wω]?b97|xtb|gfn\d?|dft)[\w()+-]*",
    re.IGNORECASE,
)


def method_names(text: str) -> frozenset[str]:
    """Methods that a text names, in lower case: of "! RI-MP2 cc-pVTZ TightSCF" mp2."""
    return frozenset(name.lower() for name in _METHOD.findall(text))

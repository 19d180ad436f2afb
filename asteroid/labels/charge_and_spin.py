"""How many electrons a molecule has, and how many of them are unpaired: what its elements do not tell."""

from __future__ import annotations

from typing import NamedTuple


class ChargeAndSpin(NamedTuple):
    """Charge and spin of a molecule.

    Attributes:
        charge: total charge in elementary charges.
        unpaired: number of unpaired electrons (2S).
    """

    charge: int = 0
    unpaired: int = 0

    def __str__(self) -> str:
        """In words: "charge +1", "charge 0 and 1 unpaired electron"."""
        if not self.unpaired:
            return f"charge {self.charge:+d}" if self.charge else "charge 0"
        return f"{ChargeAndSpin(self.charge)} and {self.unpaired} unpaired electron{'s' * (self.unpaired > 1)}"


#: What a molecule has of which nobody says anything.
CLOSED_SHELL = ChargeAndSpin()

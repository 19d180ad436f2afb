"""What the folder of a purchase holds once it has ended, read in one place for its figures, its page and its plans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from asteroid.errors import InputError
from study.digests import read_intact
from study.files import read_record
from study.prices import PriceList
from study.tables.out_of_fold import read_out_of_fold
from study.tables.rounds import ROUNDS_FILE, measured_of, read_rounds

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from asteroid.measured_errors import Measured

#: Name of the files of the certificate, without `.json` and `.txt`.
CERTIFICATE = "certificate"

_PRIORS = ("learnt", "vague")


@dataclass(frozen=True, eq=False)
class PurchaseFiles:
    """What the folder of a purchase holds.

    Attributes:
        name: of its study.
        certificate: as `certificate.json` has it.
        words: the certificate in words, as lines.
        rounds: of `study.tables.rounds`.
        looks: out-of-fold errors of all looks (`study.tables.out_of_fold`).
        prices: of all levels.
        study_yaml: the purchase's own copy of its study file.
    """

    name: str
    certificate: dict[str, Any]
    words: tuple[str, ...]
    rounds: pd.DataFrame
    looks: pd.DataFrame
    prices: PriceList
    study_yaml: str

    @property
    def prior(self) -> Literal["learnt", "vague"]:
        """Name of the prior that it was made with."""
        return cast("Literal['learnt', 'vague']", self.certificate["prior"])

    @property
    def levels(self) -> tuple[str, ...]:
        """The accurate level and those below it, of a ladder the cheapest first."""
        return tuple(self.certificate.get("levels", (self.prices.accurate, self.prices.cheap)))

    @property
    def measured(self) -> Measured:
        """What its target and its errors are of."""
        return measured_of(self.rounds)

    @property
    def n_atoms(self) -> int | None:
        """Atoms of its molecule; None where an earlier version made it."""
        return cast("int | None", self.certificate.get("n_atoms"))


def is_purchase(folder: Path) -> bool:
    """Whether a folder is that of a purchase."""
    return (folder / ROUNDS_FILE).is_file()


def read_purchase(folder: Path) -> PurchaseFiles:
    """Read what the folder of a purchase holds.

    Raises:
        InputError: the purchase has not ended, or a file is damaged, gone, or not as the purchase wrote it.
    """
    path = folder / f"{CERTIFICATE}.json"
    rounds, looks = read_rounds(folder), read_out_of_fold(folder)
    if not path.is_file() or rounds is None or looks is None:
        raise InputError(f"figures, plans and pages of a purchase need its end, {folder} has none: go on with 'buy'")
    remedy = "run the command 'buy' again"
    certificate, intact = read_record(path, remedy)
    if not intact:
        raise InputError(f"{path} is not as the purchase wrote it (its digest differs): {remedy}")
    try:
        words = read_intact(path.with_suffix(".txt"), remedy).decode().splitlines()
        prices = PriceList.from_json(certificate["prices"])
        if certificate["prior"] not in _PRIORS or not float(certificate["target_ev_ang"]) > 0:
            raise InputError(f"{path} names no prior or target that 'buy' knows: {remedy}")
        return PurchaseFiles(
            certificate["name"],
            certificate,
            tuple(words),
            rounds,
            looks,
            prices,
            (folder / "study.yaml").read_text(encoding="utf-8"),
        )
    except InputError:
        raise
    except (AttributeError, OSError, ValueError, KeyError, TypeError) as error:  # of JSON with other kinds of values
        raise InputError(f"{path} is damaged or of an earlier version: {remedy}") from error

"""`rank_cheap`: candidates for the cheap level, compared on accurate labels that are owned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asteroid.errors import InputError
from sweeps.listening import unheard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from study.labelling.rank_cheap import RankedLevel
    from sweeps.quantities import FilePath

SCHEMA_VERSION = 1
CANNOT_TELL = (
    "It cannot tell what pretraining on frames of a level is worth, nor errors with many more labels than these, nor "
    "on frames unlike them; a public model may have been trained on this molecule."
)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Candidates for the cheap level, by what delta-learning on each leaves.

    Attributes:
        level: the accurate level.
        n_labels: labels that they were compared on.
        candidates: best first.
        recommended: of those as good as the best the one whose label costs least.
        notes: what is to be known besides, one line each.
    """

    level: str
    n_labels: int
    candidates: tuple[RankedLevel, ...]
    recommended: RankedLevel
    notes: tuple[str, ...]

    @property
    def table(self) -> pd.DataFrame:
        """One row for each candidate, the columns of `to_json`."""
        import pandas as pd

        return pd.DataFrame(self.to_json()["candidates"])

    def to_json(self) -> dict[str, Any]:
        """Plain data, as the command prints it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "level": self.level,
            "n_labels": self.n_labels,
            "candidates": [
                {
                    "level": one.level,
                    "own_force_mae_ev_ang": one.own_mae_ev_ang,
                    "delta_force_mae_ev_ang": one.mae_ev_ang,
                    "delta_force_mae_half_ev_ang": one.half_mae_ev_ang,
                    "behind_ev_ang": one.behind_ev_ang,
                    "behind_se_ev_ang": one.behind_se_ev_ang,
                    "equal_to_the_best": one.equal_to_the_best,
                    "label_cpu_s": None if math.isnan(one.label_cpu_s) else one.label_cpu_s,
                }
                for one in self.candidates
            ],
            "recommended": self.recommended.level,
            "notes": list(self.notes),
        }


def rank_cheap(
    labels: FilePath,
    levels: str | Sequence[str] = "",
    *,
    cheap: Sequence[FilePath] = (),
    n: int = 20,
    seed: int = 0,
    level: str | None = None,
    energy_unit: str | None = None,
    length_unit: str | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Ranking:
    """Compare candidates for the cheap level before anything is spent on frames of one.

    Each is subtracted from the accurate labels; the error is that of delta-learning (sGDML), cross-validated in ten
    folds.

    Args:
        labels: accurate labels that are owned, of one molecule, in any format.
        levels: candidates that run here; in text with commas between them.
        cheap: files of candidates' labels at these geometries.
        n: accurate labels to compare on, a random subset.
        seed: of the subset.
        level: that of `labels`, where the file states none.
        energy_unit: unit of the energies, where files state none.
        length_unit: unit of length, where files state none.
        on_line: told whose labels are being computed.

    Raises:
        InputError: no candidate, a file or level that cannot be used, a geometry that a candidate has no label of, or
            too few accurate labels.
    """
    from study.run.hardware import use_one_thread

    use_one_thread()  # before anything numerical is loaded
    from asteroid.io.declaration import Declaration
    from asteroid.io.electrons import charge_and_spin
    from asteroid.io.read import read_labels
    from asteroid.labelling.levels import listed_levels
    from asteroid.labels.charge_and_spin import CLOSED_SHELL
    from asteroid.labels.label_set import hash_order
    from asteroid.labels.molecules import refuse_several
    from study.labelling import rank_cheap as ranking

    tell = on_line or unheard
    names = listed_levels(levels if isinstance(levels, str) else ",".join(levels))
    files = [Path(path) for path in cheap]
    if not names and not files:
        raise InputError(
            "candidates are named with --levels or --cheap, found none: add for instance --levels gfn2-xtb"
        )
    loaded = read_labels(Path(labels), Declaration(level=level, energy_unit=energy_unit, length_unit=length_unit))
    accurate, electrons = loaded.labels, charge_and_spin([loaded.electrons]) or CLOSED_SHELL
    refuse_several(accurate, "rank-cheap", "give the labels of one molecule")
    owned = accurate.select(hash_order(accurate, seed)[:n])
    candidates = []
    for name in names:
        tell(f"labels of {name}")
        candidates.append(ranking.cheap_labels_of(owned, name, electrons))
    for path in files:
        file = read_labels(path, Declaration(energy_unit=energy_unit, length_unit=length_unit)).labels
        candidates.append(ranking.cheap_labels_in(owned, file, electrons))
    ranked = ranking.rank_cheap(owned, candidates)
    notes = (*ranking.dear_candidates(accurate, ranked), CANNOT_TELL)
    return Ranking(owned.level, len(owned), tuple(ranked), ranking.recommended(ranked), notes)

"""The zero of energy, which forces do not know: a constant for one molecule, an energy of each element for several.

Total energies of different molecules differ by thousands of eV, nearly all of it the energies of their free atoms. As
is usual for force fields, those are fitted to the training labels by least squares; of several solutions the smallest
is taken. A molecule whose formula is no combination of the training formulas has no zero then: see `undetermined`.
Frames of one formula have a constant, whatever else their set holds: what is trained depends on its own frames alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from asteroid.descriptors.frame_bank import FrameTensors

#: Atomic numbers 0 (no atom) to 118.
_ELEMENTS = 119


@dataclass(frozen=True)
class EnergyZero:
    """What is to be added to a model's energies.

    Attributes:
        constant_ev: the same for every frame.
        elements_ev: energy of each element [119] by atomic number, from `fit_elements`, on the CPU; None for one
            molecule.
    """

    constant_ev: float
    elements_ev: Tensor | None = None

    def of(self, numbers: Tensor) -> Tensor:
        """What to add to frames [...] of the given atoms [..., A], eV (float64)."""
        constant = torch.full(numbers.shape[:-1], self.constant_ev, dtype=torch.float64, device=numbers.device)
        if self.elements_ev is None:
            return constant
        return constant + self.elements_ev.to(numbers.device)[numbers].sum(-1)

    def tensors(self) -> dict[str, Tensor]:
        """The zero as named tensors, among those of a model; `from_tensors` gives it back."""
        constant = {"energy_shift_ev": torch.tensor(self.constant_ev, dtype=torch.float64)}
        return constant if self.elements_ev is None else {**constant, "element_energies_ev": self.elements_ev}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> EnergyZero:
        """The zero among the tensors of a model.

        Raises:
            KeyError: there is none.
        """
        return cls(float(tensors["energy_shift_ev"]), tensors.get("element_energies_ev"))


def fit_zero(missing: Tensor, frames: FrameTensors, rows: Tensor, middle: Callable[[Tensor], Tensor]) -> EnergyZero:
    """The zero of a level from what predicted energies miss.

    Args:
        missing: labelled minus predicted energies [n] of some frames, float64, eV.
        frames: the level's frames.
        rows: [n] their rows.
        middle: mean or median, for the constant; elements are fitted first where there are several formulas.
    """
    numbers = frames.numbers_of(rows)
    if frames.numbers.ndim == 1 or len(_counts(numbers).unique(dim=0)) == 1:
        return EnergyZero(float(middle(missing)))
    elements = EnergyZero(0.0, fit_elements(missing, numbers))
    return replace(elements, constant_ev=float(middle(missing - elements.of(numbers))))


def fit_elements(energy: Tensor, numbers: Tensor) -> Tensor:
    """Energy of each element, eV, by least squares.

    Args:
        energy: energies [n] of frames, float64, eV.
        numbers: their atomic numbers [n, A], zero where there is no atom.

    Returns:
        [119] by atomic number, on the CPU; zero for elements that do not occur.
    """
    energy, counts = energy.cpu(), _counts(numbers.cpu())  # few numbers; "gelsd" is not on every device
    present = counts.any(0).nonzero().squeeze(1)
    # Frames of one formula share a row: few rows hold any number of frames.
    formulas, which, frames = counts[:, present].unique(dim=0, return_inverse=True, return_counts=True)
    mean = torch.zeros(len(formulas), dtype=torch.float64).index_add(0, which, energy.double()) / frames
    weight = frames.double().sqrt()
    solution = torch.linalg.lstsq(formulas * weight[:, None], (mean * weight)[:, None], driver="gelsd").solution
    found = torch.zeros(_ELEMENTS, dtype=torch.float64)
    found[present] = solution.squeeze(1)
    return found


def undetermined(numbers: Tensor, known: Tensor) -> Tensor:
    """Frames whose zero of energy the known ones do not determine.

    Args:
        numbers: atomic numbers [n, A] of the frames.
        known: atomic numbers [m, A] of frames that a zero is fitted to.

    Returns:
        [n] bool: the formula is not the known one, or no linear combination of known ones.
    """
    formulas, which = _counts(numbers).unique(dim=0, return_inverse=True)
    basis = _counts(known).unique(dim=0)
    if len(basis) == 1:
        weights = (formulas == basis).all(1).double()[None]
    else:
        weights = torch.linalg.lstsq(basis.T, formulas.T, driver="gelsd").solution
    away = (basis.T @ weights - formulas.T).abs().amax(0)
    unknown: Tensor = away > 1e-6
    return unknown[which]


def _counts(numbers: Tensor) -> Tensor:
    """Atoms of each element [n, 119] in float64; places without an atom do not count."""
    counts = torch.zeros(len(numbers), _ELEMENTS, dtype=torch.float64, device=numbers.device)
    counts.scatter_add_(1, numbers, torch.ones_like(numbers, dtype=torch.float64))
    counts[:, 0] = 0.0
    return counts

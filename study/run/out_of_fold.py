"""Finished stages to out-of-fold errors: each owned label scored by the chains that never saw it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import torch

from asteroid.labels.label_set import content_hashes
from asteroid.measured_errors import free_of_constant
from asteroid.models.energy_zero import undetermined
from study.data.roles import by_time
from study.run.cross_validated_error import CrossValidatedError, cross_validated_error
from study.search.scoring import frame_errors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from study.data.load import StudyData
    from study.recipes.cross_validation import Division, Fold
    from study.recipes.recipes import Recipe


def out_of_fold_rows(
    data: StudyData,
    bank: FrameBank,
    division: Division,
    models: Mapping[str, TrainedModel],
    identity: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Rows of the table of out-of-fold errors (`study.tables.out_of_fold`) of one division, in the order of purchase.

    Args:
        data: the labels.
        bank: the described frames, all owned labels among them.
        division: its chains are trained.
        models: by key of their stage.
        identity: strategy, gamma_rel, schedule, n_cheap (with the columns of several levels, if there are) and seed.
    """
    owned = division.owned.hashes
    place = {h: label for label, h in enumerate(owned)}
    force, energy = np.empty(len(owned)), np.empty(len(owned))
    for fold in division.folds:
        found = frame_errors(bank, fold, models)
        labels = [place[h] for h in fold.score.hashes]
        force[labels] = found.force_mae_ev_ang.double().numpy()
        energy[labels] = np.where(_open_zero(data, fold), np.nan, found.energy_ev.double().numpy())
    controls = data.pool_controls
    cheap = np.full((len(owned), 2), np.nan) if controls is None else controls.of(owned)
    mean = np.full(2, np.nan) if controls is None else controls.mean
    drawn = {} if data.drawn_along is None else {"balanced": True}
    return [
        {
            **identity,
            **drawn,
            "n_labels": len(owned),
            "n_folds": division.n_folds,
            "split": division.split,
            "label": label,
            "force_mae_ev_ang": force[label],
            "energy_error_ev": energy[label],
            "cheap_energy_ev": cheap[label, 0],
            "cheap_force_ev_ang": cheap[label, 1],
            "pool_cheap_energy_ev": mean[0],
            "pool_cheap_force_ev_ang": mean[1],
        }
        for label in range(len(owned))
    ]


class InsideErrors(NamedTuple):
    """Cross-validated errors of one row; None where they are not known.

    Energies are without zero for models that saw no accurate label, and for molecules that the training labels do not
    tell it of.
    """

    forces: CrossValidatedError | None
    energies: CrossValidatedError | None


class CrossValidation:
    """Out-of-fold rows and errors of recipes, made again and again while stages are being finished; each scored once.

    Args:
        data: the labels.
        recipes: all rows of the study.
        bank: the described frames.
    """

    def __init__(self, data: StudyData, recipes: Sequence[Recipe], bank: FrameBank) -> None:
        self._data, self._bank = data, bank
        self._rows: dict[tuple[object, ...], list[dict[str, Any]]] = {}
        self._owned_together = len({h for recipe in recipes for d in recipe.divisions for h in d.owned.hashes})
        hashes = content_hashes(data.pool) if self._owned_together else []
        self._time = {hashes[row]: place for place, row in enumerate(by_time(data.pool))} if hashes else {}

    def rows(self, recipe: Recipe, models: Mapping[str, TrainedModel]) -> list[dict[str, Any]]:
        """Rows of all divisions of a finished recipe; none where errors are measured on test labels."""
        key = (recipe.strategy, str(recipe.gamma_rel), recipe.schedule, recipe.budget, recipe.lower, recipe.seed)
        if key not in self._rows:
            identity = {
                "strategy": recipe.strategy,
                "gamma_rel": recipe.gamma_rel,
                "schedule": recipe.schedule,
                **asdict(recipe.lower),
                "seed": recipe.seed,
            }
            self._rows[key] = [
                row
                for division in recipe.divisions
                for row in out_of_fold_rows(self._data, self._bank, division, models, identity)
            ]
        return self._rows[key]

    def error(self, recipe: Recipe, models: Mapping[str, TrainedModel]) -> InsideErrors | None:
        """The cross-validated errors of a recipe; None where errors are measured on test labels."""
        if not recipe.divisions:
            return None
        owned = recipe.divisions[0].owned.hashes
        order = np.argsort([self._time[h] for h in owned])
        forces: dict[int, list[list[float]]] = {}
        energies: dict[int, list[list[float]]] = {}
        rows = iter(self.rows(recipe, models))
        for division in recipe.divisions:
            own = [next(rows) for _ in owned]
            forces.setdefault(division.n_folds, []).append([row["force_mae_ev_ang"] for row in own])
            energies.setdefault(division.n_folds, []).append([row["energy_error_ev"] for row in own])
        of_forces = {n_folds: np.array(found)[:, order] for n_folds, found in forces.items()}
        of_energies = {n_folds: free_of_constant(np.array(found)[:, order]) for n_folds, found in energies.items()}
        controls = None if self._data.pool_controls is None else self._data.pool_controls.standardised(owned)
        controls = None if controls is None else controls[order]

        def inside(errors: dict[int, NDArray[np.float64]]) -> CrossValidatedError | None:
            known = all(np.isfinite(found).all() for found in errors.values())
            return cross_validated_error(errors, self._owned_together, controls) if known else None

        return InsideErrors(inside(of_forces), inside(of_energies))


def _open_zero(data: StudyData, fold: Fold) -> Any:
    """Which scored frames have no zero of energy: all where no accurate label was seen, else as in `energy_zero`."""
    last, pool = fold.chain[-1], data.pool
    if last.train.level != pool.level:
        return True
    if not pool.varied:
        return False
    atoms = dict(zip(content_hashes(pool), pool.numbers, strict=True))
    of_scored, of_known = (
        torch.from_numpy(np.stack([atoms[h] for h in frames.hashes])) for frames in (fold.score, last.train)
    )
    return undetermined(of_scored, of_known).numpy()

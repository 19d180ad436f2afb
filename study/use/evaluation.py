"""Errors of a force field on labels, as tables: over all, by molecule, by element, inside and outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from ase.symbols import Symbols

from asteroid.errors import InputError
from asteroid.labels.molecules import formula, split_molecules
from study.use.predictions import predict_frames

if TYPE_CHECKING:
    from asteroid.deploy.force_field import ForceField
    from asteroid.labels.label_set import LabelSet


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Predictions beside labels.

    Attributes:
        frames: one row a frame: molecule, energies (label and prediction, eV), force MAE (eV/Å), outside (missing where
            it is not known).
        components: one row a force component: molecule, element, label and prediction, eV/Å.
        errors: one row for all frames, each molecule, each element, and the frames inside and outside: number of
            frames, force MAE and RMSE, largest error, energy MAE and the same after the best constant.
    """

    frames: pd.DataFrame
    components: pd.DataFrame
    errors: pd.DataFrame


def evaluate_on(force_field: ForceField, labels: LabelSet) -> Evaluation:
    """Predict labelled frames, molecule by molecule.

    Raises:
        InputError: labels of another level or without energies and forces, or a molecule that the model does not know.
    """
    if labels.level != force_field.level:
        raise InputError(
            f"the model stands for {force_field.level}, found labels of {labels.level}: evaluate it on labels of its "
            "own level"
        )
    if labels.energy is None or labels.forces is None:
        raise InputError("errors need labels with energies and forces, found none of one: add them to the file")
    frames, components = [], []
    for molecule in split_molecules(labels):
        own = molecule.labels
        assert own.energy is not None
        assert own.forces is not None
        found = predict_frames(force_field, own, spread=False)
        name = formula(own.numbers)
        frames.append(
            pd.DataFrame(
                {
                    "molecule": name,
                    "energy_ev": own.energy,
                    "predicted_energy_ev": found.energy,
                    "force_mae_ev_ang": np.abs(found.forces - own.forces).mean(axis=(1, 2)),
                    "outside": pd.array(
                        [None] * len(own) if found.outside is None else found.outside.tolist(), dtype="boolean"
                    ),
                }
            )
        )
        elements = np.repeat([str(Symbols([z])) for z in own.numbers.tolist()], 3)
        components.append(
            pd.DataFrame(
                {
                    "molecule": name,
                    "element": np.tile(elements, len(own)),
                    "frame": np.repeat(molecule.rows, own.forces[0].size),
                    "force_ev_ang": own.forces.ravel(),
                    "predicted_force_ev_ang": found.forces.ravel(),
                }
            )
        )
    all_frames, all_components = pd.concat(frames, ignore_index=True), pd.concat(components, ignore_index=True)
    return Evaluation(all_frames, all_components, _errors(all_frames, all_components))


def _errors(frames: pd.DataFrame, components: pd.DataFrame) -> pd.DataFrame:
    error = components["predicted_force_ev_ang"] - components["force_ev_ang"]
    rows = [{"of": "all frames", **_energy(frames), **_forces(error)}]
    if len(frames["molecule"].unique()) > 1:
        for name, own in frames.groupby("molecule", sort=False):
            rows.append({"of": name, **_energy(own), **_forces(error[components["molecule"] == name])})
    by_element = error.groupby(components["element"], sort=False)
    rows += [{"of": f"forces on {name}", **_forces(own)} for name, own in by_element]
    known = frames["outside"].notna().all()
    for where, is_there in (("inside", False), ("outside", True)) if known else ():
        own = frames[frames["outside"] == is_there]
        if len(own):
            means = own["force_mae_ev_ang"]
            rows.append({"of": f"frames {where}", **_energy(own), "force_mae_ev_ang": float(means.mean())})
    return pd.DataFrame(rows)


def _energy(frames: pd.DataFrame) -> dict[str, float]:
    error = frames["predicted_energy_ev"] - frames["energy_ev"]
    shifted = error - error.median()
    return {
        "n_frames": len(frames),
        "energy_mae_ev": float(error.abs().mean()),
        "energy_mae_shifted_ev": float(shifted.abs().mean()),
    }


def _forces(error: pd.Series[float]) -> dict[str, float]:
    return {
        "force_mae_ev_ang": float(error.abs().mean()),
        "force_rmse_ev_ang": float(np.sqrt((error**2).mean())),
        "force_largest_ev_ang": float(error.abs().max()),
    }

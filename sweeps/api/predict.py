"""`predict`: energies and forces of the frames of a file, from an exported model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from study.use.predictions import Predictions
    from sweeps.quantities import FilePath


def predict(
    model: FilePath,
    file: FilePath,
    *,
    out: FilePath | None = None,
    spread: bool = True,
    length_unit: str | None = None,
) -> Predictions:
    """Predict energies and forces of geometries, the committee's spread, and frames outside the training data.

    Args:
        model: folder of an exported model, of `export` or `buy`.
        file: geometries in any format that label files have.
        out: file of the predictions, .npz, or .xyz and .extxyz; None: none is written.
        spread: ask the committee as well, where the model has one.
        length_unit: unit of length of an npz file that states none.

    Raises:
        InputError: a file or folder that cannot be read, or a molecule that the model does not know.
    """
    from asteroid.deploy.folder import read_force_field
    from study.labelling.geometry_files import read_frames
    from study.use.predictions import check_predictions_path, predict_frames, write_predictions
    from study.use.same_molecule import refuse_other_electrons

    if out is not None:
        check_predictions_path(Path(out))
    force_field = read_force_field(Path(model))
    frames = read_frames(Path(file), length_unit=length_unit)
    refuse_other_electrons(force_field, Path(file))
    found = predict_frames(force_field, frames, spread=spread)
    if out is not None:
        write_predictions(found, Path(out))
    return found

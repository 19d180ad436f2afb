"""`evaluate`: errors of an exported model on labels, by molecule and element, with figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from sweeps.quantities import FORCE_UNIT, display_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.labels.label_set import LabelSet
    from study.use.evaluation import Evaluation
    from sweeps.quantities import FilePath


def evaluate(
    model: FilePath,
    labels: FilePath,
    *,
    out: FilePath | None = None,
    energy_unit: str | None = None,
    length_unit: str | None = None,
    level: str | None = None,
    force_unit: str = FORCE_UNIT,
    on_line: Callable[[str], None] | None = None,
) -> Evaluation:
    """Say how wrong a model is on labels: over all, by molecule, by element, inside and outside the training data.

    Args:
        model: folder of an exported model, of `export` or `buy`.
        labels: labels of the model's level, in any format.
        out: folder of the figures and tables; None: none are drawn.
        energy_unit: unit of the energies, where the file states none.
        length_unit: unit of length, where the file states none.
        level: level of the labels, where the file states none.
        force_unit: of force errors in figures.
        on_line: told in which units the file is, and what the guards say of its labels.

    Raises:
        InputError: a file or folder that cannot be read, labels of another level, or a molecule that the model does not
            know.
    """
    from asteroid.deploy.folder import read_force_field
    from asteroid.io.declaration import Declaration
    from asteroid.io.read import read_labels
    from asteroid.units import force_unit_in_ev_ang
    from study.use.evaluation import evaluate_on
    from study.use.same_molecule import refuse_other_electrons

    unit = display_unit(force_unit)
    force_unit_in_ev_ang(unit)  # refused before anything is predicted
    declared = Declaration(level=level, energy_unit=energy_unit, length_unit=length_unit)
    loaded = read_labels(Path(labels), declared, several=True)
    force_field = read_force_field(Path(model))
    refuse_other_electrons(force_field, Path(labels))
    found = evaluate_on(force_field, loaded.labels)
    if on_line is not None:
        on_line(f"{labels}: {loaded.units}")
        for doubt in _doubts(loaded.labels, Path(labels).name):
            on_line(f"note: {doubt}")
    if out is not None:
        _draw(found, Path(out), unit)
    return found


def _doubts(labels: LabelSet, source: str) -> tuple[str, ...]:
    """What the guards of training labels say of these: of errors on broken labels nobody learns about the model."""
    from asteroid.checks.guards import check_labels

    try:
        return check_labels(labels, source, distinct=False).notes
    except InputError as error:
        told = str(error).replace(", or outliers: keep if sound", "")
        told = told.replace("set outliers: drop", "drop them by 'asteroid-study convert --drop-outliers'")
        return (told.replace("set forces_are: gradients", "turn them by 'asteroid-study convert --gradients'"),)


def _draw(found: Evaluation, folder: Path, force_unit: str) -> None:
    from analysis.figures.model_errors import error_picture, parity_picture
    from analysis.figures.style import save_figure

    for picture in (
        parity_picture(found.frames, found.components, force_unit=force_unit),
        error_picture(found.components, force_unit=force_unit),
    ):
        save_figure(picture.figure, picture.data, folder, picture.stem)
    found.errors.to_csv(folder / "errors.csv", index=False)

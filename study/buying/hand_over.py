"""Batches that are computed elsewhere: input files written, outputs found again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.write import write_labels
from asteroid.labelling.labeller import Failure
from asteroid.labels.charge_and_spin import ChargeAndSpin
from study.buying.batch import Pending
from study.buying.input_files import input_suffix, read_template, render_input
from study.buying.outputs import read_outputs
from study.files import write_json, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from study.buying.batch import Batch, Outcome
    from study.config.buying import HandOverSection

GEOMETRIES_FILE = "geometries.xyz"
_WRITTEN = ".written"
#: So many names stand in a message.
_SHOWN = 6


class HandOver:
    """Labels that other programs compute: the command ends with what to do, and goes on when it is run again.

    A batch is a folder with `geometries.xyz` and an input file for each geometry. What was written there must stay as
    it is; outputs may lie anywhere in the folder, under names that the pattern of the study file fits, each of one or
    of several geometries.

    Args:
        section: of the study file.
        level: of the labels.
        price_cpu_s: CPU seconds that a label counts as where its output does not say.
        give_up: count geometries without an output as failed.
        energies_alone: outputs need no forces; those that they have are left out.

    Raises:
        InputError: the template cannot be read.
    """

    def __init__(
        self,
        section: HandOverSection,
        level: str,
        price_cpu_s: float,
        *,
        give_up: bool = False,
        energies_alone: bool = False,
    ) -> None:
        self._section, self._give_up, self._price_cpu_s = section, give_up, price_cpu_s
        self._template = read_template(section.template)
        self._suffix = section.suffix or input_suffix(section.template)
        self._declared = Declaration(
            level=level,
            energy_unit=section.energy_unit,
            length_unit=section.length_unit,
            force_unit=section.force_unit,
            energy_key=section.energy_key,
            forces_key=section.forces_key,
            forces_are=section.forces_are,
            forces="none" if energies_alone else None,
        )

    def label(self, batch: Batch) -> Sequence[Outcome] | Pending:
        """Write the batch, or read what was computed of it.

        Raises:
            InputError: the folder was edited by hand, or an output does not fit the geometries.
        """
        names = [f"g{frame_id:05d}" for frame_id in batch.frames.frame_id.tolist()]
        texts = self._inputs(batch, names)
        is_new = not (batch.folder / _WRITTEN).exists()
        if is_new:
            self._write(batch, texts)
        _refuse_edited(batch.folder, texts)
        files = [
            path
            for path in sorted(batch.folder.rglob(self._section.outputs))
            if path.is_file() and path.name not in (*texts, GEOMETRIES_FILE) and not path.name.startswith(".")
        ]
        electrons = ChargeAndSpin(self._section.charge, self._section.unpaired)
        found = read_outputs(files, batch.frames, names, self._declared, electrons)
        outcomes, missing = found.outcomes, [name for i, name in enumerate(names) if i not in found.outcomes]
        failed = [(names[i], own.reason) for i, own in sorted(outcomes.items()) if isinstance(own, Failure)]
        # A batch that has only now been written is not given up with the one before it.
        if missing and not (self._give_up and not is_new and (outcomes or len(names) == 1)):
            return Pending(self._to_do(batch, names, missing, failed, found.unused))
        absent = Failure(f"no output that fits {self._section.outputs!r} was found", 0.0)
        return [self._timed(outcomes[i]) if i in outcomes else absent for i in range(len(names))]

    def _timed(self, outcome: Outcome) -> Outcome:
        """Outputs rarely say what they took, with or without a label in them: the price stands for it."""
        return outcome if outcome.cpu_s else replace(outcome, cpu_s=self._price_cpu_s)

    def _inputs(self, batch: Batch, names: Sequence[str]) -> dict[str, str]:
        """Names and texts of all files of the batch."""
        frames, own = batch.frames, self._section
        return {
            f"{name}{self._suffix}": render_input(
                self._template, name, frames.numbers, frames.positions[i], own.charge, own.unpaired
            )
            for i, name in enumerate(names)
        }

    def _write(self, batch: Batch, texts: dict[str, str]) -> None:
        """All files, then the mark that they are all there."""
        batch.folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            write_text(batch.folder / name, text)
        write_labels(batch.frames, batch.folder / GEOMETRIES_FILE)
        geometries = (batch.folder / GEOMETRIES_FILE).read_text(encoding="utf-8")
        write_json(batch.folder / _WRITTEN, {GEOMETRIES_FILE: geometries, **texts})

    def _to_do(
        self,
        batch: Batch,
        names: Sequence[str],
        missing: Sequence[str],
        failed: Sequence[tuple[str, str]],
        unused: Sequence[tuple[str, str]],
    ) -> tuple[str, ...]:
        folder, pattern, n = batch.folder, self._section.outputs, len(names) - len(missing)
        lines = []
        if not n:
            lines.append(
                f"batch {batch.number}: {len(names)} geometries are to be labelled with {batch.frames.level}; {folder} "
                f"holds an input file for each ({names[0]}{self._suffix} to {names[-1]}{self._suffix}) and all of them "
                f"in {GEOMETRIES_FILE}"
            )
        else:
            lines.append(f"batch {batch.number}: {n} of {len(names)} outputs found, missing: {_listed(missing)}")
        lines += [f"  {name}: {reason}; it will be replaced unless it is computed again" for name, reason in failed]
        lines += [f"  not used: {name} ({reason})" for name, reason in unused[:_SHOWN]]
        lines.append(
            f"compute them at these very geometries, with forces; leave the outputs in that folder under names that "
            f"fit {pattern!r}, such as {missing[0]}{pattern.removeprefix('*')}, and run the same command again"
        )
        if n:
            lines.append("with --give-up, geometries without an output are replaced by the next ones in order")
        return tuple(lines)


def _refuse_edited(folder: Path, texts: dict[str, str]) -> None:
    """What was written must be there as it was: outputs are matched with it.

    Raises:
        InputError: a file was changed or removed, or the template makes another one now.
    """
    try:
        written = json.loads((folder / _WRITTEN).read_text(encoding="utf-8"))
    except ValueError:
        raise InputError(
            f"{folder} was edited by hand (.written): remove that file to have the inputs written anew (outputs stay)"
        ) from None
    for name, text in written.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") != text:
            what = "differs from what was written" if path.is_file() else "is gone"
            raise InputError(
                f"{folder} must stay as it was written, found that {name} {what}: put it back as it was, or remove "
                ".written there to have all of it written anew (outputs stay)"
            )
    changed = [name for name, text in texts.items() if written.get(name) != text]
    if changed:
        raise InputError(
            f"{folder} was written from another template or geometry ({changed[0]} would differ): restore the "
            "template, or remove .written there to have all of it written anew (outputs stay)"
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

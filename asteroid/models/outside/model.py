"""A model of an outside trainer: its file, kept whole, and predictions by its own program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.models.energy_zero import EnergyZero
from asteroid.models.outside.frames import read_predictions, write_frames
from asteroid.models.outside.program import run_program, work_folder
from asteroid.models.outside.settings import filled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from asteroid.labels.label_set import FloatArray, IntArray
    from asteroid.models.outside.settings import CommandSettings


@dataclass(frozen=True, eq=False)
class OutsideModel:
    """What a child stage or a prediction needs.

    Attributes:
        settings: the commands.
        content: bytes of the model's file [n] uint8.
        energy_shift_ev: constant to add to the energies.
        element_energies_ev: of several formulas, energy of each element [119] to add as well; else None.
    """

    settings: CommandSettings
    content: Tensor
    energy_shift_ev: float
    element_energies_ev: Tensor | None = None

    @property
    def zero(self) -> EnergyZero:
        """What to add to the energies."""
        return EnergyZero(self.energy_shift_ev, self.element_energies_ev)

    def tensors(self) -> dict[str, Tensor]:
        """The model as named tensors, to be saved with safetensors; `from_tensors` gives back the very same model."""
        return {"content": self.content, **self.zero.tensors()}

    @classmethod
    def from_tensors(cls, settings: CommandSettings, tensors: Mapping[str, Tensor]) -> OutsideModel:
        """Rebuild a model from `tensors`.

        Raises:
            KeyError: a tensor is missing.
        """
        zero = EnergyZero.from_tensors(tensors)
        return cls(settings, tensors["content"], zero.constant_ev, zero.elements_ev)

    def write(self, path: Path) -> None:
        """Write the model's file, and the folders that it lies in."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.content.numpy().tobytes())


def predict_outside(
    model: OutsideModel, numbers: IntArray, positions: FloatArray, device: str = "cpu"
) -> tuple[FloatArray, FloatArray]:
    """Predict frames in one run of the program.

    Args:
        model: the model.
        numbers: atomic numbers [N, A], zero where a frame has no atom.
        positions: [N, A, 3], Å.
        device: class of the device, for the command.

    Returns:
        energies [N] in eV, without the model's zero, and forces [N, A, 3] in eV/Å.

    Raises:
        InputError: the program fails, or does not predict these frames.
    """
    if not len(numbers):
        return positions.sum((1, 2)), positions
    with work_folder() as folder:
        path = folder / model.settings.model_file
        model.write(path)
        frames, predictions = folder / "frames.xyz", folder / "predictions.xyz"
        write_frames(frames, numbers, positions)
        values = {"model": path, "frames": frames, "predictions": predictions, "device": device, "here": Path.cwd()}
        words = filled(model.settings.predict, values)
        run_program(words, folder, model.settings.limit_s)
        keys = model.settings.energy_key, model.settings.forces_key
        return read_predictions(predictions, numbers, positions, keys, words[0])

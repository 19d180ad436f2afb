"""Settings of an outside trainer: its command lines, and what is to be filled into them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, NoReturn

from asteroid.errors import InputError
from asteroid.models.network import NetworkSettings
from asteroid.units import parse_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.descriptors.layout import Layout

_PLACE = re.compile(r"\{([a-z_]+)\}")
#: What every command may be told: files and where it runs; `here` is the folder in which the study was started.
_COMMON = ("model", "device", "here")
#: What a training may be told beside its files: numbers of the stage's schedule and model.
NUMBERS = (
    *("seed", "hidden", "steps", "learning_rate", "warmup_steps", "final_rate", "batch_size", "rho", "ema"),
    *("clip_norm", "frozen_layers", "validations"),
)
_TRAIN = (*_COMMON, "train", "valid", "settings", *NUMBERS)
#: By command: what may stand in it in braces, and what must (one of each tuple).
_PLACES: dict[str, tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]] = {
    "train": (_TRAIN, (("train", "settings"),)),
    "finetune": ((*_TRAIN, "start"), (("train", "settings"), ("start", "settings"))),
    "predict": ((*_COMMON, "frames", "predictions"), (("model",), ("frames",), ("predictions",))),
}


@dataclass(frozen=True)
class CommandSettings(NetworkSettings):
    """An outside trainer as the architecture of a study. Words in braces are filled in; no shell reads the lines.

    Attributes:
        train: command that trains on {train}, validates on {valid} and writes {model}.
        predict: command that reads {model} and {frames} and writes {predictions}.
        finetune: command that trains as `train` does, from the model {start} on; empty where it cannot.
        hidden: for {hidden}.
        model_file: name of the model's file where the trainer chooses it, counted from the folder that it runs in.
        energy_key: where the predictions' energies are.
        forces_key: where their forces are.
        time_limit: a command that takes longer has failed; no part of stage keys.

    Raises:
        InputError: a command that cannot be read, with something unknown in braces, or without what it needs.
    """

    train: str = field(kw_only=True)
    predict: str = field(kw_only=True)
    finetune: str = ""
    model_file: str = "model"
    energy_key: str = "energy"
    forces_key: str = "forces"
    time_limit: str = "1d"

    architecture: ClassVar[str] = "command"
    packs: ClassVar[bool] = False
    packs_on_gpus: ClassVar[bool] = False
    needs_descriptors: ClassVar[bool] = False
    one_composition: ClassVar[bool] = False
    matches_scores: ClassVar[bool] = False
    exports: ClassVar[bool] = False
    interrupts: ClassVar[bool] = False
    learns_energies_alone: ClassVar[bool] = False
    unkeyed: ClassVar[tuple[str, ...]] = ("time_limit",)

    def __post_init__(self) -> None:
        for name, (known, needed) in _PLACES.items():
            line = getattr(self, name)
            if name == "finetune" and not line:
                continue
            words = _words(name, line)
            if not words:
                raise InputError(f"{name} must be a command line, found nothing: write for instance python train.py")
            found = set(_PLACE.findall(line))
            if unknown := sorted(found - set(known)):
                names = ", ".join(f"{{{place}}}" for place in known)
                raise InputError(f"{name} may name {names}, found {{{unknown[0]}}}: correct it")
            for places in needed:
                if not found.intersection(places):
                    wanted = " or ".join(f"{{{place}}}" for place in places)
                    raise InputError(f"{name} must name {wanted}, found {line!r}: add it")
        if not self.limit_s > 0:
            raise InputError(f"time_limit must be positive, found {self.time_limit!r}: write for instance 2h")

    @property
    def limit_s(self) -> float:
        """Wall seconds after which a command has failed."""
        return parse_seconds(self.time_limit)

    @property
    def finetunes(self) -> bool:
        """Whether it can go on with a trained model."""
        return bool(self.finetune)

    def network(self, layout: Layout | None) -> NoReturn:  # noqa: ARG002
        """There is none: training and prediction ask for `OutsideModel`.

        Raises:
            ValueError: always.
        """
        raise ValueError("an outside trainer has no network in this process")


def filled(line: str, values: Mapping[str, object]) -> list[str]:
    """The words of a command line with the values in place of what stands in braces."""
    return [_PLACE.sub(lambda match: str(values[match.group(1)]), word) for word in shlex.split(line)]


def _words(name: str, line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError as error:
        raise InputError(f"{name} must be a command line, found {line!r} ({error}): close its quotes") from error

"""What the folder of an exported force field says of itself: `model.json`, checked key by key."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asteroid.content_digest import content_digest
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.errors import InputError
from asteroid.labels.charge_and_spin import ChargeAndSpin
from asteroid.models.architectures import ARCHITECTURES, settings_type
from asteroid.models.sgdml.settings import KernelSettings

if TYPE_CHECKING:
    from asteroid.models.network import NetworkSettings

SCHEMA_VERSION = 1
#: Name that marks the file.
FORMAT = "asteroid-study force field"

#: Sizes beyond these are no force field of this program, but something made to fill the memory.
_MOST_ATOMS, _MOST_SETTING, _MOST_CHANNELS = 1000, 4096, 10**6

_Count = Annotated[int, Field(ge=1, le=64)]
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
_Text = Annotated[str, Field(max_length=2000)]


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DescriptorRecord(_Record):
    """Resolution of the descriptors (`asteroid.descriptors.layout.DescriptorSettings`).

    Attributes:
        n_radial: radial functions per kind of neighbour.
        n_angular: radial functions per pair of kinds.
        l_max: highest Legendre polynomial of the angle.
        cutoff_ang: neighbours beyond this distance (Å) do not count.
        sites: a label per atom, where atoms of one element are told apart.
    """

    n_radial: _Count
    n_angular: _Count
    l_max: Annotated[int, Field(ge=0, le=12)]
    cutoff_ang: Annotated[float, Field(gt=0, le=100)]
    sites: tuple[Annotated[int, Field(ge=0, lt=_MOST_ATOMS)], ...] | None

    def settings(self) -> DescriptorSettings:
        """The descriptors' own record of it."""
        return DescriptorSettings(**self.model_dump())


class TermRecord(_Record):
    """One of the models whose predictions add up.

    Attributes:
        architecture: its name.
        settings: what is needed to rebuild it.
    """

    architecture: _Text
    settings: dict[str, int | float]

    @property
    def is_kernel(self) -> bool:
        """Whether it is a kernel, which carries all that it needs in its tensors."""
        return self.architecture == KernelSettings.architecture

    @property
    def packages(self) -> tuple[str, ...]:
        """What must be installed for it beside PyTorch."""
        return KernelSettings.packages if self.is_kernel else self.network_settings().packages

    def network_settings(self) -> NetworkSettings:
        """The settings of a network.

        Raises:
            InputError: no such architecture, or settings that it does not have or allow.
        """
        known = [settings.architecture for settings in ARCHITECTURES]
        if self.architecture not in known:
            valid = ", ".join([*known, KernelSettings.architecture])
            raise InputError(f"models have one of the architectures {valid}, found {self.architecture!r}")
        settings = settings_type(self.architecture)
        names = {field.name: field for field in fields(settings)}
        for name, value in self.settings.items():
            if name not in names:
                raise InputError(f"{self.architecture} has the settings {', '.join(names)}, found {name!r}")
            if not names[name].metadata.get("gt", 0) < value <= _MOST_SETTING:
                raise InputError(f"{name} of {self.architecture} is out of range, found {value:g}")
        return settings(**self.settings)  # type: ignore[arg-type]


class TrainingRecord(_Record):
    """What it was trained on.

    Attributes:
        n_labels: accurate labels.
        label_hashes: content hashes of them (`asteroid.labels.label_set`).
        n_cheap: cheap frames.
        cheap_level: their level.
        strategy: the chain of stages.
        stage_keys: keys of the stages, first to last.
        trainer_version: version of the arithmetic of training.
        n_intermediate: labels of a level between the cheap and the accurate one.
        intermediate_level: that level; empty: none.
    """

    n_labels: Annotated[int, Field(ge=0)]
    label_hashes: tuple[_Hash, ...]
    n_cheap: Annotated[int, Field(ge=0)]
    cheap_level: _Text
    strategy: _Text
    stage_keys: tuple[_Hash, ...]
    trainer_version: int
    n_intermediate: Annotated[int, Field(ge=0)] = 0
    intermediate_level: _Text = ""


class ErrorRecord(_Record):
    """How wrong it is.

    Attributes:
        measured_by: where the error comes from.
        force_mae_ev_ang: force MAE in eV/Å.
        low_ev_ang: lower end of its 90 % interval.
        high_ev_ang: upper end.
        energy_mae_ev: energy MAE in eV, where that was measured.
        n_frames: frames that it was measured on.
    """

    measured_by: Literal["test labels", "cross-validation"]
    force_mae_ev_ang: float | None
    low_ev_ang: float | None
    high_ev_ang: float | None
    energy_mae_ev: float | None
    n_frames: Annotated[int, Field(ge=0)]


class CardRecord(_Record):
    """What a reader must know of a force field; nothing of it enters a prediction.

    Attributes:
        name: of the study.
        source: the run or purchase that it is from.
        training: what it was trained on.
        error: how wrong it is.
        committee: what the further members are.
        licence: of the labels.
        versions: of the packages.
    """

    name: _Text
    source: _Text
    training: TrainingRecord
    error: ErrorRecord
    committee: _Text
    licence: _Text
    versions: dict[str, _Text]


class CalibrationRecord(_Record):
    """What is usual on frames of the same sampling that were not trained on (`asteroid.deploy.calibration`).

    A frame farther than `distance_limit` from the training frames is outside; `error_per_spread` times the committee's
    spread is the force error to expect, None without a committee.

    Attributes:
        distance_limit: distance from the training frames that 3 % of such frames exceed.
        error_per_spread: force error over spread of the committee.
        n_frames: frames that both were read off.
    """

    distance_limit: Annotated[float, Field(gt=0)]
    error_per_spread: Annotated[float, Field(gt=0)] | None
    n_frames: Annotated[int, Field(ge=1)]


class FileRecord(_Record):
    """A file of the folder.

    Attributes:
        size: bytes.
        digest: of its content.
    """

    size: Annotated[int, Field(ge=0)]
    digest: _Hash


class ModelRecord(_Record):
    """The whole of `model.json`.

    Attributes:
        format: marks the file.
        schema_version: of this record.
        units: of energies, lengths and forces.
        level: level of theory that it predicts.
        formulas: molecules that it knows.
        numbers: the atoms in their order; None for a model of several molecules.
        descriptors: their resolution; None where the model learns from positions.
        cheap_method: method that runs at every prediction, if any.
        charge: total charge of the molecules.
        unpaired: unpaired electrons.
        members: the first is the model, the others are its committee; each is a sum of terms.
        calibration: what is usual on frames like the training frames.
        card: what a reader must know.
        files: the other files of the folder.
    """

    format: Literal["asteroid-study force field"] = "asteroid-study force field"
    schema_version: Literal[1] = 1
    units: dict[str, str]
    level: _Text
    formulas: tuple[_Text, ...]
    numbers: (
        Annotated[tuple[Annotated[int, Field(ge=1, le=118)], ...], Field(min_length=1, max_length=_MOST_ATOMS)] | None
    )
    descriptors: DescriptorRecord | None
    cheap_method: _Text | None
    charge: Annotated[int, Field(ge=-1000, le=1000)] = 0
    unpaired: Annotated[int, Field(ge=0, le=1000)] = 0
    members: Annotated[
        tuple[Annotated[tuple[TermRecord, ...], Field(min_length=1, max_length=8)], ...],
        Field(min_length=1, max_length=64),
    ]
    calibration: CalibrationRecord | None
    card: CardRecord
    files: dict[str, FileRecord]

    @property
    def electrons(self) -> ChargeAndSpin:
        """Charge and spin of the molecules."""
        return ChargeAndSpin(self.charge, self.unpaired)


def record_text(record: ModelRecord) -> str:
    """A record as JSON, with a digest of all of it, so that damage is seen."""
    plain = record.model_dump(mode="json")
    return json.dumps({**plain, "digest": _digest_of(plain)}, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def read_record(text: str, where: str) -> ModelRecord:
    """Read what `record_text` wrote.

    Args:
        text: the JSON.
        where: name of the file in messages.

    Raises:
        InputError: it is damaged, of something else or of another version.
    """
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where} must be JSON, it is damaged ({_short(error)}): export the model again") from error
    if not isinstance(plain, dict) or plain.get("format") != FORMAT:
        raise InputError(f"{where} must be of a model that this program exported, found another file: use 'export'")
    if plain.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{where} has schema {plain.get('schema_version')!r}, this release reads {SCHEMA_VERSION}: use the release "
            "that exported it, or export the model again"
        )
    digest = plain.pop("digest", None)
    if digest != _digest_of(plain):
        raise InputError(f"{where} was changed after its export (its digest differs): export the model again")
    try:
        record = ModelRecord.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise InputError(f"{where}: {place}: {_short(first['msg'])}: export the model again") from error
    _refuse_too_many_channels(record, where)
    return record


def _refuse_too_many_channels(record: ModelRecord, where: str) -> None:
    """Descriptors grow with the square of the kinds of atoms: laid out without this, a few bytes would fill memory."""
    own = record.descriptors
    if own is None or record.numbers is None:
        return
    kinds = len(set(own.sites or record.numbers))
    channels = kinds * own.n_radial + kinds * (kinds + 1) // 2 * own.n_angular * (own.l_max + 1)
    if channels * kinds > _MOST_CHANNELS:
        raise InputError(f"{where}: descriptors of {channels} channels are out of range: export the model again")


def _digest_of(plain: object) -> str:
    return content_digest(
        json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
    )


def _short(error: object) -> str:
    return " ".join(str(error).split())[:200]

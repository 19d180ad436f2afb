"""What a run's manifest must hold for those who read it: `status`, `plan`, figures and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asteroid.errors import InputError
from asteroid.plain_text import one_line
from study.files import read_record, refuse_special_files

if TYPE_CHECKING:
    from pathlib import Path

_Count = Annotated[int, Field(ge=0, le=10**15, strict=True)]
_Seconds = Annotated[float, Field(ge=0, le=1e18, allow_inf_nan=False)]
_REMEDY = "repeat 'asteroid-study run', which writes it anew"
#: Set in a manifest that is read and is not as it was written.
ALTERED = "altered"


class _Record(BaseModel):
    """Keys that are read; others are for people."""

    model_config = ConfigDict(frozen=True, extra="allow")


class LevelPriceRecord(BaseModel):
    """The price of one level.

    Attributes:
        label_cpu_s: CPU seconds of one label.
        source: where the price is from.
        sampling_cpu_s: CPU seconds of sampling one geometry.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    label_cpu_s: _Seconds
    source: str
    sampling_cpu_s: _Seconds = 0.0


class PricesRecord(_Record):
    """The prices that a run counts with.

    Attributes:
        accurate: level of the accurate labels.
        cheap: level of the cheap labels.
        levels: price of each level.
    """

    accurate: str
    cheap: str
    levels: dict[str, LevelPriceRecord]


class LowerLevelRecord(_Record):
    """What a run has cost of one of several levels below the accurate one.

    Attributes:
        frames_assumed_bought: frames, its budgets and seeds together.
        cpu_s: their price in CPU seconds.
    """

    frames_assumed_bought: _Count
    cpu_s: _Seconds


class LedgerRecord(_Record):
    """What a run has cost: labels at their prices, and training.

    Attributes:
        accurate_labels_assumed_bought: accurate labels, its budgets and seeds together.
        cheap_frames_assumed_bought: cheap frames, likewise.
        evaluation_labels: test labels.
        sweep_core_s: core seconds of training.
        accurate_cpu_s: price of the accurate labels in CPU seconds.
        cheap_cpu_s: price of the cheap frames.
        lower_levels: the same of each level, where there are several below the accurate one.
        evaluation_cpu_s: price of the test labels.
    """

    accurate_labels_assumed_bought: _Count = 0
    cheap_frames_assumed_bought: _Count = 0
    evaluation_labels: _Count = 0
    sweep_core_s: _Seconds = 0.0
    accurate_cpu_s: _Seconds = 0.0
    cheap_cpu_s: _Seconds = 0.0
    lower_levels: dict[str, LowerLevelRecord] = Field(default_factory=dict)
    evaluation_cpu_s: _Seconds = 0.0


class SharingRecord(_Record):
    """What equal stages have saved.

    Attributes:
        stages_requested: stages of all rows.
        stages_distinct: those that differ.
        stages_trained: those trained by this run.
        stages_found: those found in the store.
        core_s_saved: core seconds that these would have taken.
        stages_pruned: stages given up on the way.
    """

    stages_requested: _Count = 0
    stages_distinct: _Count = 0
    stages_trained: _Count = 0
    stages_found: _Count = 0
    core_s_saved: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    stages_pruned: _Count = 0


class FailureRecord(_Record):
    """A pack of stages that failed.

    Attributes:
        kind: of failure.
        reason: in words.
    """

    kind: str = ""
    reason: str = ""


class ManifestRecord(_Record):
    """What a run says of itself.

    Attributes:
        level_accurate: level of the accurate labels.
        prices: what labels cost.
        level_cheap: level of the cheap labels.
        status: complete, or how far the run is.
        name: of the sweep.
        molecule: formula.
        pool_size: accurate labels that are no test labels.
        n_test: test labels.
        rows: of the results table.
        stages: that the rows need.
        store: folder of the finished stages.
        sweep: the sweep file in full.
        ledger: what was bought and spent.
        sharing: what equal stages have saved.
        failures: packs that failed.
        data_card_lines: what is known of the labels.
        versions: of the packages.
        hardware: of the machine.
    """

    level_accurate: str
    prices: PricesRecord
    level_cheap: str = ""
    status: str = ""
    name: str = ""
    molecule: str = ""
    pool_size: _Count = 0
    n_test: _Count = 0
    rows: _Count = 0
    stages: _Count = 0
    store: str = "store"
    sweep: dict[str, Any] = Field(default_factory=dict)
    ledger: LedgerRecord | None = None
    sharing: SharingRecord | None = None
    failures: tuple[FailureRecord, ...] = ()
    data_card_lines: tuple[str, ...] = ()
    versions: dict[str, str] = Field(default_factory=dict)
    hardware: dict[str, str | int | float | None] = Field(default_factory=dict)


class _Strict(dict[str, Any]):
    """A part of a manifest in which a missing key is the file's fault."""

    def __init__(self, values: dict[str, Any], where: str) -> None:
        super().__init__(values)
        self._where = where

    def __missing__(self, key: str) -> Any:
        raise InputError(f"{self._where} lacks {key!r}: {_REMEDY}")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read `manifest.json` of a run folder: settings, data card, prices, versions, hardware.

    Returns:
        The manifest; with `ALTERED` true where it is not as the run wrote it.

    Raises:
        InputError: there is no manifest, or a key that is read is missing or of another kind.
    """
    path = folder / "manifest.json"
    if folder.is_file():
        raise InputError(f"a run folder is needed, found the file {folder}: a table is for 'asteroid-study fit'")
    if not path.is_file():
        raise InputError(
            f"a run folder with manifest.json is needed, found none in {folder}: first 'asteroid-study run'"
        )
    refuse_special_files(folder)
    manifest, intact = read_record(path, _REMEDY)
    try:
        checked = ManifestRecord.model_validate(manifest)
    except (ValidationError, RecursionError) as error:
        raise InputError(f"{path} is not a run's manifest ({_first(error)}): {_REMEDY}") from error
    unknown = {checked.prices.accurate, checked.prices.cheap} - set(checked.prices.levels)
    if unknown:
        raise InputError(f"{path} is not a run's manifest (prices.levels lacks {min(unknown)}): {_REMEDY}")
    strict = _Strict(manifest, str(path))
    for part in ("ledger", "sharing"):
        if isinstance(strict.get(part), dict):
            strict[part] = _Strict(strict[part], f"{part} in {path}")
    if "failures" in strict:
        strict["failures"] = [failure.model_dump() for failure in checked.failures]
    if not intact:
        strict[ALTERED] = True
    return strict


def _first(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    first = error.errors(include_input=False, include_url=False)[0]
    return one_line(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", 120)

"""What a run's manifest must hold for those who read it: `status`, `plan`, figures and the report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asteroid.errors import InputError
from asteroid.plain_text import one_line
from study.files import read_record

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


class _LevelPrice(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    label_cpu_s: _Seconds
    source: str
    sampling_cpu_s: _Seconds = 0.0


class _Prices(_Record):
    accurate: str
    cheap: str
    levels: dict[str, _LevelPrice]


class _Ledger(_Record):
    accurate_labels_assumed_bought: _Count = 0
    cheap_frames_assumed_bought: _Count = 0
    evaluation_labels: _Count = 0
    sweep_core_s: _Seconds = 0.0
    accurate_cpu_s: _Seconds = 0.0
    cheap_cpu_s: _Seconds = 0.0
    evaluation_cpu_s: _Seconds = 0.0


class _Sharing(_Record):
    stages_requested: _Count = 0
    stages_distinct: _Count = 0
    stages_trained: _Count = 0
    stages_found: _Count = 0
    core_s_saved: Annotated[float, Field(allow_inf_nan=False)] = 0.0
    stages_pruned: _Count = 0


class _Failure(_Record):
    kind: str = ""
    reason: str = ""


class _Manifest(_Record):
    level_accurate: str
    prices: _Prices
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
    ledger: _Ledger | None = None
    sharing: _Sharing | None = None
    failures: tuple[_Failure, ...] = ()
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
    if not path.is_file():
        raise InputError(
            f"a run folder with manifest.json is needed, found none in {folder}: first 'asteroid-study run'"
        )
    manifest, intact = read_record(path, _REMEDY)
    try:
        checked = _Manifest.model_validate(manifest)
    except (ValidationError, RecursionError) as error:
        raise InputError(f"{path} is not a run's manifest ({_first(error)}): {_REMEDY}") from error
    unknown = {checked.prices.accurate, checked.prices.cheap} - set(checked.prices.levels)
    if unknown:
        raise InputError(f"{path} is not a run's manifest (prices.levels lacks {min(unknown)}): {_REMEDY}")
    strict = _Strict(manifest, str(path))
    for part in ("ledger", "sharing"):
        if isinstance(strict.get(part), dict):
            strict[part] = _Strict(strict[part], f"{part} in {path}")
    if not intact:
        strict[ALTERED] = True
    return strict


def _first(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    first = error.errors(include_input=False, include_url=False)[0]
    return one_line(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", 120)

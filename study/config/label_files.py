"""The sections of a sweep file that say where labels come from, what they cost and which of them are the test set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from asteroid.io.declaration import ForcesAre
from asteroid.labels.level_names import normalise_level
from asteroid.units import SECONDS_MAX, parse_seconds
from study.config.stages import Section


def _price(value: Any) -> Any:
    return parse_seconds(value) if isinstance(value, str) else value


#: CPU seconds, written as a number or with a unit ("28s", "1.4 ms").
CpuSeconds = Annotated[
    float,
    BeforeValidator(_price, json_schema_input_type=float | str),
    Field(ge=0, le=SECONDS_MAX),
]


class LabelFile(Section):
    """A file of labels at one level (or a set of MD17 by name), with units and price.

    Attributes:
        file: path, from the folder of the sweep file, or a set of MD17 by name ("md17:revised ethanol").
        duplicates: what is done about frames that stand twice: refuse the file, or drop them.
        outliers: what is done about broken frames: refuse the file, or drop them.
        price: CPU time of one label; a number of seconds, or text with a unit ("28s").
        sampling_price: CPU time of sampling one cheap geometry.
        temperature_k: temperature of the sampling in kelvin.
        unlabelled: whether the file holds geometries without labels.
        forces: none, where accurate labels are energies alone; forces that the file has serve test labels only.
    """

    file: Path
    level: str | None = None
    energy_unit: str | None = None
    length_unit: str | None = None
    force_unit: str | None = None
    energy_key: str | None = None
    forces_key: str | None = None
    group_key: str | None = None
    numbers_key: str | None = None
    positions_key: str | None = None
    forces_are: ForcesAre = "forces"
    vacuum_box: bool = False
    data_folder: Path | None = None
    duplicates: Literal["error", "drop"] = "error"
    outliers: Literal["error", "drop"] = "error"
    price: CpuSeconds | None = None
    sampling_price: CpuSeconds | None = None
    temperature_k: float | None = Field(default=None, gt=0)
    atom_order: tuple[int, ...] | None = None
    unlabelled: bool = False
    forces: Literal["none"] | None = None


class DataSection(Section):
    """Where the labels come from: the packaged data set, or one file for each level.

    Attributes:
        dataset: name of a packaged set, instead of files.
        accurate: the accurate labels.
        cheap: the cheap frames.
        prices: CPU time of one label by level, instead of those of the packaged set.
        forces: none, to use the energies alone of the accurate labels of the packaged set.
    """

    dataset: Literal["methanol"] | None = None
    accurate: LabelFile | None = None
    cheap: LabelFile | None = None
    prices: dict[str, CpuSeconds] = Field(default_factory=dict)
    forces: Literal["none"] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> DataSection:
        files = (self.accurate, self.cheap)
        if self.dataset is None and None in files:
            raise ValueError("data names a packaged 'dataset', or files under both 'accurate' and 'cheap'")
        if self.accurate is not None and self.accurate.unlabelled:
            raise ValueError("accurate frames need labels: remove 'unlabelled' from data.accurate")
        if self.dataset is not None and any(files):
            raise ValueError("data names a packaged 'dataset' or files, not both: remove one")
        if self.dataset is None and self.forces is not None:
            raise ValueError("data.forces is of a packaged 'dataset': write forces: none under data.accurate")
        if self.cheap is not None and self.cheap.forces is not None:
            raise ValueError("cheap labels need forces: remove 'forces' from data.cheap")
        return self

    @property
    def energies_alone(self) -> bool:
        """Whether accurate labels are energies without forces."""
        return "none" in (self.forces, None if self.accurate is None else self.accurate.forces)

    @field_validator("prices")
    @classmethod
    def _slugs(cls, prices: dict[str, float]) -> dict[str, float]:
        return {normalise_level(level): price for level, price in prices.items()}


class TestSection(Section):
    """Which accurate labels are the test set: whole groups, or a fixed share of the frames.

    Attributes:
        groups: numbers of the groups (replicas, time blocks) that are kept apart.
        share: share of the frames that is kept apart, at random.
    """

    groups: tuple[int, ...] | None = None
    share: float | None = Field(default=None, gt=0, lt=1)

    @model_validator(mode="after")
    def _one_rule(self) -> TestSection:
        if (self.groups is None) == (self.share is None):
            raise ValueError("test needs either 'groups' (replicas, time blocks) or 'share' (between 0 and 1)")
        return self


class CrossValidationSection(Section):
    """How errors are measured inside the bought labels, where no test labels are kept.

    Attributes:
        folds: parts of the labels, each scored by a model of the others.
        splits: ways of dividing them that are averaged.
    """

    folds: int = Field(default=10, ge=2)
    splits: int = Field(default=1, ge=1)

"""The sections of a sweep file that say where labels come from, what they cost and which of them are the test set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, field_validator, model_validator

from asteroid.io.declaration import ForcesAre
from asteroid.io.md17 import is_md17
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
        outliers: what is done about frames that the others contradict: refuse the file, drop them, or keep them.
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
    outliers: Literal["error", "drop", "keep"] = "error"
    price: CpuSeconds | None = None
    sampling_price: CpuSeconds | None = None
    temperature_k: float | None = Field(default=None, gt=0)
    atom_order: tuple[int, ...] | None = None
    unlabelled: bool = False
    forces: Literal["none"] | None = None

    def in_folder(self, folder: Path) -> LabelFile:
        """The same with its paths counted from a folder; names of MD17 stay names."""
        paths = {} if is_md17(self.file) else {"file": (folder / _at_home(self.file)).resolve()}
        if self.data_folder is not None:
            paths["data_folder"] = (folder / _at_home(self.data_folder)).resolve()
        return self.model_copy(update=paths)


def _at_home(path: Path) -> Path:
    """A path with ~ written out; as it is where nobody has that home."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _form(value: Any) -> str:
    return NAME if isinstance(value, str) else LIST if isinstance(value, (list, tuple)) else FILE


#: What an entry may be; as parts of a place in a file, these are for pydantic and not for people.
FILE, NAME, LIST, MAPPING = "<file>", "<name>", "<list>", "<mapping>"
#: A level: its file, or its name in a packaged set.
Level = Annotated[Annotated[LabelFile, Tag(FILE)] | Annotated[str, Tag(NAME)], Discriminator(_form)]
#: One cheap level, or several.
CheapLevels = Annotated[Annotated[LabelFile, Tag(FILE)] | Annotated[tuple[Level, ...], Tag(LIST)], Discriminator(_form)]


class DataSection(Section):
    """Where the labels come from: the packaged data set, or one file for each level.

    Several levels under `cheap` compete: strategies are tried with each. Those under `levels` are a ladder, from the
    cheapest to the accurate one: strategies may also climb over the level between.

    Attributes:
        dataset: name of a packaged set, instead of files; of several levels its own are named, others are files.
        accurate: the accurate labels.
        cheap: the cheap frames; a list of files for several cheap levels.
        levels: instead of both, a ladder of two or three levels, cheapest first.
        prices: CPU time of one label by level, instead of those of the packaged set.
        forces: none, to use the energies alone of the accurate labels of the packaged set.
    """

    dataset: Literal["methanol"] | None = None
    accurate: LabelFile | None = None
    cheap: CheapLevels | None = None
    levels: tuple[Level, ...] = ()
    prices: dict[str, CpuSeconds] = Field(default_factory=dict)
    forces: Literal["none"] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> DataSection:
        if self.levels and (self.accurate is not None or self.cheap is not None):
            raise ValueError("'levels' stands for both 'accurate' and 'cheap': remove it or these two")
        if self.levels and len(self.levels) not in (2, 3):
            raise ValueError(f"a ladder has two or three levels, cheapest first, found {len(self.levels)} in 'levels'")
        named = [level for level in (*self.levels, *self.cheap_entries) if isinstance(level, str)]
        if self.dataset is None:
            if self.accurate_file is None or not self.cheap_files:
                raise ValueError("data names a packaged 'dataset', or files under both 'accurate' and 'cheap'")
            if named:
                raise ValueError(
                    f"a level by its name alone is one of a packaged 'dataset', found {named[0]!r}: add file"
                )
        elif self.accurate is not None or isinstance(self.cheap, LabelFile):
            raise ValueError("data names a packaged 'dataset' or files, not both: remove one")
        if self.accurate_file is not None and self.accurate_file.unlabelled:
            raise ValueError("accurate frames need labels: remove 'unlabelled' from data.accurate")
        if len(self.cheap_files) > 1 and any(file.unlabelled for file in self.cheap_files):
            raise ValueError("several levels below the accurate one need labels each: remove 'unlabelled'")
        if self.dataset is None and self.forces is not None:
            raise ValueError("data.forces is of a packaged 'dataset': write forces: none under data.accurate")
        if any(file.forces is not None for file in self.cheap_files):
            raise ValueError("cheap labels need forces: remove 'forces' from data.cheap")
        return self

    @property
    def energies_alone(self) -> bool:
        """Whether accurate labels are energies without forces."""
        return "none" in (self.forces, None if self.accurate_file is None else self.accurate_file.forces)

    @property
    def cheap_entries(self) -> tuple[LabelFile | str, ...]:
        """The levels below the accurate one, of a ladder the cheapest first: files, or names of a packaged set."""
        if self.levels:
            return self.levels[:-1]
        return self.cheap if isinstance(self.cheap, tuple) else () if self.cheap is None else (self.cheap,)

    @property
    def accurate_file(self) -> LabelFile | None:
        """The file of the accurate labels; None for a packaged set."""
        last = self.levels[-1] if self.levels else self.accurate
        return last if isinstance(last, LabelFile) else None

    @property
    def cheap_files(self) -> tuple[LabelFile, ...]:
        """Files of the levels below the accurate one, cheapest first; none for a packaged set."""
        return tuple(file for file in self.cheap_entries if isinstance(file, LabelFile))

    @property
    def is_ladder(self) -> bool:
        """Whether strategies may climb over a level between the cheapest and the accurate one."""
        return len(self.levels) > 2

    def with_folder(self, folder: Path) -> DataSection:
        """The same with the paths of its files counted from a folder; names of MD17 stay names."""

        def placed(given: LabelFile | str | None) -> LabelFile | str | None:
            return given.in_folder(folder) if isinstance(given, LabelFile) else given

        cheap = tuple(map(placed, self.cheap)) if isinstance(self.cheap, tuple) else placed(self.cheap)
        update = {"accurate": placed(self.accurate), "cheap": cheap, "levels": tuple(map(placed, self.levels))}
        return self.model_copy(update=update)

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

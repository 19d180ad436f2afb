"""The study file of a purchase: a sweep's strategies and settings, and a section `buy` that says how labels are had."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, Field, field_validator, model_validator

from asteroid.io.declaration import ForcesAre
from asteroid.labels.level_names import is_import_path, level_parts, normalise_level
from asteroid.units import force_unit_in_ev_ang
from study.config.label_files import CpuSeconds, DataSection, LabelFile, TestSection
from study.config.stages import Section
from study.config.sweep import Sweep
from study.config.sweep_text import parse_text, read_text, sweep_yaml
from study.strategies import STRATEGIES

_Model = TypeVar("_Model", bound=BaseModel)

#: Labels that a purchase begins with, where none are owned.
START = 16


class MethodSection(Section):
    """Labels computed here: a level of the command `label`, or the user's ASE calculator.

    Attributes:
        calculator: `module:function` that returns an ASE calculator, instead of the level's own program.
        charge: total charge of the molecule.
        unpaired: unpaired electrons.
        max_cycle: most cycles of a self-consistent field.
        force_unit: eV/Angstrom, which every ASE calculator gives: stated, the size of its forces is believed, however
            far it is from that of the cheap ones.
    """

    calculator: str | None = None
    charge: int = 0
    unpaired: int = Field(default=0, ge=0)
    max_cycle: int = Field(default=100, gt=0)
    force_unit: str | None = None

    @field_validator("force_unit")
    @classmethod
    def _as_ase_has_it(cls, unit: str | None) -> str | None:
        if unit is not None and force_unit_in_ev_ang(unit) != 1:
            raise ValueError(
                f"ASE calculators give eV and eV/Å, found force_unit {unit!r}: convert in the calculator, then write "
                "force_unit: eV/Angstrom"
            )
        return unit


#: Keys of `hand_over` that change no label, and those that declare what the outputs do not say.
HOW_OUTPUTS_ARE_FOUND = frozenset({"outputs"})
HOW_OUTPUTS_ARE_READ = frozenset({"energy_unit", "length_unit", "force_unit", "energy_key", "forces_key", "forces_are"})


class HandOverSection(Section):
    """Labels computed elsewhere: one input file for each geometry, and how the outputs are found and read.

    Attributes:
        template: of the input files, in Jinja's language; path from the folder of the study file.
        suffix: ending of the input files; left out, the template's own ("orca.inp.jinja": .inp).
        outputs: pattern of the names of the outputs.
        charge: total charge of the molecule.
        unpaired: unpaired electrons.
    """

    template: Path
    suffix: str | None = Field(default=None, pattern=r"\.[A-Za-z0-9]+")
    outputs: str = Field(default="*.out", min_length=1)
    charge: int = 0
    unpaired: int = Field(default=0, ge=0)
    energy_unit: str | None = None
    length_unit: str | None = None
    force_unit: str | None = None
    energy_key: str | None = None
    forces_key: str | None = None
    forces_are: ForcesAre = "forces"

    @field_validator("outputs")
    @classmethod
    def _inside(cls, pattern: str) -> str:
        if pattern.startswith("/") or ".." in pattern:
            raise ValueError(f"outputs lie in the folder of their batch, found {pattern!r}: write for instance '*.out'")
        return pattern


class ReplaySection(Section):
    """Labels taken from a file as if they were bought; those of hidden groups are kept to judge the model by.

    Attributes:
        labels: the file; left out, the labels of the packaged set.
        hidden_groups: numbers of the groups that are not for sale.
    """

    labels: LabelFile | None = None
    hidden_groups: tuple[int, ...] = ()


class BuySection(Section):
    """How labels are had, how many are bought first, and among which geometries is chosen.

    Exactly one of `here`, `hand_over` and `replay` says who computes them. Geometries to label are set aside from the
    cheap frames, `candidates` of them, so that pretraining never sees one that may be bought.

    Attributes:
        level: level of theory of the labels to buy.
        price: CPU time of one label; a number of seconds, or text with a unit ("28s").
        start: labels of the first round.
        candidates: geometries that may be labelled.
        seed: of the order in which they are bought.
        here: labels are computed on this machine.
        hand_over: labels are computed elsewhere.
        replay: labels are taken from a file.
        intermediate: labels of the level between of a ladder are computed elsewhere.
        outliers: what is done about labels that the others contradict: nothing is bought on, or they are kept.
        forces: none, to buy energies alone, which take less time than energies with forces.
    """

    level: str | None = None
    price: CpuSeconds | None = None
    start: int = Field(default=START, ge=10)
    candidates: int = Field(default=1000, ge=20)
    seed: int = Field(default=0, ge=0, lt=2**63)
    here: MethodSection | None = None
    hand_over: HandOverSection | None = None
    replay: ReplaySection | None = None
    intermediate: HandOverSection | None = None
    outliers: Literal["error", "keep"] = "error"
    forces: Literal["none"] | None = None

    @property
    def units_are_known(self) -> bool:
        """Whether labels cannot be in another unit or of another sign: levels of this project say their own."""
        if self.here is None or self.here.calculator is not None or self.level is None:
            return False
        return not any(is_import_path(part.level) for part in level_parts(self.level))

    @property
    def force_unit_is_stated(self) -> bool:
        """Whether the study file says what unit forces are in."""
        source = self.here or self.hand_over or (self.replay.labels if self.replay else None)
        return source is not None and source.force_unit is not None

    @field_validator("level")
    @classmethod
    def _slug(cls, level: str | None) -> str | None:
        return None if level is None else normalise_level(level)

    @model_validator(mode="after")
    def _one_way(self) -> BuySection:
        named = [name for name in ("here", "hand_over", "replay") if getattr(self, name) is not None]
        if len(named) != 1:
            found = " and ".join(named) or "none"
            raise ValueError(f"labels come one way, 'here', 'hand_over' or 'replay', found {found}: name one")
        if self.replay is None and (self.level is None or self.price is None):
            key = "level" if self.level is None else "price"
            example = "ccsd_t/cc-pvdz" if self.level is None else "28s"
            raise ValueError(f"what is bought needs a {key}: add for instance {key}: {example}")
        return self


class BuyData(DataSection):
    """Where frames come from: the cheap ones must be there, accurate labels may be.

    On a ladder the level between may be named without a file, where its labels are computed here or handed over; so may
    the last one, which is bought.
    """

    @model_validator(mode="after")
    def _one_source(self) -> BuyData:
        if self.levels and (self.accurate is not None or self.cheap is not None):
            raise ValueError("'levels' stands for both 'accurate' and 'cheap': remove it or these two")
        if self.levels and len(self.levels) not in (2, 3):
            raise ValueError(f"a ladder has two or three levels, cheapest first, found {len(self.levels)} in 'levels'")
        if self.dataset is None and not isinstance(next(iter(self.cheap_entries), None), LabelFile):
            raise ValueError("a purchase draws geometries from cheap frames: name a file under 'cheap'")
        named = [entry for entry in self.cheap_entries if isinstance(entry, str)]
        if self.dataset is None and named and not self.is_ladder:
            raise ValueError(f"a level by its name alone is one of a packaged 'dataset', found {named[0]!r}: add file")
        if self.accurate_file is not None and self.accurate_file.unlabelled:
            raise ValueError("accurate frames need labels: remove 'unlabelled' from data.accurate")
        if len(self.cheap_entries) > 1 and any(file.unlabelled for file in self.cheap_files):
            raise ValueError("several levels below the accurate one need labels each: remove 'unlabelled'")
        if self.dataset is not None and (self.accurate_file is not None or isinstance(self.cheap, LabelFile)):
            raise ValueError("data names a packaged 'dataset' or files, not both: remove one")
        return self

    @property
    def computed_level(self) -> str | None:
        """The level between of a ladder that is named without a file, so that its labels are computed; else None."""
        named = [entry for entry in self.cheap_entries[1:] if isinstance(entry, str) and self.dataset is None]
        return normalise_level(named[0]) if named else None


class BuyStudy(Sweep):
    """What to buy labels for: the strategies that compete, with settings as in a sweep file, and how labels are had.

    Attributes:
        buy: how labels are had.
    """

    data: BuyData
    buy: BuySection
    test: TestSection | None = None
    draw: Literal["random", "balanced"] = "balanced"
    budgets: tuple[int, ...] = ()
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = (0,)

    @property
    def energies_alone(self) -> bool:
        """Whether the labels that are bought are energies without forces."""
        return self.buy.forces == "none"

    @model_validator(mode="after")
    def _labels_of_one_kind(self) -> BuyStudy:
        if self.data.energies_alone and not self.energies_alone:
            raise ValueError("labels owned are energies alone, those bought have forces: add forces: none under 'buy'")
        return self

    @model_validator(mode="after")
    def _labels_between_come_from_somewhere(self) -> BuyStudy:
        level = self.data.computed_level
        if level is None:
            if self.buy.intermediate is not None:
                raise ValueError(
                    "labels between are handed over where a ladder names their level without a file, found "
                    "buy.intermediate: remove it, or name the level alone under data.levels"
                )
            return self
        if self.buy.here is None and self.buy.intermediate is None:
            raise ValueError(
                f"{level} has no labels at hand: name a file of its labels under data.levels, or under 'buy' either "
                "'here', which computes them, or 'intermediate', which hands them over"
            )
        if level not in self.data.prices:
            raise ValueError(f"labels of {level} have no price: add prices: {{{level}: 3s}} under data")
        return self

    @model_validator(mode="after")
    def _nothing_of_a_sweep(self) -> BuyStudy:
        for key, empty in (("test", self.test is None), ("tune", self.tune is None), ("pareto", self.pareto is None)):
            if not empty:
                raise ValueError(
                    f"a purchase has no {key!r}, errors are cross-validated inside the labels owned: remove the section"
                )
        if self.mode != "curve":
            raise ValueError(f"a purchase has no mode, found {self.mode}: remove it")
        if isinstance(self.n_cheap, dict) and len(self.data.cheap_entries) < 2:
            raise ValueError("this purchase has one cheap level, found n_cheap by level: write it as a list, [1000]")
        if not any(STRATEGIES[strategy].buys_accurate for strategy in self.strategies):
            raise ValueError("no strategy here learns from accurate labels: add for instance pretrain_finetune")
        if not self.model.settings().exports:
            raise ValueError(
                f"a purchase delivers an exported model, which architecture {self.model.architecture} does not allow: "
                "choose another"
            )
        if self.start is not None:
            raise ValueError("a purchase pretrains on its cheap frames, found pretrain.from: add steps, or use a sweep")
        if self.buy.replay is not None and self.buy.replay.labels is None and self.data.dataset is None:
            raise ValueError("a replay takes its labels from a file: add it under buy.replay.labels")
        return self


def read_buy_study(path: Path) -> BuyStudy:
    """Read a study file; paths in it count from its folder.

    Raises:
        InputError: the file is missing, is no YAML, or breaks a rule; one line that names the key and the remedy.
    """
    return parse_buy_study(read_text(path), path.name, path.parent)


def parse_buy_study(text: str, what: str, folder: Path) -> BuyStudy:
    """Read a study file from its text.

    Args:
        text: the YAML text.
        what: its name in messages.
        folder: relative paths count from here.

    Raises:
        InputError: as `read_buy_study`.
    """
    study = parse_text(text, what, BuyStudy)
    buy = study.buy
    updates: dict[str, Any] = {}
    for name, handed in (("hand_over", buy.hand_over), ("intermediate", buy.intermediate)):
        if handed is not None:
            updates[name] = _with(handed, template=(folder / handed.template).resolve())
    if buy.replay is not None and buy.replay.labels is not None:
        updates["replay"] = _with(buy.replay, labels=buy.replay.labels.in_folder(folder))
    return _with(study, buy=_with(buy, **updates), data=study.data.with_folder(folder))


def study_yaml(study: BuyStudy) -> str:
    """The study file in full, defaults included, as YAML that `parse_buy_study` reads back."""
    buy = study.buy.model_dump(mode="json", exclude_none=True)
    return sweep_yaml(study.model_copy(update={"buy": None})).replace("buy: null\n", yaml.safe_dump({"buy": buy}))


def _with(model: _Model, **changes: object) -> _Model:
    return model.model_copy(update=changes)

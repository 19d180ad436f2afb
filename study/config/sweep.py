"""The sweep file: what a user writes, checked before anything is loaded or trained."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from asteroid.errors import InputError
from asteroid.labels.level_names import normalise_level
from asteroid.models.architectures import ARCHITECTURES, settings_type
from asteroid.models.outside.settings import CommandSettings
from study.config.label_files import LIST, MAPPING, CrossValidationSection, DataSection, TestSection
from study.config.model import DEFAULT_MODEL, Model
from study.config.search import SearchSection
from study.config.stages import DescriptorSection, GammaRel, KernelSection, ScheduleSection, ScoreSection, Section
from study.config.start import Pretraining, StartSection
from study.config.usual import with_usual
from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from asteroid.models.network import NetworkSettings
    from study.strategies import Strategy


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ValueError(f"values must differ, found {list(values)}")
    return values


def _counts(values: tuple[int, ...]) -> tuple[int, ...]:
    for value in values:
        if value <= 0:
            raise ValueError(f"a number of labels is positive, found {value}")
    return values


def _form(value: Any) -> str:
    return MAPPING if isinstance(value, dict) else LIST


#: Numbers of frames: of the only level below the accurate one or of each alike, or by level.
CheapCounts = Annotated[
    Annotated[tuple[int, ...], Tag(LIST)] | Annotated[dict[str, tuple[int, ...]], Tag(MAPPING)], Discriminator(_form)
]


def _listed(strategy: str) -> str:
    if strategy not in STRATEGIES:
        raise ValueError(f"a strategy is one of {', '.join(map(repr, STRATEGIES))}, found {strategy!r}")
    return strategy


class Sweep(Section):
    """What to study.

    Mode `curve` fills strategies x budgets x n_cheap x gamma_rel x fine-tune schedules x seeds; with a `tune`
    section it first searches settings at the budgets named there and adds curves with what was found. Mode `tune`
    only searches. Mode `pareto` searches with the budget as a dimension, for error and price at once (section
    `pareto`).

    Without a section `test`, no accurate label is kept aside: errors are cross-validated inside the bought labels
    (section `cross_validation`). `draw: balanced` draws labels along their cheap energy.

    Attributes:
        name: of the study; also of its folder.
        mode: learning curves, a search of settings, or a search of settings and budgets.
        data: where the labels come from.
        test: which accurate labels are the test set.
        cross_validation: how errors are measured where there is no test set.
        draw: how the labels of a budget are drawn: at random, or spread over the range of the cheap energy.
        strategies: chains of stages to compare.
        budgets: accurate labels bought, training and validation together.
        n_cheap: cheap frames bought, for the strategies that use them; by level where there are several below the
            accurate one, those of the level between being its labels.
        gamma_rel: bias-weight temperatures over the median bias; inf: no weights.
        seeds: of the draw of labels, the weights and the batches; a learning curve each.
        model: architecture and size of the networks.
        descriptors: resolution of the descriptors.
        identify: schedule of the stage on the accurate labels alone.
        pretrain: schedule of the stage on the cheap labels; or a trained model in its place.
        score_match: schedule of the stage on cheap frames without labels.
        residual: schedule of the second network, on what the first one misses.
        kernel: settings of sGDML.
        finetune: schedules of the stage that ends a chain on the accurate labels, by name; all are compared.
        tune: a search of settings.
        pareto: a search of settings and budgets, in mode `pareto`.
        pack_size: stages that may train together as one batch of models.
    """

    name: str = Field(min_length=1, max_length=100)
    mode: Literal["curve", "tune", "pareto"] = "curve"
    data: DataSection
    test: TestSection | None = None
    cross_validation: CrossValidationSection | None = None
    draw: Literal["random", "balanced"] = "random"
    strategies: tuple[Annotated[str, AfterValidator(_listed)], ...] = Field(min_length=1)
    budgets: tuple[int, ...] = Field(min_length=1)
    n_cheap: CheapCounts = ()
    gamma_rel: tuple[GammaRel, ...] = (math.inf,)
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = Field(min_length=1)
    model: Model = DEFAULT_MODEL
    descriptors: DescriptorSection = DescriptorSection()
    identify: ScheduleSection
    pretrain: Pretraining | None = None
    score_match: ScoreSection | None = None
    residual: ScheduleSection | None = None
    kernel: KernelSection = KernelSection()
    finetune: dict[str, ScheduleSection] = Field(default_factory=dict)
    tune: SearchSection | None = None
    pareto: SearchSection | None = None
    pack_size: int = Field(default=16, gt=0)

    @model_validator(mode="before")
    @classmethod
    def _left_to_the_architecture(cls, given: Any) -> Any:
        model = given.get("model", {}) if isinstance(given, dict) else None
        name = model.get("architecture", DEFAULT_MODEL.architecture) if isinstance(model, dict) else None
        try:
            return with_usual(given, settings_type(name).usual) if isinstance(name, str) else given
        except (KeyError, InputError):
            return given  # an architecture that the section refuses

    _differ = field_validator("strategies", "budgets", "gamma_rel", "seeds")(_unique)

    @field_validator("n_cheap")
    @classmethod
    def _by_level(cls, given: CheapCounts) -> CheapCounts:
        if not isinstance(given, dict):
            return _counts(_unique(given))
        return {normalise_level(level): _counts(_unique(values)) for level, values in given.items()}

    @field_validator("name")
    @classmethod
    def _file_name(cls, name: str) -> str:
        if set(name) & set("/\\\0") or not name.strip(". "):
            raise ValueError(f"a name is a folder's name too, without / and \\, found {name!r}")
        return name

    @field_validator("gamma_rel")
    @classmethod
    def _positive(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        for value in values:
            if not value > 0:
                raise ValueError(f"a bias-weight temperature is positive (inf: no weights), found {value:g}")
        return values

    @field_validator("budgets")
    @classmethod
    def _positive_budgets(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        return _counts(values)

    @model_validator(mode="after")
    def _searches(self) -> Sweep:
        for mode, section in (("tune", self.tune), ("pareto", self.pareto)):
            if self.mode == mode and section is None:
                raise ValueError(f"mode {mode} needs a section {mode!r}: add budgets, trials, subset_seeds and space")
        if self.pareto is not None and self.mode != "pareto":
            raise ValueError(f"section 'pareto' belongs to mode pareto, found mode {self.mode}: set it or remove it")
        if self.mode == "pareto" and self.tune is not None:
            raise ValueError("mode pareto takes no section 'tune': remove it")
        if self.pareto is not None and self.pareto.pruning is not None:
            raise ValueError("pruning judges one error, mode pareto has two objectives: remove pareto.pruning")
        shared = set(self.tune.subset_seeds) & set(self.seeds) if self.tune is not None else set()
        if shared:
            raise ValueError(
                f"the chosen setting is reported over new seeds: tune.subset_seeds and seeds share {sorted(shared)}"
            )
        return self

    @model_validator(mode="after")
    def _one_estimate_of_errors(self) -> Sweep:
        if self.test is not None and self.cross_validation is not None:
            raise ValueError(
                "errors are measured on test labels or cross-validated inside the bought ones: remove 'test' or "
                "'cross_validation'"
            )
        return self

    @model_validator(mode="after")
    def _what_strategies_need(self) -> Sweep:
        for strategy in self.strategies:
            entry = STRATEGIES[strategy]
            if self.buys_frames(entry) and not self.n_cheap:
                raise ValueError(f"strategy {strategy} needs 'n_cheap': add for instance n_cheap: [4000]")
            for kind, section in (("pretrain", self.pretrain), ("score_match", self.score_match)):
                if kind in entry.kinds and section is None:
                    raise ValueError(f"strategy {strategy} needs a {kind!r} schedule: add steps and learning_rate")
            if entry.finetunes and not self.finetune:
                raise ValueError(f"strategy {strategy} needs a schedule under 'finetune': add one with a name")
        asked = [STRATEGIES[strategy] for strategy in self.strategies]
        if self.start is not None:
            self._refuse_what_needs_a_pretraining(asked)
        if not self.model.settings().finetunes and (going_on := [entry.slug for entry in asked if entry.finetunes]):
            raise ValueError(f"strategy {going_on[0]} goes on with a trained model: add model.finetune, its command")
        others = sorted(model.architecture for model in self.architectures if not model.interrupts)
        if others and (search := self.pareto or self.tune) and search.pruning is not None:
            raise ValueError(f"pruning interrupts trainings, architecture {others[0]} cannot: remove pruning")
        twins = {entry.unweighted_twin for entry in STRATEGIES.values()}
        for plain in [entry.slug for entry in asked if entry.slug in twins]:
            if math.inf not in self.gamma_rel:
                raise ValueError(f"strategy {plain} is pretraining without weights: add inf to gamma_rel")
        for entry in [entry for entry in asked if entry.weighted]:
            if not any(math.isfinite(g) for g in self.gamma_rel):
                raise ValueError(f"strategy {entry.slug} needs a finite gamma_rel: add for instance 1")
            if entry.unweighted_twin not in self.strategies:
                raise ValueError(
                    f"strategy {entry.slug} is judged against no weights: add strategy {entry.unweighted_twin} and "
                    "gamma_rel inf"
                )
        climbing = [entry.slug for entry in asked if entry.has_intermediate_axis]
        if climbing and not self.data.is_ladder:
            raise ValueError(
                f"strategy {climbing[0]} climbs over a level between the cheapest and the accurate one: name three "
                "levels under data.levels"
            )
        needing = [entry.slug for entry in asked if entry.cheap.labels or entry.cheap.labels_at_accurate]
        if any(file.unlabelled for file in self.data.cheap_files) and needing:
            raise ValueError(
                f"strategy {needing[0]} needs cheap labels, data.cheap is unlabelled: remove one of the two"
            )
        scored = [entry.slug for entry in asked if entry.learns_from_sampling]
        others = sorted(model.architecture for model in self.architectures if not model.matches_scores)
        if scored and others:
            able = " or ".join(model.architecture for model in ARCHITECTURES if model.matches_scores)
            raise ValueError(
                f"score matching needs architecture {able}, found architecture {', '.join(others)}: set "
                f"architecture: {able} or remove strategy {scored[0]}"
            )
        return self

    def _refuse_what_needs_a_pretraining(self, asked: list[Strategy]) -> None:
        """Refuse what a given model cannot stand for."""
        for entry in asked:
            if "pretrain" in entry.kinds and not entry.buys_accurate:
                raise ValueError(
                    f"strategy {entry.slug} is the pretraining alone, pretrain.from has none: leave it out"
                )
            if "pretrain" in entry.kinds and entry.weighted:
                raise ValueError(
                    f"strategy {entry.slug} weighs the cheap labels of its pretraining, pretrain.from has none: leave "
                    "it out, or pretrain here"
                )
        if all("pretrain" not in entry.kinds for entry in asked):
            raise ValueError("no strategy starts from pretrain.from: add for instance strategy pretrain_finetune")
        space = search.space if (search := self.pareto or self.tune) else None
        varied = ("hidden", "architecture", "pretrain_steps", "pretrain_learning_rate")
        for key in varied if space else ():
            if getattr(space, key) is not None:
                raise ValueError(
                    f"a search cannot vary {key} of a model that pretrain.from gives: remove it from the space"
                )
        if self.model.architecture == CommandSettings.architecture:
            raise ValueError("architecture command starts from models of its own: name them in model.finetune")

    @model_validator(mode="after")
    def _energies_alone(self) -> Sweep:
        if not self.energies_alone:
            return self
        for strategy in self.strategies:
            if STRATEGIES[strategy].needs_forces:
                raise ValueError(
                    f"strategy {strategy} learns forces, accurate labels are energies alone: leave it out (networks "
                    "learn energies, those of delta-learning too)"
                )
        programs = sorted(model.architecture for model in self.architectures if not model.learns_energies_alone)
        if programs:
            raise ValueError(
                f"architecture {programs[0]} is trained on forces, accurate labels are energies alone: choose one that "
                "is trained here"
            )
        if self.mode != "curve" or self.tune is not None:
            raise ValueError(
                "searches judge force errors, accurate labels are energies alone: "
                + (f"set mode curve, found {self.mode}" if self.mode != "curve" else "remove section 'tune'")
            )
        return self

    @property
    def start(self) -> StartSection | None:
        """The trained model in the place of pretraining; None where there is a pretraining, or none is needed."""
        return self.pretrain if isinstance(self.pretrain, StartSection) else None

    def buys_frames(self, entry: Strategy) -> bool:
        """Whether the number of frames of a cheap level is an axis of a strategy here."""
        return entry.has_cheap_axis and not (self.start is not None and "pretrain" in entry.kinds)

    def n_cheap_of(self, level: str) -> tuple[int, ...]:
        """Numbers of frames of a level below the accurate one that are tried; none where it is not named."""
        return self.n_cheap.get(level, ()) if isinstance(self.n_cheap, dict) else self.n_cheap

    @property
    def energies_alone(self) -> bool:
        """Whether accurate labels are energies without forces."""
        return self.data.energies_alone

    @property
    def validation_inside(self) -> CrossValidationSection | None:
        """How errors are cross-validated inside the bought labels; None: they are measured on test labels."""
        return None if self.test is not None else self.cross_validation or CrossValidationSection()

    @property
    def architectures(self) -> tuple[type[NetworkSettings], ...]:
        """The architectures that are trained, those of a search included."""
        search = self.pareto or self.tune
        names = {self.model.architecture, *((search.space.architecture or ()) if search else ())}
        return tuple(settings_type(name) for name in sorted(names))

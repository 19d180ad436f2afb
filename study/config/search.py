"""The search sections of a sweep file: what Optuna may vary, how often, and how a setting is scored."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from study.config.model import ArchitectureName
from study.config.stages import GammaRel


class Range(BaseModel):
    """A continuous range, searched on a logarithmic scale unless `log: false`.

    Attributes:
        low: smallest value.
        high: largest value.
        log: whether the scale is logarithmic.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float = Field(gt=0)
    high: float = Field(gt=0)
    log: bool = True

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"a range needs low < high, found {self.low:g} and {self.high:g}")
        return self


Counts = tuple[Annotated[int, Field(gt=0)], ...]
Rates = Range | tuple[Annotated[float, Field(gt=0)], ...]
Shares = Range | tuple[Annotated[float, Field(gt=0, le=1)], ...]


class SpaceSection(BaseModel):
    """Search space: an absent key is not varied. A strategy takes the keys of its own stages.

    Attributes:
        gamma_rel: bias-weight temperatures over the median bias; inf must be among them.
        identify_steps: steps of the stage on the accurate labels.
        identify_learning_rate: its learning rate.
        pretrain_steps: steps of pretraining.
        pretrain_learning_rate: its learning rate.
        score_match_steps: steps of score matching.
        score_match_learning_rate: its learning rate.
        residual_steps: steps of the second network, on what the first misses.
        residual_learning_rate: its learning rate.
        finetune_steps: steps of fine-tuning.
        finetune_learning_rate: its learning rate.
        finetune_warmup_steps: its warm-up.
        finetune_final_rate: share of the peak that its rate falls to.
        finetune_frozen_layers: layers that it leaves as they are.
        rho: share of the force term in the loss, in all stages.
        hidden: size of the networks.
        architecture: networks to choose from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gamma_rel: tuple[Annotated[GammaRel, Field(gt=0)], ...] | None = None
    identify_steps: Counts | None = None
    identify_learning_rate: Rates | None = None
    pretrain_steps: Counts | None = None
    pretrain_learning_rate: Rates | None = None
    score_match_steps: Counts | None = None
    score_match_learning_rate: Rates | None = None
    residual_steps: Counts | None = None
    residual_learning_rate: Rates | None = None
    finetune_steps: Counts | None = None
    finetune_learning_rate: Rates | None = None
    finetune_warmup_steps: Counts | None = None
    finetune_final_rate: Shares | None = None
    finetune_frozen_layers: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    rho: Shares | None = None
    hidden: Counts | None = None
    architecture: tuple[ArchitectureName, ...] | None = None

    @field_validator("*")
    @classmethod
    def _something(cls, value: Any) -> Any:
        if isinstance(value, tuple) and len(set(value)) != max(len(value), 1):
            raise ValueError(f"choices must differ and there must be one, found {list(value)}")
        return value

    @field_validator("gamma_rel")
    @classmethod
    def _with_inf(cls, values: tuple[float, ...] | None) -> tuple[float, ...] | None:
        if values is not None and math.inf not in values:
            raise ValueError(f"gamma_rel is judged against no weights: add inf to {list(values)}")
        return values


class PruningSection(BaseModel):
    """When a trial is given up: its last stage is judged at a few points on its way.

    The first point is at the share `first` of the steps, each further one `factor` times as far.

    Attributes:
        method: give up what is worse than the median of finished trials, or all but the best 1/factor.
        first: share of the steps of the last stage after which a trial is judged first.
        factor: ratio of the steps between one judgement and the next.
        startup_trials: finished trials that must be there before one is given up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["median", "successive_halving"] = "median"
    first: float = Field(default=0.25, gt=0, lt=1)
    factor: int = Field(default=2, ge=2)
    startup_trials: int = Field(default=4, ge=1)

    @property
    def shares(self) -> tuple[float, ...]:
        """Shares of the last stage's steps after which a trial is judged."""
        found = [self.first]
        while found[-1] * self.factor < 1:
            found.append(found[-1] * self.factor)
        return tuple(found)


class SearchSection(BaseModel):
    """A search: the cross-validated error inside the bought labels, averaged over several subset seeds.

    Attributes:
        budgets: accurate labels that settings are searched with; of mode `pareto`, those it chooses from.
        n_cheap: cheap frames; left out, the largest number of the sweep.
        trials: settings that are tried, of every strategy and budget.
        trials_per_round: settings that are suggested at a time.
        folds: parts of the labels, each scored by a model of the others.
        subset_seeds: seeds of the subsets that an error is averaged over; none of the sweep's own.
        sampler_seed: seed of the sampler that suggests settings.
        schedule: `rounds`, in a fixed order that repeats exactly, or `async`, which keeps many workers busy.
        pruning: when a trial is given up; left out, none is.
        space: what is varied.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    budgets: tuple[Annotated[int, Field(gt=0)], ...] = Field(min_length=1)
    n_cheap: int | None = Field(default=None, gt=0)
    trials: int = Field(gt=0, le=100_000)
    trials_per_round: int = Field(default=8, gt=0, le=10_000)
    folds: int = Field(default=3, ge=2, le=1000)
    subset_seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = Field(min_length=2, max_length=1000)
    sampler_seed: int = Field(default=0, ge=0, lt=2**32)
    schedule: Literal["rounds", "async"] = "rounds"
    pruning: PruningSection | None = None
    space: SpaceSection

    @field_validator("budgets", "subset_seeds")
    @classmethod
    def _differ(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"values must differ, found {list(values)}")
        return values

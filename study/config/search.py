"""The search sections of a sweep file: what Optuna may vary, how often, and how a setting is scored."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from study.config.model import ArchitectureName
from study.config.stages import GammaRel


class Range(BaseModel):
    """A continuous range, searched on a logarithmic scale unless `log: false`."""

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
    """Search space: an absent key is not varied. A strategy takes the keys of its own stages."""

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
    """A search: the cross-validated error inside the bought labels, averaged over several subset seeds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    budgets: tuple[Annotated[int, Field(gt=0)], ...] = Field(min_length=1)
    n_cheap: int | None = Field(default=None, gt=0)
    trials: int = Field(gt=0)
    trials_per_round: int = Field(default=8, gt=0)
    folds: int = Field(default=3, ge=2)
    subset_seeds: tuple[Annotated[int, Field(ge=0, lt=2**63)], ...] = Field(min_length=2)
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

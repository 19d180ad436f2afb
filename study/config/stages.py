"""The sections of a sweep file that say what is trained and how: schedules, kernels, descriptors."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

from asteroid.descriptors.resolution import AtomKinds, choose_descriptors
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages.stage import ScoreSettings
from asteroid.training.losses import ForceLoss
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labels.label_set import LabelSet


#: Largest count and largest other number of a sweep file, and the most values of a list.
COUNT_MAX, NUMBER_MAX, VALUES_MAX = 10**9, 1e12, 100_000


class Section(BaseModel):
    """A part of a sweep file: unknown keys are refused."""

    # Infinity would pass "greater than 0" and fail later, in stage keys and the manifest, which are plain JSON.
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="after")
    def _within_reason(self) -> Self:
        """Work follows from these numbers: nobody has memory for 10^12 layers, or time for 10^300 s."""
        for name in type(self).model_fields:
            for value in _numbers_in(getattr(self, name)):
                most = NUMBER_MAX if isinstance(value, float) else COUNT_MAX
                if "seed" not in name and math.isfinite(value) and abs(value) > most:
                    raise ValueError(f"{name} must be at most {most:,.0f}, found {value:g}")
        return self


def _numbers_in(value: object) -> tuple[int | float, ...]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, tuple) and len(value) <= VALUES_MAX:
        return tuple(number for item in value for number in _numbers_in(item))
    if isinstance(value, tuple):
        raise ValueError(f"lists have at most {VALUES_MAX:,} values, found {len(value):,}")
    return ()


#: A relative bias-weight temperature; infinity, no weights, may be written inf.
GammaRel = Annotated[
    float, Field(allow_inf_nan=True), WithJsonSchema({"anyOf": [{"type": "number"}, {"enum": ["inf"]}]})
]


def _usual_are_optional(schema: dict[str, Any]) -> None:
    """Editors do not ask for what the architecture knows; score matching has nothing usual."""
    if schema.get("title") == "ScheduleSection":
        del schema["required"]


class ScheduleSection(Section):
    """How long and how fast one kind of stage trains (`asteroid.training.schedule.Schedule`).

    Without a `learning_rate`, rate, steps, EMA and batches are the architecture's usual ones.
    """

    model_config = ConfigDict(json_schema_extra=_usual_are_optional)

    steps: int = Field(gt=0)
    learning_rate: float = Field(gt=0, lt=1000)
    warmup_steps: int = Field(default=Schedule.warmup_steps, ge=0)
    final_rate: float = Field(default=Schedule.final_rate, gt=0, le=1)
    batch_size: int = Field(default=Schedule.batch_size, gt=0)
    rho: float = Field(default=Schedule.rho, gt=0, le=1)
    force_loss: ForceLoss = Schedule.force_loss
    ema: float = Field(default=Schedule.ema, ge=0, lt=1)
    clip_norm: float = Field(default=Schedule.clip_norm, gt=0)
    frozen_layers: int = Field(default=Schedule.frozen_layers, ge=0)
    validations: int = Field(default=Schedule.validations, gt=0)

    @model_validator(mode="after")
    def _enough_steps(self) -> ScheduleSection:
        if self.validations > self.steps:
            raise ValueError(f"validations must not exceed steps, found {self.validations} > {self.steps}")
        return self

    def schedule(self) -> Schedule:
        """The trainer's own record of it."""
        return Schedule(**self.model_dump())


class ScoreSection(ScheduleSection):
    """Score matching on frames without labels: a schedule, and the directions per frame that it looks along.

    Attributes:
        probes: random directions per frame along which the curvature of the energy is taken.
    """

    probes: int = Field(default=ScoreSettings.n_probes, gt=0, le=64)

    def schedule(self) -> Schedule:
        """The trainer's own record of it."""
        return Schedule(**self.model_dump(exclude={"probes"}))


class KernelSection(Section):
    """sGDML: the length scales to choose from by cross-validation inside the bought labels."""

    sigmas: tuple[Annotated[int, Field(gt=0)], ...] = Field(default=KernelSettings.sigmas, min_length=1)
    regularisation: float = Field(default=KernelSettings.regularisation, gt=0)
    symmetries: bool = KernelSettings.symmetries
    folds: int = Field(default=KernelSettings.folds, ge=2)

    @model_validator(mode="after")
    def _possible(self) -> KernelSection:
        self.settings()  # which refuses what it cannot use
        return self

    def settings(self) -> KernelSettings:
        """The kernel's own record of it."""
        return KernelSettings(**self.model_dump())


class DescriptorSection(Section):
    """Resolution of the descriptors; what is left out follows from the molecule (`asteroid.descriptors.resolution`).

    Attributes:
        atoms: what tells atoms apart: `sites`, their place among the bonds; `elements`; `auto`, sites where they are
            affordable.
    """

    atoms: AtomKinds = "auto"
    n_radial: int | None = Field(default=None, gt=0, le=100)
    n_angular: int | None = Field(default=None, gt=0, le=50)
    l_max: int | None = Field(default=None, ge=0, le=8)
    cutoff_ang: float | None = Field(default=None, gt=1)

    def settings(self, labels: LabelSet) -> DescriptorSettings:
        """The descriptors of a molecule."""
        return choose_descriptors(labels.numbers, labels.positions, **self.model_dump())

"""A sweep laid out: its labels, recipes and searches."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from study.data.load import StudyData, load_data
from study.recipes.chains import ChainBuilder
from study.recipes.given_model import given_model, refuse_other_molecule
from study.recipes.packs import Pack, plan_rounds
from study.recipes.recipes import Recipe, TunedSettings, make_recipes, make_tuned_recipes
from study.recipes.search import Search, searches_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from asteroid.stages.stage import StageSpec
    from study.config.sweep import Sweep
    from study.devices import DeviceClass


@dataclass(frozen=True, eq=False)
class Workload:
    """A sweep ready to run: labels with roles, the rows to fill, the searches to make first, and where to train."""

    sweep: Sweep
    data: StudyData
    builder: ChainBuilder
    recipes: list[Recipe]
    searches: list[Search]
    device: DeviceClass = "cpu"

    @property
    def rounds(self) -> list[list[Pack]]:
        """The stages of all rows in rounds of packs."""
        return plan_rounds([chain for recipe in self.recipes for chain in recipe.chains], self.sweep.pack_size)

    @property
    def requests(self) -> list[StageSpec]:
        """The stages of all rows and of their cross-validation, each as often as a row asks for it."""
        return [spec for recipe in self.recipes for chain in recipe.chains for spec in chain]

    @property
    def stages(self) -> dict[str, StageSpec]:
        """All distinct stages of the rows by key."""
        return {spec.key: spec for spec in self.requests}


def make_workload(sweep: Sweep, device: DeviceClass = "cpu") -> Workload:
    """Load the labels of a sweep and lay out its work; nothing is written.

    Args:
        sweep: what to study.
        device: where its networks are to be trained; their stages on other devices are other stages.

    Raises:
        InputError: the labels do not pass a guard or do not suffice.
    """
    data = load_data(sweep)
    builder = ChainBuilder(data, device)
    if sweep.start is not None:
        refuse_other_molecule(given_model(sweep.start.source, sweep.model.settings()), data)
    searches = searches_of(sweep, builder)
    for search in searches:
        search.check(builder)
    recipes = make_recipes(sweep, builder) if sweep.mode == "curve" else []
    return Workload(sweep, data, builder, recipes, searches, device)


def with_tuned_rows(workload: Workload, chosen: Iterable[TunedSettings]) -> Workload:
    """The workload with rows of the settings that its searches have chosen after its own, if it is to have any rows."""
    if workload.sweep.mode != "curve":
        return workload
    tuned = make_tuned_recipes(workload.sweep, workload.builder, chosen)
    return replace(workload, recipes=[*workload.recipes, *tuned])

"""What a prediction costs: CPU seconds per frame of every strategy, measured once per architecture and size."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.stages.potential import Potential, cpu_s_per_frame

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.descriptors.layout import Layout
    from asteroid.stages.stage import StageResult
    from study.data.load import StudyData
    from study.recipes.recipes import Recipe


class PredictionCosts:
    """Measures predictions from positions, one frame at a time; equal models once."""

    def __init__(self, data: StudyData, layout: Layout | None) -> None:
        self._data, self._layout = data, layout
        self._measured: dict[tuple[object, ...], float] = {}

    def cpu_s_per_frame(self, recipe: Recipe, results: Mapping[str, StageResult]) -> float:
        """CPU seconds that the row's model takes for one frame.

        Where it runs a cheap method that cannot be run here or takes long, the price of a cheap label stands for it.
        """
        last = recipe.stages[-1]
        terms = [spec for spec in recipe.stages if spec.key in (last.key, last.added_to)]
        models = tuple(results[spec.key].model for spec in terms)
        seconds = self._once(tuple(spec.prediction_size for spec in terms), Potential(self._layout, models))
        if last.base is None:
            return seconds
        cheap = self._data.cheap_of(recipe.lower.cheap_level)
        if cheap.method is None:
            return seconds + self._data.prices.levels[cheap.level].label_cpu_s
        return seconds + self._once((cheap.level,), Potential(None, (), cheap.method))

    def _once(self, what: tuple[object, ...], potential: Potential) -> float:
        if what not in self._measured:
            labels = self._data.test if len(self._data.test) else self._data.pool
            self._measured[what] = cpu_s_per_frame(potential, labels)
        return self._measured[what]

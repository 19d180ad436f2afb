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
        model = (*(spec.prediction_size for spec in terms), last.base is not None)
        if model not in self._measured:
            level = self._data.cheap_pool.level
            method = self._data.cheap_method if last.base is not None else None
            potential = Potential(self._layout, tuple(results[spec.key].model for spec in terms), method)
            seconds = cpu_s_per_frame(potential, self._data.test if len(self._data.test) else self._data.pool)
            if last.base is not None and method is None:
                seconds += self._data.prices.levels[level].label_cpu_s
            self._measured[model] = seconds
        return self._measured[model]

"""The manifest of a run: settings, data card, prices, ledger, versions and hardware, as JSON."""

from __future__ import annotations

import os
import platform
from collections import defaultdict
from contextlib import suppress
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

import psutil

from asteroid.labels.compositions import listed
from asteroid.labels.molecules import formulas
from asteroid.stages.kinds import STAGE_KINDS
from study.config.sweep_text import sweep_plain
from study.devices import device_name
from study.run.hardware import processor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from asteroid.stages.stage import StageSpec
    from study.data.load import StudyData
    from study.engine.sharing import Sharing
    from study.recipes.workload import Workload

SCHEMA_VERSION = 1
_PACKAGES = (
    "asteroid-study",
    "torch",
    "torch-geometric",
    "sgdml",
    "optuna",
    "ray",
    "numpy",
    "scipy",
    "pandas",
    "ase",
    "pydantic",
    "matplotlib",
    "seaborn",
    "pyscf",
    "rdkit",
    "tblite",
)


def make_manifest(
    workload: Workload, status: str, stages: Mapping[str, StageSpec], sharing: Sharing, identity: Mapping[str, str]
) -> dict[str, Any]:
    """Everything that a reader of the table needs besides the table.

    Args:
        workload: the sweep and its labels.
        status: "running" or "complete".
        stages: distinct stages that the run has asked for, those of searches included.
        sharing: stages requested against stages trained so far.
        identity: name of the run (`run_id`) and where its finished stages lie (`store`).
    """
    data = workload.data
    return {
        "schema_version": SCHEMA_VERSION,
        "status": status,
        **identity,
        "name": workload.sweep.name,
        "sweep": sweep_plain(workload.sweep),
        "molecule": _formula(workload),
        "device": workload.device,
        "level_accurate": data.prices.accurate,
        "level_cheap": data.prices.cheap,
        "pool_size": len(data.pool),
        "cheap_pool_size": len(data.cheap[0].pool),
        **_several_levels(data),
        "n_test": len(data.test),
        "rows": len(workload.recipes),
        "stages": len(stages),
        "sharing": asdict(sharing),
        "prices": data.prices.to_json(),
        "ledger": ledger_of(data, stages.values())
        | {
            "sweep_core_s": sharing.trained_core_s + sharing.pruned_core_s,
            "sweep_cuda_s": sharing.trained_cuda_s,
        },
        "data_card": data.card_json,
        "data_card_lines": list(data.card),
        "versions": package_versions() | {"python": platform.python_version()},
        "hardware": {
            "machine": platform.machine(),
            "processor": processor(),
            "system": platform.system(),
            "cores": os.cpu_count(),
            "gpu": device_name(workload.device),
            "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        },
    }


def package_versions() -> dict[str, str]:
    """Versions of what a run may use, as far as it is installed: some packages are extras."""
    versions = {}
    for name in _PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            versions[name] = metadata.version(name)
    return versions


def ledger_of(data: StudyData, stages: Iterable[StageSpec]) -> dict[str, Any]:
    """Labels that stages assume bought, together and each once, with their price in CPU seconds."""
    bought = _bought(stages)
    n_accurate = len(bought[data.prices.accurate, "labelled"])
    below: dict[str, dict[str, Any]] = {}
    for place, cheap in enumerate(data.cheap):
        labelled, sampled = bought[cheap.level, "labelled"], bought[cheap.level, "sampled"]
        given = data.is_ladder and place > 0  # geometries of a level between are those that are labelled above
        cpu_s = data.prices.cheap_cpu_s(len(labelled), 0 if given else len(sampled), cheap.level)
        below[cheap.level] = {"frames_assumed_bought": len(labelled | sampled), "cpu_s": cpu_s}
    return {
        "accurate_labels_assumed_bought": n_accurate,
        "accurate_cpu_s": data.prices.accurate_cpu_s(n_accurate),
        "cheap_frames_assumed_bought": sum(own["frames_assumed_bought"] for own in below.values()),
        "cheap_cpu_s": sum(own["cpu_s"] for own in below.values()),
        **({"lower_levels": below} if len(below) > 1 else {}),
        "evaluation_labels": len(data.test),
        "evaluation_cpu_s": data.prices.accurate_cpu_s(len(data.test)),
    }


def _several_levels(data: StudyData) -> dict[str, Any]:
    """The levels below the accurate one, with the sizes of their pools, where there are several."""
    if len(data.cheap) == 1:
        return {}
    return {"lower_levels": {cheap.level: len(cheap.pool) for cheap in data.cheap}, "is_ladder": data.is_ladder}


def _bought(stages: Iterable[StageSpec]) -> defaultdict[tuple[str, str], set[str]]:
    """Content hashes of what all stages need together: (level, "sampled" or "labelled") -> frames."""
    bought: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for spec in stages:
        for frames in (spec.train, spec.val):
            bought[frames.level, "sampled"].update(frames.hashes)
            if STAGE_KINDS[spec.kind].labelled:
                bought[frames.level, "labelled"].update(frames.hashes)
        if spec.base is not None:  # at geometries that are there already
            bought[spec.base.level, "labelled"].update(spec.base.hashes)
    return bought


def _formula(workload: Workload) -> str:
    """The molecule of the accurate labels, or the most frequent ones."""
    names = [name for name, _ in formulas(workload.data.accurate).most_common()]
    return listed(names, len(names))

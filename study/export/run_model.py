"""A force field out of a run: a row of its table, with the other seeds or the folds as committee."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.deploy.calibration import MOST_FRAMES, calibrated
from asteroid.deploy.force_field import ForceField
from asteroid.deploy.record import CardRecord, ErrorRecord, TrainingRecord
from asteroid.errors import InputError
from asteroid.labels.label_set import content_hashes, hash_order
from asteroid.labels.matching import match_geometries
from study.config.sweep_text import read_sweep
from study.engine.store import StageStore
from study.export.committee import committee_size
from study.export.labels_trained_on import geometries_of, refuse_changed_labels
from study.export.stored_chain import stored_chain
from study.recipes.workload import make_workload
from study.run.folder import OWN_STORE, sweep_path
from study.run.manifest import package_versions
from study.strategies import STRATEGIES
from study.tables.levels import with_levels
from study.tables.manifest import read_manifest
from study.tables.results import KEY_COLUMNS, read_results

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from asteroid.labels.label_set import LabelSet
    from study.data.load import CheapData
    from study.recipes.workload import Workload

#: Half of a 90 % interval in standard errors.
_Z90 = 1.645
#: Cheap frames that stand for all of them where a model has seen no other.
_MOST_CHEAP = 1000
NOT_STATED = "not stated; that of the labels"


@dataclass(frozen=True)
class Choice:
    """Which row of a run is wanted; None leaves it open.

    Attributes:
        strategy: name of the strategy.
        budget: accurate labels.
        n_cheap: cheap frames.
        gamma_rel: relative bias-weight temperature.
        schedule: name of the fine-tune schedule.
        committee: members of the committee; None: as usual (`committee_size`).
        licence: of the model, as its card is to state it.
    """

    strategy: str | None = None
    budget: int | None = None
    n_cheap: int | None = None
    gamma_rel: float | None = None
    schedule: str | None = None
    committee: int | None = None
    licence: str | None = None


def run_force_field(folder: Path, choice: Choice) -> ForceField:
    """Take a force field out of a run.

    Where the choice leaves rows open, the largest budget is taken and the curve with the smallest error at it; of its
    seeds the first is the model, whose own error the card states, and the others are the committee. Where there is one
    seed and errors are cross-validated, the folds are.

    Args:
        folder: the run folder.
        choice: what is wanted of it.

    Raises:
        InputError: there is no such row, it has failed, the committee is larger than what the run has, or the labels
            have changed since.
    """
    manifest, table = read_manifest(folder), read_results(folder)
    seeds = choose_rows(table, choice)
    row = seeds.iloc[0]
    workload = make_workload(read_sweep(sweep_path(folder)))
    data = workload.data
    store = StageStore(folder / str(manifest.get("store", OWN_STORE)))
    keys = [str(own).split() for own in seeds["stage_keys"]]
    others, kind = keys[1:], "other seeds, which means other labels and weights"
    if not others:
        others, kind = _fold_chains(workload, row), "folds of the cross-validation"
    n_members = committee_size(choice.committee, len(others))
    chains = [stored_chain(store, own, data.accurate.numbers, data.electrons) for own in (keys[0], *others[:n_members])]
    budget, seed, n_cheap = int(row["budget"]), int(row["seed"]), int(row["n_cheap"])
    cheap = data.cheap_of(str(row.get("cheap_level", "")))
    hashes: tuple[str, ...] = ()
    if budget:
        train, val = workload.builder.bought(budget, seed)
        refuse_changed_labels(chains[0].spec, train, val)
        hashes = (*train.hashes, *val.hashes)
        trained_on = geometries_of(data.pool, hashes)
    else:
        train, val = workload.builder.bought_cheap(n_cheap, seed, cheap.level)
        refuse_changed_labels(chains[0].spec, train, val)
        trained_on = geometries_of(cheap.pool, train.hashes[:_MOST_CHEAP])
    card = CardRecord(
        name=str(manifest["name"]),
        source=f"run {folder.name}: {_row_text(row)}",
        training=TrainingRecord(
            n_labels=budget,
            label_hashes=hashes,
            n_cheap=n_cheap,
            cheap_level=cheap.level,
            strategy=str(row["strategy"]),
            stage_keys=tuple(keys[0]),
            trainer_version=int(chains[0].spec["trainer_version"]),
            n_intermediate=int(row.get("n_intermediate", 0)),
            intermediate_level=str(row.get("intermediate_level", "")),
        ),
        error=_error(row),
        committee=kind if n_members else "none",
        licence=choice.licence or str(manifest.get("data_card", {}).get("licence", NOT_STATED)),
        versions=package_versions(),
    )
    force_field = ForceField(
        level=str(manifest["level_accurate"]) if budget else cheap.level,
        cheap_level=chains[0].cheap_level,
        model=chains[0].potential,
        committee=tuple(chain.potential for chain in chains[1:]),
        trained_on=trained_on,
        card=card,
        electrons=data.electrons,
    )
    return calibrated(force_field, _held_out(workload, cheap, trained_on, n_cheap, seed))


def _held_out(workload: Workload, cheap: CheapData, trained_on: LabelSet, n_cheap: int, seed: int) -> LabelSet:
    """Cheap frames that the model has not seen, at random."""
    pool = cheap.pool
    seen = workload.builder.bought_cheap(n_cheap, seed, cheap.level) if n_cheap else ()
    hashes = {name for frames in seen for name in frames.hashes}
    free = np.array([name not in hashes for name in content_hashes(pool)], dtype=np.bool_)  # also of an empty pool
    free[match_geometries(trained_on, pool)[1]] = False
    rows = hash_order(pool, seed, "held out")
    return pool.select(rows[free[rows]][:MOST_FRAMES])


def choose_rows(table: pd.DataFrame, choice: Choice) -> pd.DataFrame:
    """Rows of one curve at one budget, a row for each seed in their order.

    Raises:
        InputError: no finished row is as wanted; what there is is named.
    """
    left = table[table["status"] == "ok"]
    wanted = {
        "strategy": choice.strategy,
        "budget": choice.budget,
        "n_cheap": choice.n_cheap,
        "gamma_rel": choice.gamma_rel,
        "schedule": choice.schedule,
    }
    for column, value in wanted.items():
        if value is None:
            continue
        found = left[left[column] == value]
        if not len(found):
            there = ", ".join(sorted({f"{own:g}" if isinstance(own, float) else str(own) for own in left[column]}))
            raise InputError(f"the run has no finished row with {column} {value}, it has {there or 'none'}: choose one")
        left = found
    if not len(left):
        raise InputError("the run has no finished row: finish it first")
    if choice.budget is None:
        left = left[left["budget"] == left["budget"].max()]
    curve = [name for name in with_levels(KEY_COLUMNS, left) if name not in ("budget", "seed")]
    error = left["test_force_mae_ev_ang"].fillna(left["cv_force_mae_ev_ang"])
    if not error.notna().any():  # labels are energies alone
        error = left["test_energy_free_mae_ev"].fillna(left["cv_energy_free_mae_ev"])
    group = left.groupby(curve, dropna=False).ngroup()
    same = left[group == error.groupby(group).mean().idxmin()]
    return same.sort_values("seed", kind="stable")


def _fold_chains(workload: Workload, row: pd.Series[Any]) -> list[list[str]]:
    """Stages of the models that cross-validate a row, by fold of its first division; none of a row with a test set."""
    for recipe in workload.recipes:
        key = {"strategy": recipe.strategy, "schedule": recipe.schedule, "budget": recipe.budget}
        key |= {**asdict(recipe.lower), "seed": recipe.seed}
        if all(row.get(name, value) == value for name, value in key.items()) and _same(
            row["gamma_rel"], recipe.gamma_rel
        ):
            divisions = recipe.divisions[:1] if STRATEGIES[recipe.strategy].buys_accurate else ()
            return [[spec.key for spec in fold.chain] for division in divisions for fold in division.folds]
    return []


def _same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def _row_text(row: pd.Series[Any]) -> str:
    """What a row is, in words."""
    parts = [str(row["strategy"]), f"{row['budget']:,} labels"]
    level = str(row.get("cheap_level", "")) or "cheap"
    parts += [f"{row['n_cheap']:,} {level} frames"] if row["n_cheap"] else []
    parts += [f"{row['n_intermediate']:,} {row['intermediate_level']} labels"] if row.get("n_intermediate") else []
    parts += [f"gamma {row['gamma_rel']:g}"] if math.isfinite(row["gamma_rel"]) else []
    parts += [f"schedule {row['schedule']}"] if row["schedule"] else []
    return ", ".join([*parts, f"seed {row['seed']}"])


def _error(row: pd.Series[Any]) -> ErrorRecord:
    tested = int(row["n_test"]) > 0
    start = "test" if tested else "cv"
    mean, se = float(row[f"{start}_force_mae_ev_ang"]), float(row[f"{start}_force_mae_se_ev_ang"])
    energy = float(row["test_energy_mae_ev"] if tested else row["cv_energy_free_mae_ev"])
    known = math.isfinite(mean) and math.isfinite(se)
    return ErrorRecord(
        measured_by="test labels" if tested else "cross-validation",
        force_mae_ev_ang=mean if math.isfinite(mean) else None,
        low_ev_ang=max(mean - _Z90 * se, 0.0) if known else None,
        high_ev_ang=mean + _Z90 * se if known else None,
        energy_mae_ev=energy if math.isfinite(energy) else None,
        n_frames=int(row["n_test"]) if tested else int(row["budget"]),
    )

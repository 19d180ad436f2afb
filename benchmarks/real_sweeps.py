"""Do intervals and plans hold on real learning curves? Fits of up to 100 labels, judged by runs at 140 to 340.

    python benchmarks/real_sweeps.py run FOLDER [--data DATA] [--only NAME ...]
    python benchmarks/real_sweeps.py judge FOLDER

`run` trains six sweeps into FOLDER and goes on with them where they were stopped: methanol (packaged), and from the
public files in DATA (those of `loading.py`) ethanol, aspirin, and three pairs of levels of formaldehyde. `judge` reads
their tables. It fits every curve to the first three seeds at budgets up to 100 and asks about runs that it has not
seen, of other seeds, which are new draws of labels: are the runs at 140 labels and more inside the 90 % band, and how
wide is it (log of its upper over its lower end)? For targets that a new run meets with a probability of 90 % at 60 to
280 labels, as all runs of all seeds together tell (the oracle): how many labels does the fit ask for, and how probable
is it that a new run with so many meets the target (kept)? All errors of a sweep belong to the same test frames, so the
test set's own error is left out of the bands.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from accuracy_ethanol import ethanol
from scipy.special import ndtr, ndtri
from studies import data_section, run_sweep

from analysis.curves.curves import curves_of
from analysis.curves.evidence import evidence_of, labels_needed
from analysis.curves.power_law import predict
from analysis.plan.labels_for_target import plan_target
from analysis.plan.run_evidence import RunEvidence
from asteroid.checks.guards import drop_duplicates
from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.labels.label_set import LabelSet
from study.prices import LevelPrice, PriceList
from study.tables.results import read_results

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from analysis.curves.curves import Curve

LARGEST_FITTED, SMALLEST_JUDGED, FITTED_SEEDS = 100, 140, 3
CONFIDENCE, TARGETS_AT = 0.9, (60, 100, 140, 200, 280)
FORMALDEHYDE = {
    "b3lyp/cc-pvdz": "h2co_B3LYP_cc-pVDZ_4001.npz",
    "mp2/aug-cc-pvtz": "h2co_mp2_avtz_4001.npz",
    "ccsd_t-f12b/aug-cc-pvtz-f12": "h2co_ccsdt_avtz_4001.npz",
}
#: Frames of formaldehyde that have an accurate label, and those of them that test.
N_LABELLED, N_TEST = 1000, 400
SWEEP = """
name: {name}
test: {{groups: [{test}]}}
strategies: {strategies}
budgets: [12, 20, 35, 60, 100, 140, 220, 340]
n_cheap: [{n_cheap}]
seeds: {seeds}
identify: {{steps: {identify}, learning_rate: 0.007}}
pretrain: {{steps: {pretrain}, learning_rate: 0.007}}
residual: {{steps: {residual}, learning_rate: 0.005}}
finetune:
  standard: {{steps: {finetune}, learning_rate: 0.0007}}
kernel: {{sigmas: [10]}}
"""
NETWORKS = ("accurate_only", "pretrain_finetune", "residual")


@dataclass(frozen=True)
class System:
    """One sweep: its labels, and what is trained on them.

    Attributes:
        data: makes the `data` section from the folder of public files and the sweep's own folder.
        strategies: the curves.
        n_cheap: cheap frames of all pretrained curves.
        seeds: number of seeds.
        steps: of the stages identify, pretrain, residual and finetune.
        test: the group of test frames.
    """

    data: Callable[[Path, Path], str]
    strategies: tuple[str, ...]
    n_cheap: int = 1000
    seeds: int = 6
    steps: tuple[int, int, int, int] = (1500, 2000, 1000, 800)
    test: int = 1

    def sweep(self, name: str) -> str:
        """The sweep file without its data."""
        settings = dict(zip(("identify", "pretrain", "residual", "finetune"), self.steps, strict=True))
        listed = f"[{', '.join(self.strategies)}]"
        return SWEEP.format(
            name=name,
            test=self.test,
            strategies=listed,
            n_cheap=self.n_cheap,
            seeds=list(range(self.seeds)),
            **settings,
        )


def _methanol(_: Path, __: Path) -> str:
    return "data: {dataset: methanol}\n"


def _ethanol(folder: Path, own: Path) -> str:
    return data_section(*ethanol(folder), own)


def _aspirin(folder: Path, own: Path) -> str:
    """The official parts are groups 0 (training) and 1 (test)."""
    accurate = read_labels("md17:aspirin CCSD", Declaration(data_folder=folder)).labels
    pbe = Declaration(
        level="pbe/def2-svp",
        energy_key="E_pbe_svp",
        forces_key="F_pbe_svp",
        energy_unit="kcal/mol",
        length_unit="Angstrom",
    )
    cheap = read_labels(folder / "aspirin_rmd17.npz", pbe).labels
    return data_section(drop_duplicates(accurate)[0], drop_duplicates(cheap)[0], own)


def _formaldehyde(cheap: str, accurate: str) -> Callable[[Path, Path], str]:
    """A random thousand of the 4,001 frames has accurate labels; the others are what can be pretrained on."""

    def section(folder: Path, own: Path) -> str:
        low, high = (
            read_labels(
                folder / FORMALDEHYDE[level], Declaration(level=level, energy_unit="eV", length_unit="Angstrom")
            ).labels
            for level in (cheap, accurate)
        )
        kept = high.select(np.random.default_rng(0).permutation(len(high))[:N_LABELLED])
        group = (np.arange(N_LABELLED) < N_TEST).astype(np.int64)
        labels = LabelSet(kept.numbers, kept.positions, kept.energy, kept.forces, kept.level, group=group)
        return data_section(labels, low, own)

    return section


_B3LYP, _MP2, _CCSD_T = FORMALDEHYDE
SYSTEMS = {
    "h2co-b3lyp-ccsd_t": System(_formaldehyde(_B3LYP, _CCSD_T), (*NETWORKS, "gdml_delta")),
    "h2co-mp2-ccsd_t": System(_formaldehyde(_MP2, _CCSD_T), (*NETWORKS, "gdml_delta")),
    "h2co-b3lyp-mp2": System(_formaldehyde(_B3LYP, _MP2), (*NETWORKS, "gdml_delta")),
    "methanol": System(_methanol, (*NETWORKS, "gdml_delta"), test=3),
    "ethanol": System(_ethanol, NETWORKS, seeds=5),
    "aspirin": System(_aspirin, NETWORKS, seeds=4, steps=(1000, 1500, 700, 500)),
}


def run(folder: Path, data: Path | None, names: Sequence[str]) -> int:
    """Train the sweeps that can be trained; returns the exit code."""
    torch.set_num_threads(1)
    for name in names:
        if data is None and name != "methanol":
            print(f"{name} is left out: it needs --data")
            continue
        system, began = SYSTEMS[name], time.process_time()
        print(f"{name}:", flush=True)
        try:
            section = system.data(data or folder, folder / name)
            table = run_sweep(system.sweep("sweep") + section, folder / name, 1)
        except InputError as error:
            print(error, file=sys.stderr)
            return 2
        print(f"{name}: {len(table)} rows, {(time.process_time() - began) / 60:.1f} CPU minutes", flush=True)
    return 0


@dataclass(frozen=True)
class Truth:
    """A curve as all its runs together tell it.

    Attributes:
        budgets: [k].
        mean: mean log error at each, made to fall.
        spread: standard deviation of one run about it, log.
    """

    budgets: np.ndarray
    mean: np.ndarray
    spread: float

    def at(self, n: float) -> float:
        """Mean log error with n labels; beyond the largest budget it falls no further, which is the careful side."""
        return float(np.interp(np.log(n), np.log(self.budgets), self.mean))

    def target(self, n: float) -> float:
        """The error that a new run with n labels meets with the probability asked for, eV/Å."""
        return float(np.exp(self.at(n) + ndtri(CONFIDENCE) * self.spread))

    def kept(self, n: float, target: float) -> float:
        """Probability that a new run with n labels meets a target."""
        return float(ndtr((np.log(target) - self.at(n)) / self.spread))

    def labels(self, target: float) -> float:
        """The fewest labels with which a new run meets a target with the probability asked for; infinite: none."""
        wanted = np.log(target) - ndtri(CONFIDENCE) * self.spread
        if wanted < self.mean[-1] - 1e-9:
            return np.inf
        return float(np.exp(np.interp(-wanted, -self.mean, np.log(self.budgets))))


def truth_of(curve: Curve) -> Truth:
    """The mean of all seeds, and the spread between them at the budgets that targets lie at."""
    log_errors, budgets = np.log(curve.error_ev_ang), np.unique(curve.budget)
    groups = [log_errors[curve.budget == budget] for budget in budgets]
    counted = [group for group, budget in zip(groups, budgets, strict=True) if budget >= TARGETS_AT[0]]
    spread = np.sqrt(np.mean([group.var(ddof=1) for group in counted]))
    return Truth(budgets, np.minimum.accumulate([group.mean() for group in groups]), float(spread))


def judge(folder: Path) -> None:
    """Print what the fits say of runs that they have not seen."""
    rows, plans = [], []
    for name in SYSTEMS:
        run_folder = folder / name / "sweep"
        if not (run_folder / "results.parquet").is_file():
            continue
        table = read_results(run_folder).assign(test_force_mae_se_ev_ang=np.nan, test_force_mae_adjusted_ev_ang=np.nan)
        seen = table[(table["budget"] <= LARGEST_FITTED) & (table["seed"] < FITTED_SEEDS)]
        whole = {curve.key.label(): curve for curve in curves_of(table)}
        truths = {label: truth_of(curve) for label, curve in whole.items()}
        rows += [{"sweep": name, **_judged(curve, whole[curve.key.label()])} for curve in curves_of(seen)]
        plans += [{"sweep": name, **found} for found in _planned(seen, truths)]
    _print_curves(rows)
    _print_plans(plans)


def _judged(curve: Curve, whole: Curve) -> dict[str, Any]:
    """One curve: bands at the judged budgets, labels asked for, plans kept."""
    truth, evidence = truth_of(whole), evidence_of(curve)
    found: dict[str, Any] = {"curve": curve.key.label(), "status": evidence.status, "covered": [], "width": []}
    found |= {"off": [], "ratio": [], "kept": [], "asked": 0, "p": evidence.lack_of_fit_p}
    if evidence.fit is not None and evidence.limit > whole.budget.max():
        new = (whole.budget >= SMALLEST_JUDGED) & (whole.seed >= FITTED_SEEDS)
        low, middle, high = predict(evidence.fit, whole.budget[new], kind="new_run", quantiles=(0.05, 0.5, 0.95))
        error = whole.error_ev_ang[new]
        found |= {"covered": list((low <= error) & (error <= high)), "width": list(np.log(high / low))}
        found["off"] = [
            float(np.log(m) - np.log(error[whole.budget[new] == b]).mean())
            for b, m in dict(zip(whole.budget[new].tolist(), middle, strict=True)).items()
        ]
    for labels in TARGETS_AT:
        target = truth.target(labels)
        asked = labels_needed(evidence, target).quantile(CONFIDENCE)
        if asked <= evidence.limit:
            asked = max(float(np.ceil(asked)), float(curve.budget.min()))
            found["ratio"] = [*found["ratio"], asked / truth.labels(target)]
            found["kept"] = [*found["kept"], truth.kept(asked, target)]
    return found


def _planned(seen: pd.DataFrame, truths: dict[str, Truth]) -> list[dict[str, float]]:
    """Plans of a whole sweep, whose strategies compete, priced by the accurate labels alone."""
    prices = PriceList("accurate", "cheap", {"accurate": LevelPrice(1.0, ""), "cheap": LevelPrice(0.0, "")})
    plans = []
    for labels in TARGETS_AT:
        target = min(truth.target(labels) for truth in truths.values())
        choice = plan_target(RunEvidence(seen, prices), target, CONFIDENCE).choice
        if choice is None:
            plans.append({"at": labels, "promised": 0.0})
            continue
        oracle = min(truth.labels(target) for truth in truths.values())
        kept = truths[choice.label].kept(choice.n_accurate, target)
        plans.append({"at": labels, "promised": 1.0, "ratio": choice.n_accurate / oracle, "kept": kept})
    return plans


def _print_curves(rows: list[dict[str, Any]]) -> None:
    n_targets = len(TARGETS_AT)
    print("| sweep, curve | p | new runs in the 90 % band | width | off, rms | promised | N* over oracle's | kept |")
    print("|---|---|---|---|---|---|---|---|")
    for row in [*rows, None]:
        own = rows if row is None else [row]
        covered, width, off, ratio, kept = (
            np.concatenate([np.asarray(one[key], dtype=float) for one in own])
            for key in ("covered", "width", "off", "ratio", "kept")
        )
        what = f"all {len(rows)}" if row is None else f"{row['sweep']}, {row['curve']}"
        p = "" if row is None or row["p"] is None else f"{row['p']:.3f}"
        refused = sum(not one["covered"] for one in rows)
        bands = f"{covered.mean():.2f} of {len(covered)}" if len(covered) else "not extrapolated"
        bands += f"; {refused} curves not extrapolated" if row is None else ""
        size = f"{np.mean(width):.2f}" if len(width) else ""
        distance = f"{np.sqrt(np.mean(off**2)):.3f}" if len(off) else ""
        ratios = f"{np.median(ratio):.2f} [90 %: {np.quantile(ratio, 0.9):.2f}]" if len(ratio) else ""
        share = f"{kept.mean():.2f}" if len(kept) else ""
        promised = f"{len(ratio)} of {len(own) * n_targets}"
        print(f"| {what} | {p} | {bands} | {size} | {distance} | {promised} | {ratios} | {share} |")


def _print_plans(plans: list[dict[str, Any]]) -> None:
    told = [plan for plan in plans if plan["promised"]]
    if told:
        ratio, kept = np.array([plan["ratio"] for plan in told]), np.array([plan["kept"] for plan in told])
        print(
            f"\nplans of whole sweeps, strategies competing: {len(told)} of {len(plans)} promised, labels over the "
            f"oracle's {np.median(ratio):.2f} [90 %: {np.quantile(ratio, 0.9):.2f}], kept {kept.mean():.2f}"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("run", "judge"))
    parser.add_argument("folder", type=Path, help="where the sweeps are or go")
    parser.add_argument("--data", type=Path, help="folder with the public label files")
    parser.add_argument("--only", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), help="sweeps to run")
    options = parser.parse_args()
    if options.what == "run":
        return run(options.folder, options.data, options.only)
    judge(options.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())

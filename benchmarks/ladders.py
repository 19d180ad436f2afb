"""Do three levels of labels pay? Ladders of three against strategies of two levels, at equal error.

    python benchmarks/ladders.py run FOLDER [--data DATA] [--only NAME ...] [--seeds 5]
    python benchmarks/ladders.py judge FOLDER

`run` fills the preset `ladder` (methanol: GFN2-xTB, MP2, CCSD(T)) and the same study of formaldehyde (B3LYP, MP2,
CCSD(T)-F12 on the same frames, DATA holds the public files; their prices are assumed: 3, 12 and 600 s). It goes on
where it was stopped. `judge` plans for several targets: the cheapest way with two levels and with three at a
probability of 90 %, and the ratio of their prices, with its range when each seed is left out in turn. Strategies that
run a method at every prediction are judged apart.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import yaml

from analysis.curves.curves import curves_of
from analysis.curves.evidence import evidence_of, labels_needed
from analysis.plan.pricing import label_price
from asteroid.units import KCAL_PER_MOL_EV
from study.config.sweep_text import parse_sweep
from study.engine.executors import SerialExecutor
from study.prices import PriceList
from study.recipes.workload import make_workload
from study.run.run import run_workload
from study.strategies import strategy_of
from study.tables.manifest import read_manifest
from study.tables.results import read_results

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from analysis.curves.curves import Curve

UNITS = {"energy_unit": "eV", "length_unit": "Angstrom"}
FORMALDEHYDE = (
    ("h2co_B3LYP_cc-pVDZ_4001.npz", "b3lyp/cc-pvdz", 3.0),
    ("h2co_mp2_avtz_4001.npz", "mp2/aug-cc-pvtz", 12.0),
    ("h2co_ccsdt_avtz_4001.npz", "ccsd_t-f12b/aug-cc-pvtz-f12", 600.0),
)
#: Force MAE, kcal/mol/Å: of networks alone, and of strategies that run a method at every prediction.
TARGETS = {
    "methanol": ((0.4, 0.3, 0.25, 0.2), (0.5, 0.3, 0.2)),
    "formaldehyde": ((0.15, 0.1, 0.08, 0.06), (0.05, 0.03, 0.02)),
}
CONFIDENCE = 0.9
CHEAP_FRAMES = {"methanol": 4000, "formaldehyde": 1500}


def main() -> None:
    each_set(__doc__, run, judge, seeds=5)


def each_set(
    description: str | None,
    run: Callable[[str, Path, Path | None, int], None],
    judge: Callable[[str, Path], None],
    *,
    seeds: int,
) -> None:
    """Run or judge the studies that the command line names, each in a folder of its own."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "judge"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--only", nargs="+", default=["methanol", "formaldehyde"])
    parser.add_argument("--seeds", type=int, default=seeds)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.only:
        if options.what == "run":
            run(name, options.folder / name, options.data, options.seeds)
        elif (options.folder / name / "results.parquet").is_file():
            judge(name, options.folder / name)


def run(name: str, folder: Path, data: Path | None, n_seeds: int) -> None:
    """One study."""
    run_ladder(name, folder, data, {"seeds": list(range(n_seeds))}, {"formaldehyde": [60, 250]})


def run_ladder(
    name: str, folder: Path, data: Path | None, changes: Mapping[str, Any], counts: Mapping[str, list[int]]
) -> None:
    """The preset of a ladder, or the same of formaldehyde's files.

    Args:
        name: methanol or formaldehyde.
        folder: of the run.
        data: folder of formaldehyde's files.
        changes: of the sweep.
        counts: labels of the level between, by name; those of the preset where none are given.
    """
    plain = yaml.safe_load((Path(__file__).parents[1] / "sweeps/presets/ladder.yaml").read_text(encoding="utf-8"))
    plain |= changes
    cheap, between = "gfn2-xtb", "mp2/cc-pvdz"
    if name == "formaldehyde":
        if data is None:
            raise SystemExit("formaldehyde needs --data, the folder of its files")
        levels = [
            {"file": str(data / file), "level": level, "price": price, **UNITS} for file, level, price in FORMALDEHYDE
        ]
        plain |= {"name": name, "data": {"levels": levels}, "test": {"share": 0.25}}
        cheap, between = FORMALDEHYDE[0][1], FORMALDEHYDE[1][1]
    if name in counts:
        plain["n_cheap"] = {cheap: [CHEAP_FRAMES[name]], between: counts[name]}
    sweep = parse_sweep(yaml.safe_dump(plain), name, Path())
    run_workload(make_workload(sweep), folder, SerialExecutor, lambda _: None, print)
    print(f"{name}: finished", flush=True)


def judge(name: str, folder: Path) -> None:
    """The table of one study."""
    table = read_results(folder)
    prices = PriceList.from_json(read_manifest(folder)["prices"])
    seeds = sorted(set(table["seed"]))
    print(f"\n{name}, {len(seeds)} seeds\n")
    print("| strategies | target, kcal/mol/Å | two levels | price | three levels | price | ratio (without a seed) |")
    print("|---|---|---|---|---|---|---|")
    for live in (False, True):
        for target in TARGETS[name][live]:
            two, three = (cheapest(table, prices, target, live, kind) for kind in (2, 3))
            without = []
            for seed in seeds if len(seeds) > 1 else []:
                left = table[table["seed"] != seed]
                costs = [cheapest(left, prices, target, live, kind)[0] for kind in (2, 3)]
                without.append(costs[1] / costs[0] if np.isfinite(costs).all() else np.nan)
            ratio = three[0] / two[0] if np.isfinite([two[0], three[0]]).all() else np.nan
            spread = f"{np.nanmin(without):.2f} to {np.nanmax(without):.2f}" if np.isfinite(without).any() else "-"
            kind = "run a method at every prediction" if live else "networks alone"
            cells = [kind, f"{target:g}", two[1], _hours(two[0]), three[1], _hours(three[0]), f"{ratio:.2f} ({spread})"]
            print("| " + " | ".join(cells) + " |")


def _kind(curve: Curve, live: bool) -> int:
    """Levels of a curve's strategy, 2 or 3; 0 where it is not among those compared."""
    entry = strategy_of(curve.key.strategy)
    if entry.runs_cheap_method != live or not entry.uses_cheap:
        return 0
    return 3 if entry.has_intermediate_axis else 2


def cheapest(table: pd.DataFrame, prices: PriceList, target: float, live: bool, kind: int) -> tuple[float, str]:
    """Price, CPU s, and name of the cheapest way that meets a target with the confidence; infinite where none does."""
    best = (np.inf, "none")
    for curve in curves_of(table):
        if _kind(curve, live) != kind:
            continue
        evidence = evidence_of(curve)
        n = float(labels_needed(evidence, target * KCAL_PER_MOL_EV).quantiles(np.array([CONFIDENCE]))[0])
        n = max(np.ceil(n), float(curve.budget.min()))
        if n <= evidence.limit:
            price = label_price(curve, prices).total(n)
            best = min(best, (price, f"{curve.key.label()}: {n:.0f} labels"))
    return best


def _hours(cpu_s: float) -> str:
    return f"{cpu_s / 3600:.2g} h" if np.isfinite(cpu_s) else "cannot be promised"


if __name__ == "__main__":
    main()

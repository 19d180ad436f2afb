"""Core seconds for the same 300 rows: this toolkit against Ray Tune with OptunaSearch, on the same two cores.

    python benchmarks/study_throughput.py [--trials 300] [--schnet 4]

The sweep: 5 budgets x 5 temperatures (one of them infinite) x 4 fine-tune schedules x 3 seeds on the packaged methanol
labels, stages of 300, 1,500 and 300 steps (the proportion of the method's usual 40,000, 200,000 and 40,000). Each side
is one run in a fresh process:

- toolkit: `run_workload` with two Ray workers, everything included up to the written tables;
- Ray Tune: OptunaSearch with Optuna's GridSampler over the same grid, two concurrent trials of one core. A trial trains
  its two or three stages one after the other with this same trainer, one model at a time, and predicts the test frames.
  Frames and stage descriptions lie in the object store once, workers are reused, Tune's log files are switched off, and
  the trials keep no weights.

Core seconds are the CPU time of the process and of all its descendants, Ray's own processes included, read every half
second; wall seconds x 2 stand beside them. The factor is the product of sharing (stages asked for against distinct
stages, each at what it costs Tune's trials), packing (the distinct stages unpacked against packed) and overhead (core
seconds per core second of training, Tune's against the toolkit's). Test errors are compared row by row, first after
stages so short that rounding has not grown (these must agree), then after the full ones.

`--trials N` runs N random trials of the grid with Tune and scales what they cost; what happens once is not scaled.
`--schnet N` adds N trials with PyG's SchNet as Tune's trainer (0: none). Everything takes about 15 minutes, most of it
Tune's; `--trials 12 --schnet 0` takes two.

Ray Tune needs no more than this toolkit installs; if it cannot be imported: pip install "ray[tune]".
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

if TYPE_CHECKING:
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import StageSpec
    from study.ray_backend.shared_bank import SharedBank
    from study.recipes.workload import Workload

BUDGETS, TEMPERATURES, SEEDS = (25, 50, 100, 200, 400), (0.1, 0.3, 1.0, 3.0, math.inf), (0, 1, 2)
RATES = {"slowest": 0.0003, "slow": 0.0007, "fast": 0.0015, "fastest": 0.003}
STEPS = {"identify": 300, "pretrain": 1500, "finetune": 300}
#: For comparing rows before rounding grows, and how far their errors may then be apart.
SHORT_STEPS, SHORT_TRIALS, SHORT_TOLERANCE = {"identify": 60, "pretrain": 60, "finetune": 60}, 12, 1e-3
WORKERS = 2
_POLL_S = 0.5
#: Role and CPU seconds by process id and start.
Seen = dict[tuple[int, float], tuple[str, float]]

SWEEP = """
name: throughput
data: {{dataset: methanol}}
test: {{groups: [3]}}
model: {{architecture: {architecture}}}
strategies: [pretrain_finetune, asteroid]
budgets: {budgets}
n_cheap: [2000]
gamma_rel: {temperatures}
seeds: {seeds}
identify: {{steps: {identify}, learning_rate: 0.007}}
pretrain: {{steps: {pretrain}, learning_rate: 0.007}}
finetune:
{finetune}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=300, help="random trials of Ray Tune; what they cost is scaled")
    parser.add_argument("--schnet", type=int, default=4, help="random trials of Ray Tune with PyG's SchNet; 0: none")
    parser.add_argument("--short", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--side", choices=("toolkit", "tune", "schnet"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side == "toolkit":
        toolkit_side(options.folder, make_throughput_workload("mlp", options.short))
    elif options.side is not None:
        workload = make_throughput_workload("mlp" if options.side == "tune" else "schnet", options.short)
        tune_side(options.folder, options.side, workload, options.trials)
    else:
        compare(options.trials, options.schnet)


def compare(trials: int, schnet_trials: int) -> None:
    """Run the sides one after the other and print the comparison."""
    try:
        import ray.tune  # noqa: F401
    except ImportError as error:
        sys.exit(f'Ray Tune cannot be imported ({error}): pip install "ray[tune]"')
    short = {side: measured_side(side, SHORT_TRIALS, short=True) for side in ("toolkit", "tune")}
    worst = compare_rows(short["toolkit"], short["tune"], "short stages")
    if worst > SHORT_TOLERANCE:
        sys.exit(f"the sides do not train the same: short rows differ by up to {worst:.1e}, allowed {SHORT_TOLERANCE}")
    toolkit, tune = measured_side("toolkit"), measured_side("tune", trials)
    report(toolkit, tune)
    compare_rows(toolkit, tune, "full stages")
    if schnet_trials:
        report_schnet(toolkit, measured_side("schnet", schnet_trials))


def make_throughput_workload(architecture: str, short: bool) -> Workload:
    """The sweep of both sides."""
    steps = SHORT_STEPS if short else STEPS
    from study.config.sweep_text import parse_sweep
    from study.recipes.workload import make_workload

    text = SWEEP.format(
        architecture=architecture,
        budgets=list(BUDGETS),
        temperatures=[".inf" if math.isinf(t) else t for t in TEMPERATURES],
        seeds=list(SEEDS),
        identify=steps["identify"],
        pretrain=steps["pretrain"],
        finetune="\n".join(
            f"  {name}: {{steps: {steps['finetune']}, learning_rate: {rate}}}" for name, rate in RATES.items()
        ),
    )
    return make_workload(parse_sweep(text.replace("'", ""), "the benchmark's sweep", Path()))


# ---- the two sides, each in a process of its own -----------------------------------------------------------------


def toolkit_side(folder: Path, workload: Workload) -> None:
    """Run the sweep with this toolkit."""
    from study.ray_backend.executor import RayExecutor
    from study.run.run import run_workload

    table = run_workload(
        workload, folder / "run", lambda bank: RayExecutor(bank, workers=WORKERS), lambda _: None, lambda _: None
    )
    manifest = json.loads((folder / "run" / "manifest.json").read_text())
    rows = [
        {"point": list(point), "test_force_mae_ev_ang": error}
        for *point, error in table[["budget", "gamma_rel", "schedule", "seed", "test_force_mae_ev_ang"]].itertuples(
            index=False
        )
    ]
    requested, distinct = (
        Counter(map(cost_class, workload.requests)),
        Counter(map(cost_class, workload.stages.values())),
    )
    training_core_s = manifest["sharing"]["trained_core_s"]
    found = {"rows": rows, "requested": requested, "distinct": distinct, "training_core_s": training_core_s}
    (folder / "toolkit.json").write_text(json.dumps(found))


def tune_side(folder: Path, side: str, workload: Workload, trials: int) -> None:
    """Run random trials of the grid with Ray Tune."""
    os.environ |= {"TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1", "RAY_USAGE_STATS_ENABLED": "0"}
    from optuna.distributions import CategoricalDistribution
    from optuna.samplers import GridSampler
    from ray import tune
    from ray.tune.search.optuna import OptunaSearch

    from study.ray_backend.session import open_session
    from study.ray_backend.shared_bank import SharedBank
    from study.recipes.frames import describe_frames

    shared = SharedBank.of(describe_frames(workload, workload.stages.values()))
    chains = {(r.budget, r.gamma_rel, r.schedule, r.seed): r.stages for r in workload.recipes}
    open_session(WORKERS, shared.nbytes, None)
    grid: dict[str, list[Any]] = {
        "budget": list(BUDGETS),
        "gamma_rel": list(TEMPERATURES),
        "schedule": list(RATES),
        "seed": list(SEEDS),
    }
    # Trial n of the sampler is point n of the shuffled grid: the first ones are a random subset.
    search = OptunaSearch(
        {name: CategoricalDistribution(values) for name, values in grid.items()},
        metric="test_force_mae_ev_ang",
        mode="min",
        sampler=GridSampler(grid, seed=0),
    )
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(train_chain, shared=shared, chains=chains, test=test_rows(workload)), {"cpu": 1}
        ),
        tune_config=tune.TuneConfig(
            search_alg=search, num_samples=trials, max_concurrent_trials=WORKERS, reuse_actors=True
        ),
        run_config=tune.RunConfig(storage_path=str(folder / "tune"), verbose=0),
    )
    once_core_s = read_tree(psutil.Process(), {})
    results = tuner.fit()
    ended = [results[n] for n in range(len(results))]
    found = [(one.metrics or {}) | {"point": [(one.config or {})[name] for name in grid]} for one in ended]
    once_core_s += sum(trial["process_core_s_before"] for trial in found)
    once_wall_s = min(trial["began_at"] for trial in found) - psutil.Process().create_time()
    rows = [
        {key: trial[key] for key in ("point", "core_s", "predict_core_s", "test_force_mae_ev_ang")} for trial in found
    ]
    result = {"rows": rows, "once_core_s": once_core_s, "once_wall_s": once_wall_s}
    (folder / f"{side}.json").write_text(json.dumps(result))


def test_rows(workload: Workload) -> tuple[str, list[str]]:
    """Level and hashes of the test frames."""
    from asteroid.labels.label_set import content_hashes

    return workload.data.test.level, list(content_hashes(workload.data.test))


def train_chain(
    config: dict[str, Any], shared: SharedBank, chains: dict[Any, tuple[StageSpec, ...]], test: tuple[str, list[str]]
) -> dict[str, Any]:
    """One trial of Ray Tune: the stages of a row in sequence, then its test errors."""
    began_at, before = time.time(), time.process_time()
    import torch

    from asteroid.stages.evaluation import evaluate
    from asteroid.stages.predict_chain import predict_chain
    from asteroid.stages.train import train_pack

    first = "THROUGHPUT_SEEN" not in os.environ  # what this worker's process did before belongs to no trial
    os.environ["THROUGHPUT_SEEN"] = "1"
    torch.set_num_threads(1)
    bank = shared.open()
    models: dict[str, TrainedModel] = {}
    core_s = {}
    for spec in chains[tuple(config[name] for name in ("budget", "gamma_rel", "schedule", "seed"))]:
        (result,) = train_pack(bank, [spec], {key: models[key] for key in spec.parents}, share_batches=True)
        models[spec.key] = result.model
        core_s[cost_class(spec)] = result.core_s
    began = time.process_time()
    level, hashes = test
    rows = bank.rows_of(level, tuple(hashes))
    (errors,) = evaluate(predict_chain(bank, level, rows, [spec], models), bank.levels[level], rows)
    return {
        "test_force_mae_ev_ang": errors.force_mae_ev_ang,
        "core_s": core_s,
        "predict_core_s": time.process_time() - began,
        "began_at": began_at,
        "process_core_s_before": before if first else 0.0,
    }


def cost_class(spec: StageSpec) -> str:
    """Stages that cost the same to train one at a time."""
    return spec.kind if spec.kind != "pretrain" or spec.gamma_rel is None else "pretrain, weighted"


# ---- measuring and reporting -------------------------------------------------------------------------------------


def measured_side(side: str, trials: int = 0, *, short: bool = False) -> dict[str, Any]:
    """Run one side in a fresh process; what it found, with its core seconds by kind of process and its wall seconds."""
    print(f"{side}{' (short stages)' if short else ''}: load {os.getloadavg()[0]:.1f} before", end="", flush=True)
    seen: Seen = {}
    ended = threading.Event()
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log.txt").open("w+") as log:
        command = [sys.executable, __file__, "--side", side, "--folder", folder, "--trials", str(trials)]
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        began = time.monotonic()
        process = subprocess.Popen(
            [*command, *(["--short"] if short else [])], env=environment, stdout=log, stderr=subprocess.STDOUT
        )
        watcher = threading.Thread(target=watch, args=(psutil.Process(process.pid), seen, ended))
        watcher.start()
        try:
            code = process.wait()
        finally:
            ended.set()
            watcher.join()
        wall_s = time.monotonic() - began
        if code:
            log.seek(0)
            sys.exit(f"\n{side} failed with exit status {code}:\n{log.read()[-3000:]}")
        found: dict[str, Any] = json.loads((Path(folder) / f"{side}.json").read_text())
    by_role: defaultdict[str, float] = defaultdict(float)
    for role, seconds in seen.values():
        by_role[role] += seconds
    print(f", {os.getloadavg()[0]:.1f} after {wall_s:.0f} s", flush=True)
    return found | {"core_s": sum(by_role.values()), "wall_s": wall_s, "by_role": dict(by_role)}


def watch(process: psutil.Process, seen: Seen, ended: threading.Event) -> None:
    """Follow the CPU times of a process and its descendants; the last value of each stays."""
    while not ended.wait(_POLL_S):
        read_tree(process, seen)


def read_tree(process: psutil.Process, seen: Seen) -> float:
    """Put down the CPU seconds of a process and its descendants; returns the sum of all seen so far."""
    with suppress(psutil.NoSuchProcess):
        for member in [process, *process.children(recursive=True)]:
            with suppress(psutil.Error), member.oneshot():
                times, which = member.cpu_times(), (member.pid, member.create_time())
                role = "driver" if member == process else seen.get(which, ("", 0.0))[0]
                # Ray renames its workers once they are up; a process that has just ended has no name any more.
                if role not in ("driver", "workers"):
                    role = "workers" if " ".join(member.cmdline()).startswith("ray::") else "Ray's own processes"
                seen[which] = (role, times.user + times.system)
    return sum(seconds for _, seconds in seen.values())


def report(toolkit: dict[str, Any], tune: dict[str, Any]) -> None:
    """Core seconds of both sides, the factor and its parts."""
    requested, distinct, n_rows = toolkit["requested"], toolkit["distinct"], len(toolkit["rows"])
    stage_s = mean_stage_s(tune)
    unpacked_s = sum(distinct[kind] * stage_s[kind] for kind in distinct)
    scaled = scale(tune, requested, n_rows)
    print(
        f"\nTune ran {len(tune['rows'])} of {n_rows} trials, scaled to all; its training is "
        f"{scaled['training_core_s'] / scaled['core_s']:.1%} of its core seconds, "
        f"{scaled['training_core_s'] / (WORKERS * scaled['wall_s']):.1%} of wall x {WORKERS}; stages asked for "
        f"{sum(requested.values())}, distinct {sum(distinct.values())}\n"
    )
    print(f"| | core s | of which training | wall s x {WORKERS} |\n|---|---|---|---|")
    for name, side in (("this toolkit", toolkit), ("Ray Tune + OptunaSearch, the same trainer", scaled)):
        print(f"| {name} | {side['core_s']:,.1f} | {side['training_core_s']:,.1f} | {WORKERS * side['wall_s']:,.1f} |")
    sharing = scaled["training_core_s"] / unpacked_s
    packing = unpacked_s / toolkit["training_core_s"]
    factor = scaled["core_s"] / toolkit["core_s"]
    print(
        f"\n{factor:.1f} times fewer core seconds ({scaled['wall_s'] / toolkit['wall_s']:.1f} by wall): sharing "
        f"{sharing:.2f} x packing {packing:.2f} x overhead {factor / sharing / packing:.2f}; target 10"
    )
    for name, seen in (("this toolkit", toolkit), ("Ray Tune, as run", tune)):
        print(f"{name}: " + ", ".join(f"{role} {seconds:.1f}" for role, seconds in sorted(seen["by_role"].items())))
    print("core s of a stage trained alone: " + ", ".join(f"{kind} {s:.2f}" for kind, s in sorted(stage_s.items())))


def mean_stage_s(tune: dict[str, Any]) -> dict[str, float]:
    """Core seconds of one stage of each sort in Tune's trials."""
    found: defaultdict[str, list[float]] = defaultdict(list)
    for row in tune["rows"]:
        for kind, seconds in row["core_s"].items():
            found[kind].append(seconds)
    return {kind: float(np.mean(seconds)) for kind, seconds in found.items()}


def scale(tune: dict[str, Any], requested: dict[str, int], n_rows: int) -> dict[str, float]:
    """What all trials would have cost Tune: what happens once stays, training goes by stages, the rest by trials."""
    stage_s = mean_stage_s(tune)
    n_run = len(tune["rows"])
    # Few trials may miss a sort of stage; unweighted pretraining then counts as the weighted one.
    training = sum(n * stage_s.get(kind, stage_s.get("pretrain, weighted", 0.0)) for kind, n in requested.items())
    trained = sum(sum(row["core_s"].values()) for row in tune["rows"])
    rest = (tune["core_s"] - trained - tune["once_core_s"]) * n_rows / n_run
    wall = tune["once_wall_s"] + (tune["wall_s"] - tune["once_wall_s"]) * training / trained
    return {"core_s": tune["once_core_s"] + training + rest, "training_core_s": training, "wall_s": wall}


def compare_rows(toolkit: dict[str, Any], tune: dict[str, Any], what: str) -> float:
    """Test errors of both sides, row by row; returns the largest relative difference."""
    ours = {tuple(row["point"]): row["test_force_mae_ev_ang"] for row in toolkit["rows"]}
    change = np.array([ours[tuple(row["point"])] / row["test_force_mae_ev_ang"] - 1 for row in tune["rows"]])
    se = change.std(ddof=1) / math.sqrt(len(change))
    print(
        f"{what}: test force MAE of the same {len(change)} rows, toolkit over Tune - 1: {np.median(abs(change)):.0e} "
        f"(median of sizes), {abs(change).max():.0e} (largest), mean {change.mean():+.1e} ± {se:.1e}"
    )
    return float(abs(change).max())


def report_schnet(toolkit: dict[str, Any], schnet: dict[str, Any]) -> None:
    """The same with PyG's SchNet as Tune's trainer."""
    n_rows = len(toolkit["rows"])
    scaled = scale(schnet, toolkit["requested"], n_rows)
    by_core_s, by_wall = scaled["core_s"] / toolkit["core_s"], scaled["wall_s"] / toolkit["wall_s"]
    print(
        f"Tune with PyG's SchNet, {len(schnet['rows'])} of {n_rows} trials, scaled to all: {scaled['core_s']:,.0f} "
        f"core s, {by_core_s:.0f} times the toolkit's ({by_wall:.0f} by wall)"
    )


if __name__ == "__main__":
    main()

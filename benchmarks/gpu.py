"""What a GPU is worth: correctness, speed and errors of training with CUDA, in one run of at most 8 minutes.

    python benchmarks/gpu.py [--device cuda] [--minutes 7.5] [--ethanol FILE.npz] [--out FOLDER] [--quick] [--parts A,B]

Needs this checkout, PyTorch, PyTorch Geometric, NumPy, SciPy, safetensors, psutil, ASE and, for the equivariant models,
xnns and e3nn; pydantic, Optuna and Ray are neither needed nor looked at. FILE.npz holds CCSD(T) labels of ethanol as
sGDML's files do (R, E, F, z in kcal/mol and Å).

Parts run one after another in a process of their own, each in a time of its own: one that fails or hangs loses nothing
of the others. Results are printed and written to FOLDER/gpu.json after every part.

    correctness    energies, forces and short trainings of every model, of every kind of stage, against the CPU
    descriptor     model-steps per second of the packed descriptor network, K = 1 to 256: eagerly, as a CUDA graph
    equivariant    the same of PaiNN, NequIP and MACE, K = 1 to 16
    ethanol600     600 labels of ethanol, NequIP: several rates side by side, the best on validation labels
    methanol500    500 labels of methanol: NequIP, PaiNN and the descriptor network
    few_labels     50 labels of methanol and of ethanol: NequIP and the descriptor network
    compiled       the descriptor network with its loss compiled; last, as compilation may take long
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
import traceback
import warnings
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


class _Absent:
    """Refuses what the script promises not to need."""

    names = ("pydantic", "pydantic_core", "optuna", "ray")

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:  # noqa: ARG002
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"{name} is not to be needed here", name=name)


sys.meta_path.insert(0, _Absent())
warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)

import numpy as np  # noqa: E402
import torch  # noqa: E402

from asteroid.datasets import load_methanol  # noqa: E402
from asteroid.descriptors.frame_bank import BankEntry, FrameBank, FrameTensors, build_bank  # noqa: E402
from asteroid.descriptors.layout import DescriptorSettings  # noqa: E402
from asteroid.descriptors.placement import bank_on  # noqa: E402
from asteroid.descriptors.resolution import choose_descriptors  # noqa: E402
from asteroid.labels.label_set import LabelSet, content_hashes  # noqa: E402
from asteroid.labels.splits import buy_accurate  # noqa: E402
from asteroid.models.gemnet import GemNetTSettings  # noqa: E402
from asteroid.models.mace import MACESettings  # noqa: E402
from asteroid.models.mlp import MLPSettings  # noqa: E402
from asteroid.models.nequip import NequIPSettings  # noqa: E402
from asteroid.models.painn import PaiNNSettings  # noqa: E402
from asteroid.models.predict import predict  # noqa: E402
from asteroid.models.schnet import SchNetSettings  # noqa: E402
from asteroid.stages.stage import Frames, NetworkStage, ScoreSettings, Seeds  # noqa: E402
from asteroid.stages.train import train_pack  # noqa: E402
from asteroid.training.fit_loop import StepMode, fit_pack  # noqa: E402
from asteroid.training.objective import Member  # noqa: E402
from asteroid.training.schedule import Schedule  # noqa: E402
from asteroid.units import KCAL_PER_MOL_EV  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.models.network import NetworkSettings
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.kinds import NetworkStageKind
    from asteroid.training.fit import Fit

#: Parts in their order, and the seconds that each may take.
PARTS = {
    "correctness": 45.0,
    "descriptor": 40.0,
    "equivariant": 60.0,
    "ethanol600": 130.0,
    "methanol500": 50.0,
    "few_labels": 40.0,
    "compiled": 60.0,
}
METHANOL, ETHANOL = "ccsd_t/cc-pvdz", "ccsd_t/cc-pvtz"


class Clock:
    """The time that is left to a part."""

    def __init__(self, seconds: float) -> None:
        self._until = time.perf_counter() + seconds

    @property
    def left_s(self) -> float:
        """Seconds left."""
        return self._until - time.perf_counter()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=7.5, help="for everything")
    parser.add_argument("--ethanol", type=Path, help="npz file of ethanol's labels")
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="folder of gpu.json")
    parser.add_argument("--quick", action="store_true", help="every part in seconds, to see that it runs")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    if options.worker:
        work(options)
    else:
        drive(options)


def drive(options: argparse.Namespace) -> None:
    """Run the parts in a process, in a fresh one where one fails, and end it where one takes too long."""
    until = time.monotonic() + 60.0 * options.minutes
    waiting = options.parts.split(",")
    (options.out / "gpu.json").unlink(missing_ok=True)
    while waiting and until - time.monotonic() > 15.0:
        command = [sys.executable, str(Path(__file__).resolve()), "--worker", "--device", options.device]
        command += ["--out", str(options.out), "--parts", ",".join(waiting)]
        command += ["--minutes", str((until - time.monotonic()) / 60.0)]
        command += ["--ethanol", str(options.ethanol)] if options.ethanol else []
        command += ["--quick"] if options.quick else []
        worker = subprocess.Popen(command)
        while worker.poll() is None:
            time.sleep(0.5)
            part, began = began_part(options.out)
            # A part minds its time by itself; only one that hangs is ended.
            late = part is not None and time.time() - began > 1.4 * PARTS[part] + 20.0
            if late or time.monotonic() > until:
                worker.kill()
                worker.wait()
                if part is not None:
                    keep(options.out, part, {"failed": "ended: it took too long"})
                break
        part, _ = began_part(options.out)
        results = kept(options.out)
        if part is not None and part not in results:
            keep(options.out, part, {"failed": f"the process ended with code {worker.returncode}"})
        before, waiting = waiting, [p for p in waiting if p not in kept(options.out)]
        if before == waiting and part is None:
            print(f"the process ended with code {worker.returncode} before any part began")
            break
    print(f"\nnot run: {', '.join(waiting) or 'nothing'}; everything is in {options.out / 'gpu.json'}")
    print(json.dumps(kept(options.out), indent=None))


def work(options: argparse.Namespace) -> None:
    until = time.monotonic() + 60.0 * options.minutes
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    device = torch.device(options.device)
    if "machine" not in kept(options.out):
        keep(options.out, "machine", machine(device))
    for part in options.parts.split(","):
        seconds = min(PARTS[part] if not options.quick else 8.0, until - time.monotonic() - 10.0)
        if seconds < (10.0 if not options.quick else 1.0):
            print(f"{part}: no time left")
            return
        (options.out / "part.json").write_text(json.dumps([part, time.time()]))
        print(f"\n== {part} ({seconds:.0f} s)", flush=True)
        began = time.perf_counter()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        found: dict[str, Any] = {}
        failed = True
        try:
            globals()[f"part_{part}"](device, Clock(seconds), found, options)
            failed = False
        except Exception as error:
            traceback.print_exc()
            found["failed"] = f"{type(error).__name__}: {error}"[:2000]
        try:
            found["seconds"] = round(time.perf_counter() - began, 1)
            if device.type == "cuda":
                found["peak_memory_gib"] = round(torch.cuda.max_memory_allocated() / 2**30, 3)
                torch.cuda.empty_cache()
        finally:
            keep(options.out, part, found)
            print(f"{part}: {found.get('seconds')} s, peak {found.get('peak_memory_gib')} GiB", flush=True)
        if failed:  # the device may be in a bad state: go on in a fresh process
            sys.exit(75)


def kept(out: Path) -> dict[str, Any]:
    file = out / "gpu.json"
    return json.loads(file.read_text()) if file.exists() else {}


def keep(out: Path, part: str, found: dict[str, Any]) -> None:
    temporary = out / ".gpu.json.tmp"
    temporary.write_text(json.dumps(kept(out) | {part: found}, indent=1))
    temporary.replace(out / "gpu.json")


def began_part(out: Path) -> tuple[str | None, float]:
    file = out / "part.json"
    try:
        part, began = json.loads(file.read_text())
    except (OSError, ValueError):
        return None, 0.0
    return (None, 0.0) if part in kept(out) else (part, began)


def machine(device: torch.device) -> dict[str, Any]:
    found: dict[str, Any] = {"torch": torch.__version__, "python": sys.version.split()[0], "cores": os.cpu_count()}
    for name in ("e3nn", "xnn", "torch_geometric"):
        try:
            found[name] = getattr(__import__(name), "__version__", "?")
        except ImportError as error:
            found[name] = f"missing: {error}"
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name()
        free, total = torch.cuda.mem_get_info()
        found["memory_gib"] = [round(free / 2**30, 1), round(total / 2**30, 1)]
    print(json.dumps(found), flush=True)
    return found


# ---------------------------------------------------------------------------------------------------- what is trained


def ethanol_labels(file: Path) -> LabelSet:
    """CCSD(T) labels of ethanol from sGDML's file."""
    with np.load(file) as archive:
        numbers, positions = archive["z"].astype(np.int64), archive["R"].astype(np.float64)
        energy, forces = archive["E"].reshape(-1).astype(np.float64), archive["F"].astype(np.float64)
    labels = load_methanol().accurate
    return replace(
        labels,
        numbers=numbers,
        positions=positions,
        energy=energy * KCAL_PER_MOL_EV,
        forces=forces * KCAL_PER_MOL_EV,
        level=ETHANOL,
        cpu_s=None,
        frame_id=np.arange(len(positions)),
        group=None,
    )


def bank_of(labels: LabelSet, settings: DescriptorSettings | None) -> FrameBank:
    return build_bank(settings, [BankEntry(labels, content_hashes(labels))])


def models(quick: bool) -> dict[str, NetworkSettings]:
    """Every architecture that can be imported here, small."""
    small = 8 if quick else 16
    every = (
        MLPSettings(),
        SchNetSettings(hidden=2 * small, layers=2),
        PaiNNSettings(hidden=2 * small, layers=2),
        NequIPSettings(hidden=small, layers=2),
        MACESettings(hidden=small, l_max=2),
        GemNetTSettings(hidden=2 * small, layers=2),
    )
    return {settings.architecture: settings for settings in every}


def member_of(network: Any, frames: FrameTensors, schedule: Schedule, k: int, train: torch.Tensor) -> Member:
    return Member(
        parameters=network.initial_parameters(k).to(frames.device),
        scaling=network.measure_scaling(frames, train, frames.forces[train]),
        train_rows=train,
        val_rows=train[:1],
        train_weights=None,
        val_weights=None,
        schedule=schedule,
        batch_seed=k,
    )


# --------------------------------------------------------------------------------------------------------- correctness


def part_correctness(device: torch.device, clock: Clock, found: dict[str, Any], options: argparse.Namespace) -> None:
    labels = load_methanol().accurate.select(np.arange(64))
    descriptors = choose_descriptors(labels.numbers, labels.positions)
    here = bank_of(labels, descriptors)
    there = bank_on(here, device)
    for name, settings in models(options.quick).items():
        if clock.left_s < 3:
            found[name] = "no time left"
            continue
        try:
            found[name] = compare_model(settings, here, there)
        except Exception as error:
            traceback.print_exc()
            found[name] = f"failed: {type(error).__name__}: {error}"[:1000]
        print(name, found[name], flush=True)
    found["stages"] = compare_stages(device)
    print("stages", found["stages"], flush=True)


def compare_model(settings: NetworkSettings, here: FrameBank, there: FrameBank) -> dict[str, Any]:
    """Relative differences of energies, forces and gradients, in double precision and single, and of a training."""
    found: dict[str, Any] = {}
    one, other = here.levels[METHANOL], there.levels[METHANOL]
    network = settings.network(here.layout)
    weights = network.initial_parameters(0)[None]
    rows = torch.arange(8)
    scaling = network.measure_scaling(one, rows, one.forces[rows])

    def of(frames: FrameTensors, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        own = weights.to(frames.device, dtype).requires_grad_()
        (inputs,) = network.batches(frames, [rows.to(frames.device)[None]])
        inputs = tuple(t.to(dtype) if t.is_floating_point() else t for t in inputs)
        scale = replace(scaling, **{k: v.to(dtype) for k, v in vars(scaling).items()}).to(frames.device)
        energy, forces = network.energy_and_forces(own, scale, inputs)
        (slope,) = torch.autograd.grad(forces.square().sum() + energy.sum(), own)
        return tuple(t.detach().double().cpu() for t in (energy, forces, slope))

    exact = of(one, torch.float64)
    for label, frames, dtype in (
        ("float64 there", other, torch.float64),
        ("float32 there", other, torch.float32),
        ("float32 here", one, torch.float32),
    ):
        own = of(frames, dtype)
        found[label] = [float(f"{relative(a, b):.2g}") for a, b in zip(own, exact, strict=True)]

    train, val = torch.arange(40), torch.arange(40, 64)
    schedule = Schedule(steps=12, learning_rate=2e-3, warmup_steps=4, batch_size=4, validations=3)

    def trained(frames: FrameTensors, mode: StepMode) -> list[Fit]:
        members = [
            replace(member_of(network, frames, schedule, k, train.to(frames.device)), val_rows=val.to(frames.device))
            for k in range(2)
        ]
        return fit_pack(network, frames, members, steps_as=mode)

    reference = trained(one, "eager")
    modes: list[StepMode] = ["eager", "device"]
    if other.device.type == "cuda" and network.captures(other):
        modes.append("graph")
    for mode in modes:
        fits = trained(other, mode)
        found[f"training, {mode}"] = [
            float(f"{relative(f.parameters.double(), r.parameters.double()):.2g}")
            for f, r in zip(fits, reference, strict=True)
        ]
    return found


def relative(found: torch.Tensor, exact: torch.Tensor) -> float:
    return float((found - exact).norm() / exact.norm().clamp_min(1e-300))


def compare_stages(device: torch.device) -> dict[str, Any]:
    """Validation errors of a chain with every kind of stage that trains a network, here and there."""
    methanol = load_methanol()
    accurate, cheap = methanol.accurate.select(np.arange(60)), methanol.cheap.select(np.arange(0, 16_000, 100))
    settings = DescriptorSettings(n_radial=5, n_angular=3, l_max=2)
    entries = [BankEntry(accurate, content_hashes(accurate)), BankEntry(cheap, content_hashes(cheap), n_probes=2)]
    here = build_bank(settings, entries)
    names = {level: tuple(rows) for level, rows in here.rows.items()}
    schedule = Schedule(steps=20, learning_rate=1e-2, warmup_steps=5, ema=0.9, validations=4)
    split = {
        level: (Frames(level, own[: int(0.8 * len(own))]), Frames(level, own[int(0.8 * len(own)) :]))
        for level, own in names.items()
    }

    def chain(bank: FrameBank) -> dict[str, float]:
        results: dict[str, float] = {}
        parents: dict[str, TrainedModel] = {}

        def train(kind: NetworkStageKind, level: str, **changes: Any) -> str:
            seen, held_out = split[level]
            spec = NetworkStage(kind, settings, MLPSettings(hidden=12), schedule, seen, held_out, Seeds(0, 1, 2))
            spec = replace(spec, **changes)
            (result,) = train_pack(bank, [spec], parents)
            parents[spec.key] = result.model
            found = result.val_force_mae_ev_ang
            results[kind] = found if np.isfinite(found) else result.validation_curve[-1][1]
            return spec.key

        teacher = train("identify", METHANOL)
        start = train("pretrain", "gfn2-xtb", parents=(teacher,), gamma_rel=1.0)
        train("score_match", "gfn2-xtb", score=ScoreSettings(500.0, 2))
        train("finetune", METHANOL, parents=(start,))
        train("residual", METHANOL, parents=(start,))
        return results

    one, other = chain(here), chain(bank_on(here, device))
    return {kind: float(f"{abs(other[kind] / own - 1.0):.2g}") for kind, own in one.items()}


# --------------------------------------------------------------------------------------------------------------- speed


def model_steps_per_s(
    network: Any, frames: FrameTensors, n_models: int, steps: int, mode: StepMode, *, share: bool, batch: int = 10
) -> float:
    """Whole training steps per second, all models of a pack counted, from one validation to the next."""
    n_frames = len(frames.positions)
    rows = torch.arange(n_frames, device=frames.device)
    schedule = Schedule(steps=2 * steps, learning_rate=1e-3, batch_size=batch, validations=2)
    prototype = member_of(network, frames, schedule, 0, rows)
    members = [
        replace(
            prototype,
            parameters=prototype.parameters + 1e-3 * k,
            train_rows=rows if share else rows.roll(97 * k)[: int(0.8 * n_frames)],
            batch_seed=0 if share else k,
        )
        for k in range(n_models)
    ]
    seen: list[float] = []
    fit_pack(
        network,
        frames,
        members,
        share_batches=share,
        on_validation=lambda _, __: seen.append(time.perf_counter()),  # which has waited for the device
        steps_as=mode,
    )
    return n_models * steps / (seen[1] - seen[0])


def random_ethanol(resolution: DescriptorSettings | None, device: torch.device) -> FrameBank:
    """1,000 frames of ethanol's size with random labels: nothing is learnt, as in `training_speed.py`."""
    rng = np.random.default_rng(0)
    at = np.array(  # Å
        [
            [1.168, -0.376, 0.0], [-0.051, 0.548, 0.0], [-1.207, -0.269, 0.0],
            [2.095, 0.199, 0.0], [1.153, -1.011, 0.884], [1.153, -1.011, -0.884],
            [-0.046, 1.193, 0.886], [-0.046, 1.193, -0.886], [-2.003, 0.276, 0.0],
        ]
    )  # fmt: skip
    positions = at + rng.normal(0.0, 0.05, (1000, 9, 3))
    labels = replace(
        load_methanol().accurate,
        numbers=np.array([6, 6, 8, 1, 1, 1, 1, 1, 1]),
        positions=positions,
        energy=rng.normal(size=1000),
        forces=rng.normal(size=(1000, 9, 3)),
        level=ETHANOL,
        cpu_s=None,
        frame_id=np.arange(1000),
        group=None,
    )
    return bank_on(bank_of(labels, resolution), device)


FINE = DescriptorSettings(n_radial=15, n_angular=6, l_max=4)  # of `training_speed.py`
SITES = DescriptorSettings(n_radial=6, n_angular=1, l_max=2, sites=(0, 1, 2, 3, 3, 3, 4, 4, 5))  # what a study takes


def descriptor_speeds(
    device: torch.device, clock: Clock, found: dict[str, Any], modes: list[StepMode], quick: bool
) -> None:
    for label, resolution in (("sites", SITES), ("fine", FINE)):
        bank = random_ethanol(resolution, device)
        network = MLPSettings().network(bank.layout)
        assert bank.layout is not None
        print(f"{label}: {bank.layout.width / 9:.0f} descriptors an atom", flush=True)
        for n_models in (1, 16) if quick else (256, 1, 16, 64):
            for share in (False, True):
                for mode in modes:
                    name = f"{label}, K={n_models}, {'shared' if share else 'own'} batches, {mode}"
                    if clock.left_s < 3:
                        found[name] = None
                        continue
                    steps = 5 if quick else (150 if mode == "eager" else 400)
                    try:
                        speed = model_steps_per_s(network, bank.levels[ETHANOL], n_models, steps, mode, share=share)
                        found[name] = round(speed)
                    except Exception as error:
                        found[name] = f"failed: {type(error).__name__}: {error}"[:500]
                    print(f"{name}: {found[name]:,} model-steps/s" if isinstance(found[name], int) else
                          f"{name}: {found[name]}", flush=True)  # fmt: skip


def part_descriptor(device: torch.device, clock: Clock, found: dict[str, Any], options: argparse.Namespace) -> None:
    modes: list[StepMode] = ["eager", "graph" if device.type == "cuda" else "device"]
    descriptor_speeds(device, clock, found, modes, options.quick)


def part_compiled(device: torch.device, clock: Clock, found: dict[str, Any], options: argparse.Namespace) -> None:
    if device.type != "cuda":
        found["skipped"] = "needs CUDA"
        return
    from torch._dynamo import config

    config.recompile_limit = 64
    descriptor_speeds(device, clock, found, ["compiled"], options.quick)


def equivariant_models(quick: bool) -> dict[str, NetworkSettings]:
    if quick:
        return {"nequip": NequIPSettings(hidden=4, layers=2, l_max=1), "painn": PaiNNSettings(hidden=8, layers=2)}
    return {
        "nequip, l=2, 32 features": NequIPSettings(),
        "painn, 64 features": PaiNNSettings(),
        "nequip, l=1, 32 features": NequIPSettings(l_max=1),
        "mace, L=1, 32 features": MACESettings(),
    }


def part_equivariant(device: torch.device, clock: Clock, found: dict[str, Any], options: argparse.Namespace) -> None:
    bank = random_ethanol(None, device)
    modes: list[StepMode] = ["graph", "eager"] if device.type == "cuda" else ["eager"]
    for label, settings in equivariant_models(options.quick).items():
        network = settings.network(None)
        for n_models in (1, 2) if options.quick else (1, 16, 4):
            for mode in modes:
                name = f"{label}, K={n_models}, {mode}"
                if clock.left_s < 6 and not options.quick:
                    found[name] = None
                    continue
                steps = 2 if options.quick else (60 if mode == "graph" else 8)
                try:
                    speed = model_steps_per_s(network, bank.levels[ETHANOL], n_models, steps, mode, share=False)
                    found[name] = round(speed, 1)
                except Exception as error:
                    traceback.print_exc()
                    found[name] = f"failed: {type(error).__name__}: {error}"[:500]
                print(name, found[name], "model-steps/s", flush=True)
        one, sixteen = (found.get(f"{label}, K={n}, {modes[0]}") for n in (1, 16))
        if isinstance(one, float) and isinstance(sixteen, float):
            found[f"{label}, K=16 over K=1"] = round(sixteen / one, 2)


# -------------------------------------------------------------------------------------------------------------- errors


def errors_of(
    settings: NetworkSettings,
    labels: LabelSet,
    budget: int,
    rates: tuple[float, ...],
    seconds: float,
    device: torch.device,
    quick: bool,
    most_steps: int = 200_000,
    batch: int = 10,
) -> dict[str, Any]:
    """Train one model for each rate, as long as the time allows; the test error of the best on validation labels."""
    clock, began = Clock(seconds), time.perf_counter()
    resolution = choose_descriptors(labels.numbers, labels.positions) if settings.needs_descriptors else None
    bank = bank_on(bank_of(labels, resolution), device)
    network, frames = settings.network(bank.layout), bank.levels[labels.level]
    bought = buy_accurate(labels, budget, 0)
    train, val = torch.as_tensor(bought.train).to(device), torch.as_tensor(bought.val).to(device)
    rest = np.setdiff1d(np.arange(len(labels)), np.concatenate([bought.train, bought.val]))
    test = torch.as_tensor(rest[:400]).to(device)
    batch = min(batch, len(train))

    starts = [network.initial_parameters(k).to(device) for k in range(len(rates))]
    scaling = network.measure_scaling(frames, train, frames.forces[train])

    def run(steps: int, validations: int, held_out: torch.Tensor) -> tuple[list[Fit], float]:
        members = [
            Member(start, scaling, train, held_out, None, None, schedule(rate, steps, validations, batch), k)
            for k, (start, rate) in enumerate(zip(starts, rates, strict=True))
        ]
        seen = []
        fits = fit_pack(
            network, frames, members, on_validation=lambda step, _: seen.append((step, time.perf_counter()))
        )
        return fits, (seen[-1][1] - seen[0][1]) / max(seen[-1][0] - seen[0][0], 1)

    _, step_s = run(4 if quick else 200, 2, val[:1])
    # What is kept back is for the capture of the graph and for validations.
    steps = 20 if quick else int(min(0.85 * clock.left_s / step_s, most_steps))
    fits, step_s = run(steps, 4 if quick else 20, val)
    best = min(range(len(fits)), key=lambda k: fits[k].val_error)
    fit = fits[best]
    energy, forces = predict(network, frames, test, scaling, fit.parameters[None].to(device))
    force_mae = float((forces[0] - frames.forces[test]).abs().mean()) / KCAL_PER_MOL_EV
    energy_mae = float((energy[0].double() + fit.energy_shift_ev - frames.energy[test]).abs().mean()) / KCAL_PER_MOL_EV
    found = {
        "model": f"{settings.architecture} {asdict(settings)}",
        "labels": budget,
        "test_force_mae_kcal_mol_ang": round(force_mae, 4),
        "test_energy_mae_kcal_mol": round(energy_mae, 4),
        "val_force_mae_kcal_mol_ang": {
            str(rate): round(f.val_error / KCAL_PER_MOL_EV, 4) for rate, f in zip(rates, fits, strict=True)
        },
        "validation_curve": [[step, round(error / KCAL_PER_MOL_EV, 4)] for step, error in fit.validation_curve],
        "steps": steps,
        "ms_per_step_of_the_pack": round(1e3 * step_s, 3),
        "seconds": round(time.perf_counter() - began, 1),
    }
    print({key: value for key, value in found.items() if key != "validation_curve"}, flush=True)
    return found


def schedule(rate: float, steps: int, validations: int, batch: int) -> Schedule:
    return Schedule(
        steps=steps,
        learning_rate=rate,
        warmup_steps=min(200, steps // 2),
        final_rate=0.01,
        batch_size=batch,
        rho=0.99,
        ema=0.995,
        validations=validations,
    )


def trial(found: dict[str, Any], name: str, make: Callable[[], dict[str, Any]]) -> None:
    """One training; where it fails, the others go on."""
    try:
        found[name] = make()
    except Exception as error:
        traceback.print_exc()
        found[name] = f"failed: {type(error).__name__}: {error}"[:1000]


def equivariant(quick: bool) -> NequIPSettings:
    return NequIPSettings(hidden=4, layers=2, l_max=1) if quick else NequIPSettings()


def part_ethanol600(device: torch.device, clock: Clock, found: dict[str, Any], options: argparse.Namespace) -> None:
    if options.ethanol is None:
        found["skipped"] = "no --ethanol FILE.npz"
        return
    labels, quick = ethanol_labels(options.ethanol), options.quick
    rates: tuple[float, ...] = (0.003, 0.01) if quick else (0.003, 0.006, 0.012)
    trial(found, "nequip", lambda: errors_of(equivariant(quick), labels, 600, rates, clock.left_s - 30, device, quick))
    rates = (0.01,) if quick else (0.005, 0.01)
    trial(found, "mlp", lambda: errors_of(MLPSettings(hidden=64), labels, 600, rates, 15, device, quick, 20_000))


def part_methanol500(device: torch.device, clock: Clock, found: dict[str, Any], options: argparse.Namespace) -> None:
    labels, quick = load_methanol().accurate, options.quick
    rates: tuple[float, ...] = (0.01,) if quick else (0.004, 0.01)
    share = clock.left_s
    trial(found, "nequip", lambda: errors_of(equivariant(quick), labels, 500, rates, 0.55 * share, device, quick))
    painn = PaiNNSettings(hidden=8, layers=2) if quick else PaiNNSettings()
    rates = (0.001,) if quick else (0.0007, 0.002)
    trial(found, "painn", lambda: errors_of(painn, labels, 500, rates, 0.25 * share, device, quick))
    rates = (0.01,) if quick else (0.005, 0.01)
    trial(found, "mlp", lambda: errors_of(MLPSettings(), labels, 500, rates, clock.left_s, device, quick, 10_000))


def part_few_labels(device: torch.device, clock: Clock, found: dict[str, Any], options: argparse.Namespace) -> None:
    quick, share = options.quick, clock.left_s
    sets = {"methanol": load_methanol().accurate}
    if options.ethanol is not None:
        sets["ethanol"] = ethanol_labels(options.ethanol)
    rates = (0.01,) if quick else (0.003, 0.01)
    for name, labels in sets.items():
        nequip = partial(errors_of, equivariant(quick), labels, 50, rates, 0.35 * share, device, quick, 6_000)
        trial(found, f"{name}, nequip", nequip)
        mlp = partial(errors_of, MLPSettings(), labels, 50, rates, 0.1 * share, device, quick, 5_000)
        trial(found, f"{name}, mlp", mlp)


if __name__ == "__main__":
    main()

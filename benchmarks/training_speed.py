"""Model-steps per CPU second of this trainer, of PyG's SchNet and of a dense PaiNN, and the time to equal error.

    python benchmarks/training_speed.py [--rounds 5] [--quick]

Speed: ethanol-sized frames (9 atoms, batch 10), whole steps with optimizer and EMA, float32, one thread. This trainer
packs K = 1, 4, 16 and 64 models of hidden size 32, with shared and with per-model batches, on about 165 descriptors
an atom; the opponents train one model eagerly (64 features, 3 blocks, fused Adam, EMA). All take their turns in every
round; reported are medians over rounds and ratios within a round. Labels are random: nothing is learnt here.

Time to equal error: CPU seconds to train one model on 160 CCSD(T) labels of methanol (packaged) down to the best
validation error that SchNet reaches in its whole schedule.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from ase.build import molecule
from dense_painn import DensePaiNN

from asteroid.datasets import load_methanol
from asteroid.descriptors.describe import describe
from asteroid.descriptors.frame_bank import BankEntry, FrameTensors, build_bank
from asteroid.descriptors.layout import DescriptorSettings, Layout, make_layout
from asteroid.labels.label_set import content_hashes
from asteroid.labels.splits import buy_accurate
from asteroid.models.mlp import DescriptorMLP, MLPSettings
from asteroid.models.schnet import SchNetSettings
from asteroid.training.fit_loop import fit_pack
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule
from asteroid.units import KCAL_PER_MOL_EV

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH, N_FRAMES, STEPS = 10, 1000, {1: 120, 4: 100, 16: 60, 64: 25}
EAGER_STEPS = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="turns of every contender")
    parser.add_argument("--quick", action="store_true", help="two rounds, no time to equal error")
    options = parser.parse_args()
    torch.set_num_threads(1)
    contenders = {**packed_contenders(), **eager_contenders()}
    for run in contenders.values():
        run()  # the first run prepares what the others reuse
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(2 if options.quick else options.rounds):
        for name, run in contenders.items():
            speeds[name].append(run())
    report(speeds)
    if not options.quick:
        time_to_equal_error()


def report(speeds: dict[str, list[float]]) -> None:
    """A table: medians, ranges, and the ratio to SchNet within each round."""
    schnet = speeds["PyG SchNet, eager"]
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| trainer | model-steps per CPU-s, median (range) | times PyG SchNet |")
    print("|---|---|---|")
    for name, found in speeds.items():
        ratio = statistics.median(a / b for a, b in zip(found, schnet, strict=True))
        print(f"| {name} | {statistics.median(found):,.0f} ({min(found):,.0f} to {max(found):,.0f}) | {ratio:.1f} |")


def frames_and_layout() -> tuple[FrameTensors, Layout]:
    """Random ethanol frames with random labels."""
    ethanol = molecule("CH3CH2OH")  # type: ignore[no-untyped-call]
    rng = np.random.default_rng(0)
    positions = ethanol.positions + rng.normal(0.0, 0.08, (N_FRAMES, len(ethanol), 3))
    layout = make_layout(ethanol.numbers.astype(np.int64), descriptor_settings())
    forces = torch.tensor(rng.normal(size=(N_FRAMES, 3 * len(ethanol))), dtype=torch.float32)
    descriptors, jacobians = describe(layout, positions)
    energy = torch.tensor(rng.normal(size=N_FRAMES))
    numbers = torch.tensor(layout.numbers)
    return FrameTensors(numbers, torch.tensor(positions), descriptors, jacobians, energy, forces), layout


def descriptor_settings() -> DescriptorSettings:
    """About 165 descriptors an atom."""
    return DescriptorSettings(n_radial=15, n_angular=6, l_max=4)


def packed_contenders() -> dict[str, Callable[[], float]]:
    """Packs of this trainer; model-steps per CPU second of one short fit."""
    frames, layout = frames_and_layout()
    network = DescriptorMLP(layout, MLPSettings())
    per_atom = layout.width / len(layout.numbers)
    rows = torch.arange(N_FRAMES)
    scaling = network.measure_scaling(frames, rows, frames.forces)

    def run(n_models: int, share: bool) -> float:
        schedule = Schedule(steps=STEPS[n_models], learning_rate=1e-3, batch_size=BATCH, validations=1)
        members = [
            Member(
                parameters=network.initial_parameters(k),
                scaling=scaling,
                train_rows=rows if share else rows.roll(97 * k)[:800],
                val_rows=rows[:1],
                train_weights=None,
                val_weights=None,
                schedule=schedule,
                batch_seed=0 if share else k,
            )
            for k in range(n_models)
        ]
        fit_pack(network, frames, members, share_batches=share)  # its fixed cost is measured apart
        seconds = []
        for steps in (1, schedule.steps + 1):
            longer = [replace(m, schedule=replace(schedule, steps=steps)) for m in members]
            began = time.process_time()
            fit_pack(network, frames, longer, share_batches=share)
            seconds.append(time.process_time() - began)
        return n_models * schedule.steps / (seconds[1] - seconds[0])

    return {
        f"packed, K = {n}, {'shared' if share else 'per-model'} batches, {per_atom:.0f} descriptors an atom": partial(
            run, n, share
        )
        for share in (True, False)
        for n in STEPS
    }


def eager_contenders() -> dict[str, Callable[[], float]]:
    """PyG's SchNet and a dense PaiNN, as one would train them by hand."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`torch.jit", DeprecationWarning)
        from torch_geometric.nn.models import SchNet
    frames, layout = frames_and_layout()
    n_atoms = len(layout.numbers)
    positions, forces = frames.positions.float(), frames.forces.reshape(N_FRAMES, n_atoms, 3)
    first, second = (~torch.eye(n_atoms, dtype=torch.bool)).nonzero(as_tuple=True)
    offset = n_atoms * torch.arange(BATCH)[:, None]
    edges = torch.stack([(second + offset).flatten(), (first + offset).flatten()])
    numbers, frame = torch.tensor(layout.numbers), torch.arange(BATCH).repeat_interleave(n_atoms)

    def graph(at: torch.Tensor, _: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return edges, (at[edges[0]] - at[edges[1]]).norm(dim=-1)

    schnet = SchNet(hidden_channels=64, num_filters=64, num_interactions=3, interaction_graph=graph, cutoff=5.0)
    painn = DensePaiNN(features=64, layers=3)

    def run(model: torch.nn.Module, energy_of: Callable[[torch.Tensor], torch.Tensor]) -> float:
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
        average = [p.detach().clone() for p in model.parameters()]
        began = time.process_time()
        for step in range(EAGER_STEPS):
            rows = torch.arange(step * BATCH, (step + 1) * BATCH) % N_FRAMES
            at = positions[rows].requires_grad_()
            energy = energy_of(at)
            (slope,) = torch.autograd.grad(energy.sum(), at, create_graph=True)
            force_loss = (-slope - forces[rows]).norm(dim=-1).mean()
            loss = 0.01 * (energy - frames.energy[rows].float()).abs().mean() + 0.99 * force_loss
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
            optimizer.step()
            with torch.no_grad():
                torch._foreach_lerp_(average, list(model.parameters()), 0.01)
        return EAGER_STEPS / (time.process_time() - began)

    return {
        "PyG SchNet, eager": lambda: run(
            schnet, lambda at: schnet(numbers.repeat(BATCH), at.reshape(-1, 3), frame).squeeze(-1)
        ),
        "dense PaiNN, eager": lambda: run(painn, lambda at: painn(numbers, at)),
    }


def time_to_equal_error() -> None:
    """One model on 160 + 40 CCSD(T) labels of methanol, this trainer's network against SchNet, in the same fit loop."""
    labels = load_methanol().accurate
    bought = buy_accurate(labels, 200, 0)
    bank = build_bank(DescriptorSettings(), [BankEntry(labels, content_hashes(labels))])
    frames = bank.levels[labels.level]
    train, val = torch.tensor(bought.train), torch.tensor(bought.val)
    curves = {}
    for settings, rate, steps in ((SchNetSettings(), 2e-3, 6000), (MLPSettings(), 1e-2, 6000)):
        network = settings.network(bank.layout)
        member = Member(
            parameters=network.initial_parameters(0),
            scaling=network.measure_scaling(frames, train, frames.forces[train]),
            train_rows=train,
            val_rows=val,
            train_weights=None,
            val_weights=None,
            schedule=Schedule(steps=steps, learning_rate=rate, validations=100),
            batch_seed=0,
        )
        began = time.process_time()
        curve: list[tuple[float, float]] = []

        def note(_: int, errors: list[float], began: float = began, curve: list[tuple[float, float]] = curve) -> None:
            curve.append((time.process_time() - began, errors[0] / KCAL_PER_MOL_EV))

        fit_pack(network, frames, [member], on_validation=note)
        curves[settings.architecture] = curve
    target = min(error for _, error in curves["schnet"])
    reached = {name: next((s for s, error in curve if error <= target), None) for name, curve in curves.items()}
    best = min(error for _, error in curves["mlp"])
    print(
        f"\ntime to SchNet's best validation error ({target:.3f} kcal/mol/Å, methanol, 200 labels): SchNet "
        f"{reached['schnet']:.0f} CPU-s, descriptor network {reached['mlp'] or float('nan'):.1f} CPU-s; the descriptor "
        f"network ends at {best:.3f} after {curves['mlp'][-1][0]:.0f} CPU-s"
    )


if __name__ == "__main__":
    main()

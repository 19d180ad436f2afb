"""Which rate and EMA let each model learn ten frames by heart.

    python benchmarks/memorised.py [ARCHITECTURE ...] [--steps 600] [--rates 0.001 0.003 0.01] [--emas 0.99]

Trains each architecture on ten CCSD(T) frames of methanol, all of them in every batch, and says what is left of their
forces: the force MAE of these frames over their mean force component. A model that cannot bring it below 2 % has a
rate that does not suit it, or a fault. Sizes are small, a minute on a core, or with --full the defaults.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time

os.environ["OMP_NUM_THREADS"] = "1"

import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, build_bank
from asteroid.descriptors.resolution import choose_descriptors
from asteroid.labels.label_set import content_hashes
from asteroid.models.architectures import ARCHITECTURES, settings_type
from asteroid.training.fit_loop import fit_pack
from asteroid.training.objective import Member
from asteroid.training.schedule import Schedule

N_FRAMES = 10
#: Settings of sizes that a core trains in a minute.
SMALL = {
    "schnet": {"hidden": 32},
    "painn": {"hidden": 32},
    "nequip": {"hidden": 16, "layers": 2, "l_max": 1},
    "mace": {"hidden": 16, "l_max": 2, "l_hidden": 0},
    "gemnet_t": {"hidden": 32, "layers": 2},
    "gemnet_q": {"hidden": 32, "layers": 1},
    "dimenet_pp": {"hidden": 32, "layers": 2},
    "tensornet": {"hidden": 32},
    "visnet": {"hidden": 32, "layers": 2},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("architectures", nargs="*", default=[settings.architecture for settings in ARCHITECTURES])
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--rates", type=float, nargs="+", default=[0.001, 0.003, 0.01])
    parser.add_argument("--emas", type=float, nargs="+", default=[0.99])
    parser.add_argument("--full", action="store_true", help="default sizes")
    options = parser.parse_args()
    torch.set_num_threads(1)
    labels = load_methanol().accurate.select(range(0, 500, 50))
    bank = build_bank(choose_descriptors(labels.numbers, labels.positions), [BankEntry(labels, content_hashes(labels))])
    frames, rows = bank.levels[labels.level], torch.arange(N_FRAMES)
    mean_force = float(frames.forces.abs().mean())
    print("| architecture | weights | rate | EMA | steps | ms a step | error left, % | % at a quarter, half |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    for name in options.architectures:
        network = settings_type(name)(**({} if options.full else SMALL.get(name, {}))).network(bank.layout)
        for rate, ema in itertools.product(options.rates, options.emas):
            schedule = Schedule(options.steps, rate, ema=ema, batch_size=N_FRAMES, validations=8)
            member = Member(
                parameters=network.initial_parameters(1),
                scaling=network.measure_scaling(frames, rows, frames.forces),
                train_rows=rows,
                train_weights=None,
                val_weights=None,
                val_rows=rows,
                schedule=schedule,
                batch_seed=0,
            )
            began = time.process_time()
            (fit,) = fit_pack(network, frames, [member])
            ms = 1000 * (time.process_time() - began) / options.steps
            left = [100 * error / mean_force for _, error in fit.validation_curve]
            print(
                f"| `{name}` | {network.parameter_count():,} | {rate:g} | {ema:g} | {options.steps} | {ms:.0f} | "
                f"{min(left):.2f} | {left[1]:.1f}, {left[3]:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()

"""Fine-tuning a public pretrained model: SO3LR on few CCSD(T) labels of methanol, beside a network pretrained here.

    cd benchmarks && python given_start.py FOLDER [--budgets 10 25 50] [--steps 80]

Needs So3krates-torch (docs/levels.md). `make` is SO3LR as a torch module, with its weights, as `pretrain.from` and
`model.architecture` take it; its energies are those of the package's calculator to 1e-4 eV. The errors of the network
pretrained here are those of the preset `quickstart` (pretraining on 4,000 xTB frames), exported and fine-tuned again.
"""

from __future__ import annotations

import argparse
import contextlib
import io
from pathlib import Path

import torch
import yaml
from torch import Tensor

from asteroid.units import KCAL_PER_MOL_EV
from study.config.sweep_text import parse_sweep
from study.engine.executors import SerialExecutor
from study.recipes.workload import make_workload
from study.run.run import run_workload

FINETUNE = {"learning_rate": 0.0005, "warmup_steps": 8, "final_rate": 0.1, "batch_size": 5, "ema": 0.9}


class SO3LR(torch.nn.Module):
    """Energies [M] in eV of frames: positions [n, 3] in Å, atomic numbers [n], frame of each atom [n]; neutral ones."""

    def __init__(self, model: torch.nn.Module, short_ang: float, long_ang: float) -> None:
        super().__init__()
        self.model, self.short_ang, self.long_ang = model, short_ang, long_ang

    def forward(self, positions: Tensor, numbers: Tensor, batch: Tensor) -> Tensor:
        """Energies with every pair within the two cutoffs as an edge."""
        pairs = (batch[:, None] == batch) & ~torch.eye(len(batch), dtype=torch.bool, device=batch.device)
        apart = torch.cdist(positions.detach(), positions.detach())
        short, long = ((pairs & (apart < reach)).nonzero().T for reach in (self.short_ang, self.long_ang))
        n_frames, none = int(batch[-1]) + 1, positions.new_zeros
        data = {
            "positions": positions,
            "atomic_numbers": numbers,
            "node_attrs": torch.nn.functional.one_hot(numbers - 1, 118).to(positions.dtype),
            "batch": batch,
            "ptr": torch.searchsorted(batch, torch.arange(n_frames + 1, device=batch.device)),
            "head": torch.zeros(n_frames, dtype=torch.long, device=batch.device),
            "edge_index": short,
            "edge_index_lr": long,
            "cell": none(3 * n_frames, 3),
            "total_charge": none(n_frames),
            "total_spin": none(n_frames),
        }
        for name, edges in (("", short), ("_lr", long)):
            data |= {f"shifts{name}": none(edges.shape[1], 3), f"unit_shifts{name}": none(edges.shape[1], 3)}
        energy: Tensor = self.model(data, compute_force=False)["energy"]
        return energy.reshape(-1)


def make(hidden: int = 128) -> SO3LR:  # noqa: ARG001 - its width is what it is
    from so3krates_torch.calculator.so3 import SO3LRCalculator

    before = torch.get_default_dtype()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            calculator = SO3LRCalculator(default_dtype="float32")
    finally:
        torch.set_default_dtype(before)
    (model,) = calculator.models
    return SO3LR(model.requires_grad_(True), float(calculator.r_max), float(calculator.r_max_lr))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--budgets", type=int, nargs="+", default=[10, 25, 50])
    parser.add_argument("--steps", type=int, default=80)
    options = parser.parse_args()
    torch.set_num_threads(1)
    plain = {
        "name": "so3lr_start",
        "data": {"dataset": "methanol"},
        "test": {"groups": [3]},
        "strategies": ["pretrain_finetune"],
        "budgets": options.budgets,
        "seeds": [0],
        "model": {"architecture": "given_start:make"},
        "pretrain": {"from": "given_start:make"},
        "identify": {"steps": 100, "learning_rate": 0.001},  # nothing is trained by it
        "finetune": {"standard": {"steps": options.steps, "validations": 4, **FINETUNE}},
    }
    workload = make_workload(parse_sweep(yaml.safe_dump(plain), "so3lr_start", Path()))
    table = run_workload(workload, options.folder, SerialExecutor, lambda _: None, print)
    for budget, error in zip(table["budget"], table["test_force_mae_ev_ang"], strict=True):
        print(f"{budget} labels: force MAE {error / KCAL_PER_MOL_EV:.3f} kcal/mol/Å")


if __name__ == "__main__":
    main()

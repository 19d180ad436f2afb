"""Whether the estimated bias of a cheap label tells the true one, and weights help where labels differ in quality.

    python benchmarks/bias_premise.py [FOLDER] [--quick] [--workers 2]

1. Correlation of the estimated bias of each cheap frame with the true one, against the number of accurate labels N that
   the identifying model was trained on (N = .8 B of a budget B), on methanol (GFN2-xTB, packaged) and, where FOLDER
   holds its three files, on formaldehyde (B3LYP and MP2 against CCSD(T) on the same 4,001 geometries).
2. Positive control: half of the cheap labels of methanol are corrupted (forces times 1.4 plus noise of 0.1 or 0.3
   eV/Å), and `asteroid` with gamma_rel = 0.3, fixed beforehand, meets `pretrain_finetune` at 50 labels over 10 seeds.
   The clean set beside it says what the weights add where labels are alike.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from scipy import stats
from studies import data_section, errors, paired_change, run_sweep

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, build_bank
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.labels.label_set import LabelSet, content_hashes
from asteroid.labels.matching import match_geometries
from asteroid.labels.splits import buy_accurate
from asteroid.models.mlp import MLPSettings
from asteroid.stages.bias_weights import estimate_bias
from asteroid.stages.stage import Frames, NetworkStage, Seeds
from asteroid.stages.train import train_pack
from asteroid.training.schedule import Schedule
from asteroid.units import KCAL_PER_MOL_EV

SIZES = (20, 40, 80, 160, 320, 640)
GAMMA_REL = 0.3
NOISES_EV_ANG = (0.1, 0.3)
FORMALDEHYDE = {
    "ccsd_t-f12b/aug-cc-pvtz-f12": "h2co_ccsdt_avtz_4001.npz",
    "b3lyp/cc-pvdz": "h2co_B3LYP_cc-pVDZ_4001.npz",
    "mp2/aug-cc-pvtz": "h2co_mp2_avtz_4001.npz",
}
SWEEP = """
name: {name}
test: {{groups: [3]}}
strategies: [pretrain_finetune, asteroid]
budgets: [50]
n_cheap: [4000]
gamma_rel: [0.3, inf]
seeds: {seeds}
identify: {{steps: 3000, learning_rate: 0.007}}
pretrain: {{steps: 4000, learning_rate: 0.007}}
finetune:
  standard: {{steps: 1500, learning_rate: 0.0007}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", help="folder with the three formaldehyde files")
    parser.add_argument("--quick", action="store_true", help="three seeds, small N, for a look")
    parser.add_argument("--workers", type=int, default=2, help="Ray workers of the positive control")
    options = parser.parse_args()
    torch.set_num_threads(1)
    seeds = 3 if options.quick else 10
    sizes = SIZES[:3] if options.quick else SIZES
    print("| cheap level | true bias, p10 / median / p90 (kcal/mol/Å) | N | Pearson | Spearman | estimated median |")
    print("|---|---|---|---|---|---|")
    for accurate, cheap in pairs(options.folder):
        correlate(accurate, cheap, sizes, range(min(seeds, 3)))
    with tempfile.TemporaryDirectory() as name:
        control(Path(name), seeds, options.workers)


def pairs(folder: Path | None) -> list[tuple[LabelSet, LabelSet]]:
    """Accurate and cheap labels of the same geometries, in the same order."""
    methanol = load_methanol()
    rows = match_geometries(methanol.accurate, methanol.cheap)
    found = [(methanol.accurate.select(rows[0]), methanol.cheap.select(rows[1]))]
    if folder is None or not all((folder / name).exists() for name in FORMALDEHYDE.values()):
        print(
            "formaldehyde is left out: name a folder with "
            f"{', '.join(FORMALDEHYDE.values())} (Käser et al., from the MMunibas group's public repositories)"
        )
        return found
    accurate, *others = (
        read_labels(folder / name, Declaration(level=level, energy_unit="eV", length_unit="Angstrom")).labels
        for level, name in FORMALDEHYDE.items()
    )
    return found + [(accurate, other) for other in others]


def correlate(accurate: LabelSet, cheap: LabelSet, sizes: tuple[int, ...], seeds: range) -> None:
    """Train on accurate labels of some frames, estimate the bias of the cheap labels of the others."""
    assert accurate.forces is not None
    assert cheap.forces is not None
    settings = DescriptorSettings()
    hashes = content_hashes(accurate), content_hashes(cheap)
    bank = build_bank(settings, [BankEntry(accurate, hashes[0]), BankEntry(cheap, hashes[1])])
    true = np.abs(accurate.forces - cheap.forces).mean((1, 2)) / KCAL_PER_MOL_EV
    spread = " / ".join(f"{v:.2f}" for v in np.quantile(true, [0.1, 0.5, 0.9]))
    for size in sizes:
        specs, unseen = [], []
        for seed in seeds:
            bought = buy_accurate(accurate, round(size / 0.8), seed)
            train, val = (
                Frames(accurate.level, tuple(hashes[0][r] for r in rows)) for rows in (bought.train, bought.val)
            )
            schedule = Schedule(steps=3000, learning_rate=0.007)
            own_seeds = Seeds(seed, seed, seed)
            specs.append(NetworkStage("identify", settings, MLPSettings(), schedule, train, val, own_seeds))
            unseen.append(np.setdiff1d(np.arange(len(accurate)), np.r_[bought.train, bought.val]))
        models = [result.model for result in train_pack(bank, specs, {})]
        bias = estimate_bias(bank, cheap.level, torch.arange(len(cheap)), models).numpy() / KCAL_PER_MOL_EV
        pearson = [stats.pearsonr(own[rows], true[rows]).statistic for own, rows in zip(bias, unseen, strict=True)]
        spearman = [stats.spearmanr(own[rows], true[rows]).statistic for own, rows in zip(bias, unseen, strict=True)]
        median = np.mean([np.median(own[rows]) for own, rows in zip(bias, unseen, strict=True)])
        print(
            f"| {cheap.level}, {len(cheap.numbers)} atoms | {spread} | {size} | {np.mean(pearson):.2f} | "
            f"{np.mean(spearman):.2f} | {median:.2f} |",
            flush=True,
        )


def control(folder: Path, seeds: int, workers: int) -> None:
    """Weights against no weights on clean and on half-corrupted cheap labels."""
    methanol = load_methanol()
    sets = {f"corrupted (noise {noise:g} eV/Å)": corrupted(methanol.cheap, noise) for noise in NOISES_EV_ANG}
    for place, (what, cheap) in enumerate({"clean": methanol.cheap, **sets}.items()):
        name = f"control-{place}"
        data = data_section(methanol.accurate, cheap, folder / name)
        table = run_sweep(SWEEP.format(name=name, seeds=list(range(seeds))) + data, folder / name, workers)
        weighted, plain = errors(table, "asteroid", 50, GAMMA_REL), errors(table, "pretrain_finetune", 50)
        change, low, high = paired_change(weighted, plain)
        kept = table.loc[table["strategy"] == "asteroid", "effective_sample"].mean()
        print(
            f"{what} cheap labels, 50 accurate labels, {seeds} seeds: asteroid (gamma_rel {GAMMA_REL:g}) "
            f"{weighted.mean():.3f} against {plain.mean():.3f} kcal/mol/Å without weights, {change:+.1%} "
            f"[{low:+.1%}, {high:+.1%}]; effective sample {kept:.0f} of 3,600"
        )


def corrupted(cheap: LabelSet, noise_ev_ang: float) -> LabelSet:
    """Half of the labels with forces times 1.4 plus noise."""
    assert cheap.forces is not None
    rng = np.random.default_rng(0)
    forces = cheap.forces.copy()
    hit = rng.permutation(len(cheap))[: len(cheap) // 2]
    forces[hit] = 1.4 * forces[hit] + rng.normal(0.0, noise_ev_ang, forces[hit].shape)
    return replace(cheap, forces=forces)


if __name__ == "__main__":
    main()

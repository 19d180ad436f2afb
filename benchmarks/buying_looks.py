"""All that purchases of real labels may want to see: cross-validated errors at a ladder of sizes, for `buying.py`.

    python benchmarks/buying_looks.py FOLDER [--data DATA] [--only SYSTEM ...] [--draws 0 20] [--draw random]

For each system and each order of purchase the strategies of a study file are cross-validated, by the very code of
`asteroid-study buy`, at sizes each 1.1 times the last, until the hardest target is met beyond doubt; the models of all
labels are scored on labels that no purchase sees. It goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from real_sweeps import SYSTEMS

from analysis.buying.decide import decide_from
from analysis.buying.decision import Costs, Limits, Wish
from analysis.buying.looks import looks_of
from analysis.buying.noise_law import NoiseLaw
from analysis.buying.prior import prior_of
from asteroid.labels.label_set import content_hashes
from asteroid.stages.predict_chain import predict_chain
from asteroid.units import KCAL_PER_MOL_EV
from study.buying.contenders import contenders_of
from study.buying.load import load_candidates
from study.buying.owned_data import Paired, owned_data
from study.buying.round_training import RoundTrainer
from study.config.buying import parse_buy_study
from study.engine.executors import SerialExecutor
from study.recipes.chains import ChainBuilder

if TYPE_CHECKING:
    from analysis.buying.decision import Decision
    from analysis.buying.prior import CurvePrior
    from asteroid.labels.label_set import LabelSet
    from study.buying.contenders import Contender

LADDER = (16, 20, 22, 24, 26, 29, 32, 35, 38, 42, 46, 50, 55, 60, 66, 72, 79, 86, 95, 104, 114, 124, 137, 150)
#: Targets of each system, kcal/mol/Å, the harder one last; the cheap labels' system in `known_curves`.
TARGETS = {
    "methanol": (0.42, 0.30),
    "ethanol": (0.61, 0.53),
    "aspirin": (1.8, 1.5),
    "h2co-b3lyp-ccsd_t": (0.024, 0.017),
    "h2co-mp2-ccsd_t": (0.012, 0.008),
}
#: Beyond doubt: no smaller than this ladder step, and every target met with this probability.
LEAST, SURE = 60, 0.97
#: A strategy whose cross-validated error is so many times the best one's is trained no further, from this size on.
BEHIND, BEHIND_FROM = 1.7, 20
#: Frames that a committee's spread is taken on.
N_SPREAD = 200
#: The most labels that a purchase considers.
MOST = 400
STUDY = """
name: {name}
draw: {draw}
{data}
buy:
  seed: {seed}
  replay: {{{labels}hidden_groups: [{test}]}}
strategies: {strategies}
n_cheap: [{n_cheap}]
identify: {{steps: {identify}, learning_rate: 0.007}}
pretrain: {{steps: {pretrain}, learning_rate: 0.007}}
residual: {{steps: {residual}, learning_rate: 0.005}}
finetune:
  standard: {{steps: {finetune}, learning_rate: 0.0007}}
kernel: {{sigmas: [10]}}
"""


class Trainer(RoundTrainer):
    """A round's training which also tells what else people go by."""

    def spread_of_frames(self, labels: LabelSet, contender: Contender, rows: np.ndarray) -> np.ndarray:
        """Spread of the forces of the ten folds' models on each of some candidates, eV/Å, [n]."""
        data = owned_data(self._study, self._candidates, labels)
        plan = self._plan(ChainBuilder(data), contender, labels)
        chains = [fold.chain for fold in plan.divisions[0].folds]
        own = self._candidates
        assert own.replay is not None
        others = own.replay.select(rows)
        cheap = None if own.cheap_at is None else own.cheap_at.select(rows)
        catalog, bank = self._train(data, chains, Paired(others, {} if cheap is None else {cheap.level: cheap}))
        places = bank.rows_of(others.level, content_hashes(others))
        models = {key: result.model for key, result in catalog.finished.items()}
        forces = [predict_chain(bank, others.level, places, [chain[-1]], models).forces[0] for chain in chains]
        return np.asarray(torch.stack(forces).std(dim=0).flatten(1).mean(dim=1).double())

    def validation_ev_ang(self, key: str) -> float:
        """Validation error of a delivered model, eV/Å."""
        return self._store.load(key).val_force_mae_ev_ang


def study_text(name: str, seed: int, data: Path | None, own: Path, draw: str) -> str:
    """The study file of a system, its labels written beside it if need be."""
    system = SYSTEMS[name]
    section = system.data(data or own, own)
    labels = ""
    if "dataset" not in section:
        accurate, cheap = (line.split(":", 1)[1].strip() for line in section.splitlines()[1:])
        section, labels = f"data: {{cheap: {cheap}}}", f"labels: {accurate}, "
    settings = dict(zip(("identify", "pretrain", "residual", "finetune"), system.steps, strict=True))
    strategies = f"[{', '.join(system.strategies)}]"
    return STUDY.format(
        name=name, draw=draw, data=section, seed=seed, labels=labels, test=system.test, strategies=strategies,
        n_cheap=system.n_cheap, **settings,
    )  # fmt: skip


def take_looks(folder: Path, name: str, seed: int, data: Path | None, draw: str, until: float) -> str:
    """All looks of one order of purchase, kept after each; what was done, in a line."""
    torch.set_num_threads(1)
    began, own = time.time(), folder / name
    own.mkdir(parents=True, exist_ok=True)
    rows_file, models_file = (own / f"{kind}_{seed:02d}.parquet" for kind in ("out_of_fold", "models"))
    rows, models = (_kept_rows(file) for file in (rows_file, models_file))
    study = parse_buy_study(study_text(name, seed, data, own, draw), "the benchmark's study", own)
    candidates = load_candidates(study)
    assert candidates.replay is not None
    taken = sorted({row["n_labels"] for row in models})
    with tempfile.TemporaryDirectory() as store:
        trainer = Trainer(study, candidates, Path(store), "benchmark", SerialExecutor, lambda _: None, print)
        for n in LADDER:
            if n in taken:
                continue
            smaller = [size for size in taken if size < n]
            if time.time() > until or (smaller == taken and _beyond_doubt(name, rows, taken)):
                break
            racing = list(contenders_of(study, candidates.below))
            if smaller and n > BEHIND_FROM:
                racing = [own for own in racing if own.strategy in _close(rows, smaller[-1])]
            labels = candidates.replay.select(np.arange(n))
            look = trainer.look(_numbered(labels), racing, first=not taken)
            rows += look.rows
            others = np.arange(n, min(n + N_SPREAD, len(candidates.replay)))
            for contender in racing:
                if contender.name in look.failed:
                    continue
                delivered = trainer.deliver(_numbered(labels), contender)
                models.append(
                    {
                        "strategy": contender.strategy,
                        "n_labels": n,
                        "hidden_ev_ang": delivered.hidden_error_ev_ang,
                        "validation_ev_ang": trainer.validation_ev_ang(delivered.stage_keys[-1]),
                        "spread_ev_ang": float(trainer.spread_of_frames(_numbered(labels), contender, others).mean()),
                        "core_s": look.core_s,
                    }
                )
            taken = sorted([*taken, n])
            for file, table in ((rows_file, rows), (models_file, models)):
                part = file.with_suffix(".part")
                pd.DataFrame(table).to_parquet(part)
                part.rename(file)
    return f"{name} {seed}: {len(taken)} looks up to {taken[-1] if taken else 0}, {time.time() - began:.0f} s"


def _kept_rows(file: Path) -> list[dict[str, Any]]:
    found = pd.read_parquet(file).to_dict("records") if file.exists() else []
    return [{str(name): value for name, value in row.items()} for row in found]


def _numbered(labels: LabelSet) -> LabelSet:
    return replace(labels, frame_id=np.arange(len(labels)))


def _close(rows: list[dict[str, Any]], n: int) -> set[str]:
    """Strategies whose ten-fold error at n labels is not far behind the best one's."""
    table = pd.DataFrame(rows)
    table = table[(table["n_labels"] == n) & (table["n_folds"] > 2)]
    error = table.groupby("strategy")["force_mae_ev_ang"].mean()
    return set(error.index[error <= BEHIND * error.min()])


def _beyond_doubt(name: str, rows: list[dict[str, Any]], taken: list[int]) -> bool:
    if not taken or taken[-1] < LEAST:
        return False
    decision = decided(pd.DataFrame(rows), taken[-1], TARGETS[name][-1], 0.9, prior_of("learnt"), NoiseLaw())
    return decision.best.probability >= SURE


def decided(rows: pd.DataFrame, n: int, target: float, confidence: float, prior: CurvePrior, law: NoiseLaw) -> Decision:
    """What the rule says at n labels."""
    wish = Wish(target * KCAL_PER_MOL_EV, confidence)
    return decide_from(looks_of(rows[rows["n_labels"] <= n]), wish, Limits(most_labels=MOST), Costs(), prior, law)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--data", type=Path, help="folder of the public files, as for real_sweeps.py")
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--draws", type=int, nargs=2, default=(0, 20), metavar=("FIRST", "END"))
    parser.add_argument("--draw", choices=("balanced", "random"), default="balanced")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=np.inf, help="begin no further look after so long")
    options = parser.parse_args()
    until = time.time() + options.seconds
    for name in options.only:  # The label files are written once, before anybody reads them.
        study_text(name, 0, options.data, options.folder / name, options.draw)
    tasks = [(name, seed) for seed in range(*options.draws) for name in options.only]
    with ProcessPoolExecutor(options.processes) as pool:
        made = [pool.submit(take_looks, options.folder, *task, options.data, options.draw, until) for task in tasks]
        for task, future in zip(tasks, made, strict=True):
            try:
                print(future.result(), flush=True)
            except Exception as error:
                print(*task, repr(error), flush=True)


if __name__ == "__main__":
    main()

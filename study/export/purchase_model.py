"""A force field out of a purchase: the model that it delivers, with the folds of its last look as committee."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from asteroid.datasets import load_methanol
from asteroid.deploy.calibration import MOST_FRAMES, calibrated
from asteroid.deploy.force_field import ForceField
from asteroid.deploy.record import CardRecord, ErrorRecord, TrainingRecord
from asteroid.errors import InputError
from asteroid.labels.label_set import LabelSet
from asteroid.measured_errors import Measured
from study.buying.contenders import contenders_of
from study.buying.labels import LabelBook
from study.buying.load import load_candidates
from study.buying.purchase import INTERMEDIATE
from study.buying.round_training import RoundTrainer
from study.buying.sources import no_labels
from study.buying.state import STUDY_FILE, read_state
from study.config.buying import read_buy_study
from study.engine.executors import SerialExecutor
from study.engine.store import StageStore
from study.export.committee import committee_size
from study.export.labels_trained_on import refuse_changed_labels
from study.export.run_model import NOT_STATED
from study.export.stored_chain import stored_chain
from study.run.folder import OWN_STORE
from study.run.manifest import package_versions
from study.tables.out_of_fold import read_out_of_fold

if TYPE_CHECKING:
    from pathlib import Path

    from study.buying.candidates import Candidates
    from study.buying.contenders import Contender
    from study.buying.state import PurchaseState
    from study.config.buying import BuyStudy


def purchase_force_field(
    folder: Path, committee: int | None = None, licence: str | None = None, candidates: Candidates | None = None
) -> ForceField:
    """Take the delivered model out of a purchase.

    Args:
        folder: of the purchase.
        committee: members of the committee; None: as usual.
        licence: of the model, as its card is to state it.
        candidates: what the purchase chose from, where it is loaded already.

    Raises:
        InputError: the purchase is not complete, its files have changed, or the committee is larger than what it has.
    """
    state = read_state(folder)
    if state.delivered is None:
        raise InputError(f"{folder} has no model yet: go on with its purchase first")
    study = read_buy_study(folder / STUDY_FILE)
    candidates = load_candidates(study) if candidates is None else candidates
    labels = LabelBook(candidates.frames, candidates.owned, folder).labels()
    between, intermediate = candidates.intermediate, None
    if between is not None:
        intermediate = LabelBook(
            between.frames, no_labels(between.frames, between.level), folder / INTERMEDIATE
        ).labels()
        if len(intermediate) < state.rounds[-1].n_intermediate:
            raise InputError(f"{folder / INTERMEDIATE} has lost labels of {between.level}: run the command 'buy' again")
    competing = contenders_of(study, candidates.below, is_ladder=between is not None)
    contender = next(own for own in competing if own.name == state.delivered["contender"])
    lower = contender.lower
    trainer = RoundTrainer(
        study,
        candidates,
        folder / OWN_STORE,
        state.run_id,
        SerialExecutor,
        lambda _: None,
        lambda _: None,
        state.device,
    )
    chain, folds = trainer.final_chains(labels, contender, intermediate)
    n_members = committee_size(committee, len(folds))
    store = StageStore(folder / OWN_STORE, state.run_id)
    keys = [str(key) for key in state.delivered["stage_keys"]]
    electrons = candidates.electrons
    model = stored_chain(store, keys, labels.numbers, electrons)
    refuse_changed_labels(model.spec, chain[-1].train, chain[-1].val)
    members = [stored_chain(store, [s.key for s in own], labels.numbers, electrons) for own in folds[:n_members]]
    card = CardRecord(
        name=state.name,
        source=f"purchase {folder.name}: {contender.name}",
        training=TrainingRecord(
            n_labels=len(labels),
            label_hashes=(*chain[-1].train.hashes, *chain[-1].val.hashes),
            n_cheap=lower.n_cheap,
            cheap_level=lower.cheap_level or state.levels[1],
            strategy=contender.strategy,
            stage_keys=tuple(keys),
            trainer_version=int(model.spec["trainer_version"]),
            n_intermediate=lower.n_intermediate,
            intermediate_level=lower.intermediate_level,
        ),
        error=_error(folder, state, contender),
        committee=f"folds of the cross-validation, {len(folds)} in all" if n_members else "none",
        licence=licence or _licence(study),
        versions=package_versions(),
    )
    force_field = ForceField(
        level=labels.level,
        cheap_level=model.cheap_level,
        model=model.potential,
        committee=tuple(member.potential for member in members),
        trained_on=LabelSet(labels.numbers, labels.positions, None, None, labels.level),
        card=card,
        electrons=electrons,
    )
    # Geometries that may still be bought come from the same sampling, in random order.
    unlabelled = np.setdiff1d(np.arange(len(candidates.frames)), labels.frame_id)
    return calibrated(force_field, candidates.frames.select(unlabelled[:MOST_FRAMES]))


def _error(folder: Path, state: PurchaseState, contender: Contender) -> ErrorRecord:
    """What the last look says of the model, and the energy error of its folds."""
    last, looks = state.rounds[-1], read_out_of_fold(folder)
    best, energy, force = last.verdict.best, math.nan, math.nan
    if looks is not None:
        own = looks[looks["n_labels"] == last.n_owned]
        for name, value in contender.columns.items():
            own = own[own[name].isna() if value != value else own[name] == value]
        own = own[own["n_folds"] == own["n_folds"].max()]
        energy, force = float(own["energy_error_ev"].abs().mean()), float(own["force_mae_ev_ang"].mean())
    # The interval is that of the target, which may be on energies.
    on_forces = state.request.measured == Measured.FORCES
    return ErrorRecord(
        measured_by="cross-validation",
        force_mae_ev_ang=best.error_ev_ang if on_forces else force if math.isfinite(force) else None,
        low_ev_ang=best.low_ev_ang if on_forces else None,
        high_ev_ang=best.high_ev_ang if on_forces else None,
        energy_mae_ev=energy if math.isfinite(energy) else None,
        n_frames=last.n_owned,
    )


def _licence(study: BuyStudy) -> str:
    return NOT_STATED if study.data.dataset is None else load_methanol().card.licence

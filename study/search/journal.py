"""The Optuna studies of a run, in one journal file that survives a killed driver."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import optuna
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.trial import TrialState

from asteroid.errors import InputError
from asteroid.plain_text import one_line
from study.recipes.chains import derived_seed
from study.search.linked_journal import LinkedJournal, first_damage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

#: Name of the journal in a run folder; `optuna-dashboard` opens it.
JOURNAL = "optuna.journal"
_SPACE = "space"
_INDEX = "index"
_LOCK_SUFFIX = ".lock"


def open_journal(folder: Path, on_note: Callable[[str], None]) -> JournalStorage:
    """Open or create the journal of a run folder that this process has claimed.

    A line that a killed driver left unfinished is cut off (an append after it would make every later read fail), and
    its lock is removed: the claim on the run folder shows that nobody else is writing.

    Raises:
        InputError: another line is damaged, lost or changed, or the journal is a link.
    """
    path = folder / JOURNAL
    if path.is_symlink():
        raise InputError(f"{path} must be a file of the run's own, found a link: replace it by the file")
    if path.exists():
        cut = _repair_tail(path)
        if cut:
            on_note(f"{JOURNAL}: an unfinished last line of {cut} bytes was cut off")
        _refuse_damage(path)
    for leftover in folder.glob(f"{JOURNAL}{_LOCK_SUFFIX}*"):
        leftover.unlink()
        on_note(f"{leftover.name}: removed, left by a driver that was killed")
    try:
        storage = JournalStorage(LinkedJournal(path))
        _refuse_gaps(storage)
    except InputError:
        raise
    except Exception as error:  # whatever a replay of lines that do not belong together raises
        why = one_line(f"{type(error).__name__}: {error}", 120)
        raise InputError(f"{path} cannot be replayed ({why}): {_remedy(path)}") from error
    return storage


def open_study(
    storage: JournalStorage, name: str, space: dict[str, Any], n_objectives: int, sampler_seed: int
) -> optuna.Study:
    """Open or create one study.

    Raises:
        InputError: the study exists with another search space.
    """
    optuna.logging.set_verbosity(logging.WARNING)
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        directions=["minimize"] * n_objectives,
        load_if_exists=True,
        sampler=TPESampler(seed=sampler_seed),
    )
    wanted = json.dumps(space, sort_keys=True)
    known = study.user_attrs.get(_SPACE)
    if known is None:
        study.set_user_attr(_SPACE, wanted)
    elif known != wanted:
        raise InputError(f"study {name!r} searched {known}, now asked for {wanted}: choose another --out")
    return study


def settle_torn_trials(study: optuna.Study, keys: Sequence[str]) -> None:
    """Tell FAIL for trials that were killed before every parameter was suggested; they are asked again."""
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        if set(trial.params) != set(keys) or _INDEX not in trial.user_attrs:
            study.tell(trial.number, state=TrialState.FAIL)


def counted_trials(study: optuna.Study) -> list[optuna.trial.FrozenTrial]:
    """Trials in the order of their index: everything but the torn ones."""
    trials = [t for t in study.get_trials(deepcopy=False) if _INDEX in t.user_attrs]
    return sorted(trials, key=lambda t: int(t.user_attrs[_INDEX]))


def ask_trial(
    study: optuna.Study, index: int, sampler_seed: int, suggest: Callable[[optuna.Trial], dict[str, Any]]
) -> optuna.Trial:
    """Ask one trial.

    The sampler is seeded anew for every trial, so that what it suggests depends on the trials in the journal only, not
    on how often the driver was restarted.
    """
    study.sampler = TPESampler(seed=derived_seed(f"sampler {study.study_name} {index}", sampler_seed) % 2**32)
    trial = study.ask()
    suggest(trial)
    trial.set_user_attr(_INDEX, index)
    return trial


def _refuse_damage(path: Path) -> None:
    found = first_damage(path)
    if found is not None:
        number, log = found
        whose = f" (trial {log['trial_id']})" if "trial_id" in log else ""
        raise InputError(f"{path} is damaged in line {number}{whose}: {_remedy(path)}")


def _refuse_gaps(storage: JournalStorage) -> None:
    """Trials of a study are counted without gaps, and finished ones have a value: else lines are missing."""
    for study in storage.get_all_studies():
        trials = storage.get_all_trials(study._study_id, deepcopy=False)  # noqa: SLF001 - storages are asked by it
        indices = sorted(int(trial.user_attrs[_INDEX]) for trial in trials if _INDEX in trial.user_attrs)
        lost = [t.number for t in trials if t.state == TrialState.COMPLETE and not (t.values and t.params)]
        if indices != list(range(len(indices))) or lost:
            raise InputError(f"the journal lacks lines of study {study.study_name!r}: {_remedy(None)}")


def _remedy(path: Path | None) -> str:
    name = JOURNAL if path is None else str(path)
    return (
        f"move it away (mv {name} {JOURNAL}.damaged) and repeat the command: searches are made again, and finished "
        "stages are not trained again"
    )


def _repair_tail(path: Path) -> int:
    """Cut the last line if it is not a whole JSON record; returns the number of bytes cut."""
    content = path.read_bytes()
    end = len(content)
    start = content.rfind(b"\n", 0, end - 1) + 1 if content else 0
    last = content[start:end]
    whole = last.endswith(b"\n")
    if whole:
        try:
            json.loads(last)
        except (ValueError, RecursionError):
            whole = False
    if not last or whole:
        return 0
    with path.open("r+b") as file:
        file.truncate(start)
    return len(last)

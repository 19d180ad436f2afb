"""The rounds of a purchase: label, cross-validate, decide, and again until the target is met or cannot be."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure
from study.buying.batch import Batch, Pending
from study.buying.contenders import contenders_of
from study.buying.decision import Situation
from study.buying.label_guards import check_bought
from study.buying.labels import LabelBook, without_nan_forces
from study.buying.round_training import RoundTrainer
from study.buying.state import Round, claimed_purchase, write_state
from study.run.folder import OWN_STORE
from study.strategies import STRATEGIES
from study.tables.out_of_fold import out_of_fold_frame, read_out_of_fold, write_out_of_fold

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from study.buying.batch import Labeller, Outcome
    from study.buying.candidates import Candidates
    from study.buying.contenders import Contender
    from study.buying.decision import Decide, Request, Verdict
    from study.buying.state import PurchaseState
    from study.config.buying import BuyStudy
    from study.devices import DeviceClass
    from study.engine.executors import Executor
    from study.engine.progress import Progress

_BATCHES = "batches"
#: If so many geometries of a batch give no label and none does, the fault is not the geometries'.
_ALL_FAILED = 3
#: Nor is it theirs if so many in a row give none: a program that has lost its licence must not use up all geometries.
_FAILED_IN_A_ROW = 10


@dataclass(frozen=True, eq=False)
class Tools:
    """Who labels, trains, decides and listens.

    Attributes:
        labeller: gives labels.
        make_executor: makes the executor from described frames.
        decide: decides after every look.
        on_progress: told how far a round's training is.
        on_round: told every round that is over.
        on_note: told what was repaired or replaced on the way.
    """

    labeller: Labeller
    make_executor: Callable[[FrameBank], Executor]
    decide: Decide
    on_progress: Callable[[Progress], None]
    on_round: Callable[[PurchaseState], None]
    on_note: Callable[[str], None]


def run_purchase(
    study: BuyStudy,
    candidates: Candidates,
    folder: Path,
    request: Request,
    tools: Tools,
    device: DeviceClass = "cpu",
) -> PurchaseState:
    """Buy labels in rounds; repeated, it goes on where it was, and ends the same.

    Args:
        study: the study file.
        candidates: what may be labelled, of `load_candidates`.
        folder: the purchase folder; created if need be.
        request: what is wanted.
        tools: who labels, trains and decides.
        device: where networks are trained; a purchase ends where it began.

    Returns:
        the state at the end: `complete`, or `waiting` for labels that are computed elsewhere.

    Raises:
        InputError: the folder belongs to another purchase, device or process, a label does not pass the guards, or
            there are not enough geometries.
        PackFailedError: a pack of stages failed several times; what is finished is kept.
    """
    prices = candidates.prices
    with claimed_purchase(folder, study, request, (prices.accurate, prices.cheap), device) as state:
        return _Purchase(study, candidates, folder, tools, state).run()


class _Purchase:
    """A purchase that is being made; `state` is on disk after every step."""

    def __init__(
        self, study: BuyStudy, candidates: Candidates, folder: Path, tools: Tools, state: PurchaseState
    ) -> None:
        self._study, self._candidates, self._folder, self._tools = study, candidates, folder, tools
        self._state = state
        self._contenders = {contender.name: contender for contender in contenders_of(study)}
        self._book = LabelBook(candidates, folder)
        self._trainer = RoundTrainer(
            study,
            candidates,
            folder / OWN_STORE,
            state.run_id,
            tools.make_executor,
            tools.on_progress,
            tools.on_note,
            state.device,
        )

    def run(self) -> PurchaseState:
        """Rounds until the end, or until labels are to come from elsewhere."""
        while (n := self._next_look()) is not None:
            to_do = self._own(n)
            if to_do is not None:
                self._write(replace(self._state, status="waiting", waiting_for=to_do))
                return self._state
            self._look()
        if self._state.delivered is None:
            self._deliver()
        self._write(replace(self._state, status="complete"))
        return self._state

    def _write(self, state: PurchaseState) -> None:
        self._state = state
        write_state(self._folder, state)

    def _next_look(self) -> int | None:
        """Labels to own at the next look; None where the last one was the end."""
        if not self._state.rounds:
            n = max(self._study.buy.start, len(self._candidates.owned))
            if n > self._most_labels:
                raise InputError(
                    f"a purchase begins with {n} labels, found a limit of {self._most_labels}: allow more with --most"
                )
            return n
        verdict = self._state.rounds[-1].verdict
        return verdict.n_next if verdict.action == "buy" else None

    @property
    def _most_labels(self) -> int:
        """The most labels that can be owned: the limits, and the geometries that there are."""
        request, prices = self._state.request, self._candidates.prices
        most = len(self._candidates.frames) - len(self._book.failures)
        if request.most_labels is not None:
            most = min(most, request.most_labels)
        if request.most_cpu_s is not None:
            trained_s = sum(own.core_s for own in self._state.rounds)
            spent_s = trained_s + self._cheap_cpu_s(0) + self._book.failed_cpu_s
            each_s = prices.accurate_cpu_s(1) + self._cheap_cpu_s(1) - self._cheap_cpu_s(0)
            left_s = request.most_cpu_s - spent_s
            most = min(most, len(self._candidates.owned) + max(0, math.floor(left_s / max(each_s, 1e-9))))
        return most

    def _cheap_cpu_s(self, n_labels: int) -> float:
        """Price of what the contenders buy of the cheap level, the largest of them."""
        found = []
        for contender in self._contenders.values():
            counts = STRATEGIES[contender.strategy].counts(n_labels, contender.lower)
            found.append(self._candidates.prices.cpu_s(counts)[1])
        return max(found)

    def _own(self, n: int) -> tuple[str, ...] | None:
        """Have n labels; what is to be done where they come from elsewhere and are not there yet, else None."""
        while len(self._book.rows) < n:
            batch = self._open_batch() or self._new_batch(n - len(self._book.rows))
            answer = self._tools.labeller.label(batch)
            if isinstance(answer, Pending):
                return answer.to_do
            self._keep(batch, answer)
        self._book.write()
        return None

    def _open_batch(self) -> Batch | None:
        """The last batch, where a kill has left it unfinished."""
        if not self._state.batches:
            return None
        first, last = self._state.batches[-1]
        following = self._book.next_rows(1)
        return self._batch(first, last) if following and following[0] <= last else None

    def _new_batch(self, n: int) -> Batch:
        rows = self._book.next_rows(n)
        if len(rows) < n:
            raise InputError(
                f"there are {len(self._candidates.frames)} geometries to label, {len(self._book.failures)} of them "
                "failed: add cheap frames, or find out why labels fail"
            )
        batches = (*self._state.batches, (rows[0], rows[-1]))
        self._write(replace(self._state, batches=batches))
        return self._batch(rows[0], rows[-1])

    def _batch(self, first: int, last: int) -> Batch:
        number, rows = len(self._state.batches), np.arange(first, last + 1)
        cheap = self._candidates.cheap_at
        folder = self._folder / _BATCHES / f"{number:03d}"
        frames = self._candidates.frames.select(rows)
        return Batch(number, frames, None if cheap is None else cheap.select(rows), folder)

    def _keep(self, batch: Batch, outcomes: Sequence[Outcome]) -> None:
        """Pass the labels of a batch through the guards, keep them, and say which geometries are replaced."""
        rows = batch.frames.frame_id.tolist()
        found = dict(zip(rows, outcomes, strict=True))
        failed = {row: outcome for row, outcome in found.items() if isinstance(outcome, Failure)}
        if len(failed) == len(found) >= _ALL_FAILED and not self._book.n_bought:
            reason = next(iter(failed.values())).reason
            raise InputError(
                f"none of the first {len(found)} geometries gave a label ({reason}): check level and program"
            )
        book = self._book.with_outcomes(found)
        if len(failed) == len(found) and book.failed_in_a_row >= _FAILED_IN_A_ROW:
            reason = failed[rows[-1]].reason
            raise InputError(
                f"the last {book.failed_in_a_row} geometries gave no label ({reason}): check level and program, then "
                f"remove {batch.folder}"
            )
        labels = without_nan_forces(book.labels())
        cheap = None if self._study.buy.units_are_known else self._candidates.cheap_at
        if len(labels):
            check_bought(
                labels,
                None if cheap is None else cheap.select(labels.frame_id),
                f"the labels of batch {batch.number} and before",
                energies_alone=self._study.energies_alone,
            )
        self._book.keep(found)
        for row, failure in failed.items():
            self._tools.on_note(f"geometry {row} gave no label and is replaced by the next in order: {failure.reason}")

    def _look(self) -> None:
        """Train, write the out-of-fold errors, decide."""
        state, labels = self._state, self._book.labels()
        racing = self._racing()
        table = read_out_of_fold(self._folder)
        earlier = [] if table is None else table[table["n_labels"] < len(labels)].to_dict("records")
        known = [{str(key): value for key, value in row.items()} for row in earlier]
        look = self._trainer.look(labels, racing, first=not state.rounds)
        left = {contender.name: contender for contender in racing if contender.name not in look.failed}
        if not left:
            raise InputError(f"no strategy could be trained ({next(iter(look.failed.values()))}): change its settings")
        for name, why in look.failed.items():
            self._tools.on_note(f"{name} could not be trained and is left out: {why}")
        looks = out_of_fold_frame([*known, *look.rows])
        write_out_of_fold(looks, self._folder)
        situation = Situation(
            looks=looks,
            request=state.request,
            prices=self._candidates.prices,
            n_owned=len(labels),
            most_labels=max(self._most_labels, len(labels)),
            racing={name: contender.columns for name, contender in left.items()},
            look_core_s=look.expected_core_s,
        )
        verdict = self._tools.decide(situation)
        _require_sense(verdict, situation)
        n_bought = self._book.n_bought
        own = Round(
            n_owned=len(labels),
            n_bought=n_bought,
            n_failed=len(self._book.failures),
            label_cpu_s=self._candidates.prices.accurate_cpu_s(n_bought) + self._book.failed_cpu_s,
            core_s=look.core_s,
            most_labels=situation.most_labels,
            verdict=verdict,
            failed=look.failed,
        )
        self._write(replace(state, rounds=(*state.rounds, own)))
        self._tools.on_round(self._state)

    def _racing(self) -> list[Contender]:
        if not self._state.rounds:
            return list(self._contenders.values())
        return [self._contenders[name] for name in self._state.rounds[-1].verdict.racing]

    def _deliver(self) -> None:
        best = self._contenders[self._state.rounds[-1].verdict.best.name]
        delivered = self._trainer.deliver(self._book.labels(), best)
        plain = {**asdict(delivered), "contender": best.name, "stage_keys": list(delivered.stage_keys)}
        self._write(replace(self._state, delivered=plain))


def _require_sense(verdict: Verdict, situation: Situation) -> None:
    """A decision that cannot be followed is a mistake of ours."""
    names = situation.racing.keys()
    assert verdict.best.name in names, verdict
    if verdict.action == "buy":
        assert situation.n_owned < verdict.n_next <= situation.most_labels, verdict
        assert verdict.racing, verdict
        assert set(verdict.racing) <= set(names), verdict

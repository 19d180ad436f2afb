"""The rounds of a purchase: label, cross-validate, decide, and again until the target is met or cannot be."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from asteroid.errors import InputError
from study.buying.contenders import contenders_of
from study.buying.decision import Situation
from study.buying.round_training import RoundTrainer
from study.buying.sources import no_labels
from study.buying.spending import Spending
from study.buying.state import Round, claimed_purchase, write_state
from study.buying.supply import Source, Supply
from study.run.folder import OWN_STORE
from study.tables.out_of_fold import out_of_fold_frame, read_out_of_fold, write_out_of_fold

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.labels.label_set import LabelSet
    from study.buying.batch import Labeller
    from study.buying.candidates import Candidates
    from study.buying.contenders import Contender
    from study.buying.decision import Decide, Request, Verdict
    from study.buying.labels import LabelBook
    from study.buying.state import PurchaseState
    from study.buying.supply import Batches
    from study.config.buying import BuyStudy
    from study.devices import DeviceClass
    from study.engine.executors import Executor
    from study.engine.progress import Progress

#: Folder of the labels of the level between in that of a purchase.
INTERMEDIATE = "intermediate"


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
        intermediate_labeller: gives labels of the level between, where there is one.
    """

    labeller: Labeller
    make_executor: Callable[[FrameBank], Executor]
    decide: Decide
    on_progress: Callable[[Progress], None]
    on_round: Callable[[PurchaseState], None]
    on_note: Callable[[str], None]
    intermediate_labeller: Labeller | None = None


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
    with claimed_purchase(folder, study, request, candidates.levels, device) as state:
        return _Purchase(study, candidates, folder, tools, state).run()


class _Purchase:
    """A purchase that is being made; `state` is on disk after every step."""

    def __init__(
        self, study: BuyStudy, candidates: Candidates, folder: Path, tools: Tools, state: PurchaseState
    ) -> None:
        self._study, self._candidates, self._folder, self._tools = study, candidates, folder, tools
        self._state = state
        found = contenders_of(study, candidates.below, is_ladder=candidates.intermediate is not None)
        self._contenders = {contender.name: contender for contender in found}
        source = Source(
            candidates.frames,
            candidates.owned,
            tools.labeller,
            candidates.cheap_at,
            compared=not study.buy.units_are_known,
            unit_stated=study.buy.force_unit_is_stated,
            keep_outliers=study.buy.outliers == "keep" or study.buy.units_are_known,
            energies_alone=study.energies_alone,
            electrons=candidates.electrons,
        )
        self._supply = Supply(source, folder, state.batches, self._asked_for, tools.on_note)
        self._intermediate = self._intermediate_supply()
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

    def _intermediate_supply(self) -> Supply | None:
        """Labels of the level between; None without a ladder."""
        own, labeller = self._candidates.intermediate, self._tools.intermediate_labeller
        if own is None:
            return None
        assert labeller is not None
        handed = self._study.buy.intermediate
        source = Source(
            own.frames,
            no_labels(own.frames, own.level),
            labeller,
            own.cheap_at,
            compared=handed is not None,
            unit_stated=handed is not None and handed.force_unit is not None,
            keep_outliers=self._study.buy.outliers == "keep" or handed is None,
            electrons=self._candidates.electrons,
        )
        batches = self._state.intermediate_batches
        return Supply(source, self._folder / INTERMEDIATE, batches, self._asked_for_intermediate, self._tools.on_note)

    def _asked_for(self, batches: Batches) -> None:
        self._write(replace(self._state, batches=batches))

    def _asked_for_intermediate(self, batches: Batches) -> None:
        self._write(replace(self._state, intermediate_batches=batches))

    def run(self) -> PurchaseState:
        """Rounds until the end, or until labels are to come from elsewhere."""
        while True:
            n = self._next_look()
            # At the end as well: a label that is damaged on disk is had again.
            to_do = self._own_intermediate() or self._supply.own(n or self._state.rounds[-1].n_owned)
            if to_do is not None:
                self._write(replace(self._state, status="waiting", waiting_for=to_do))
                return self._state
            if n is None:
                break
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
            if n > (most := self._spending.most_labels):
                raise InputError(f"a purchase begins with {n} labels, found a limit of {most}: allow more with --most")
            return n
        verdict = self._state.rounds[-1].verdict
        return verdict.n_next if verdict.action == "buy" else None

    @property
    def _book(self) -> LabelBook:
        return self._supply.book

    @property
    def _spending(self) -> Spending:
        between = None if self._intermediate is None else self._intermediate.book
        contenders = tuple(self._contenders.values())
        return Spending(self._candidates, contenders, self._state, self._book, between, self._n_intermediate)

    @property
    def _n_intermediate(self) -> int:
        """Labels of the level between for the next look: what the last decision asks for, at first the fewest."""
        level = self._candidates.intermediate_level
        if not level:
            return 0
        if not self._state.rounds:
            return min((n for own in self._contenders.values() if (n := own.lower.labels_of(level))), default=0)
        last = self._state.rounds[-1]
        return max(last.n_intermediate, last.verdict.n_intermediate)

    def _own_intermediate(self) -> tuple[str, ...] | None:
        """Have the labels of the level between that the next look needs."""
        return None if self._intermediate is None else self._intermediate.own(self._n_intermediate)

    def _intermediate_labels(self) -> LabelSet | None:
        return None if self._intermediate is None else self._intermediate.book.labels()

    def _look(self) -> None:
        """Train, write the out-of-fold errors, decide."""
        state, labels = self._state, self._book.labels()
        n_intermediate, intermediate_level = self._n_intermediate, self._candidates.intermediate_level
        racing, joining = self._racing()
        table = read_out_of_fold(self._folder)
        earlier = [] if table is None else table[table["n_labels"] < len(labels)].to_dict("records")
        known = [{str(key): value for key, value in row.items()} for row in earlier]
        look = self._trainer.look(
            labels,
            racing,
            first=not state.rounds,
            intermediate=self._intermediate_labels(),
            joining=joining,
        )
        left = {contender.name: contender for contender in racing if contender.name not in look.failed}
        if not left:
            raise InputError(f"no strategy could be trained ({next(iter(look.failed.values()))}): change its settings")
        for name, why in look.failed.items():
            self._tools.on_note(f"{name} could not be trained and is left out: {why}")
        looks, spending = out_of_fold_frame([*known, *look.rows]), self._spending
        write_out_of_fold(looks, self._folder)
        waiting = {
            name: contender.columns
            for name, contender in self._contenders.items()
            if contender.lower.labels_of(intermediate_level) > n_intermediate
        }
        situation = Situation(
            looks=looks,
            request=state.request,
            prices=self._candidates.prices,
            n_owned=len(labels),
            most_labels=max(spending.most_labels, len(labels)),
            racing={name: contender.columns for name, contender in left.items()},
            look_core_s=look.expected_core_s,
            waiting=waiting,
            intermediate_level=intermediate_level,
            n_intermediate=n_intermediate,
            left_cpu_s=spending.left_cpu_s,
        )
        verdict = self._tools.decide(situation)
        _require_sense(verdict, situation)
        own = Round(
            n_owned=len(labels),
            n_bought=self._book.n_bought,
            n_failed=len(self._book.failures),
            label_cpu_s=spending.accurate_cpu_s,
            core_s=look.core_s,
            most_labels=situation.most_labels,
            verdict=verdict,
            failed=look.failed,
            n_intermediate=n_intermediate,
            intermediate_cpu_s=spending.intermediate_cpu_s,
            below_cpu_s=spending.below_cpu_s(len(labels)) if len(self._candidates.levels) > 2 else {},
        )
        self._write(replace(state, rounds=(*state.rounds, own)))
        self._tools.on_round(self._state)

    def _racing(self) -> tuple[list[Contender], tuple[str, ...]]:
        """Who is trained in the next look, and who of them was not trained before."""
        if not self._state.rounds:
            level, n = self._candidates.intermediate_level, self._n_intermediate
            return [own for own in self._contenders.values() if own.lower.labels_of(level) <= n], ()
        verdict = self._state.rounds[-1].verdict
        return [self._contenders[name] for name in (*verdict.racing, *verdict.joining)], verdict.joining

    def _deliver(self) -> None:
        best = self._contenders[self._state.rounds[-1].verdict.best.name]
        delivered = self._trainer.deliver(self._book.labels(), best, self._intermediate_labels())
        plain = {**asdict(delivered), "contender": best.name, "stage_keys": list(delivered.stage_keys)}
        self._write(replace(self._state, delivered=plain))


def _require_sense(verdict: Verdict, situation: Situation) -> None:
    """A decision that cannot be followed is a mistake of ours."""
    names = situation.racing.keys()
    assert verdict.best.name in names, verdict
    if verdict.action == "buy":
        more = 0 if verdict.joining else 1
        assert situation.n_owned + more <= verdict.n_next <= situation.most_labels, verdict
        assert verdict.racing, verdict
        assert set(verdict.racing) <= set(names), verdict
        assert set(verdict.joining) <= set(situation.waiting), verdict

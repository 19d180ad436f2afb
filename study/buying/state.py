"""The purchase folder: whose it is, who holds it, and what has happened so far, in one JSON file."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from itertools import accumulate
from typing import TYPE_CHECKING, Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from asteroid.errors import InputError
from asteroid.measured_errors import Measured
from asteroid.plain_text import one_line
from study.buying.decision import Request, Verdict  # noqa: TC001 - read_state looks the types up
from study.buying.labels import OUTCOMES
from study.config.buying import HOW_OUTPUTS_ARE_FOUND, HOW_OUTPUTS_ARE_READ, study_yaml
from study.config.strict_yaml import load_yaml
from study.devices import DeviceClass  # noqa: TC001 - likewise
from study.files import locked, read_record, refuse_special_files, write_record, write_text
from study.run.folder import first_difference, refuse_other_device
from study.tables.rounds import rounds_frame, write_rounds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    import pandas as pd

    from study.config.buying import BuyStudy

SCHEMA_VERSION = 1
STATE_FILE = "purchase.json"
STUDY_FILE = "study.yaml"


@dataclass(frozen=True)
class Round:
    """One look and what was decided after it.

    Attributes:
        n_owned: labels owned at the look.
        n_bought: of these, labels bought.
        n_failed: geometries so far that gave no label.
        label_cpu_s: price of the labels bought so far, and what the geometries that gave none took.
        core_s: core seconds of this look's training.
        most_labels: the most that could be owned when it was decided.
        verdict: what was decided.
        failed: contenders that could not be trained, and why.
        n_intermediate: labels owned of the level between; 0: none, or no ladder.
        intermediate_cpu_s: their price, and what geometries that gave none took.
        below_cpu_s: price of what contenders have taken of each of several lower levels so far, the level
            between left out; empty with one cheap level, whose price is that of the model in the end.
    """

    n_owned: int
    n_bought: int
    n_failed: int
    label_cpu_s: float
    core_s: float
    most_labels: int
    verdict: Verdict
    failed: dict[str, str] = field(default_factory=dict)
    n_intermediate: int = 0
    intermediate_cpu_s: float = 0.0
    below_cpu_s: dict[str, float] = field(default_factory=dict)

    @property
    def labels_cpu_s(self) -> float:
        """Price of all labels that are bought on the way: the accurate ones and those of the level between."""
        return self.label_cpu_s + self.intermediate_cpu_s


class DeliveredRecord(BaseModel):
    """What is read of the delivered model.

    Attributes:
        contender: its strategy with its settings.
        stage_keys: its stages in the store, first to last.
        n_hidden: labels that a replay has hidden.
        hidden_error_ev_ang: its force MAE on them.
        hidden_energy_error_ev: its energy MAE on them.
        hidden_energy_error_ev_per_atom: the same, by the number of atoms.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    contender: str
    stage_keys: tuple[str, ...]
    n_hidden: Annotated[int, Field(ge=0)]
    hidden_error_ev_ang: float | None
    hidden_energy_error_ev: float | None = None
    hidden_energy_error_ev_per_atom: float | None = None


@dataclass(frozen=True)
class PurchaseState:
    """What has happened so far.

    Attributes:
        run_id: name of the purchase in its store.
        name: of the study.
        request: what is wanted.
        levels: names of the accurate level and of those below it.
        batches: (first, last) place in the order of purchase of each batch that was asked for.
        rounds: looks so far.
        status: running, waiting (labels are computed elsewhere), or complete.
        waiting_for: what the user is to do while it waits, as lines.
        delivered: the model at the end, as plain data; None before.
        device: class of the device that it trains on.
        intermediate_batches: likewise of the level between.
    """

    run_id: str
    name: str
    request: Request
    levels: Annotated[tuple[str, ...], Field(min_length=2)]
    batches: tuple[tuple[int, int], ...] = ()
    rounds: tuple[Round, ...] = ()
    status: str = "running"
    waiting_for: tuple[str, ...] = ()
    delivered: dict[str, Any] | None = None
    device: DeviceClass = "cpu"
    intermediate_batches: tuple[tuple[int, int], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"schema_version": SCHEMA_VERSION, **asdict(self)}

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> PurchaseState:
        """What `to_json` wrote.

        Raises:
            ValueError: it is something else.
        """
        state: PurchaseState = _schema().validate_python(plain)
        Measured(state.request.measured)
        if state.delivered is not None:
            DeliveredRecord.model_validate(state.delivered)
        return state


@cache
def _schema() -> TypeAdapter[PurchaseState]:
    return TypeAdapter(PurchaseState)


def new_state(study: BuyStudy, request: Request, levels: tuple[str, ...], device: DeviceClass = "cpu") -> PurchaseState:
    """A purchase that has not begun."""
    return PurchaseState(secrets.token_hex(8), study.name, request, levels, device=device)


def is_purchase(folder: Path) -> bool:
    """Whether a folder is that of a purchase."""
    return (folder / STATE_FILE).is_file()


def read_state(folder: Path) -> PurchaseState:
    """Read where a purchase stands.

    Raises:
        InputError: there is none, or its file is damaged.
    """
    path = folder / STATE_FILE
    try:
        refuse_special_files(folder)
        plain, intact = read_record(path, "restore it, or choose another --out")
        if not intact:
            raise InputError(
                f"{path} is not as 'buy' wrote it (its digest differs): restore it, or choose another --out"
            )
        if plain.get("schema_version") != SCHEMA_VERSION:
            raise InputError(f"{path} has schema {plain.get('schema_version')}, this release reads {SCHEMA_VERSION}")
        return PurchaseState.from_json(plain)
    except FileNotFoundError as error:
        raise InputError(f"no purchase in {folder}: name a folder as given to 'buy --out'") from error
    except InputError:
        raise
    except ValueError as error:
        first = error.errors(include_input=False, include_url=False)[0] if isinstance(error, ValidationError) else None
        why = str(error) if first is None else f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise InputError(f"{path} is damaged ({one_line(why, 120)}): restore it, or choose another --out") from error


def write_state(folder: Path, state: PurchaseState) -> None:
    """Write where a purchase stands, and its rounds as a table; each complete or not at all."""
    write_record(folder / STATE_FILE, state.to_json())
    write_rounds(rounds_table(state), folder)


@contextmanager
def claimed_purchase(
    folder: Path, study: BuyStudy, request: Request, levels: tuple[str, ...], device: DeviceClass = "cpu"
) -> Iterator[PurchaseState]:
    """Hold a purchase folder for one process; it must be new, or of the same study, request and device.

    Raises:
        InputError: another process holds it, it holds something else, or study, request or device differ; the first
            difference is named.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"--out must be a folder, found the file {folder}: choose another name")
    if (
        not is_purchase(folder)
        and folder.exists()
        and any(not entry.name.startswith(".") and entry.name != STUDY_FILE for entry in folder.iterdir())
    ):
        raise InputError(f"--out must be new or of a purchase, found other files in {folder}: choose another folder")
    with locked(folder):
        own = folder / STUDY_FILE
        if is_purchase(folder):
            state = read_state(folder)
            _refuse_other(folder, study, state, request)
            refuse_other_device(folder, state.device, device)
            if own.read_text(encoding="utf-8") != study_yaml(study):
                write_text(own, study_yaml(study))
        else:
            state = new_state(study, request, levels, device)
            write_text(own, study_yaml(study))
            write_state(folder, state)
        yield replace(state, status="running", waiting_for=())


def _without(plain: Any, names: Collection[str]) -> Any:
    """A study as plain data, without these keys of the section that says how labels are had."""
    buy = plain.get("buy") if isinstance(plain, dict) else None
    if not isinstance(buy, dict):
        return plain
    rest = {
        way: {name: value for name, value in buy[way].items() if name not in names}
        for way in ("here", "hand_over")
        if isinstance(buy.get(way), dict)
    }
    return {**plain, "buy": {**buy, **rest}}


def _refuse_other(folder: Path, study: BuyStudy, state: PurchaseState, request: Request) -> None:
    try:
        theirs = load_yaml((folder / STUDY_FILE).read_text(encoding="utf-8"))
    except (yaml.YAMLError, ValueError, OSError) as error:
        raise InputError(f"{folder / STUDY_FILE} is not readable ({one_line(str(error), 120)}): restore it") from error
    ours = yaml.safe_load(study_yaml(study))
    # How outputs are read may turn out to be wrong when the first are there: it may change until a label is kept.
    kept = any((folder / OUTCOMES).glob("*"))
    free = HOW_OUTPUTS_ARE_FOUND if kept else HOW_OUTPUTS_ARE_FOUND | HOW_OUTPUTS_ARE_READ
    difference = first_difference(_without(ours, free), _without(theirs, free), "")
    if difference:
        raise InputError(
            f"{folder} was made by another study file ({difference}): choose another --out or restore the file"
        )
    if request != state.request:
        known, wanted = state.request.in_words(), request.in_words()
        what = next((key for key in wanted if known[key] != wanted[key]), "target")
        raise InputError(
            f"{folder} was begun with another {what} ({known[what]}, now {wanted[what]}): "
            "choose another --out, or restore it to go on"
        )


def rounds_table(state: PurchaseState) -> pd.DataFrame:
    """The rounds so far as a table (`study.tables.rounds`), the best contender of a look first."""
    core_s = list(accumulate(own.core_s for own in state.rounds))
    is_ladder = any(own.n_intermediate for own in state.rounds)
    return rounds_frame(
        [
            {
                "round": number,
                "n_labels": own.n_owned,
                "contender": standing.name,
                "strategy": standing.name.partition(",")[0],
                "error_ev_ang": standing.error_ev_ang,
                "low_ev_ang": standing.low_ev_ang,
                "high_ev_ang": standing.high_ev_ang,
                "probability": standing.probability,
                "racing": standing.racing,
                "best": standing is own.verdict.best,
                "action": own.verdict.action,
                "n_next": own.verdict.n_next,
                "label_cpu_s": own.label_cpu_s,
                "core_s": spent_s,
                "target_ev_ang": state.request.target_ev_ang,
                "confidence": state.request.confidence,
                "measured": state.request.measured,
                **(_between(own) if is_ladder else {}),
            }
            for number, (own, spent_s) in enumerate(zip(state.rounds, core_s, strict=True), 1)
            for standing in own.verdict.standings
        ]
    )


def _between(own: Round) -> dict[str, int | float]:
    """What the table of rounds says of the labels of the level between."""
    following = max(own.n_intermediate, own.verdict.n_intermediate)
    return {
        "n_intermediate": own.n_intermediate,
        "n_intermediate_next": following,
        "intermediate_cpu_s": own.intermediate_cpu_s,
    }

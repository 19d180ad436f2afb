"""Purchases: rounds until a rule says stop, the same end after any interruption, failures named and replaced."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from three_levels import FILES, write_three_levels
from tiny_levels import BY_LEVEL, CLIMBING, LADDER, REPLAY, STRATEGIES, TWO_CHEAP, climbing, levels_study
from tiny_purchase import REQUEST, bought, outcome, study_of, tools_of, until

from asteroid.errors import InputError
from asteroid.io.read import read_labels
from asteroid.io.write import write_labels
from asteroid.labelling.labeller import Failure, Label
from asteroid.labels.label_set import geometry_hashes
from study.buying import purchase as purchase_module
from study.buying.labellers import make_labeller
from study.buying.load import load_candidates
from study.buying.purchase import run_purchase
from study.files import write_record
from study.tables.out_of_fold import read_out_of_fold

if TYPE_CHECKING:
    from collections.abc import Callable

    from asteroid.labels.label_set import LabelSet
    from study.buying.batch import Batch, Labeller
    from study.buying.state import PurchaseState
    from study.config.buying import BuyStudy


@pytest.fixture(scope="module")
def undisturbed(study: BuyStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("purchase") / "out"
    assert bought(study, folder).status == "complete"
    return folder


def replay(study: BuyStudy) -> Labeller:
    return make_labeller(
        study, load_candidates(study), workers=1, calculator_folder=Path(), give_up=False, on_progress=lambda _: None
    )


def test_rounds_end_with_the_model_of_all_labels(undisturbed: Path) -> None:
    found = outcome(undisturbed)
    state = found["state"]
    assert [own["n_owned"] for own in state["rounds"]] == [10, 13]
    assert state["batches"] == [[0, 9], [10, 12]]
    assert state["delivered"]["contender"] == state["rounds"][-1]["verdict"]["standings"][0]["name"]
    assert set(state["delivered"]["stage_keys"]) <= set(found["stages"])
    assert state["delivered"]["n_hidden"] == 20
    assert 0.1 < state["delivered"]["hidden_error_ev_ang"] < 3
    assert len(read_labels(undisturbed / "labels.npz").labels) == 13
    looks = read_out_of_fold(undisturbed)
    assert looks is not None
    assert looks.groupby("n_labels")["n_folds"].agg(set).to_dict() == {10: {2, 10}, 13: {2, 10}}


def test_the_cheap_frames_are_pretrained_on_once(undisturbed: Path) -> None:
    stages = list((undisturbed / "store").glob("*/stage.json"))
    kinds = [text.split('"kind": "')[1].split('"')[0] for text in (path.read_text() for path in stages)]
    assert kinds.count("pretrain") == 1
    assert kinds.count("finetune") == 2 * 13


class StoppedError(Exception):
    """What stands for a kill."""


def stop_at(name: str, call: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise before one call of a function of the loop: what is on disk then is what a kill leaves."""
    original: Callable[..., Any] = getattr(purchase_module, name)
    calls = [0]

    def stopping(*args: Any) -> Any:
        calls[0] += 1
        if calls[0] == call:
            raise StoppedError
        return original(*args)

    monkeypatch.setattr(purchase_module, name, stopping)


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("write_state", 2),  # it is written, not decided on
        ("write_state", 3),  # a second batch is not asked for yet
        ("write_state", 5),  # the model is trained, not told
    ],
)
def test_an_interruption_anywhere_changes_nothing(
    study: BuyStudy,
    undisturbed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    call: int,
) -> None:
    with monkeypatch.context() as patch:
        stop_at(name, call, patch)
        with pytest.raises(StoppedError):
            bought(study, tmp_path / "out")
    assert bought(study, tmp_path / "out").status == "complete"
    assert outcome(tmp_path / "out") == outcome(undisturbed)


def test_an_interruption_between_two_labels(study: BuyStudy, undisturbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(undisturbed, folder)
    # As a kill in the second batch would have left it: one of its three labels is there.
    plain = json.loads((folder / "purchase.json").read_text())
    plain |= {"rounds": plain["rounds"][:1], "delivered": None, "status": "running"}
    write_record(folder / "purchase.json", {key: value for key, value in plain.items() if key != "digest"})
    for key in geometry_hashes(load_candidates(study).frames)[11:13]:
        (folder / "labels" / f"{key}.json").unlink()
    assert bought(study, folder).status == "complete"
    assert outcome(folder) == outcome(undisturbed)


class Unreliable:
    """A replay in which every second geometry fails, or which gives wrong labels."""

    def __init__(self, inner: Labeller, factor: float = 1.0, fails: bool = True) -> None:
        self._inner, self._factor, self._fails = inner, factor, fails

    def label(self, batch: Batch) -> Any:
        found: Any = self._inner.label(batch)
        return [
            Failure("not converged", 7.0)
            if self._fails and row % 2
            else Label(label.energy_ev, self._factor * label.forces_ev_ang, label.cpu_s)
            for row, label in zip(batch.frames.frame_id.tolist(), found, strict=True)
        ]


def test_failed_geometries_are_named_and_replaced_in_order(study: BuyStudy, tmp_path: Path) -> None:
    notes: list[str] = []
    state = bought(study, tmp_path / "out", Unreliable(replay(study)), notes=notes, decide=until(10))
    assert [own.n_owned for own in state.rounds] == [10]
    labels = read_labels(tmp_path / "out" / "labels.npz").labels
    assert labels.frame_id.tolist() == list(range(0, 20, 2))
    assert len(notes) == state.rounds[-1].n_failed == 9
    price = load_candidates(study).prices.accurate_cpu_s(10)
    assert state.rounds[-1].label_cpu_s == pytest.approx(price + 9 * 7.0), "failures are paid for"
    assert notes[0] == "geometry 1 gave no label and is replaced by the next in order: not converged"


def test_labels_that_a_guard_refuses_are_not_kept(study: BuyStudy, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="the ccsd_t/cc-pvdz labels of batch 1 and before"):
        bought(study, tmp_path / "out", Unreliable(replay(study), 0.0, fails=False))
    assert not list((tmp_path / "out" / "labels").iterdir())


class AllFail:
    def label(self, batch: Batch) -> Any:
        return [Failure("no licence", 0.0) for _ in batch.frames.frame_id]


def test_a_labeller_that_never_gives_a_label_ends_it(study: BuyStudy, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of the first 10 geometries gave a label \\(no licence\\)"):
        bought(study, tmp_path / "out", AllFail())


class FailsAfter:
    """A replay whose licence runs out: from one geometry on nothing is computed."""

    def __init__(self, inner: Labeller, first: int, until: int) -> None:
        self._inner, self._lost = inner, range(first, until)

    def label(self, batch: Batch) -> Any:
        found: Any = self._inner.label(batch)
        rows = batch.frames.frame_id.tolist()
        lost = Failure("no licence", 0.0)
        return [lost if row in self._lost else label for row, label in zip(rows, found, strict=True)]


def test_a_program_that_stops_working_does_not_use_up_the_geometries(
    study: BuyStudy, undisturbed: Path, tmp_path: Path
) -> None:
    decide = until(16)
    with pytest.raises(InputError, match=r"the last 12 geometries gave no label \(no licence\).*then remove .*005"):
        bought(study, tmp_path / "out", FailsAfter(replay(study), 10, 1000), decide=decide)
    # Three batches of failures were kept, the fourth was not: with the licence back, it is labelled.
    state = bought(study, tmp_path / "out", FailsAfter(replay(study), 10, 19), decide=decide)
    assert [(own.n_owned, own.n_failed) for own in state.rounds] == [(10, 0), (13, 9), (16, 9)]


def test_limits(study: BuyStudy, tmp_path: Path) -> None:
    candidates = load_candidates(study)
    tools = tools_of(study, candidates, decide=until(1000, 40))
    most = {"most_labels": 12, "most_cpu_s": None}
    state = run_purchase(study, candidates, tmp_path / "labels", REQUEST.__class__(**{**vars(REQUEST), **most}), tools)
    assert [own.n_owned for own in state.rounds] == [10, 12]
    most = {"most_labels": None, "most_cpu_s": 5 * 28.0}
    with pytest.raises(InputError, match="a purchase begins with 10 labels, found a limit of 4"):
        run_purchase(study, candidates, tmp_path / "time", REQUEST.__class__(**{**vars(REQUEST), **most}), tools)


def test_another_request_or_study_is_refused(study: BuyStudy, files: Path, undisturbed: Path) -> None:
    candidates = load_candidates(study)
    other = REQUEST.__class__(**{**vars(REQUEST), "confidence": 0.8})
    with pytest.raises(InputError, match=r"another confidence \(0.9, now 0.8\)"):
        run_purchase(study, candidates, undisturbed, other, tools_of(study, candidates))
    with pytest.raises(InputError, match=r"identify\.steps"):
        bought(study_of(files, ("identify: {steps: 12", "identify: {steps: 14")), undisturbed)


def test_a_complete_purchase_is_told_again_and_not_made_again(study: BuyStudy, undisturbed: Path) -> None:
    before = outcome(undisturbed)
    times = {path: path.stat().st_mtime_ns for path in (undisturbed / "store").rglob("*.json")}
    assert bought(study, undisturbed).status == "complete"
    assert outcome(undisturbed) == before
    assert times == {path: path.stat().st_mtime_ns for path in (undisturbed / "store").rglob("*.json")}


def test_labels_come_in_the_order_of_purchase_whatever_the_file(study: BuyStudy, files: Path, tmp_path: Path) -> None:
    for name in ("accurate", "cheap"):
        arrays = dict(np.load(files / f"{name}.npz"))
        turned = {key: value if key == "z" else value[::-1] for key, value in arrays.items()}
        np.savez(tmp_path / f"{name}.npz", **turned)
    again = load_candidates(study_of(tmp_path))
    np.testing.assert_allclose(again.frames.positions, load_candidates(study).frames.positions)


@pytest.fixture(scope="module")
def ladder(files: Path) -> BuyStudy:
    write_three_levels(files)
    return levels_study(files, LADDER, BY_LEVEL, CLIMBING)


@pytest.fixture(scope="module")
def climbed(ladder: BuyStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ladder") / "out"
    assert bought(ladder, folder, decide=climbing(10)).status == "complete"
    return folder


def test_labels_of_the_level_between_are_bought_when_they_are_asked_for(climbed: Path) -> None:
    state = outcome(climbed)["state"]
    assert [(own["n_owned"], own["n_intermediate"]) for own in state["rounds"]] == [(10, 20), (10, 30)]
    assert [own["intermediate_cpu_s"] for own in state["rounds"]] == [60.0, 90.0]
    assert state["intermediate_batches"] == [[0, 19], [20, 29]]
    assert state["levels"] == ["ccsd_t/cc-pvdz", "gfn2-xtb", "mp2/cc-pvdz"]
    names = [{own["name"] for own in found["verdict"]["standings"]} for found in state["rounds"]]
    assert len(names[0]) == 3
    assert names[1] > names[0]
    assert state["rounds"][0]["below_cpu_s"] == {"gfn2-xtb": pytest.approx(40 * 0.052)}
    rounds = pd.read_csv(climbed / "rounds.csv")
    assert rounds.groupby("round")["n_intermediate_next"].first().tolist() == [30, 30]
    looks = read_out_of_fold(climbed)
    assert looks is not None
    assert set(looks["n_intermediate"]) == {0, 20, 30}
    assert len(read_labels(climbed / "intermediate" / "labels.npz").labels) == 30


def test_a_ladder_ends_the_same_after_an_interruption(ladder: BuyStudy, climbed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(climbed, folder)
    # As a kill among the labels between of the second look would have left it, with finished stages in the store.
    plain = json.loads((folder / "purchase.json").read_text())
    plain |= {"rounds": plain["rounds"][:1], "delivered": None, "status": "running"}
    write_record(folder / "purchase.json", {key: value for key, value in plain.items() if key != "digest"})
    between = load_candidates(ladder).intermediate
    assert between is not None
    for key in geometry_hashes(between.frames)[25:30]:
        (folder / "intermediate" / "labels" / f"{key}.json").unlink()
    assert bought(ladder, folder, decide=climbing(10)).status == "complete"
    assert outcome(folder) == outcome(climbed)


TEMPLATE = "{template: job.inp.jinja, outputs: '*.extxyz'}"
HANDED_OVER = (
    (REPLAY, f"  level: ccsd_t/cc-pvdz\n  price: 28s\n  hand_over: {TEMPLATE}\n  intermediate: {TEMPLATE}\n"),
    (
        f"    - {FILES['mp2']}\n    - ccsd_t/cc-pvdz\n",
        "    - mp2/cc-pvdz\n    - ccsd_t/cc-pvdz\n  prices: {mp2/cc-pvdz: 3s}\n",
    ),
)


def computed(level: str, cheap: LabelSet | None, rows: tuple[int, int], factor: float, unit: float = 1.0) -> LabelSet:
    """What another program finds at some geometries: cheap labels times a factor, forces in some unit."""
    assert cheap is not None
    own = cheap.select(np.arange(rows[0], rows[1] + 1))
    assert own.energy is not None
    assert own.forces is not None
    return replace(own, level=level, energy=factor * own.energy, forces=factor / unit * own.forces)


def test_both_levels_of_a_ladder_are_handed_over(files: Path, tmp_path: Path) -> None:
    write_three_levels(files)
    (files / "job.inp.jinja").write_text("{{ elements_and_positions_ang }}\n")
    study = levels_study(files, LADDER, *HANDED_OVER, BY_LEVEL, CLIMBING)
    candidates, out = load_candidates(study), tmp_path / "out"
    between = candidates.intermediate
    assert between is not None

    def goes_on() -> PurchaseState:
        return bought(study, out, decide=climbing(10))

    state = goes_on()
    assert state.status == "waiting"
    assert "batch 1: 20 geometries are to be labelled with mp2/cc-pvdz" in state.waiting_for[0]
    outputs = out / "intermediate" / "batches" / "001" / "all.extxyz"
    write_labels(
        computed(between.level, between.cheap_at, state.intermediate_batches[0], 0.9, unit=27.2114 / 0.529177), outputs
    )
    with pytest.raises(InputError, match=r"must have the size of those of gfn2-xtb.*Hartree/Bohr taken for eV/Å"):
        goes_on()
    write_labels(computed(between.level, between.cheap_at, state.intermediate_batches[0], 0.9), outputs)
    state = goes_on()
    assert "batch 1: 10 geometries are to be labelled with ccsd_t/cc-pvdz" in state.waiting_for[0]
    write_labels(
        computed(candidates.frames.level, candidates.cheap_at, state.batches[0], 0.8),
        out / "batches" / "001" / "all.extxyz",
    )
    state = goes_on()
    assert "batch 2: 10 geometries are to be labelled with mp2/cc-pvdz" in state.waiting_for[0]
    second = out / "intermediate" / "batches" / "002" / "all.extxyz"
    write_labels(computed(between.level, between.cheap_at, state.intermediate_batches[1], 0.9), second)
    state = goes_on()
    assert state.status == "complete"
    assert [(own.n_owned, own.n_intermediate) for own in state.rounds] == [(10, 20), (10, 30)]
    assert [own.intermediate_cpu_s for own in state.rounds] == [60.0, 90.0]


def test_the_limit_counts_labels_of_the_level_between(ladder: BuyStudy, tmp_path: Path) -> None:
    request = replace(REQUEST, most_cpu_s=10 * 28.0 + 50)
    candidates = load_candidates(ladder)
    with pytest.raises(InputError, match="a purchase begins with 10 labels, found a limit of 9"):
        run_purchase(ladder, candidates, tmp_path / "out", request, tools_of(ladder, candidates))


def test_two_cheap_levels_compete(files: Path, tmp_path: Path) -> None:
    write_three_levels(files)
    study = levels_study(files, TWO_CHEAP, (STRATEGIES, "[pretrain_finetune]"), ("n_cheap: [40]", "n_cheap: [30]"))
    assert bought(study, tmp_path / "out", decide=until(10)).status == "complete"
    state = outcome(tmp_path / "out")["state"]
    last = state["rounds"][-1]
    names = {own["name"] for own in last["verdict"]["standings"]}
    assert names == {f"pretrain_finetune, standard, 30 {level}" for level in ("gfn2-xtb", "mp2/cc-pvdz")}
    assert last["below_cpu_s"] == {"gfn2-xtb": pytest.approx(30 * 0.052), "mp2/cc-pvdz": pytest.approx(90.0)}
    looks = read_out_of_fold(tmp_path / "out")
    assert looks is not None
    assert set(looks["cheap_level"]) == {"gfn2-xtb", "mp2/cc-pvdz"}
    assert "intermediate_cpu_s" not in pd.read_csv(tmp_path / "out" / "rounds.csv")

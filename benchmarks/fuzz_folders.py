"""Damaged folders of the program for `fuzz.py`: runs, searches, stages, purchases, exported models, studies."""

from __future__ import annotations

import io
import json
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
import yaml
from fuzz_damage import AWKWARD, as_yaml, spoil_bytes, spoil_plain, spoil_record, spoil_table

from analysis.plan.run_evidence import run_evidence
from analysis.purchase_files import CERTIFICATE, read_purchase
from asteroid.content_digest import content_digest
from asteroid.datasets import load_methanol
from asteroid.deploy.card import card_text
from asteroid.deploy.folder import MODEL, read_force_field, write_force_field
from asteroid.deploy.force_field import ForceField
from asteroid.deploy.record import CardRecord, ErrorRecord, TrainingRecord, read_record
from asteroid.descriptors.layout import make_layout
from asteroid.descriptors.resolution import choose_descriptors
from asteroid.errors import InputError
from asteroid.io.write import write_labels
from asteroid.labels.label_set import LabelSet
from asteroid.measured_errors import Measured
from asteroid.models.mlp import MLPSettings
from asteroid.models.network import Scaling
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.potential import Potential
from study.buying.decision import Request, Standing, Verdict
from study.buying.state import STATE_FILE, PurchaseState, Round, read_state, write_state
from study.config.buying import parse_buy_study
from study.config.sweep_text import parse_sweep
from study.counts import COUNT_COLUMNS, NO_LEVELS
from study.digests import DIGESTS_FILE, write_text_with_digest
from study.engine.store import StageStore
from study.files import write_record
from study.prices import LevelPrice, PriceList
from study.recipes.workload import make_workload
from study.search.journal import JOURNAL, ask_trial, open_journal, open_study
from study.tables.manifest import read_manifest
from study.tables.out_of_fold import OUT_OF_FOLD_FILE, out_of_fold_frame, write_out_of_fold
from study.tables.results import COLUMNS, RESULTS_FILE, read_results, results_frame, write_results

if TYPE_CHECKING:
    import random

    from analysis.buying.decision import Action

ACCURATE, BETWEEN, CHEAP = "ccsd_t/cc-pvdz", "mp2/cc-pvdz", "gfn2-xtb"
PRICES = PriceList(ACCURATE, CHEAP, {ACCURATE: LevelPrice(28.0, "x"), CHEAP: LevelPrice(0.1, "x", 0.02)})
_SCHEDULES = """model: {hidden: 8}
descriptors: {n_radial: 4, n_angular: 2, l_max: 1}
identify: {steps: 20, learning_rate: 0.01}
pretrain: {steps: 24, learning_rate: 0.01}
residual: {steps: 24, learning_rate: 0.01}
finetune: {standard: {steps: 20, learning_rate: 0.002}}
"""
_UNITS = "energy_unit: eV, length_unit: Angstrom"
_FILES = [
    f"{{file: {name}.npz, level: {level}, {_UNITS}, price: {price}}}"
    for name, level, price in (("accurate", ACCURATE, "28s"), ("between", BETWEEN, "3s"), ("cheap", CHEAP, "9ms"))
]
_BY_LEVEL = f"n_cheap: {{{CHEAP}: [40], {BETWEEN}: [10, 20]}}"
#: Studies of two levels, of several cheap ones, of a ladder, of energies alone, and purchases.
STUDIES = tuple(
    f"name: s\ndata:\n{data}{roles}strategies: [{strategies}]\n{n_cheap}\n{_SCHEDULES}"
    for data, strategies, n_cheap, roles in (
        (
            f"  accurate: {_FILES[0]}\n  cheap: {_FILES[2]}\n",
            "pretrain_finetune, asteroid",
            "n_cheap: [40]\ngamma_rel: [1, inf]",
            "{sweep}",
        ),
        (f"  accurate: {_FILES[0]}\n  cheap: [{_FILES[2]}, {_FILES[1]}]\n", "pretrain_finetune", _BY_LEVEL, "{sweep}"),
        (f"  levels: [{', '.join(reversed(_FILES))}]\n", "ladder_finetune, ladder_residual", _BY_LEVEL, "{sweep}"),
        (
            f"  accurate: {_FILES[0][:-1]}, forces: none}}\n  cheap: {_FILES[2]}\n",
            "accurate_only, network_delta",
            "n_cheap: [40]",
            "{sweep}",
        ),
        (
            f"  cheap: {_FILES[2]}\nbuy:\n  replay: {{labels: {_FILES[0]}}}\n",
            "pretrain_finetune, residual",
            "n_cheap: [40]",
            "",
        ),
    )
)


@cache
def study_folder() -> Path:
    """Sound label files of three levels, which stay as long as the process."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-study-"))
    methanol = load_methanol()
    accurate, other = methanol.accurate.select(np.arange(60)), methanol.accurate.select(np.arange(30, 100))
    assert other.energy is not None
    between = LabelSet(other.numbers, other.positions, other.energy + 1.0, other.forces, BETWEEN)
    for name, labels in (
        ("accurate", accurate),
        ("between", between),
        ("cheap", methanol.cheap.select(np.arange(150))),
    ):
        write_labels(labels, folder / f"{name}.npz")
    return folder


@cache
def sound_studies() -> tuple[str, ...]:
    """What the studies say, as JSON."""
    ending = "test: {share: 0.3}\nbudgets: [10, 20]\nseeds: [0, 1]\n"
    return tuple(json.dumps(yaml.safe_load(text.replace("{sweep}", ending))) for text in STUDIES)


def study(_: Path, rng: random.Random) -> None:
    """A sweep or study file with its label files, as far as its work is laid out."""
    plain = json.loads(rng.choice(sound_studies()))
    for __ in range(rng.randrange(3)):
        plain = spoil_plain(plain, rng)
    text = as_yaml(plain)
    if "buy" in text:
        parse_buy_study(text, "study.yaml", study_folder())
        return
    sweep = parse_sweep(text, "sweep.yaml", study_folder())
    if rng.random() < 0.05:  # costly
        make_workload(sweep)


@cache
def sound_results(*, levels: bool) -> bytes:
    """A sound results table, of several lower levels perhaps."""
    blank: dict[str, object] = {"float64": np.nan, "int64": 0, "Int64": None, "string": ""}
    values = {name: blank[dtype] for name, (dtype, _) in COLUMNS.items() if name not in COUNT_COLUMNS}
    values |= {"status": "ok", "n_test": 3, "recipe_core_s": 2.0, "strategy": "accurate_only", "seed": 0}
    rows: list[dict[str, Any]] = [values | {"budget": n, "test_force_mae_ev_ang": 1.0 / n} for n in (20, 40, 80, 160)]
    if levels:
        rows = [row | NO_LEVELS for row in rows]
        more = {"strategy": "ladder_finetune", "gamma_rel": np.inf, "schedule": "standard", "n_cheap": 40}
        more |= {"cheap_level": CHEAP, "intermediate_level": BETWEEN, "n_intermediate": 20}
        rows += [row | more | {"test_energy_free_mae_ev": 0.5 / row["budget"]} for row in rows]
    frame = results_frame(rows)
    stream = io.BytesIO()
    (frame if levels else frame.drop(columns=list(COUNT_COLUMNS))).to_parquet(stream, index=False)
    return stream.getvalue()


def run_folder(folder: Path, rng: random.Random) -> None:
    """Records and tables of a run folder."""
    levels = {ACCURATE: 28.0, CHEAP: 1.0, **({BETWEEN: 3.0} if (ladder := rng.random() < 0.4) else {})}
    manifest = {
        "status": "complete", "name": "m", "molecule": "CH4O", "level_accurate": ACCURATE, "level_cheap": CHEAP,
        "pool_size": 9, "n_test": 3, "rows": 2, "stages": 4, "sweep": {"name": "m", "budgets": [2, 3]},
        "prices": {"accurate": ACCURATE, "cheap": CHEAP, "levels": {
            level: {"label_cpu_s": price, "source": "x", "sampling_cpu_s": 0.0} for level, price in levels.items()}},
        "ledger": {"accurate_labels_assumed_bought": 3, "accurate_cpu_s": 1.0, "cheap_frames_assumed_bought": 5,
                   "cheap_cpu_s": 1.0, "evaluation_labels": 3, "evaluation_cpu_s": 1.0, "sweep_core_s": 2.0,
                   "lower_levels": {BETWEEN: {"frames_assumed_bought": 3, "cpu_s": 9.0}} if ladder else {}},
        "sharing": {"stages_requested": 4, "stages_distinct": 4, "stages_trained": 4, "stages_found": 0,
                    "core_s_saved": 0.0},
        "versions": {"torch": "2"}, "hardware": {"cores": 2}, "failures": [],
    }  # fmt: skip
    path, table = folder / "manifest.json", folder / RESULTS_FILE
    write_record(path, manifest)
    content = sound_results(levels=ladder)
    table.write_bytes(content)
    if rng.random() < 0.5:
        spoil_record(path, rng)
    if rng.random() < 0.5:
        spoil_table(content, table, rng)
    if rng.random() < 0.1:
        write_results(pd.read_parquet(io.BytesIO(content)), folder)
        spoil_record(folder / DIGESTS_FILE, rng)
    if rng.random() < 0.03:
        from sweeps.standing import standing_of

        standing_of(folder)
    read, found = read_manifest(folder), read_results(folder)
    if rng.random() < 0.15:  # costly
        run_evidence(found, read, with_surface=False)


@cache
def sound_journal() -> bytes:
    """A sound journal of three trials."""
    with tempfile.TemporaryDirectory() as folder:
        search = open_study(open_journal(Path(folder), lambda _: None), "s", {"a": 1}, 1, 0)
        for index in range(3):
            trial = ask_trial(search, index, 0, lambda t: {"x": t.suggest_float("x", 0.0, 1.0)})
            search.tell(trial, 0.5)
        return Path(folder, JOURNAL).read_bytes()


def journal(folder: Path, rng: random.Random) -> None:
    """A journal of a search."""
    path = folder / JOURNAL
    content = sound_journal()
    lines = content.splitlines(keepends=True)
    if rng.random() < 0.5:
        at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(4):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[other])
            case 2:
                lines[at], lines[other] = lines[other], lines[at]
            case _:
                log = json.loads(lines[at])
                if rng.random() < 0.5:
                    log.pop("link", None)
                lines[at] = (json.dumps(spoil_plain(log, rng), default=str) + "\n").encode()
        path.write_bytes(b"".join(lines))
    else:
        path.write_bytes(spoil_bytes(content, rng))
    open_study(open_journal(folder, lambda _: None), "s", {"a": 1}, 1, 0)


def stage(folder: Path, rng: random.Random) -> None:
    """The record of a finished stage: sound, or as good as absent."""
    key = "0" * 32
    (folder / key).mkdir()
    record: dict[str, object] = {"key": key, "spec": {"kind": "identify", "model": {}}, "core_s": 1.0, "status": "ok"}
    record |= {"weights_digest": "", "versions": {}, "validation_curve": [[1, 0.5]], "warnings": []}
    path = folder / key / "stage.json"
    write_record(path, record)
    spoil_record(path, rng)
    (folder / key / "weights.safetensors").write_bytes(spoil_bytes(bytes(50), rng))
    store = StageStore(folder)
    store.other_trainer_versions()
    try:
        store.load(key)
    except KeyError:  # absent: it is trained again
        raise InputError("the stage is torn: it is trained again") from None


@cache
def sound_looks() -> pd.DataFrame:
    """Out-of-fold errors of two looks."""
    return out_of_fold_frame(
        [
            {
                "strategy": "accurate_only", "gamma_rel": np.nan, "schedule": "", "n_cheap": 0, "seed": 0,
                "n_labels": n, "n_folds": n_folds, "split": 0, "label": label,
                "force_mae_ev_ang": 0.1 * n**-0.5 * (1 + 0.1 * (label % 3)), "energy_error_ev": 0.01 * (label % 5 - 2),
                "cheap_energy_ev": 0.1 * label, "cheap_force_ev_ang": 1.0,
                "pool_cheap_energy_ev": 0.0, "pool_cheap_force_ev_ang": 1.0,
            }
            for n in (8, 16)
            for n_folds in (4, 2)
            for label in range(n)
        ]
    )  # fmt: skip


@cache
def sound_purchase(measured: str) -> dict[str, bytes]:
    """Files of a purchase that has ended: state, rounds, looks, certificate."""
    standings = (Standing("accurate_only", 0.03, 0.02, 0.04, 0.93, racing=True),)
    endings: tuple[tuple[int, Action, int], ...] = ((8, "buy", 16), (16, "stop", 16))
    rounds = tuple(
        Round(n, n, 0, 28.0 * n, 5.0, 40, Verdict(action, most, standings, ("why",))) for n, action, most in endings
    )
    request = Request(0.05, 0.9, None, None, "learnt", measured)
    state = PurchaseState("0" * 16, "p", request, (ACCURATE, CHEAP), ((0, 7), (8, 15)), rounds, "complete")
    told = {"name": "p", "prior": "learnt", "n_atoms": 6, "prices": PRICES.to_json(), "measured": measured}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_state(folder, state)
        write_out_of_fold(sound_looks(), folder)
        write_record(folder / f"{CERTIFICATE}.json", told)
        write_text_with_digest(folder / f"{CERTIFICATE}.txt", "Force MAE 0.03\n")
        (folder / "study.yaml").write_text("name: p\n", encoding="utf-8")
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def purchase(folder: Path, rng: random.Random) -> None:
    """The folder of a purchase that has ended."""
    for name, content in sound_purchase(rng.choice([str(own) for own in Measured])).items():
        (folder / name).write_bytes(content)
    certificate = f"{CERTIFICATE}.json"
    damaged = rng.choice([STATE_FILE, certificate, DIGESTS_FILE, "rounds.csv", OUT_OF_FOLD_FILE, "study.yaml"])
    path = folder / damaged
    if path.suffix == ".json":
        spoil_record(path, rng)
    elif path.suffix == ".parquet":
        spoil_table(path.read_bytes(), path, rng)
    else:
        path.write_bytes(spoil_bytes(path.read_bytes(), rng))
    if damaged != DIGESTS_FILE and rng.random() < 0.7:  # else every change is told by its digest
        (folder / DIGESTS_FILE).unlink()
    from sweeps.purchases.plans import purchase_plan
    from sweeps.standing import standing_of

    read_state(folder)
    standing_of(folder)
    found = read_purchase(folder)
    if rng.random() < 0.01:  # costly
        target = rng.choice([0.02, 1e-9, 1e9])
        purchase_plan(found, found.prices, target, None, 0.9, found.measured)


@cache
def sound_model() -> dict[str, bytes]:
    """Files of an exported force field with a committee of one."""
    known = load_methanol().accurate.select(np.arange(20))
    geometries = LabelSet(known.numbers, known.positions, None, None, known.level)
    layout = make_layout(known.numbers, choose_descriptors(known.numbers, known.positions))
    settings = MLPSettings(hidden=8)
    network = settings.network(layout)
    scaling = Scaling(torch.full((1, layout.width), 0.3), torch.full((1, layout.width), 0.5), torch.ones(1))
    models = [TrainedNetwork(settings, network.initial_parameters(n), scaling, -3.0) for n in range(2)]
    training = TrainingRecord(
        n_labels=20, label_hashes=("0" * 32,), n_cheap=0, cheap_level=CHEAP, strategy="accurate_only",
        stage_keys=("1" * 32,), trainer_version=5,
    )  # fmt: skip
    error = ErrorRecord(
        measured_by="test labels", force_mae_ev_ang=0.02, low_ev_ang=0.01, high_ev_ang=0.03, energy_mae_ev=None,
        n_frames=9,
    )  # fmt: skip
    card = CardRecord(
        name="tiny", source="fuzz", training=training, error=error, committee="other seeds", licence="MIT", versions={}
    )
    first, other = (Potential(layout, (model,), None) for model in models)
    with tempfile.TemporaryDirectory() as folder:
        write_force_field(ForceField(known.level, None, first, (other,), geometries, card), Path(folder, "model"))
        return {path.name: path.read_bytes() for path in Path(folder, "model").iterdir()}


def model(folder: Path, rng: random.Random) -> None:
    """An exported model: its record, whose card is written out, and its tensors."""
    files = dict(sound_model())
    record = json.loads(files[MODEL])
    if rng.random() < 0.5:
        name = rng.choice([name for name in files if name.endswith(".safetensors")])
        files[name] = spoil_bytes(files[name], rng)
        if rng.random() < 0.7:  # as a stranger would
            record["files"][name] = {"size": len(files[name]), "digest": content_digest(files[name])}
    else:
        damaged = spoil_plain({key: value for key, value in record.items() if key != "digest"}, rng)
        record = json.loads(json.dumps(damaged, default=str))
    if isinstance(record, dict):
        plain = {key: value for key, value in record.items() if key != "digest"}
        text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        record = plain | {"digest": content_digest(text.encode("utf-8", "surrogatepass"))}
    files[MODEL] = json.dumps(record).encode()
    if rng.random() < 0.1:
        files[MODEL] = spoil_bytes(files[MODEL], rng)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    card_text(read_record(files[MODEL].decode("utf-8", "replace"), MODEL))
    read_force_field(folder)


def target(_: Path, rng: random.Random) -> None:
    """Targets, prices and counts as they are typed, of forces and of energies."""
    from sweeps.purchases.limits import parse_most
    from sweeps.quantities import asked_for, cpu_s

    number = rng.choice(["0.3", "1", "1e3", "1,5", "1.000,5", "-1", "0", "nan", "inf", "1e400", "", "٣", "0x1", "½"])
    units = [
        "kcal/mol/A",
        "kcal/mol",
        "meV/atom",
        "meV/Å",
        "eV",
        "meV / atom",
        "kcal/(mol Å)",
        "Hartree/Bohr",
        "kJ/mol",
    ]
    unit = rng.choice([*units, "", "%", "atom", "/A", *(str(own) for own in AWKWARD)])
    text = rng.choice(["{n} {u}", "{n}{u}", "{u} {n}", "{n} {n} {u}", " {n}  {u} "]).format(n=number, u=unit)
    match rng.randrange(3):
        case 0:
            asked_for(text, rng.choice([*units, text]))
        case 1:
            cpu_s(rng.choice([text, f"{number}min", f"{number} CPU h", f"{number}d", f"{number} s"]))
        case _:
            parse_most(rng.choice([text, number, f"{number} labels", f"{number}h"]))

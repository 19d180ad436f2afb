"""Damaged inputs through every door of the program: label files, sweeps, tables, run folders, journals, arguments.

    python benchmarks/fuzz.py --inputs 50000 --seed 0

Inputs are made from sound ones: a part is cut off, doubled, moved, or replaced by something awkward, in the structure
of the format (a member of an npz file, a cell of a table, a key of a record) or in its bytes. Everything runs in this
process. An input passes where the command or reader ends well or refuses with one line under 500 characters without
control characters; a traceback, a hang of 30 s and memory above 4 GiB are failures, printed with the seed that repeats
them.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import json
import random
import resource
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
import unicodedata
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ase
import ase.db
import numpy as np
import typer.main
import yaml
from fuzz_damage import AWKWARD, as_yaml, spoil_array, spoil_bytes, spoil_plain, spoil_text
from fuzz_folders import journal, model, purchase, run_folder, stage, study, target

from analysis.curves.any_table import fit_table
from analysis.curves.table_text import read_table
from asteroid.checks.guards import check_labels
from asteroid.datasets import load_methanol
from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels
from asteroid.io.write import write_labels
from study.config.sweep_text import parse_sweep
from study.labelling.geometry_files import read_frames, stated_electrons

if TYPE_CHECKING:
    from asteroid.labels.label_set import LabelSet

make_command_tree = typer.main.get_command
command_tree = cache(make_command_tree)  # made once

HANG_S, MESSAGE_MAX, MEMORY_MAX = 30, 500, 4 * 2**30
Door = Callable[[Path, random.Random], None]


class HungError(Exception):
    """An input took longer than `HANG_S`."""


@dataclass
class Report:
    """What became of the inputs of each door."""

    passed: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise `HungError` where a block takes longer."""

    def hung(*_: object) -> None:
        raise HungError

    before = signal.signal(signal.SIGALRM, hung)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@cache
def frames(n: int) -> LabelSet:
    """Some sound frames."""
    return load_methanol().accurate.select(np.arange(n))


@cache
def sound_xyz() -> str:
    """The text of a sound label file."""
    with tempfile.TemporaryDirectory() as folder:
        write_labels(frames(8), Path(folder, "plain.xyz"))
        return Path(folder, "plain.xyz").read_text().replace(frames(8).level, "pbe")  # the level that is declared


@cache
def sound_database() -> bytes:
    """A sound ASE database of three frames."""
    labels = frames(3)
    assert labels.energy is not None
    assert labels.forces is not None
    with tempfile.TemporaryDirectory() as folder:
        with ase.db.connect(Path(folder, "labels.db")) as database:  # type: ignore[no-untyped-call]
            for i in range(3):
                data = {"energy": [float(labels.energy[i])], "forces": labels.forces[i]}
                database.write(ase.Atoms(labels.numbers, labels.positions[i]), data=data)
            database.metadata = {"_distance_unit": "Ang"}
        return Path(folder, "labels.db").read_bytes()


def label_npz(folder: Path, rng: random.Random) -> None:
    """A label file in npz."""
    labels = frames(20)
    arrays: dict[str, Any] = {"z": labels.numbers, "R": labels.positions, "E": labels.energy, "F": labels.forces}
    arrays |= {"e_unit": np.array("eV"), "r_unit": np.array("Angstrom"), "charge": np.array(0)}
    for _ in range(rng.randrange(3)):
        key = rng.choice(sorted(arrays))
        arrays[key] = spoil_array(np.asarray(arrays[key]), rng)
    stream = io.BytesIO()
    rng.choice([np.savez, np.savez_compressed])(stream, **arrays)
    content = stream.getvalue()
    path = folder / "labels.npz"
    path.write_bytes(spoil_bytes(content, rng) if rng.random() < 0.6 else content)
    if rng.random() < 0.2:
        card: object = {"level": "pbe", "units": {"R": "Angstrom", "E": "eV", "F": "eV/Angstrom"}, "charge": 0}
        text = json.dumps(spoil_plain(card, rng), default=str)
        path.with_name("labels.meta.json").write_bytes(
            rng.choice([text.encode(), b"[" * 10**5, spoil_bytes(text.encode(), rng)])
        )
    _read_labels(path)


def label_xyz(folder: Path, rng: random.Random) -> None:
    """A label file in extended XYZ, compressed perhaps."""
    text = sound_xyz()
    for _ in range(rng.randrange(1, 3)):
        text = spoil_text(text, rng)
    content = text.encode("utf-8", "replace")
    if rng.random() < 0.3:
        content = spoil_bytes(content, rng)
    packs: list[Callable[[bytes], bytes]] = [bytes, bytes, gzip.compress, bz2.compress]
    pack = rng.choice(packs)
    path = folder / f"labels{rng.choice(['.xyz', '.extxyz', '', '.xyz.gz', '.dat'])}"
    content = pack(content)
    path.write_bytes(spoil_bytes(content, rng) if rng.random() < 0.2 else content)
    _read_labels(path)


def label_database(folder: Path, rng: random.Random) -> None:
    """A label file in an ASE database."""
    path = folder / "labels.db"
    path.write_bytes(sound_database())
    metadata: object = {"_property_unit_dict": {"energy": "eV", "forces": "eV/Ang"}, "_distance_unit": "Ang"}
    text = json.dumps(spoil_plain(metadata, rng), default=str)
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("UPDATE information SET value = ? WHERE name = 'metadata'", (text,))
    if rng.random() < 0.6:
        path.write_bytes(spoil_bytes(path.read_bytes(), rng))
    _read_labels(path)


def _read_labels(path: Path) -> None:
    declared = Declaration(level="pbe")
    loaded = read_labels(path, declared, several=True)
    check_labels(loaded.labels, path.name)
    read_frames(path)
    stated_electrons(path, None, None)


@cache
def sound_sweeps() -> tuple[tuple[str, str], ...]:
    """Packaged sweeps, as text and as JSON of what they say."""
    presets = sorted(Path(__file__).parents[1].joinpath("sweeps", "presets").glob("*.yaml"))
    texts = [path.read_text(encoding="utf-8") for path in presets]
    return tuple((text, json.dumps(yaml.safe_load(text))) for text in texts)


def sweep_file(folder: Path, rng: random.Random) -> None:
    """A sweep file."""
    text, plain = rng.choice(sound_sweeps())
    match rng.randrange(4):
        case 0:
            text = spoil_text(text, rng)
        case 1:
            text = spoil_bytes(text.encode(), rng).decode("utf-8", "replace")
        case 2:
            bomb = "a0: &a0 [x]\n" + "".join(f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]\n" for i in range(8))
            text = bomb + f"name: *a{rng.randrange(9)}\n"
        case _:
            text = as_yaml(spoil_plain(json.loads(plain), rng))
    parse_sweep(text, "sweep.yaml", folder)


def table(folder: Path, rng: random.Random) -> None:
    """A table of errors for `fit`."""
    head: list[object] = ["n", "seed", "error", "sd", "runs", "unit"]
    rows: list[list[object]] = [
        [n, seed, f"{3 * n**-0.5:.5f}", f"{0.1 * n**-0.5:.5f}", 5, "eV/A"]
        for n in (25, 50, 100, 200)
        for seed in (0, 1)
    ]
    for _ in range(rng.randrange(1, 4)):
        row = rng.choice(rows)
        row[rng.randrange(len(row))] = rng.choice(AWKWARD)
    separator = rng.choice([",", ";", "\t", "|", "  "])
    text = "\n".join(separator.join(str(cell) for cell in row) for row in [head, *rows]) + "\n"
    content = text.encode(rng.choice(["utf-8", "utf-16", "cp1252"]), "replace")
    path = folder / "table.csv"
    path.write_bytes(spoil_bytes(content, rng) if rng.random() < 0.5 else content)
    frame, _ = read_table(path)
    columns = dict(zip(("x", "y"), (rng.choice(["n", "seed", "unit"]), rng.choice(["error", "sd"])), strict=True))
    if rng.random() < 0.9:
        columns = {"x": "n", "y": "error"}
    if len(frame) and set(columns.values()) <= set(frame.columns) and frame[columns["x"]].nunique() > 3:
        table_of = frame if rng.random() < 0.01 else frame.iloc[:6]  # most are refused before the costly fit
        seed = "seed" if "seed" in frame.columns else None
        fit_table(table_of, x=columns["x"], y=columns["y"], seed=seed)


def arguments(folder: Path, rng: random.Random) -> None:
    """Words on the command line."""
    (folder / "t.csv").write_text("n,error\n25,1\n50,0.7\n100,0.5\n200,0.35\n")
    if not (folder / "loop").is_symlink():
        (folder / "loop").symlink_to("loop")
    words = [
        "fit",
        "status",
        "plan",
        "check",
        "convert",
        "label",
        "plot",
        "report",
        "export",
        "evaluate",
        "--x",
        "n",
        "--y",
        "error",
        "--target",
        "0.3",
    ]
    words += ["--price", "12min", "--help", str(folder / "t.csv"), str(folder / "loop"), "--out", "--confidence", "nan"]
    words += ["0.5 kcal/mol", "1 meV/atom", "--force-unit", "--budget", "--strategy", "ladder_finetune", "--energies"]
    words += ["--level", "hf", "--charge", "9" * 400, "--workers", "-1", "\x1b[31mx", "x" * 5000, "--json", "--"]
    words += [str(word) for word in AWKWARD if isinstance(word, str) and "\0" not in word and word.isprintable()]
    chosen = [rng.choice(words[:10]), *(rng.choice(words) for _ in range(rng.randrange(6)))]
    command(*[word.encode("utf-8", "replace").decode() for word in chosen])


def command(*words: str) -> None:
    """Run a command of the program; its refusal is raised as `InputError`.

    Raises:
        InputError: it ended with exit code 2.
    """
    from sweeps import cli

    before, out = sys.argv, io.StringIO()
    sys.argv = ["asteroid-study", *words]
    typer.main.get_command = command_tree
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(out):
            cli.main()
    except SystemExit as end:
        if end.code == 1:
            raise RuntimeError(out.getvalue()) from None
        if end.code:
            message = out.getvalue().rstrip("\n").split("\n")
            error = InputError("refused")
            error.args = (message[-1],)
            raise error from None
    finally:
        sys.argv, typer.main.get_command = before, make_command_tree


DOORS: dict[str, tuple[Door, int]] = {
    "npz": (label_npz, 16),
    "xyz": (label_xyz, 22),
    "database": (label_database, 5),
    "sweep": (sweep_file, 16),
    "table": (table, 9),
    "study": (study, 8),
    "target": (target, 4),
    "run folder": (run_folder, 5),
    "journal": (journal, 14),
    "stage": (stage, 14),
    "purchase": (purchase, 5),
    "model": (model, 6),
    "arguments": (arguments, 1),
}


def try_input(name: str, door: Door, seed: int, report: Report, folder: Path) -> None:
    """Put one damaged input through a door, in an empty folder that is emptied again, and keep what became of it."""
    try:
        with limited(HANG_S), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            door(folder, random.Random(seed))
        report.passed[name] += 1
    except InputError as error:
        message = str(error)
        bad = [c for c in message if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        if len(message) >= MESSAGE_MAX or bad:
            report.failures.append(f"{name} {seed}: message of {len(message)} characters, {bad[:3]}: {message[:200]!r}")
        report.refused[name] += 1
    except HungError:
        report.failures.append(f"{name} {seed}: longer than {HANG_S} s")
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        report.failures.append(f"{name} {seed}: {type(error).__name__} at {place}: {str(error)[:300]!r}")
    finally:
        for entry in folder.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink()


def fuzz(inputs: int, seed: int = 0, only: str = "") -> Report:
    """Damage so many inputs, those of each door as often as its weight says."""
    report, rng = Report(), random.Random(seed)
    names = [name for name, (_, weight) in DOORS.items() for _ in range(weight) if only in name]
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        for number in range(inputs):
            name = rng.choice(names)
            try_input(name, DOORS[name][0], seed * 10**7 + number, report, Path(folder))
    return report


def main() -> None:
    """Print what became of the inputs; exit code 1 where one failed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="doors whose name holds this")
    parser.add_argument("--input", type=int, default=None, help="repeat one input by its seed")
    given = parser.parse_args()
    began = time.perf_counter()
    if given.input is not None:
        report = Report()
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            for name, (door, _) in DOORS.items():
                if given.only in name:
                    try_input(name, door, given.input, report, Path(folder))
    else:
        report = fuzz(given.inputs, given.seed, given.only)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    for name in DOORS:
        print(f"{name:12s} {report.passed[name]:6d} read  {report.refused[name]:6d} refused")
    print(f"{len(report.failures)} failures, {time.perf_counter() - began:.0f} s, at most {peak / 2**30:.2f} GiB")
    for failure in report.failures[:40]:
        print("  ", failure)
    sys.exit(1 if report.failures or peak > MEMORY_MAX else 0)


if __name__ == "__main__":
    main()

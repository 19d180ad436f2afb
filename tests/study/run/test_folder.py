from __future__ import annotations

import errno
import fcntl
import json
import re
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from asteroid.errors import InputError
from study.config.sweep_text import parse_sweep, sweep_plain, sweep_yaml
from study.files import locked
from study.labelling.work_folder import claimed_work
from study.run.folder import check_disk_space, check_folder, claimed, scratch_path, sweep_path

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from study.config.sweep import Sweep

TEXT = """
name: one
data: {dataset: methanol}
test: {groups: [3]}
strategies: [accurate_only]
budgets: [20, 50]
seeds: [0, 1]
identify: {steps: 100, learning_rate: 0.01}
"""


def sweep(**changes: object) -> Sweep:
    return parse_sweep(yaml.safe_dump({**yaml.safe_load(TEXT), **changes}), "sweep.yaml", Path())


def refusal(folder: Path, ours: Sweep) -> str:
    before = contents(folder)
    with pytest.raises(InputError) as caught:
        check_folder(folder, ours)
    message = str(caught.value)
    assert "\n" not in message
    assert "choose another" in message
    assert contents(folder) == before
    return message


def contents(folder: Path) -> dict[str, bytes | None]:
    everything = [folder, *folder.rglob("*")]
    return {str(p): p.read_bytes() if p.is_file() else None for p in everything if p.exists()}


def run_folder(tmp_path: Path, ours: Sweep) -> Path:
    folder = tmp_path / "run"
    with claimed(folder, ours):
        pass
    return folder


def test_a_new_folder_an_empty_one_and_the_own_one_will_do(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "deep", sweep())
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "empty").mkdir()
    check_folder(tmp_path / "empty", sweep())
    folder = run_folder(tmp_path, sweep())
    (folder / "results.csv").write_text("a")
    check_folder(folder, sweep())


def test_a_claim_writes_the_sweep_in_full(tmp_path: Path) -> None:
    ours = sweep()
    folder = run_folder(tmp_path, ours)
    assert parse_sweep(sweep_path(folder).read_text(), "own", folder) == ours
    before = contents(folder)
    with claimed(folder, ours):
        pass
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"budgets": [20, 60]}, "budgets: it has [20, 50], the new sweep [20, 60]"),
        ({"seeds": [0, 1, 2]}, "seeds: it has [0, 1], the new sweep [0, 1, 2]"),
        (
            {"identify": {"steps": 100, "learning_rate": 0.02}},
            "identify.learning_rate: it has 0.01, the new sweep 0.02",
        ),
        ({"test": {"share": 0.2}}, "test.groups: it has [3], the new sweep None"),
        ({"model": {"hidden": 8}}, "model.hidden: it has 32, the new sweep 8"),
        ({"pack_size": 4}, "pack_size: it has 16, the new sweep 4"),
        ({"finetune": {"a": {"steps": 30, "learning_rate": 1}}}, "finetune.a is only in the new sweep"),
        ({"data": {"dataset": "methanol", "prices": {"gfn2-xtb": 1}}}, "data.prices.gfn2-xtb is only in the new sweep"),
        ({"name": "two", "seeds": [5]}, "name: it has one, the new sweep two"),
    ],
)
def test_the_first_difference_to_another_sweep_is_named(
    tmp_path: Path, changes: dict[str, object], difference: str
) -> None:
    folder = run_folder(tmp_path, sweep())
    message = refusal(folder, sweep(**changes))
    assert f"{folder} was made by another sweep ({difference})" in message


def test_a_folder_from_before_some_keys_existed_goes_on(tmp_path: Path) -> None:
    searched = {"budgets": [20], "trials": 4, "subset_seeds": [7, 8], "space": {"hidden": [8, 16]}}
    folder = run_folder(tmp_path, sweep(tune=searched))
    older = yaml.safe_load((folder / "sweep.yaml").read_text())
    del older["tune"]["schedule"], older["tune"]["pruning"]
    (folder / "sweep.yaml").write_text(yaml.safe_dump(older))
    check_folder(folder, sweep(tune=searched))
    says = refusal(folder, sweep(tune={**searched, "schedule": "async"}))
    assert "tune.schedule: it has rounds, the new sweep async" in says


def test_numbers_of_frames_grow_level_by_level(tmp_path: Path) -> None:
    levels = {"dataset": "methanol", "cheap": ["gfn2-xtb", "mp2/cc-pvdz"]}
    old = {"gfn2-xtb": [500], "mp2/cc-pvdz": [60]}
    folder = run_folder(tmp_path, sweep(data=levels, n_cheap=old))
    check_folder(folder, sweep(data=levels, n_cheap=old | {"gfn2-xtb": [500, 4000]}), extend=True)
    for other in ({"gfn2-xtb": [500]}, old | {"gfn2-xtb": [4000]}, [500, 60]):
        with pytest.raises(InputError, match="n_cheap"):
            check_folder(folder, sweep(data=levels, n_cheap=other), extend=True)
    plain = run_folder(tmp_path / "plain", sweep())
    assert "levels" not in yaml.safe_load((plain / "sweep.yaml").read_text())["data"], "as earlier versions wrote it"


def test_what_only_the_old_sweep_has_is_a_difference_too(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, sweep(finetune={"a": {"steps": 30, "learning_rate": 1}}))
    assert "finetune.a is only in its sweep" in refusal(folder, sweep())


def test_the_same_sweep_written_in_another_way_is_no_difference(tmp_path: Path) -> None:
    folder = run_folder(tmp_path, sweep())
    check_folder(folder, sweep(pack_size=16, gamma_rel=["inf"], model={"hidden": 32}, n_cheap=[]))


@pytest.mark.parametrize("name", ["thesis.txt", "results.csv", "store/abc/stage.json"])
def test_a_folder_of_something_else(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text("mine")
    assert f"found other files in {tmp_path}" in refusal(tmp_path, sweep())


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    assert f"found the file {path}" in refusal(path, sweep())


@pytest.mark.parametrize("content", ["name: [", "", "- 1\n", "budgets"])
def test_a_sweep_copy_that_somebody_broke(tmp_path: Path, content: str) -> None:
    folder = run_folder(tmp_path, sweep())
    sweep_path(folder).write_text(content)
    assert str(folder) in refusal(folder, sweep())


def test_a_folder_left_by_a_driver_killed_at_once(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text("4242")
    (tmp_path / ".sweep.yaml.tmp").write_text("name: o")
    check_folder(tmp_path, sweep())
    with claimed(tmp_path, sweep()):
        check_folder(tmp_path, sweep())


def test_scratch_files_of_a_killed_driver_go_with_the_next_claim(tmp_path: Path) -> None:
    scratch_path(tmp_path).mkdir()
    frames = scratch_path(tmp_path) / "0.npy"
    frames.touch()
    with pytest.raises(InputError), claimed(tmp_path, sweep()):
        pytest.fail("somebody else's folder")
    sweep_path(tmp_path).write_text(sweep_yaml(sweep()))
    with locked(tmp_path), pytest.raises(InputError), claimed(tmp_path, sweep()):
        pytest.fail("their driver lives")
    assert frames.exists()
    with claimed(tmp_path, sweep()):
        assert not scratch_path(tmp_path).exists()
        scratch_path(tmp_path).mkdir()
    assert scratch_path(tmp_path).exists(), "whoever made them removes them"


HOLDER = """
import fcntl, os, sys, time
lock = open(sys.argv[1], "w")
fcntl.flock(lock, fcntl.LOCK_EX)
lock.write(str(os.getpid()))
lock.flush()
print("held", flush=True)
time.sleep(60)
"""


def test_a_living_driver_keeps_others_out_and_a_dead_one_does_not(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path / ".lock")], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(InputError) as caught, claimed(tmp_path, sweep()):
                pytest.fail("the folder is taken")
        finally:
            holder.kill()
    message = str(caught.value)
    assert f"{tmp_path} is in use by process {holder.pid}: wait for it or stop it first" in message
    assert "\n" not in message
    assert not sweep_path(tmp_path).exists()
    with claimed(tmp_path, sweep()):  # the number of the dead one is still in the file
        assert sweep_path(tmp_path).exists()


@pytest.mark.parametrize(
    "claim",
    [lambda folder: claimed(folder, sweep()), lambda folder: claimed_work(folder, {})],
    ids=["run folder", "work folder"],
)
def test_a_file_system_without_locks(
    claim: Callable[[Path], AbstractContextManager[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    says = rf"^{re.escape(str(tmp_path))} needs a file system with locks .* \(No locks available\)"
    with pytest.raises(InputError, match=says), claim(tmp_path):
        pytest.fail("nobody is kept out")
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_a_claim_ends_with_its_block_even_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), claimed(tmp_path, sweep()):
        raise ZeroDivisionError
    with (
        claimed(tmp_path, sweep()),
        pytest.raises(InputError, match=r"in use by process \d+: wait"),
        claimed(tmp_path, sweep()),
    ):
        pytest.fail("held by this very process")


def test_room_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    asked: list[Path] = []

    def ten_mib_left(place: Path) -> object:
        asked.append(Path(place))
        return usage(100 * 2**20, 90 * 2**20, 10 * 2**20)

    monkeypatch.setattr(shutil, "disk_usage", ten_mib_left)
    check_disk_space(tmp_path / "not" / "there", 10 * 2**20)
    assert asked == [tmp_path], "the disk of the nearest folder that exists"
    with pytest.raises(InputError) as caught:
        check_disk_space(tmp_path / "not" / "there", 11 * 2**20)
    message = str(caught.value)
    assert "needs about 11 MiB" in message
    assert "has 10 MiB free" in message
    assert "choose another place" in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b"name: \xff\xfe"])
def test_a_sweep_copy_that_a_power_cut_emptied_names_the_way_on(tmp_path: Path, content: bytes) -> None:
    folder = run_folder(tmp_path, sweep())
    (folder / "manifest.json").write_text(json.dumps({"sweep": sweep_plain(sweep())}))
    sweep_path(folder).write_bytes(content)
    with pytest.raises(InputError) as caught:
        check_folder(folder, sweep())
    message = str(caught.value)
    assert f"{sweep_path(folder)} is " in message
    assert "remove it and repeat the command" in message
    assert len(message) < 500
    sweep_path(folder).unlink()
    check_folder(folder, sweep())

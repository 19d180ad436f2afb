"""Exported folders: read back they predict the same; damaged, foreign and hostile ones are refused in one line."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from exported_methanol import force_field, frames
from safetensors.torch import load_file, save_file

from asteroid.content_digest import content_digest
from asteroid.deploy import folder as folder_module
from asteroid.deploy.folder import is_model, read_force_field, write_force_field
from asteroid.deploy.record import record_text
from asteroid.errors import InputError
from asteroid.labelling import cheap_methods

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported") / "model"
    write_force_field(force_field(), folder)
    return folder


@pytest.fixture
def model(exported: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(exported, tmp_path / "model"))


def refusal(folder: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_force_field(folder)
    message = str(caught.value)
    assert "\n" not in message
    return message


def restated(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the record of a folder as somebody would who knows how digests are made."""
    plain = json.loads((folder / "model.json").read_text())
    del plain["digest"]
    change(plain)
    for name in ("weights.safetensors", "frames.safetensors"):
        content = (folder / name).read_bytes()
        plain["files"][name] = {"size": len(content), "digest": content_digest(content)}

    class Made:
        def model_dump(self, **_: str) -> dict[str, Any]:
            return plain

    (folder / "model.json").write_text(record_text(Made()))  # type: ignore[arg-type]


def test_what_is_read_back_predicts_the_same(exported: Path) -> None:
    made, found = force_field(), read_force_field(exported)
    numbers, positions = frames().numbers, frames().positions
    for a, b in zip(made.predict(numbers, positions), found.predict(numbers, positions), strict=True):
        assert np.array_equal(a, b)
    spreads = made.spread(numbers, positions), found.spread(numbers, positions)
    assert spreads[0] is not None
    assert spreads[1] is not None
    assert np.array_equal(spreads[0].forces, spreads[1].forces)
    assert (found.level, found.cheap_level, len(found.committee)) == ("ccsd_t/cc-pvdz", None, 2)
    assert np.array_equal(found.trained_on.positions, positions)
    assert found.card == made.card


def test_a_model_on_top_of_a_cheap_method_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "model"
    made = force_field(1, cheap="gfn2-xtb")
    write_force_field(made, folder)
    found = read_force_field(folder)
    numbers, positions = frames().numbers, frames().positions[:2]
    assert np.array_equal(found.predict(numbers, positions)[0], made.predict(numbers, positions)[0])
    assert (folder / "requirements.txt").read_text().splitlines()[-1].startswith("tblite")
    monkeypatch.setattr(cheap_methods, "find_spec", lambda _: None)
    assert "adds to gfn2-xtb, which runs at every prediction: install tblite" in refusal(folder)


def test_a_model_on_top_of_a_calculator_of_the_users_runs_it_once_that_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_emt.py").write_text("from ase.calculators.emt import EMT as make\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", [*sys.path])
    monkeypatch.setenv(cheap_methods.ALLOWED, "own_emt:make")
    made = force_field(1, cheap="own_emt:make")
    write_force_field(made, tmp_path / "model")
    found = read_force_field(tmp_path / "model")
    numbers, positions = frames().numbers, frames().positions[:2]
    assert np.array_equal(found.predict(numbers, positions)[0], made.predict(numbers, positions)[0])
    monkeypatch.delenv(cheap_methods.ALLOWED)
    assert "set ASTEROID_STUDY_CALCULATORS=own_emt:make" in refusal(tmp_path / "model")


def test_an_export_replaces_an_earlier_one_and_nothing_else(model: Path, tmp_path: Path) -> None:
    (model / "old").write_text("")
    write_force_field(force_field(1), model)
    assert not (model / "old").exists()
    assert not read_force_field(model).committee
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("")
    with pytest.raises(InputError, match="folder of its own, found other files"):
        write_force_field(force_field(1), other)
    assert not is_model(other)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_foreign_and_damaged_folders_are_refused(model: Path, tmp_path: Path) -> None:
    assert "found none named" in refusal(tmp_path / "nowhere")
    assert "needs model.json" in refusal(tmp_path)
    weights = model / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-4] + b"\0\0\0\1")
    assert "its digest differs" in refusal(model)
    weights.write_bytes(content[:100])
    assert "its digest differs" in refusal(model)
    weights.unlink()
    assert "needs weights.safetensors" in refusal(model)
    (model / "model.json").write_bytes(b"\xff\xfe")
    assert "UTF-8" in refusal(model)


def test_links_pipes_and_huge_files_are_not_opened(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    weights = model / "weights.safetensors"
    aside = tmp_path / "elsewhere"
    weights.rename(aside)
    weights.symlink_to(aside)
    assert "plain files, found another kind" in refusal(model)
    weights.unlink()
    os.mkfifo(weights)
    assert "plain files, found another kind" in refusal(model)
    weights.unlink()
    aside.rename(weights)
    monkeypatch.setattr(folder_module, "_MOST_BYTES", 1000)
    assert "at most 1,000 bytes" in refusal(model)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda plain: plain["descriptors"].update(n_radial=10**9), "n_radial"),
        (lambda plain: plain["descriptors"].update(n_radial=64, n_angular=64, l_max=12, sites=[0] * 6), "damaged"),
        (lambda plain: plain["members"][0][0]["settings"].update(hidden=10**9), "out of range"),
        (lambda plain: plain["members"][0][0]["settings"].update(hidden=4096), "weights are not those"),
        (lambda plain: plain["members"][0][0]["settings"].update(hidden=9), "weights, found"),
        (lambda plain: plain["members"][0][0]["settings"].update(depth=9), "found 'depth'"),
        (lambda plain: plain["members"][0][0].update(architecture="os.system"), "architectures"),
        (lambda plain: plain["members"][0][0].update(architecture="sgdml"), "damaged|kernel"),
        (lambda plain: plain["members"].append(plain["members"][0]), "damaged"),
        (lambda plain: plain.update(numbers=[6] * 2000), "numbers"),
        (lambda plain: plain.update(numbers=[6, 8, 1, 1, 1, 2]), "damaged|sites"),
        (lambda plain: plain.update(run="rm -rf /"), "run"),
        (lambda plain: plain.update(schema_version=2), "schema 2, this release reads 1"),
        (lambda plain: plain.update(format="other"), "found another file"),
        (lambda plain: plain["card"]["training"].update(n_labels=-1), "n_labels"),
    ],
)
def test_records_that_were_made_up_are_refused(
    model: Path, change: Callable[[dict[str, Any]], None], found: str
) -> None:
    restated(model, change)
    with pytest.raises(InputError, match=found):
        read_force_field(model)


def test_a_record_edited_by_hand_is_refused(model: Path) -> None:
    path = model / "model.json"
    path.write_text(path.read_text().replace("ccsd_t/cc-pvdz", "ccsd_t/cc-pvqz"))
    assert "changed after its export" in refusal(model)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda t: t["0.0.parameters"].mul_(1.1), "predicts other numbers here"),
        (lambda t: t.update({"0.0.parameters": t["0.0.parameters"][:-1].clone()}), "weights, found"),
        (lambda t: t["0.1.parameters"].fill_(torch.nan), "finite numbers"),
        (lambda t: t.update({"0.0.mean": torch.zeros(1, 7)}), "scaling"),
        (lambda t: t.pop("0.1.parameters"), "KeyError"),
    ],
)
def test_weights_of_another_model_are_refused(
    model: Path, change: Callable[[dict[str, Any]], None], found: str
) -> None:
    """Also those that a version with other descriptors wrote: it would predict something else."""
    tensors = load_file(model / "weights.safetensors")
    change(tensors)
    save_file(tensors, model / "weights.safetensors")
    restated(model, lambda _: None)
    with pytest.raises(InputError, match=found):
        read_force_field(model)

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asteroid.models.mlp import MLPSettings
from asteroid.models.network import Scaling
from asteroid.models.schnet import SchNetSettings
from asteroid.models.sgdml.model import KernelModel
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.models.trained import TrainedNetwork
from asteroid.stages.stage import StageResult
from study.engine.store import StageStore

MODEL = MLPSettings(hidden=5, layers=1)


def spec_of(kind: str, model: MLPSettings | SchNetSettings | KernelSettings) -> dict[str, Any]:
    plain = json.loads(json.dumps({**vars(model), "architecture": model.architecture}))
    return {"kind": kind, "parents": ["p"], "gamma_rel": 0.3, "schedule": {"steps": 20}, "model": plain}


def result(key: str = "abc", seed: int = 0, **changes: Any) -> StageResult:
    generator = torch.Generator().manual_seed(seed)
    scaling = Scaling(
        mean=torch.randn(1, 7, generator=generator),
        inverse_std=torch.rand(1, 7, generator=generator),
        force_scale_ev_ang=torch.rand(1, generator=generator),
    )
    return StageResult(
        key=key,
        spec=spec_of("pretrain", MODEL),
        model=TrainedNetwork(MODEL, torch.randn(50, generator=generator), scaling, -3148.123456789012),
        val_force_mae_ev_ang=0.1 + 0.2,
        core_s=1 / 3,
        **{"validation_curve": ((10, 0.5), (20, 0.1 + 0.2)), **changes},
    )


def same_bits(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype == b.dtype and a.shape == b.shape and a.numpy().tobytes() == b.numpy().tobytes()


def assert_same(a: StageResult, b: StageResult) -> None:
    for name in a.__dataclass_fields__:
        if name != "model":
            assert getattr(a, name) == getattr(b, name), name
    assert type(a.model) is type(b.model)
    assert a.model.settings == b.model.settings
    assert a.model.energy_shift_ev == b.model.energy_shift_ev
    assert same_bits(a.model.parameters, b.model.parameters)
    for name in ("mean", "inverse_std", "force_scale_ev_ang"):
        assert same_bits(getattr(a.model.scaling, name), getattr(b.model.scaling, name)), name


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"gamma_ev_ang": 0.1, "effective_sample": 12.5, "bias_quantiles_ev_ang": (0.1, 0.2, 0.1 + 0.2)},
        {"status": "loss not finite at step 20"},
        {"warnings": ("one doubt", "another"), "energy_shift_ev": -3147.5},
    ],
)
def test_there_and_back_to_the_last_bit(tmp_path: Path, changes: dict[str, Any]) -> None:
    store = StageStore(tmp_path / "store")
    original = result(**changes)
    store.save(original)
    assert "abc" in store
    assert_same(store.load("abc"), original)
    assert sorted(p.name for p in (tmp_path / "store" / "abc").iterdir()) == ["stage.json", "weights.safetensors"]
    assert [p.name for p in (tmp_path / "store").iterdir()] == ["abc"]


def test_each_architecture_comes_back(tmp_path: Path) -> None:
    store = StageStore(tmp_path)
    for key, model in (("m", MODEL), ("s", SchNetSettings(hidden=7, layers=2, n_gaussians=9, cutoff_ang=4.5))):
        original = replace(result(key), spec=spec_of("residual", model))
        original = replace(original, model=replace(original.model, settings=model))
        store.save(original)
        assert_same(store.load(key), original)


def test_a_kernel_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    numbers, group = torch.tensor([8, 1, 1]), torch.tensor([[0, 1, 2], [0, 2, 1]])
    generator = torch.Generator().manual_seed(0)
    table = torch.randn(2, 4, 3, dtype=torch.float64, generator=generator)
    kernel = KernelModel(numbers, group, table[0], table[1], 20, 0.1 + 0.2, -3148.123456789012)
    original = replace(result(validation_curve=()), spec=spec_of("kernel", KernelSettings()), model=kernel)
    store = StageStore(tmp_path)
    store.save(original)
    again = store.load("abc")
    assert isinstance(again.model, KernelModel)
    for name, value in vars(kernel).items():
        found = getattr(again.model, name)
        assert same_bits(found, value) if isinstance(value, torch.Tensor) else found == value, name
    assert (again.spec, again.validation_curve, again.core_s) == (original.spec, (), original.core_s)


def test_a_stage_without_force_labels_has_no_error_rather_than_an_infinite_one(tmp_path: Path) -> None:
    scored = replace(result(), spec=spec_of("score_match", MODEL), val_force_mae_ev_ang=math.nan)
    store = StageStore(tmp_path)
    store.save(scored)
    again = store.load("abc")
    assert math.isnan(again.val_force_mae_ev_ang)
    assert again.validation_curve == scored.validation_curve


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.lists(st.floats(-1e300, 1e300), min_size=3, max_size=3))
def test_every_number_comes_back(tmp_path: Path, numbers: list[float]) -> None:
    store = StageStore(tmp_path)
    shutil.rmtree(tmp_path / "abc", ignore_errors=True)
    a, b, c = numbers
    original = result(gamma_ev_ang=a, effective_sample=b, bias_quantiles_ev_ang=(a, b, c))
    original = replace(original, core_s=c, model=replace(original.model, energy_shift_ev=a))
    store.save(original)
    assert_same(store.load("abc"), original)


def test_weights_that_share_memory_with_others(tmp_path: Path) -> None:
    # Members of a pack are rows of one tensor; so can their scalings be.
    together = torch.arange(40.0).reshape(4, 10)
    one = replace(result(), model=replace(result().model, parameters=together[2]))
    one = replace(
        one, model=replace(one.model, scaling=Scaling(together[1:2, ::2], together[1:2, ::2], together[0, :1]))
    )
    store = StageStore(tmp_path)
    store.save(one)
    assert_same(store.load("abc"), one)


def test_a_stage_that_diverged(tmp_path: Path) -> None:
    broken = replace(
        result(status="loss not finite at step 10"),
        validation_curve=((10, math.nan), (20, math.inf)),
        val_force_mae_ev_ang=math.inf,
    )
    broken = replace(
        broken, model=replace(broken.model, energy_shift_ev=math.nan, parameters=torch.full((5,), math.nan))
    )
    store = StageStore(tmp_path)
    store.save(broken)
    json.loads(
        (tmp_path / "abc" / "stage.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} is no JSON")
    )
    again = store.load("abc")
    assert again.status == broken.status
    assert again.val_force_mae_ev_ang == math.inf
    assert again.validation_curve == ((10, math.inf), (20, math.inf))
    assert math.isnan(again.model.energy_shift_ev)
    assert same_bits(again.model.parameters, broken.model.parameters)


def test_what_a_killed_writer_leaves_behind_is_removed(tmp_path: Path) -> None:
    store = StageStore(tmp_path)
    store.save(result())
    leftover = tmp_path / ".def.4242.tmp"
    leftover.mkdir()
    (leftover / "weights.safetensors").write_bytes(b"half of")
    assert "def" not in store
    store.sweep_leftovers()
    assert [p.name for p in tmp_path.iterdir()] == ["abc"]
    assert_same(store.load("abc"), result())
    StageStore(tmp_path / "not there yet").sweep_leftovers()


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


TEARS = {
    "no weights": lambda folder: (folder / "weights.safetensors").unlink(),
    "half the weights": lambda folder: truncate(folder / "weights.safetensors"),
    "empty weights": lambda folder: (folder / "weights.safetensors").write_bytes(b""),
    "no record": lambda folder: (folder / "stage.json").unlink(),
    "half the record": lambda folder: truncate(folder / "stage.json"),
    "empty record": lambda folder: (folder / "stage.json").write_text(""),
    "record of zeros": lambda folder: (folder / "stage.json").write_bytes(b"\0" * 100),
    "empty folder": lambda folder: [file.unlink() for file in folder.iterdir()],
    "other weights": lambda folder: (folder / "weights.safetensors").write_bytes(OTHER_WEIGHTS),
}


def _other_weights() -> bytes:
    from safetensors.torch import save

    return save({"mean": torch.zeros(1, 7)})


OTHER_WEIGHTS = _other_weights()


@pytest.mark.parametrize("tear", TEARS)
def test_a_torn_stage_is_absent_and_can_be_saved_again(tmp_path: Path, tear: str) -> None:
    store = StageStore(tmp_path)
    store.save(result())
    TEARS[tear](tmp_path / "abc")
    with pytest.raises(KeyError, match=r"abc|parameters"):
        store.load("abc")
    if "abc" in store:
        shutil.rmtree(tmp_path / "abc")  # what a run does with it
    store.save(result())
    assert_same(store.load("abc"), result())
    assert [p.name for p in tmp_path.iterdir()] == ["abc"]


def test_a_stage_that_was_never_saved(tmp_path: Path) -> None:
    store = StageStore(tmp_path / "store")
    assert "abc" not in store
    with pytest.raises(KeyError, match="abc"):
        store.load("abc")


def test_saving_twice_keeps_the_first(tmp_path: Path) -> None:
    store = StageStore(tmp_path)
    store.save(result(seed=0))
    before = {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in (tmp_path / "abc").iterdir()}
    store.save(result(seed=1))
    assert {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in (tmp_path / "abc").iterdir()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["abc"]


def test_two_writers_at_once_leave_one_whole_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stores = [StageStore(tmp_path), StageStore(tmp_path)]
    ready = Barrier(2)
    rename = Path.rename
    failed: list[BaseException] = []

    def both_before_either(self: Path, target: Path) -> Path:
        ready.wait(timeout=10)  # both have written, neither has renamed
        return rename(self, target)

    def write(number: int) -> None:
        try:
            stores[number].save(result())
        except BaseException as error:  # a thread's failure must reach the test
            failed.append(error)

    monkeypatch.setattr(Path, "rename", both_before_either)
    threads = [Thread(target=write, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert [p.name for p in tmp_path.iterdir()] == ["abc"]
    assert_same(StageStore(tmp_path).load("abc"), result())


def test_a_full_disk_is_reported_and_leaves_no_stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    store = StageStore(tmp_path)
    with monkeypatch.context() as full:
        full.setattr(Path, "rename", no_room)
        with pytest.raises(OSError, match="No space left"):
            store.save(result())
    assert "abc" not in store
    assert list(tmp_path.iterdir()) == []


def test_damaged_weights_are_not_taken_for_a_stage(tmp_path: Path) -> None:
    store = StageStore(tmp_path)
    store.save(result())
    weights = tmp_path / "abc" / "weights.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
    with pytest.raises(KeyError):
        store.load("abc")


def test_files_of_another_stage_are_not_taken_for_this_one(tmp_path: Path) -> None:
    store = StageStore(tmp_path)
    store.save(result("one"))
    store.save(result("two", seed=1))
    for name in ("stage.json", "weights.safetensors"):
        shutil.copy(tmp_path / "one" / name, tmp_path / "two" / name)
    with pytest.raises(KeyError):
        store.load("two")


@pytest.mark.parametrize("content", ["null", "[]", "{}", "[" * 100_000, '{"key": "abc"}'])
def test_a_record_of_another_shape_is_torn(tmp_path: Path, content: str) -> None:
    store = StageStore(tmp_path)
    store.save(result())
    (tmp_path / "abc" / "stage.json").write_text(content)
    with pytest.raises(KeyError):
        store.load("abc")


def test_a_changed_number_in_a_record_is_not_believed(tmp_path: Path) -> None:
    store = StageStore(tmp_path)
    store.save(saved := result())
    record = tmp_path / saved.key / "stage.json"
    text = record.read_text()
    assert store.load(saved.key).core_s == saved.core_s
    record.write_text(text.replace('"core_s": ', '"core_s": 1', 1))
    with pytest.raises(KeyError):
        store.load(saved.key)

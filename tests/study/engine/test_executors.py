"""What every executor must do; a further one joins by its name in `EXECUTORS` and in the fixture."""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from asteroid.datasets import load_methanol
from asteroid.descriptors.frame_bank import BankEntry, FrameBank, build_bank
from asteroid.descriptors.layout import DescriptorSettings
from asteroid.labels.label_set import content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.models.schnet import SchNetSettings
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages.stage import Frames, KernelStage, NetworkStage, ScoreSettings, Seeds
from asteroid.stages.train import train_pack
from asteroid.training.schedule import Schedule
from study.engine.executors import Executor, PackJob, SerialExecutor
from study.ray_backend.executor import RayExecutor
from study.recipes.packs import Pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from asteroid.stages.kinds import NetworkStageKind
    from asteroid.stages.stage import StageResult

EXECUTORS: dict[str, Callable[[FrameBank], Executor]] = {
    "serial": SerialExecutor,
    "ray": partial(RayExecutor, workers=min(2, os.cpu_count() or 1)),
}

ACCURATE, CHEAP = "ccsd_t/cc-pvdz", "gfn2-xtb"
DESCRIPTORS = DescriptorSettings(n_radial=4, n_angular=2, l_max=1)
SCHEDULE = Schedule(steps=12, learning_rate=0.01, warmup_steps=3, batch_size=4, validations=3)


@cache
def bank_and_hashes() -> tuple[FrameBank, dict[str, list[str]]]:
    methanol = load_methanol()
    accurate, cheap = methanol.accurate.select(np.arange(20)), methanol.cheap.select(np.arange(0, 400, 10))
    hashes = {labels.level: content_hashes(labels) for labels in (accurate, cheap)}
    entries = [
        BankEntry(accurate, hashes[accurate.level], cheap=(methanol.cheap.select(accurate.frame_id),)),
        BankEntry(cheap, hashes[cheap.level], n_probes=2),
    ]
    return build_bank(DESCRIPTORS, entries), hashes


@pytest.fixture(scope="module", params=["serial", pytest.param("ray", marks=pytest.mark.xdist_group("ray"))])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    torch.set_num_threads(1)
    made = EXECUTORS[request.param](bank_and_hashes()[0])
    yield made
    made.close()


def spec(
    kind: NetworkStageKind, seed: int, parents: tuple[str, ...] = (), gamma_rel: float | None = None
) -> NetworkStage:
    level = CHEAP if kind in ("pretrain", "score_match") else ACCURATE
    frames = bank_and_hashes()[1][level]
    return NetworkStage(
        kind=kind,
        descriptors=DESCRIPTORS,
        model=MLPSettings(hidden=6),
        schedule=SCHEDULE,
        train=Frames(level, tuple(frames[3:])),
        val=Frames(level, tuple(frames[:3])),
        seeds=Seeds(0, seed, 7 if kind == "pretrain" else seed),
        parents=parents,
        gamma_rel=gamma_rel,
    )


def kernel_stage(settings: KernelSettings) -> KernelStage:
    own = spec("identify", 0)
    return KernelStage(DESCRIPTORS, settings, own.train, own.val, Seeds(0, 0, 0))


def identify_pack() -> Pack:
    return Pack(tuple(spec("identify", seed) for seed in (5, 3, 9)), share_batches=False)


def bits(result: StageResult) -> tuple[object, ...]:
    tensors = result.model.tensors()
    return (
        result.key,
        type(result.model),
        *(tensors[name].numpy().tobytes() for name in sorted(tensors)),
        result.validation_curve,
        repr(result.val_force_mae_ev_ang),  # NaN differs from itself
        result.gamma_ev_ang,
        result.effective_sample,
        result.bias_quantiles_ev_ang,
        result.status,
    )


def test_results_come_in_the_order_of_the_pack(executor: Executor) -> None:
    pack = identify_pack()
    results = executor.submit(PackJob(pack)).result(timeout=60)
    assert [r.key for r in results] == [s.key for s in pack.specs]
    assert [r.spec for r in results] == [s.to_json() for s in pack.specs]
    assert [r.status for r in results] == ["ok"] * 3
    backwards = executor.submit(PackJob(replace(pack, specs=pack.specs[::-1]))).result(timeout=60)
    assert [r.key for r in backwards] == [s.key for s in pack.specs[::-1]]
    for one, other in zip(results, backwards[::-1], strict=True):
        assert torch.allclose(one.model.parameters, other.model.parameters, atol=1e-4)


def test_the_same_pack_gives_the_same_bits(executor: Executor) -> None:
    pack = identify_pack()
    first = executor.submit(PackJob(pack)).result(timeout=60)
    assert [bits(r) for r in executor.submit(PackJob(pack)).result(timeout=60)] == [bits(r) for r in first]
    here = train_pack(bank_and_hashes()[0], pack.specs, {}, share_batches=pack.share_batches)
    assert [bits(r) for r in here] == [bits(r) for r in first], "wherever it is trained"


def test_a_place_that_repeats_another_gives_a_result_too(executor: Executor) -> None:
    pack = identify_pack()
    results = executor.submit(PackJob(pack.only([pack.specs[1].key]))).result(timeout=60)
    assert [r.key for r in results] == [pack.specs[1].key] * 3


def test_a_stage_in_its_place_has_the_same_bits_beside_fillers(executor: Executor) -> None:
    pack = identify_pack()
    full = executor.submit(PackJob(pack)).result(timeout=60)
    for place, own in enumerate(pack.specs):
        filled = executor.submit(PackJob(pack.only([own.key]))).result(timeout=60)
        assert bits(filled[place]) == bits(full[place])


def test_parents_are_where_children_start_and_who_weighs_for_them(executor: Executor) -> None:
    teachers = executor.submit(PackJob(identify_pack())).result(timeout=60)
    parents = {t.key: t.model for t in teachers}
    chosen = [teachers[0].key, teachers[2].key]
    pretrain = Pack(tuple(spec("pretrain", 1, (key,), 1.0) for key in chosen), share_batches=True)
    results = executor.submit(PackJob(pretrain, parents)).result(timeout=60)
    here = train_pack(bank_and_hashes()[0], pretrain.specs, parents, share_batches=True)
    assert [bits(r) for r in here] == [bits(r) for r in results], "shared batches are read as the pack says"
    assert results[0].bias_quantiles_ev_ang != results[1].bias_quantiles_ev_ang
    assert all(r.gamma_ev_ang == r.bias_quantiles_ev_ang[1] for r in results if r.bias_quantiles_ev_ang)
    assert not torch.equal(results[0].model.parameters, results[1].model.parameters)
    still = replace(SCHEDULE, learning_rate=1e-12)
    tuned = Pack(tuple(replace(spec("finetune", 1, (key,)), schedule=still) for key in chosen), share_batches=True)
    for key, result in zip(chosen, executor.submit(PackJob(tuned, parents)).result(timeout=60), strict=True):
        assert torch.allclose(result.model.parameters, parents[key].parameters, atol=1e-6)


def differences(parent: str) -> dict[str, Pack]:
    """A pack of each kind of stage beyond the three of the method; `parent` is the key of a trained network."""
    residual = spec("residual", 1, (parent,))
    kernel = kernel_stage(KernelSettings(sigmas=(10, 20)))
    base = Frames(CHEAP, tuple(f"cheap {row}" for row in range(20)))
    score = replace(spec("score_match", 1), score=ScoreSettings(500.0, 2))
    hot = replace(score, score=ScoreSettings(700.0, 2))
    return {
        "residual": Pack((residual, replace(residual, seeds=Seeds(0, 8, 9))), share_batches=False),
        "kernel": Pack((kernel,), share_batches=True),
        "kernel on a network": Pack((replace(kernel, parents=(parent,)),), share_batches=True),
        "kernel on a cheap method": Pack((replace(kernel, base=base),), share_batches=True),
        "score_match": Pack((score, hot), share_batches=True),
        "schnet": Pack((replace(spec("identify", 1), model=SchNetSettings(hidden=4, layers=1)),), share_batches=True),
    }


@pytest.mark.parametrize("name", differences(""))
def test_every_kind_of_stage_comes_out_the_same_wherever_it_is_trained(executor: Executor, name: str) -> None:
    (parent,) = train_pack(bank_and_hashes()[0], [spec("identify", 5)], {})
    pack, parents = differences(parent.key)[name], {parent.key: parent.model}
    here = train_pack(bank_and_hashes()[0], pack.specs, parents, share_batches=pack.share_batches)
    results = executor.submit(PackJob(pack, parents)).result(timeout=180)
    assert [r.status for r in results] == ["ok"] * len(pack.specs)
    assert [bits(r) for r in results] == [bits(r) for r in here]
    for place, own in enumerate(pack.specs):
        filled = executor.submit(PackJob(pack.only([own.key]), parents)).result(timeout=180)
        assert bits(filled[place]) == bits(here[place])


def test_a_kernel_without_a_solution_fails_its_own_row(executor: Executor) -> None:
    kernel = kernel_stage(KernelSettings(sigmas=(10,), regularisation=1e-300))
    twice = replace(kernel, train=Frames(ACCURATE, kernel.train.hashes[:4] * 2))
    (result,) = executor.submit(PackJob(Pack((twice,), share_batches=True))).result(timeout=60)
    assert "raise the regularisation" in result.status
    assert "\n" not in result.status


def test_a_failure_arrives_through_the_future(executor: Executor) -> None:
    orphan = Pack((spec("finetune", 1, ("nobody",)),), share_batches=True)
    future = executor.submit(PackJob(orphan))
    assert isinstance(future.exception(timeout=60), KeyError)
    with pytest.raises(KeyError, match="nobody"):
        future.result(timeout=60)
    unknown = replace(spec("identify", 1), train=Frames(ACCURATE, ("no such frame",)))
    assert executor.submit(PackJob(Pack((unknown,), share_batches=True))).exception(timeout=60) is not None
    assert executor.submit(PackJob(identify_pack())).exception(timeout=60) is None, "it goes on after a failure"


def test_validation_errors_are_told_while_it_trains(executor: Executor) -> None:
    seen: list[tuple[int, list[float]]] = []
    results = executor.submit(PackJob(identify_pack(), {}, lambda step, errors: seen.append((step, errors)))).result(
        timeout=60
    )
    assert [step for step, _ in seen] == [4, 8, 12]
    curves = zip(*(r.validation_curve for r in results), strict=True)
    assert seen == [(points[0][0], [error for _, error in points]) for points in curves]


def test_packs_that_are_submitted_together_do_not_mix(executor: Executor) -> None:
    assert executor.slots >= 1
    pack = identify_pack()
    packs = [pack, replace(pack, specs=pack.specs[:2]), pack]
    alone = [[bits(r) for r in executor.submit(PackJob(one)).result(timeout=60)] for one in packs]
    futures = [executor.submit(PackJob(one)) for one in packs]
    assert [[bits(r) for r in future.result(timeout=60)] for future in futures] == alone

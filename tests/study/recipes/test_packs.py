from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asteroid.descriptors.layout import DescriptorSettings
from asteroid.models.mlp import MLPSettings
from asteroid.stages.stage import Frames, NetworkStage, Seeds
from asteroid.training.schedule import Schedule
from study.recipes.packs import Pack, plan_rounds

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from asteroid.stages.kinds import NetworkStageKind

Chain = tuple[NetworkStage, ...]


def stage(
    kind: NetworkStageKind,
    frames: int,
    seed: int,
    parents: Sequence[NetworkStage] = (),
    gamma: float | None = None,
    **rates: float,
) -> NetworkStage:
    level = "cheap" if kind == "pretrain" else "accurate"
    names = tuple(f"{level} {seed} {i}" for i in range(frames))
    schedule = Schedule(**{"steps": 100, "learning_rate": 0.01, **rates})
    return NetworkStage(
        kind=kind,
        descriptors=DescriptorSettings(),
        model=MLPSettings(),
        schedule=schedule,
        train=Frames(level, names[1:]),
        val=Frames(level, names[:1]),
        seeds=Seeds(seed, seed, seed),
        parents=tuple(p.key for p in parents),
        gamma_rel=gamma,
    )


def chain(strategy: str, budget: int, n_cheap: int, seed: int, gamma: float, rate: float, steps: int) -> Chain:
    identify = stage("identify", budget, seed)
    plain = stage("pretrain", n_cheap, seed)
    if strategy == "accurate_only":
        return (identify,)
    if strategy == "cheap_only":
        return (plain,)
    tuned = {"learning_rate": rate, "steps": steps}
    if strategy == "pretrain_finetune":
        return (plain, stage("finetune", budget, seed, [plain], **tuned))
    weighted = stage("pretrain", n_cheap, seed, [identify], gamma)
    return (identify, weighted, stage("finetune", budget, seed, [weighted], **tuned))


chains = st.lists(
    st.builds(
        chain,
        st.sampled_from(["accurate_only", "cheap_only", "pretrain_finetune", "asteroid"]),
        st.sampled_from([5, 8, 12]),
        st.sampled_from([20, 30]),
        st.integers(0, 3),
        st.sampled_from([0.3, 1.0, 3.0]),
        st.sampled_from([0.01, 0.001]),
        st.sampled_from([50, 100]),
    ),
    max_size=20,
)
sizes = st.integers(1, 9)
few = settings(max_examples=40, deadline=None)


def packs_of(rounds: list[list[Pack]]) -> list[Pack]:
    return [pack for packs in rounds for pack in packs]


@few
@given(chains, sizes)
def test_every_stage_once_and_parents_in_earlier_rounds(given_chains: list[Chain], size: int) -> None:
    rounds = plan_rounds(given_chains, size)
    at = {spec.key: number for number, packs in enumerate(rounds) for pack in packs for spec in pack.specs}
    listed = [spec.key for pack in packs_of(rounds) for spec in pack.specs]
    assert len(listed) == len(set(listed))
    assert set(listed) == {spec.key for one in given_chains for spec in one}
    for pack in packs_of(rounds):
        for spec in pack.specs:
            assert all(at[key] < at[spec.key] for key in spec.parents)
    assert all(rounds)


@few
@given(chains, sizes)
def test_no_pack_is_too_large_and_none_is_much_smaller_than_its_siblings(given_chains: list[Chain], size: int) -> None:
    for packs in plan_rounds(given_chains, size):
        for pack in packs:
            assert 1 <= len(pack.specs) <= size
        alike: dict[object, list[int]] = {}
        for pack in packs:
            first = pack.specs[0]
            frames = first.train.digest if pack.kind == "pretrain" else ""
            alike.setdefault((pack.kind, first.schedule.steps, frames), []).append(len(pack.specs))
        for lengths in alike.values():
            assert max(lengths) - min(lengths) <= 1
            assert len(lengths) == -(-sum(lengths) // size), "no more packs than needed"


@few
@given(chains, sizes)
def test_members_of_a_pack_can_train_as_one(given_chains: list[Chain], size: int) -> None:
    for pack in packs_of(plan_rounds(given_chains, size)):
        shapes = {
            (s.kind, s.train.level, s.model, s.descriptors, s.schedule.steps, s.schedule.batch_size,
             s.schedule.force_loss, s.schedule.validations)
            for s in pack.specs
        }  # fmt: skip
        assert len(shapes) == 1
        shared = {(s.train, s.seeds.batches) for s in pack.specs}
        assert pack.kind != "pretrain" or len(shared) == 1, "a pretraining pack shares frames and batches"
        assert len(shared) == 1 or not pack.share_batches


@few
@given(chains, sizes, st.randoms(use_true_random=False))
def test_rounds_are_a_pure_function_of_the_stages(given_chains: list[Chain], size: int, rng: random.Random) -> None:
    rounds = plan_rounds(given_chains, size)
    assert plan_rounds(given_chains, size) == rounds
    repeated = [*given_chains, *rng.choices(given_chains, k=5)] if given_chains else []
    assert plan_rounds(repeated, size) == rounds, "a stage that many rows share is one stage"
    copies = [tuple(NetworkStage(**vars_of(spec)) for spec in one) for one in given_chains]
    assert plan_rounds(copies, size) == rounds


def vars_of(spec: NetworkStage) -> dict[str, object]:
    return {name: getattr(spec, name) for name in spec.__dataclass_fields__}


@few
@given(chains, sizes, st.randoms(use_true_random=False))
def test_filled_packs_keep_their_places(given_chains: list[Chain], size: int, rng: random.Random) -> None:
    for pack in packs_of(plan_rounds(given_chains, size)):
        keys = [spec.key for spec in pack.specs]
        wanted = rng.sample(keys, rng.randint(1, len(keys)))
        filled = pack.only(wanted)
        assert len(filled.specs) == len(pack.specs)
        assert filled.share_batches == pack.share_batches
        for own, now in zip(pack.specs, filled.specs, strict=True):
            assert now.key == own.key if own.key in wanted else now.key in wanted
        assert set(filled.parents) == {key for spec in pack.specs if spec.key in wanted for key in spec.parents}
        assert pack.only(keys) == pack
        assert pack.only([*wanted, "unknown"]) == pack.only(reversed(wanted)) == filled


def test_unweighted_pretraining_waits_for_the_weighted_one_and_trains_beside_it() -> None:
    rows = [chain(s, 8, 20, 0, gamma, 0.01, 50) for s in ("pretrain_finetune", "asteroid") for gamma in (0.3, 1.0, 3.0)]
    rounds = plan_rounds(rows, 16)
    assert [[(p.kind, len(p.specs), p.share_batches) for p in packs] for packs in rounds] == [
        [("identify", 1, True)],
        [("pretrain", 4, True)],
        [("finetune", 4, True)],  # one seed and one budget: the same frames, hence the same batches
    ]
    without_teachers = plan_rounds([row for row in rows if len(row) == 2], 16)
    assert [[p.kind for p in packs] for packs in without_teachers] == [["pretrain"], ["finetune"]]


def test_different_budgets_have_batches_of_their_own() -> None:
    (packs,) = plan_rounds([chain("accurate_only", n, 20, 0, 1, 1, 50) for n in (5, 8)], 16)
    assert [(len(p.specs), p.share_batches) for p in packs] == [(2, False)]


@pytest.mark.parametrize(
    ("stages", "size", "lengths"), [(7, 3, [2, 3, 2]), (16, 16, [16]), (17, 16, [8, 9]), (2, 1, [1, 1])]
)
def test_packs_are_even(stages: int, size: int, lengths: list[int]) -> None:
    (packs,) = plan_rounds([chain("accurate_only", 8, 20, seed, 1, 1, 50) for seed in range(stages)], size)
    assert sorted(len(p.specs) for p in packs) == sorted(lengths)


def test_no_rows_need_no_rounds() -> None:
    assert plan_rounds([], 16) == []

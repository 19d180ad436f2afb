from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asteroid.descriptors import streaming
from asteroid.descriptors.describe import bytes_per_frame, describe
from asteroid.descriptors.frame_bank import BankEntry, FrameBank, build_bank
from asteroid.descriptors.layout import DescriptorSettings, Layout, make_layout
from asteroid.descriptors.streaming import choose_streamed, stream_batches
from asteroid.labels.label_set import LabelSet, content_hashes
from asteroid.models.mlp import MLPSettings
from asteroid.stages.bias_weights import estimate_bias
from asteroid.stages.stage import Frames, NetworkStage, ScoreSettings, Seeds, StageResult
from asteroid.stages.train import train_pack
from asteroid.training.schedule import Schedule
from study.ray_backend.shared_bank import SharedBank

NUMBERS = np.array([6, 8, 1, 1, 1, 1])
LAYOUT = make_layout(NUMBERS, DescriptorSettings(n_radial=3, n_angular=2, l_max=1))
PER_FRAME = bytes_per_frame(LAYOUT)
ACCURATE, CHEAP = "ccsd_t/cc-pvdz", "gfn2-xtb"


@pytest.fixture(scope="module")
def positions() -> torch.Tensor:
    rng = np.random.default_rng(0)
    return torch.tensor(1.5 * rng.normal(size=(40, 6, 3)))


@pytest.fixture
def described_at_once(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of frames of every call of `describe`."""
    calls: list[int] = []

    def counting(layout: Layout, at: np.ndarray, **kwargs: object) -> object:
        calls.append(len(at))
        return describe(layout, at, **kwargs)

    monkeypatch.setattr(streaming, "describe", counting)
    return calls


@pytest.mark.parametrize("chunk_frames", [0, 1, 7, 16, 1000])
@pytest.mark.parametrize("shape", [(5,), (1, 5), (3, 4)], ids=str)
def test_batches_are_what_a_described_level_holds(
    positions: torch.Tensor, shape: tuple[int, ...], chunk_frames: int
) -> None:
    values, jacobians = describe(LAYOUT, positions.numpy())
    batches = [torch.randint(40, shape, generator=torch.Generator().manual_seed(i)) for i in range(7)]
    seen = 0
    streamed = stream_batches(LAYOUT, positions, batches, chunk_frames * PER_FRAME)
    for batch, (own_values, own_jacobians) in zip(batches, streamed, strict=True):
        assert own_values.shape == (*shape, LAYOUT.width)
        assert own_jacobians.shape == (*shape, LAYOUT.width, 18)
        assert own_values.dtype == own_jacobians.dtype == torch.float32
        assert torch.allclose(own_values, values[batch], rtol=1e-6, atol=1e-6 * float(values.abs().max()))
        assert torch.allclose(own_jacobians, jacobians[batch], rtol=1e-6, atol=1e-6 * float(jacobians.abs().max()))
        seen += 1
    assert seen == 7


def test_batches_may_differ_in_size(positions: torch.Tensor) -> None:
    values, _ = describe(LAYOUT, positions.numpy())
    batches = torch.arange(40).split(9)
    found = [own.clone() for own, _ in stream_batches(LAYOUT, positions, batches, 20 * PER_FRAME)]
    assert [len(own) for own in found] == [9, 9, 9, 9, 4]
    assert torch.allclose(torch.cat(found), values, atol=1e-6)


def test_looks_ahead_as_far_as_the_bound_and_no_farther(positions: torch.Tensor, described_at_once: list[int]) -> None:
    batches = torch.arange(40).view(10, 4)
    asked = []

    def rows() -> object:
        for batch in batches:
            asked.append(1)
            yield batch

    streamed = stream_batches(LAYOUT, positions, rows(), 14 * PER_FRAME)
    next(streamed)
    assert described_at_once == [12]
    assert len(asked) == 4  # the fourth did not fit any more
    assert sum(1 for _ in streamed) == 9
    assert described_at_once == [12, 12, 12, 4]


def test_a_batch_above_the_bound_is_described_alone(positions: torch.Tensor, described_at_once: list[int]) -> None:
    batches = [torch.arange(3), torch.arange(20), torch.arange(2)]
    assert sum(1 for _ in stream_batches(LAYOUT, positions, batches, 10 * PER_FRAME)) == 3
    assert described_at_once == [3, 20, 2]


def test_memory_is_written_again(positions: torch.Tensor) -> None:
    places = {own.data_ptr() for _, own in stream_batches(LAYOUT, positions, torch.arange(40).view(20, 2), 0)}
    assert len(places) == 1


def test_without_batches_nothing_is_described(positions: torch.Tensor, described_at_once: list[int]) -> None:
    assert list(stream_batches(LAYOUT, positions, [])) == []
    assert described_at_once == []


@given(
    sizes=st.dictionaries(st.sampled_from(["ccsd", "dft", "mmff", "pbe", "xtb"]), st.integers(0, 50)),
    budget=st.integers(0, 120),
)
def test_largest_levels_are_streamed_until_the_rest_fits(sizes: dict[str, int], budget: int) -> None:
    streamed = choose_streamed(LAYOUT, sizes, budget * PER_FRAME)
    stored = [n for level, n in sizes.items() if level not in streamed]
    assert sum(stored) <= budget
    if streamed:
        smallest = min(sizes[level] for level in streamed)
        assert smallest >= max(stored, default=0)
        assert sum(stored) + smallest > budget


@pytest.fixture(scope="module")
def entries(methanol_sets: tuple[LabelSet, LabelSet]) -> list[BankEntry]:
    accurate, cheap = methanol_sets
    return [BankEntry(accurate, content_hashes(accurate)), BankEntry(cheap, content_hashes(cheap), n_probes=2)]


@pytest.fixture(scope="module")
def stored(entries: list[BankEntry]) -> FrameBank:
    return build_bank(LAYOUT.settings, entries, memory_bytes=1e9)


@pytest.fixture(scope="module")
def streamed(entries: list[BankEntry]) -> FrameBank:
    bank = build_bank(LAYOUT.settings, entries, memory_bytes=0)
    assert all(tensors.descriptors is None and tensors.jacobians is None for tensors in bank.levels.values())
    return bank


def chain(bank: FrameBank) -> list[list[NetworkStage]]:
    """Packs: a teacher; three weighted pretrainings with shared batches; two fine-tunings with batches of their own."""

    def some(level: str, start: int, stop: int) -> Frames:
        return Frames(level, tuple(bank.rows[level])[start:stop])

    schedule = Schedule(steps=30, learning_rate=3e-3, warmup_steps=5, validations=3)
    accurate = some(ACCURATE, 0, 40), some(ACCURATE, 40, 60)
    teacher = NetworkStage("identify", LAYOUT.settings, MLPSettings(8, 2), schedule, *accurate, Seeds(0, 1, 2))
    cheap = some(CHEAP, 0, 160), some(CHEAP, 160, 200)
    pretrain = [
        replace(
            teacher,
            kind="pretrain",
            train=cheap[0],
            val=cheap[1],
            seeds=Seeds(0, k, 3),
            parents=(teacher.key,),
            gamma_rel=1.0 + k,
        )
        for k in range(3)
    ]
    finetune = [
        replace(teacher, kind="finetune", train=some(ACCURATE, 0, 20 + k), seeds=Seeds(0, k, k), parents=(p.key,))
        for k, p in enumerate(pretrain[:2])
    ]
    return [[teacher], pretrain, finetune]


def train_chain(bank: FrameBank) -> list[StageResult]:
    results: dict[str, StageResult] = {}
    for specs in chain(bank):
        models = {key: result.model for key, result in results.items()}
        shared = specs[0].kind == "pretrain"
        results |= {r.key: r for r in train_pack(bank, specs, models, share_batches=shared)}
    return list(results.values())


def test_a_chain_on_streamed_levels_is_that_on_stored_ones(stored: FrameBank, streamed: FrameBank) -> None:
    """Same arithmetic but for the grouping of frames: rounding of single precision, grown over three stages."""
    for one, other in zip(train_chain(stored), train_chain(streamed), strict=True):
        assert one.key == other.key
        assert one.status == other.status == "ok"
        assert other.val_force_mae_ev_ang == pytest.approx(one.val_force_mae_ev_ang, rel=1e-4)
        assert other.effective_sample == (one.effective_sample and pytest.approx(one.effective_sample, rel=1e-4))
        distance = (one.model.parameters - other.model.parameters).norm() / one.model.parameters.norm()
        assert distance < 1e-4
        assert other.model.energy_shift_ev == pytest.approx(one.model.energy_shift_ev, abs=1e-4)


def test_scores_are_matched_on_a_streamed_level(stored: FrameBank, streamed: FrameBank) -> None:
    (_, (spec, *_), _) = chain(stored)
    spec = replace(spec, kind="score_match", parents=(), gamma_rel=None, score=ScoreSettings(300.0, n_probes=2))
    one, other = (train_pack(bank, [spec], {})[0] for bank in (stored, streamed))
    assert [error for _, error in other.validation_curve] == pytest.approx(
        [error for _, error in one.validation_curve], rel=1e-3
    )


def test_training_and_passes_over_all_frames_keep_to_the_bound(
    streamed: FrameBank, described_at_once: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "CHUNK_BYTES", 25 * PER_FRAME)
    monkeypatch.setattr("asteroid.models.predict._CHUNK", 12)
    results = train_chain(streamed)
    estimate_bias(streamed, CHEAP, torch.arange(200), [results[0].model])
    assert max(described_at_once) <= 24
    assert sum(described_at_once) > 3 * 30 * 10


def test_workers_get_the_positions_of_a_streamed_level(stored: FrameBank, streamed: FrameBank) -> None:
    shared = SharedBank.of(streamed)
    assert shared.nbytes < SharedBank.of(stored).nbytes - 260 * PER_FRAME + 1
    opened = pickle.loads(pickle.dumps(shared)).open()
    assert opened.levels[CHEAP].jacobians is None
    (teacher,), *_ = chain(streamed)
    here, there = (train_pack(bank, [teacher], {})[0] for bank in (streamed, opened))
    assert torch.equal(here.model.parameters, there.model.parameters)

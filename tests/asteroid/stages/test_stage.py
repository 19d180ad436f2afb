from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from asteroid.descriptors.layout import DescriptorSettings
from asteroid.models.mlp import MLPSettings
from asteroid.models.schnet import SchNetSettings
from asteroid.models.sgdml.settings import KernelSettings
from asteroid.stages import stage as stages
from asteroid.stages.stage import Frames, KernelStage, NetworkStage, ScoreSettings, Seeds
from asteroid.training.schedule import Schedule

if TYPE_CHECKING:
    from asteroid.stages.stage import StageSpec

ACCURATE, CHEAP = "ccsd_t/cc-pvdz", "gfn2-xtb"
MODEL = MLPSettings(hidden=16)
SCHEDULE = Schedule(steps=20, learning_rate=5e-3, warmup_steps=5, validations=4)
EXAMPLE = NetworkStage(
    kind="pretrain",
    descriptors=DescriptorSettings(sites=(1, 0, 0)),
    model=MODEL,
    schedule=SCHEDULE,
    train=Frames(CHEAP, ("aa", "bb", "cc")),
    val=Frames(CHEAP, ("dd",)),
    seeds=Seeds(0, 1, 2),
    parents=("q", "p"),
    gamma_rel=1.0,
    base=Frames("other", ("ee", "ff")),
    score=ScoreSettings(500.0, 3),
)
ACCURATE_FRAMES = {
    "train": Frames(ACCURATE, ("aa", "bb", "cc")),
    "val": Frames(ACCURATE, ("dd",)),
    "seeds": Seeds(0, 1, 2),
}
SITES, PLAIN = DescriptorSettings(sites=(1, 0, 0)), DescriptorSettings()
KERNEL = KernelStage(
    SITES,
    KernelSettings(),
    Frames(ACCURATE, ("aa", "bb")),
    Frames(ACCURATE, ("cc",)),
    Seeds(0, 1, 2),
    ("p",),
    Frames(CHEAP, ("dd", "ee")),
)


def leaves(value: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Paths to all plain fields of nested dataclasses, so that a field added later is tested without a word."""
    if not dataclasses.is_dataclass(value):
        return [path]
    return [leaf for f in dataclasses.fields(value) for leaf in leaves(getattr(value, f.name), (*path, f.name))]


def other_than(value: object) -> list[object]:
    """Neighbours of a setting that must not be taken for it."""
    if isinstance(value, str):
        return [value + "x"]
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    if isinstance(value, float):
        return [math.nextafter(value, 1e9)]
    assert isinstance(value, tuple)
    if isinstance(value[0], int) and list(value) == sorted(value):  # length scales, which rise
        return [(*value, value[-1] + 1), value[:-1], (value[0] - 1, *value[1:])]
    return [(*value, "zz"), value[:-1], ("zz", *value[1:]), *([value[::-1]] if len(value) > 1 else [])]


def changed(spec: object, path: tuple[str, ...], value: object) -> object:
    if not path:
        return value
    return replace(spec, **{path[0]: changed(getattr(spec, path[0]), path[1:], value)})


def test_equal_specs_have_equal_keys() -> None:
    twin = replace(
        EXAMPLE,
        descriptors=DescriptorSettings(sites=(1, 0, 0)),
        schedule=replace(SCHEDULE),
        train=Frames(CHEAP, ("aa", "bb", "cc")),
        seeds=Seeds(data=0, weights=1, batches=2),
    )
    assert twin == EXAMPLE
    assert twin.key == EXAMPLE.key
    assert len(EXAMPLE.key) == 32


@pytest.mark.parametrize(
    ("example", "path"),
    [(example, path) for example in (replace(EXAMPLE, given="m"), KERNEL) for path in leaves(example)],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else value.kind,
)
def test_any_changed_field_changes_the_key(example: StageSpec, path: tuple[str, ...]) -> None:
    value = example
    for name in path:
        value = getattr(value, name)
    specs = [example, *(changed(example, path, new) for new in other_than(value))]
    assert len(specs) > 1
    assert len({spec.key for spec in specs}) == len(specs)


def test_keys_tell_no_weights_from_weights_and_roles_apart() -> None:
    specs = [
        EXAMPLE,
        replace(EXAMPLE, gamma_rel=None),
        replace(EXAMPLE, parents=()),
        replace(EXAMPLE, train=EXAMPLE.val, val=EXAMPLE.train),
        replace(EXAMPLE, train=Frames(CHEAP, ("aab", "b", "cc"))),
        replace(EXAMPLE, train=Frames(CHEAP, ("aabb", "cc"))),
    ]
    assert len({spec.key for spec in specs}) == len(specs)


def test_the_trainer_version_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    assert EXAMPLE.to_json()["trainer_version"] == stages.TRAINER_VERSION
    before = EXAMPLE.key
    monkeypatch.setattr(stages, "TRAINER_VERSION", stages.TRAINER_VERSION + 1)
    assert replace(EXAMPLE).key != before


def test_plain_data_names_frames_by_number_and_digest() -> None:
    plain = EXAMPLE.to_json()
    assert plain["train"] == {"level": CHEAP, "n": 3, "digest": EXAMPLE.train.digest}
    assert plain["parents"] == ["q", "p"]
    assert plain["gamma_rel"] == 1.0
    assert "aa" not in str(plain)  # 100,000 hashes have no place in every stage's record


#: Keys of stages, and digests of their records in the order of writing, as every release has made them. Whoever changes
#: them trains all finished stages of all runs again.
EXAMPLES: dict[str, tuple[StageSpec, str, str]] = {
    "identify": (
        NetworkStage("identify", None, SchNetSettings(), SCHEDULE, **ACCURATE_FRAMES),
        "30cdbb5b02bd68745b9be6654f2477d2",
        "0883d6a958d2b215",
    ),
    "pretrain": (
        NetworkStage("pretrain", SITES, MLPSettings(16), SCHEDULE, **ACCURATE_FRAMES, parents=("q",), gamma_rel=1.0),
        "6e29262d464007d731fc4082adb2a899",
        "f8be94f4063475f8",
    ),
    "score_match": (
        NetworkStage("score_match", PLAIN, MLPSettings(), SCHEDULE, **ACCURATE_FRAMES, score=ScoreSettings(500.0, 3)),
        "502d0b419e9bb8097368177a09636fab",
        "beb794832b8f16dd",
    ),
    "finetune": (
        NetworkStage("finetune", PLAIN, MLPSettings(), SCHEDULE, **ACCURATE_FRAMES, parents=("p",)),
        "2fd3c0d4659051931fb92f196e82cf08",
        "c4e47e61fa8263e9",
    ),
    "residual": (
        NetworkStage("residual", PLAIN, MLPSettings(), SCHEDULE, **ACCURATE_FRAMES, parents=("p",)),
        "2b31628fc7ac6f51624b411ac1cc61c8",
        "78f1922bb85f582b",
    ),
    "kernel": (
        KernelStage(PLAIN, KernelSettings(), **ACCURATE_FRAMES, parents=("p",)),
        "c31e1bf7f213ec2ba0c7949e5168cc2d",
        "dc9f996b8004be55",
    ),
    "kernel on a cheap method": (
        KernelStage(
            None,
            KernelSettings((10,), 1e-9, False, 3),
            **ACCURATE_FRAMES,
            base=Frames(CHEAP, ("ee", "ff", "gg", "hh")),
        ),
        "53ccb80466fd8ce35a133979dc740d53",
        "de130766fe389fa6",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_keys_and_records_are_those_of_earlier_releases(name: str) -> None:
    spec, key, record = EXAMPLES[name]
    assert spec.key == key
    assert hashlib.blake2b(json.dumps(spec.to_json()).encode(), digest_size=8).hexdigest() == record

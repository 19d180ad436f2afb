"""The command lines of an outside trainer: what may stand in them, and how they are filled in."""

from __future__ import annotations

import pytest

from asteroid.errors import InputError
from asteroid.models.architectures import settings_type
from asteroid.models.outside.settings import CommandSettings, filled

TRAIN, PREDICT = "fit {train} {valid} {model}", "apply {model} {frames} {predictions}"


def test_braces_that_hold_no_name_are_the_programs_own_and_spaces_in_paths_stay() -> None:
    line = "fit --E0s='{1: 0.0}' --data={train} --rate {learning_rate}"
    values = {"train": "/a folder/train.xyz", "learning_rate": 0.01}
    assert filled(line, values) == ["fit", "--E0s={1: 0.0}", "--data=/a folder/train.xyz", "--rate", "0.01"]


def test_it_is_an_architecture_by_name() -> None:
    assert settings_type("command") is CommandSettings
    assert not CommandSettings(train=TRAIN, predict=PREDICT).finetunes
    assert CommandSettings(train=TRAIN, predict=PREDICT, finetune=TRAIN + " {start}").finetunes
    with pytest.raises(ValueError, match="no network in this process"):
        CommandSettings(train=TRAIN, predict=PREDICT).network(None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train": " "}, "train must be a command line, found nothing: write for instance python train.py"),
        ({"train": "fit '{train}"}, r"train must be a command line, .* \(No closing quotation\): close its quotes"),
        ({"train": "fit {train} {epochs}"}, r"train may name {model}, .*, found {epochs}: correct it"),
        ({"train": "fit {valid}"}, r"train must name {train} or {settings}, found 'fit {valid}': add it"),
        ({"train": TRAIN + " {start}"}, r"train may name .*, found {start}: correct it"),
        ({"finetune": TRAIN}, r"finetune must name {start} or {settings}, found"),
        ({"predict": "apply {frames} {model}"}, r"predict must name {predictions}, found"),
        ({"time_limit": "0s"}, "time_limit must be positive, found '0s': write for instance 2h"),
    ],
)
def test_what_cannot_work_is_refused(changes: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CommandSettings(**{"train": TRAIN, "predict": PREDICT, **changes})

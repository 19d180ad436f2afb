"""One line for what pydantic refuses: the key, the rule, the value found, the remedy."""

import pytest
from pydantic import ValidationError

from study.config.messages import one_line
from study.config.stages import ScheduleSection, Section


class Inner(Section):
    steps: int
    sizes: tuple[int, ...] = ()


class Outer(Section):
    inner: Inner
    schedules: dict[str, ScheduleSection] = {}  # noqa: RUF012 - pydantic copies it


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"inner": {"steps": "x"}}, "inner.steps: Input should be a valid integer"),
        ({"inner": {}}, "inner.steps: this key is required: add it"),
        ({"inner": {"step": 1}}, "unknown key 'inner.step': did you mean 'steps'? (valid: steps, sizes)"),
        ({"inner": {"steps": 1, "sizes": 3}}, "inner.sizes: a list in brackets is needed, found 3"),
        ({"inner": {"steps": 1}, "schedules": {"mine": {"stepz": 1}}}, "did you mean 'steps'?"),
    ],
)
def test_a_mistake_is_one_line(data, words):
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(data)
    message = one_line(caught.value, Outer)
    assert words in message
    assert "\n" not in message

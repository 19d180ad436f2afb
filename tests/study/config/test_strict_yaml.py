from __future__ import annotations

import pytest
import yaml

from study.config.strict_yaml import load_yaml


def bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{i + 1}: &a{i + 1} [{', '.join([f'*a{i}'] * 9)}]" for i in range(levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (bomb(9), "with its aliases written out"),
        ("a: &a [*a]", "part of"),
        ("[" * 3000, "nested|too deeply"),
        ('a: !!int ""', "not what its tag says"),
        ("a: !!bool maybe", "not what its tag says"),
        ("a: !!timestamp x", "not what its tag says"),
        ("a: !!python/object/apply:os.system ['true']", "could not determine a constructor"),
        ("a: 1\na: 2", "stands twice, in line 1 and in line 2"),
        ("".join(f"k{i}: {i}\n" for i in range(20_000)), "more than 20,000 values$"),
        ("x" * 2_000_001, "more than the 2,000,000"),
    ],
)
def test_what_grows_or_is_not_what_it_says_is_refused(text: str, says: str) -> None:
    with pytest.raises(yaml.YAMLError, match=says):
        load_yaml(text)


def test_sound_files_with_anchors_are_read() -> None:
    assert load_yaml("a: &a {x: 1}\nb: *a\nc: {<<: *a, y: 2}") == {"a": {"x": 1}, "b": {"x": 1}, "c": {"x": 1, "y": 2}}
    assert load_yaml("") is None


@pytest.mark.parametrize("number", ["0x" + "f" * 5000, ":".join(["59"] * 200_000), "9" * 301])
def test_numbers_of_any_length_are_refused(number: str) -> None:
    with pytest.raises(yaml.YAMLError, match=r"a number has .* characters"):
        load_yaml(f"seeds: [{number}]")
    assert load_yaml("seeds: [0x10, 1_000, 7]") == {"seeds": [16, 1000, 7]}


def test_numbers_and_words_are_those_that_people_write() -> None:
    assert load_yaml("[1e3, -7e-3, 1.5E+2, 1_000, 0, 0.5, .inf]") == [1000.0, -0.007, 150.0, 1000, 0, 0.5, float("inf")]
    assert load_yaml("[no, yes, on, Off, true, False]") == ["no", "yes", "on", "Off", True, False]
    assert load_yaml("['020', '1:30']") == ["020", "1:30"]


@pytest.mark.parametrize(
    ("number", "says"), [("020", "would be 16"), ("-0_17", "would be -15"), ("1:30", "would be 90"), ("1:30.5", "60")]
)
def test_numbers_of_other_bases_are_refused(number: str, says: str) -> None:
    with pytest.raises(yaml.YAMLError, match=f"{number} in line 2 would be.*"):
        load_yaml(f"a: 1\nb: [{number}]")
    with pytest.raises(yaml.YAMLError, match=says):
        load_yaml(f"b: {number}")

"""Keys that stand twice are found at their own lines, at any depth."""

import pytest
import yaml

from study.config.strict_yaml import load_yaml


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\n\na: 3\n", "key 'a' stands twice, in line 1 and in line 4: remove one"),
        ("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "key 'c' stands twice, in line 3 and in line 5: remove one"),
        ("a: [{b: 1, b: 2}]\n", "key 'b' stands twice, in line 1 and in line 1: remove one"),
        ("a: 1\n'a': 2\n", "key 'a' stands twice, in line 1 and in line 2: remove one"),
    ],
)
def test_a_doubled_key_is_told_with_both_lines(text, words):
    with pytest.raises(yaml.YAMLError) as caught:
        load_yaml(text)
    assert str(caught.value) == words


def test_the_same_key_in_two_sections_is_none_of_it():
    assert load_yaml("a: {c: 1}\nb: {c: 2}\n1: x\n") == {"a": {"c": 1}, "b": {"c": 2}, 1: "x"}

"""Every key of a sweep or study file says what it means, in the words of one docstring."""

from __future__ import annotations

from study.config.meanings import add_meanings, attribute_meanings
from study.config.schema import file_schema


class Above:
    """Explains.

    Attributes:
        size: of the thing.
        colour: red, or
            blue: a choice.
    """


def test_attributes_are_read_from_a_docstring() -> None:
    assert attribute_meanings(Above.__doc__ or "") == {"size": "of the thing.", "colour": "red, or blue: a choice."}
    assert attribute_meanings("Nothing to explain.") == {}


def test_the_nearest_docstring_counts() -> None:
    own = "A thing.\n\nAttributes:\n    size: its own.\n\nRaises:\n    InputError: never."
    definition = {"description": own, "properties": {"size": {}, "colour": {}, "more": {}}}
    add_meanings(definition, (Above,))
    assert definition["description"] == "A thing. Raises: InputError: never."
    assert definition["properties"] == {
        "size": {"description": "its own."},
        "colour": {"description": "red, or blue: a choice."},
        "more": {},
    }


def test_every_key_of_a_file_has_a_meaning() -> None:
    silent = [
        (name, key)
        for name, section in file_schema()["$defs"].items()
        for one in section.get("anyOf", [section])
        for key, value in one.get("properties", {}).items()
        if not value.get("description")
    ]
    assert silent == []

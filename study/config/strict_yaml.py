"""YAML in which a key that stands twice is a mistake, not the last one's victory."""

from __future__ import annotations

from typing import Any

import yaml


class _StrictLoader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key_node, _ in node.value:
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if isinstance(key, str) and key in lines:
                raise yaml.YAMLError(f"key {key!r} stands twice, in line {lines[key]} and in line {line}: remove one")
            if isinstance(key, str):
                lines[key] = line
        return super().construct_mapping(node, deep)


def load_yaml(text: str) -> Any:
    """The content of a YAML text.

    Raises:
        yaml.YAMLError: it is no YAML, or a mapping has a key twice.
        ValueError: a date does not exist.
    """
    return yaml.load(text, _StrictLoader)  # noqa: S506 - a SafeLoader that refuses doubled keys

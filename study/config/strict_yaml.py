"""YAML from anybody: a key that stands twice is a mistake, and no few lines grow beyond all measure.

Numbers and words are those of YAML 1.2, as people write them: 1e3 is a number, no is a word, and 020 and 1:30, which
YAML 1.1 reads in base 8 and 60, are refused.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from asteroid.plain_text import one_line

#: Characters of a file, and values in it, as it stands and once its aliases are written out.
_TEXT_MAX, _VALUES_MAX = 2_000_000, 20_000
#: Characters of a number: in base 16 and 60 YAML makes numbers of any length, which cannot be written in base 10.
_NUMBER_MAX = 300
_OTHER_BASE = re.compile(r"[-+]?(?:0[0-9_]+$|[0-9_]+:)")
#: Values inside values inside values.
_DEPTH_MAX = 50


class _StrictLoader(yaml.SafeLoader):
    n_values = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.n_values += 1  # counted on the way: PyYAML reads a few thousand values a second
        if self.n_values > _VALUES_MAX:
            raise yaml.YAMLError(f"it has more than {_VALUES_MAX:,} values")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key, line = self.construct_object(key_node, deep=True), key_node.start_mark.line + 1
            if isinstance(key, str) and key in lines:
                raise yaml.YAMLError(f"key {key!r} stands twice, in line {lines[key]} and in line {line}: remove one")
            if isinstance(key, str):
                lines[key] = line
        return super().construct_mapping(node, deep)

    def construct_short_int(self, node: yaml.ScalarNode) -> int:
        if len(node.value) > _NUMBER_MAX:
            raise yaml.YAMLError(f"a number has {len(node.value):,} characters, more than {_NUMBER_MAX}")
        value = int(self.construct_yaml_int(node))
        if _OTHER_BASE.match(node.value):
            base, line = 60 if ":" in node.value else 8, node.start_mark.line + 1
            raise yaml.YAMLError(
                f"{node.value} in line {line} would be {value} (a number in base {base}): write it without zeros in "
                "front and without colons, or a text in quotes"
            )
        return value

    def construct_plain_float(self, node: yaml.ScalarNode) -> float:
        if ":" in node.value:
            raise yaml.YAMLError(
                f"{node.value} in line {node.start_mark.line + 1} would be a number in base 60: write one without "
                "colons, or a text in quotes"
            )
        return float(self.construct_yaml_float(node))


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _StrictLoader.construct_short_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:float", _StrictLoader.construct_plain_float)
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)
_StrictLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(?:\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+.0123456789")
)


def load_yaml(text: str) -> Any:
    """The content of a YAML text.

    Raises:
        yaml.YAMLError: it is no YAML, a mapping has a key twice, a tag's value is none of its kind, or it is too large,
            too deep, or would be with its aliases written out.
    """
    if len(text) > _TEXT_MAX:
        raise yaml.YAMLError(f"it has {len(text):,} characters, more than the {_TEXT_MAX:,} of any such file")
    loader = _StrictLoader(text)
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _written_out(node, {}, 0)
        return loader.construct_document(node)
    except yaml.YAMLError:
        raise
    except RecursionError as error:
        raise yaml.YAMLError("it is nested too deeply") from error
    except Exception as error:  # constructors of tags raise whatever int(""), a dictionary or a date does
        raise yaml.YAMLError(f"a value is not what its tag says ({one_line(str(error), 100)})") from error
    finally:
        loader.dispose()


def _written_out(node: yaml.Node, known: dict[int, int | None], depth: int) -> int:
    """How many values a node has with its aliases written out.

    Raises:
        yaml.YAMLError: more than anybody writes, too deep, or a node is inside itself.
    """
    if id(node) in known:
        size = known[id(node)]
        if size is None:
            raise yaml.YAMLError("an alias stands for something that it is a part of")
        return size
    if depth > _DEPTH_MAX:
        raise yaml.YAMLError(f"it is nested more than {_DEPTH_MAX} deep")
    known[id(node)] = None
    size = 1
    for item in node.value if isinstance(node, yaml.CollectionNode) else ():
        size += sum(_written_out(part, known, depth + 1) for part in (item if isinstance(item, tuple) else (item,)))
    if size > _VALUES_MAX:
        raise yaml.YAMLError(f"it has more than {_VALUES_MAX:,} values with its aliases written out")
    known[id(node)] = size
    return size

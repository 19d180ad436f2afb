"""Damage for the inputs of `fuzz.py`: bytes, text, plain data, records, arrays and tables."""

from __future__ import annotations

import io
import json
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import yaml

from study.files import write_record

if TYPE_CHECKING:
    import random
    from pathlib import Path

#: What stands in for a value.
AWKWARD: tuple[object, ...] = (
    *(None, True, "", "nan", "inf", "-inf", -1, 0, 1e308, -1e-308, 10**400, 2**63, "1e400", "\x1b[31mred\x1b[0m", "\0"),
    *("$\\frac{$", "=1+1", "../../etc/passwd", "<script>", "\u202eabc", "x" * 5000, [], {}, [[[]]], {"a": {"b": []}}),
    *("eV", "kcal/mol", "Hartree/Bohr", "1,5", "1.000,5", "12%", "٣", "\ud800", "é", 1.5, "true", "!!int x"),
)
#: Values of a table that are of some column's kind and make no sense there.
UNUSUAL: tuple[str | float | None, ...] = (
    None,
    -1,
    0,
    1.5,
    np.inf,
    np.nan,
    1e300,
    -(2**62),
    2**62,
    "",
    "inf",
    "accurate_only",
    "x",
)


def spoil_bytes(content: bytes, rng: random.Random) -> bytes:
    """Cut, flip, double, insert or exchange bytes."""
    if not content:
        return bytes(rng.randrange(256) for _ in range(rng.randrange(20)))
    a, b = sorted(rng.randrange(len(content) + 1) for _ in range(2))
    match rng.randrange(7):
        case 0:
            return content[:a]
        case 1:
            return content[:a] + content[b:]
        case 2:
            return content[:b] + content[a:]
        case 3:
            at = rng.randrange(len(content))
            return content[:at] + bytes((content[at] ^ (1 << rng.randrange(8)),)) + content[at + 1 :]
        case 4:
            return content[:a] + bytes(rng.randrange(256) for _ in range(rng.randrange(1, 9))) + content[a:]
        case 5:
            return content[:a] + b"\0" * (b - a) + content[b:]
        case _:
            return content[:a] + b"\n" + content[a:]


def spoil_text(text: str, rng: random.Random) -> str:
    """Replace, drop, double or exchange words or lines."""
    lines = text.split("\n")
    at = rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, lines[at])
        case 2:
            lines.insert(at, "")
        case 3:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        case _:
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = str(rng.choice(AWKWARD))
            lines[at] = " ".join(words)
    return "\n".join(lines)


def spoil_plain(value: object, rng: random.Random) -> object:
    """Replace, drop or add one value somewhere inside plain data."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = rng.choice(list(value))
        changed = dict(value)
        match rng.randrange(5):
            case 0:
                del changed[key]
            case 1:
                changed[str(rng.choice(AWKWARD))[:50]] = changed[key]
            case _:
                changed[key] = spoil_plain(value[key], rng)
        return changed
    if isinstance(value, list) and value and rng.random() < 0.7:
        at = rng.randrange(len(value))
        return [*value[:at], spoil_plain(value[at], rng), *value[at + 1 :]]
    return rng.choice(AWKWARD)


def as_yaml(value: object) -> str:
    """Plain data as YAML, by the quick dumper unless there is none or half a character in it."""
    plain = json.loads(json.dumps(value, default=str))
    with suppress(AttributeError, UnicodeEncodeError):
        return str(yaml.dump(plain, Dumper=yaml.CSafeDumper, allow_unicode=True))
    return str(yaml.safe_dump(plain, allow_unicode=True))


def spoil_array(array: np.ndarray, rng: random.Random) -> object:
    """Another shape, type or value."""
    match rng.randrange(7):
        case 0:
            return array[: rng.randrange(len(array) + 1)] if array.ndim else array.reshape(1)
        case 1 if array.dtype.kind in "fiu":
            return array.astype(rng.choice(["S3", "float16", "complex64", "bool", "int8"]))
        case 2:
            return array[..., None]
        case 3 if array.dtype.kind == "f" and array.size:
            changed = array.copy()
            changed.reshape(-1)[rng.randrange(array.size)] = rng.choice([np.nan, np.inf, 1e160, 1e300, -1e6, 0.0])
            return changed
        case 4:
            return np.concatenate([array, array]) if array.ndim else array
        case 5:
            return array.reshape(-1)
        case _:
            return np.array(str(rng.choice(AWKWARD)).encode("utf-8", "replace"))


def spoil_record(path: Path, rng: random.Random) -> None:
    """Another value somewhere in a record, with the digest of the changed one, or without; or its bytes."""
    text = path.read_text(encoding="utf-8")
    match rng.randrange(5):
        case 0:
            path.write_bytes(spoil_bytes(text.encode(), rng))
        case 1:
            path.write_bytes(rng.choice([b"", b"[" * 10**5, b"null", b"{}"]))
        case 2:
            path.write_text(json.dumps(spoil_plain(json.loads(text), rng), default=str), encoding="utf-8")
        case _:
            plain = json.loads(text)
            plain.pop("digest", None)
            changed = json.loads(json.dumps(spoil_plain(plain, rng), default=str))
            with suppress(ValueError):  # numbers that JSON does not have
                write_record(path, changed if isinstance(changed, dict) else {"": changed})


@lru_cache(maxsize=8)
def _frame_of(content: bytes) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(content))


def spoil_table(content: bytes, path: Path, rng: random.Random) -> None:
    """A table in parquet with one value or column changed, or its bytes."""
    if rng.random() < 0.2:
        path.write_bytes(spoil_bytes(content, rng))
        return
    frame = _frame_of(content).copy()
    name, value = rng.choice(list(frame)), rng.choice(UNUSUAL)
    with suppress(Exception):  # what a table's format cannot hold
        match rng.randrange(8):
            case 0:
                frame = frame.drop(columns=name)
            case 1:
                frame = frame.rename(columns={name: str(rng.choice(AWKWARD))[:40]})
            case 2:
                frame = pd.concat([frame, frame.sample(1, random_state=rng.randrange(2**32))])
            case 3:
                frame = frame.iloc[: rng.randrange(len(frame))]
            case _:
                frame = frame.astype({name: object})
                frame.iloc[rng.randrange(len(frame)), list(frame).index(name)] = value
        frame.infer_objects().to_parquet(path, index=False)

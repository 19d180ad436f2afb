"""The `sgdml` package, without its processes and its loggers."""

from __future__ import annotations

import functools
import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from asteroid.labels.label_set import IntArray


@functools.cache
def sgdml_package() -> SimpleNamespace:
    """The parts of the package that need no other process. Imported late, for that replaces the class of loggers."""
    logger_class = logging.getLoggerClass()
    try:
        from sgdml.torchtools import GDMLTorchAssemble, GDMLTorchPredict
        from sgdml.utils import perm
        from sgdml.utils.desc import Desc
    finally:
        logging.setLoggerClass(logger_class)
    return SimpleNamespace(Assemble=GDMLTorchAssemble, Predict=GDMLTorchPredict, perm=perm, Desc=Desc)


def interleaved_permutations(desc: Any, group: IntArray) -> IntArray:
    """A group of permutations as the package reads it, [D P]: for each distance its place in each of P copies."""
    shift = np.arange(len(group))[:, None] * desc.dim
    places: IntArray = (np.array([desc.perm(p) for p in group]) + shift).flatten("F").astype(np.int64)
    return places

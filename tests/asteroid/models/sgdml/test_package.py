from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

import numpy as np
import psutil
import torch

from asteroid.models.sgdml.fit import fit_kernel
from asteroid.models.sgdml.model import predict_kernel
from asteroid.models.sgdml.package import sgdml_package
from asteroid.models.sgdml.settings import KernelSettings

if TYPE_CHECKING:
    import pytest

    from asteroid.labels.label_set import FloatArray, IntArray

    Labels = tuple[IntArray, FloatArray, FloatArray, FloatArray]


def test_the_package_leaves_no_trace(methanol: dict[str, Labels], capfd: pytest.CaptureFixture[str]) -> None:
    sgdml_package.cache_clear()
    logger_class, threads = logging.getLoggerClass(), threading.active_count()
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    children = psutil.Process().children(recursive=True)
    numbers, x, e, f = methanol["pool"][0], *(part[:12] for part in methanol["pool"][1:])
    model = fit_kernel(numbers, x, e, f, KernelSettings(sigmas=(10, 20)), 0).model
    predict_kernel(model, numbers, x)
    assert capfd.readouterr() == ("", "")
    assert logging.getLoggerClass() is logger_class
    assert threading.active_count() == threads
    assert psutil.Process().children(recursive=True) == children
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002
    assert not sgdml_package().perm.glob

"""Real methanol frames, described once for all tests of the network; a tiny sweep, run once."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.descriptors.layout import Layout
    from asteroid.labels.label_set import LabelSet
    from study.recipes.workload import Workload


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    # Tests without torch must stay without it: those of `analysis` prove that it is not imported.
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


@pytest.fixture(scope="session")
def methanol_sets() -> tuple[LabelSet, LabelSet]:
    """60 CCSD(T) frames and 200 GFN2-xTB frames of methanol."""
    from asteroid.datasets import load_methanol

    methanol = load_methanol()
    return methanol.accurate.select(np.arange(60)), methanol.cheap.select(np.arange(0, 20_000, 100))


@pytest.fixture(scope="session")
def methanol_bank(methanol_sets: tuple[LabelSet, LabelSet]) -> FrameBank:
    """Both sets described with the default settings; the rows keep the order of the sets."""
    from asteroid.descriptors.frame_bank import BankEntry, build_bank
    from asteroid.descriptors.layout import DescriptorSettings
    from asteroid.labels.label_set import content_hashes

    return build_bank(DescriptorSettings(), [BankEntry(labels, content_hashes(labels)) for labels in methanol_sets])


@pytest.fixture(scope="session")
def describe_float64() -> Callable[..., tuple[object, object]]:
    """`describe` in double precision: (layout, positions [N, A, 3]) -> ([N, W], [N, W, 3A])."""
    import torch

    from asteroid.descriptors.describe import describe

    def exactly(layout: Layout, positions: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        return describe(layout, positions, torch.float64)

    return exactly


@pytest.fixture(scope="session")
def tiny_labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the label files of the tiny sweep and its sweep file."""
    import tiny_sweep

    folder = tmp_path_factory.mktemp("labels")
    tiny_sweep.write_labels(folder)
    (folder / "sweep.yaml").write_text(tiny_sweep.SWEEP)
    return folder


@pytest.fixture(scope="session")
def tiny_workload(tiny_labels: Path) -> Workload:
    """The tiny sweep ready to run."""
    import tiny_sweep

    from study.recipes.workload import make_workload

    return make_workload(tiny_sweep.sweep_of(tiny_labels))


@pytest.fixture(scope="session")
def tiny_run(tiny_workload: Workload, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an uninterrupted run; tests that change it work on a copy."""
    import tiny_sweep

    folder = tmp_path_factory.mktemp("reference") / "run"
    tiny_sweep.run(tiny_workload, folder)
    return folder

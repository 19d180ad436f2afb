"""The tiny purchase's files and study, a folder for each module: some write into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tiny_purchase import study_of
from tiny_sweep import write_labels

if TYPE_CHECKING:
    from pathlib import Path

    from study.config.buying import BuyStudy


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("files")
    write_labels(folder)
    return folder


@pytest.fixture(scope="module")
def study(files: Path) -> BuyStudy:
    return study_of(files)

"""Frames that say to be of another level, or not to be converged, are believed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from asteroid.errors import InputError
from asteroid.io.declaration import Declaration
from asteroid.io.read import read_labels

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, *words: str) -> Path:
    path = folder / "labels.xyz"
    path.write_text(
        "".join(
            f'2\nProperties=species:S:1:pos:R:3:forces:R:3 energy=-1.{i} {word} pbc="F F F"\n'
            f"H 0 0 0 0 0 1\nF 0 0 0.9{i} 0 0 -1\n"
            for i, word in enumerate(words)
        )
    )
    return path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ("method=MP2", "method=MP2", "method=CCSD(T)"),
            r"one level, found method=MP2 in frame 0 and .*\(T\) in",
        ),
        (("level_of_theory=PBE0/def2-SVP", "level_of_theory=b3lyp/def2-SVP"), "frame 0 and .* in frame 1: split"),
        (("converged=T", "converged=F"), "must be converged, frame 1 says converged=False"),
        (("", "scf_converged=no"), "frame 1 says scf_converged=no"),
    ],
)
def test_what_frames_say_of_their_labels_is_believed(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    with pytest.raises(InputError, match=says):
        read_labels(written(tmp_path, *words), Declaration(level="pbe"))


@pytest.mark.parametrize(
    "words", [("method=nvt", "method=metadynamics"), ("method=MP2", "method=mp2"), ("converged=T",) * 2]
)
def test_other_words_are_left_alone(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert len(read_labels(written(tmp_path, *words), Declaration(level="pbe")).labels) == 2

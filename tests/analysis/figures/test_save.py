from pathlib import Path

import pytest
from finished_run import MANIFEST

from analysis.figures.save import _names, save_figures
from analysis.run_files import RunFiles
from asteroid.errors import InputError


def test_runs_get_the_shortest_names_that_tell_them_apart():
    def files(*names):
        return [RunFiles(None, {"name": name}) for name in names]

    def named(folders, names):
        return _names(dict(zip(map(Path, folders), files(*names), strict=True)))

    assert named(["a/x", "b/x"], ["one", "two"]) == ["one", "two"]
    assert named(["a/x", "a/y"], ["one", "one"]) == ["x", "y"]
    assert named(["a/x", "b/x"], ["one", "one"]) == ["a/x", "b/x"]


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(InputError, match="figures need finished runs or trials"):
        save_figures(RunFiles(None, MANIFEST), tmp_path / "figures", "kcal/mol/Å")
    assert not (tmp_path / "figures").exists()

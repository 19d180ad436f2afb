from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from curve_figures import DATA, drawn
from matplotlib.figure import Figure

from analysis.figures.style import figure_style, look_of, save_figure, svg_of


def test_looks_differ():
    looks = [look_of(s) for s in ("cheap_only", "accurate_only", "pretrain_finetune", "asteroid", "mace")]
    assert len({look.marker for look in looks}) == len({look.colour for look in looks}) == 5


def test_files_repeat_to_the_byte_and_hold_the_data(tmp_path):
    for name in ("one", "two"):
        figure, _ = drawn()
        written = save_figure(figure, DATA, tmp_path / name, "learning_curve")
        assert [path.name for path in written] == [f"learning_curve.{kind}" for kind in ("pdf", "svg", "png", "csv")]
    for path in written:
        assert path.read_bytes() == (tmp_path / "one" / path.name).read_bytes(), path.name
        assert path.stat().st_size > 1000
    assert sorted((tmp_path / "one").iterdir()) == sorted(tmp_path / "one" / path.name for path in written)
    back = pd.read_csv(written[3])
    np.testing.assert_allclose(back["force_mae_ev_ang"], DATA["force_mae_ev_ang"])
    assert b"<dc:date>" not in written[1].read_bytes()
    assert b"CreationDate" not in written[0].read_bytes()


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    figure, _ = drawn()
    save_figure(figure, DATA, tmp_path, "curve")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}

    def torn(self, path, **_):
        path.write_bytes(b"half")
        raise OSError("no room")

    monkeypatch.setattr(Figure, "savefig", torn)
    with pytest.raises(OSError, match="no room"):
        save_figure(figure, DATA, tmp_path, "curve")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_settings_of_the_user_are_untouched():
    before = dict(mpl.rcParams)
    drawn()
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", ["$\\frac{$", "n^$", "a $b$ c"])
def test_names_of_users_are_not_mathematics(name, tmp_path):
    with figure_style():
        figure = Figure()
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.plot([1, 1000], [1, 2], label=name)
        axes.set_title(name)
        axes.legend()
    files = save_figure(figure, DATA, tmp_path, "figure")
    assert "frac" not in name or "frac" in files[1].read_text()


def test_no_figure_relies_on_mathematics(tmp_path):
    figure, _ = drawn()
    figure.canvas.draw()
    assert not [text.get_text() for text in figure.findobj(mpl.text.Text) if "$" in text.get_text()]


def test_words_of_users_break_no_picture(tmp_path):
    figure, ax = drawn()
    ax.set_xlabel("\x1b[31m$\\frac{$\nstudy 研究 \u202e")
    written = save_figure(figure, DATA, tmp_path, "words")
    ET.parse(written[1])
    ET.fromstring(svg_of(figure))
    assert ax.get_xlabel() == "\\x1b[31m$\\frac{$\nstudy 研究 \\u202e"

import pytest
from finished_run import MANIFEST, PRICES

from analysis.figures.picture import FigureInput, Picture, RunFigure
from analysis.names import display_level
from asteroid.errors import InputError
from asteroid.units import KCAL_PER_MOL_EV

GIVEN = FigureInput(MANIFEST, PRICES)


def test_level_and_unit_come_from_what_is_given():
    assert GIVEN.level == display_level("ccsd_t/cc-pvdz")
    assert GIVEN.scale == pytest.approx(KCAL_PER_MOL_EV)
    with pytest.raises(InputError):
        _ = FigureInput(MANIFEST, PRICES, force_unit="parsec").scale


def test_a_drawn_figure_has_the_stem_of_its_entry_and_one_without_data_is_none():
    drawn = RunFigure("cost", lambda _: Picture(None, None, "title", "caption", "alt")).draw(GIVEN)
    assert (drawn.stem, drawn.title) == ("cost", "title")
    assert RunFigure("cost", lambda _: None).draw(GIVEN) is None

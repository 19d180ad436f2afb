"""Labels of ASE calculators by their import path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from labellers import WATER, computed, labeller_of, slope

from asteroid.errors import InputError
from asteroid.labelling.labeller import Failure, Method, label_frame

if TYPE_CHECKING:
    from pathlib import Path


def test_any_ase_calculator_by_its_import_path(tmp_path: Path) -> None:
    (tmp_path / "my_calc_a.py").write_text("from ase.calculators.emt import EMT\ndef make():\n    return EMT()\n")
    labeller = labeller_of(Method("emt", calculator="my_calc_a:make", calculator_folder=str(tmp_path)))
    label = computed(labeller, WATER.positions)
    assert label.forces_ev_ang[0, 1] == pytest.approx(-slope(labeller, WATER.positions, 0, 1), abs=1e-3)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("my_calc_b", "package.module:factory"),
        ("no_such_module_here:make", "cannot be imported"),
        ("my_calc_b:take", "no function 'take'"),
        ("my_calc_b:broken", "it raised KeyError"),
        ("my_calc_b:number", "found int"),
    ],
)
def test_a_wrong_import_path_is_refused(path: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "my_calc_b.py").write_text(
        "def broken():\n    raise KeyError('key')\ndef number():\n    return 1\n", encoding="utf-8"
    )
    with pytest.raises(InputError, match=message) as caught:
        labeller_of(Method("mine", calculator=path, calculator_folder=str(tmp_path)))
    assert "\n" not in str(caught.value)


def test_a_calculator_that_does_not_converge_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "my_calc_c.py").write_text(
        "from ase.calculators.calculator import Calculator, SCFError\n"
        "class Lazy(Calculator):\n"
        "    implemented_properties = ['energy', 'forces']\n"
        "    def calculate(self, *args, **kwargs):\n"
        "        raise SCFError('gave up')\n"
    )
    method = Method("lazy", calculator="my_calc_c:Lazy", calculator_folder=str(tmp_path))
    outcome = label_frame(labeller_of(method), WATER.positions)
    assert isinstance(outcome, Failure)
    assert "SCFError: gave up" in outcome.reason


def test_no_label_depends_on_the_one_before(tmp_path: Path) -> None:
    """A calculator that starts from what it found last, as many do: the second energy would differ."""
    (tmp_path / "my_calc_d.py").write_text(
        "from ase.calculators.calculator import Calculator, all_changes\n"
        "class Remembering(Calculator):\n"
        "    implemented_properties = ['energy', 'forces']\n"
        "    calls = 0\n"
        "    def calculate(self, atoms=None, properties=('energy',), system_changes=all_changes):\n"
        "        super().calculate(atoms, properties, system_changes)\n"
        "        self.calls += 1\n"
        "        self.results = {'energy': float(self.calls), 'forces': 0 * self.atoms.positions}\n"
    )
    labeller = labeller_of(Method("mine", calculator="my_calc_d:Remembering", calculator_folder=str(tmp_path)))
    energies = [computed(labeller, WATER.positions + 0.1 * shift).energy_ev for shift in range(3)]
    assert energies == [1.0, 1.0, 1.0]

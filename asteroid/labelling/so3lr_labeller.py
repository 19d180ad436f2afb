"""Labels of SO3LR, a pretrained model for organic and biological molecules, by So3krates-torch, whose package ships it.

Kabylda et al., J. Am. Chem. Soc. 147 (2025): So3krates with long-range electrostatics and dispersion, trained on
PBE0+MBD.
"""

from __future__ import annotations

import io
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any

import numpy as np

from asteroid.errors import InputError
from asteroid.labelling.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asteroid.labelling.labeller import Labeller, Method
    from asteroid.labels.label_set import FloatArray, IntArray


def so3lr_labeller(method: Method, numbers: IntArray) -> Labeller:
    """Label geometries with SO3LR, in double precision.

    Args:
        method: charge; closed shells only.
        numbers: atomic numbers [A].

    Raises:
        InputError: unpaired electrons, which the model does not know.
    """
    if method.unpaired:
        raise InputError(f"so3lr is for closed shells, found {method.unpaired} unpaired electrons: choose gfn2-xtb")
    from ase import Atoms
    from so3krates_torch.calculator.so3 import SO3LRCalculator

    with _double_precision(), redirect_stdout(io.StringIO()):  # it says in which precision it computes
        calculator = SO3LRCalculator(default_dtype="float64")

    def label(positions: FloatArray) -> tuple[float, FloatArray]:
        atoms: Any = Atoms(numbers, positions, info={"charge": method.charge})
        with _double_precision():
            calculator.calculate(atoms)
        return float(calculator.results["energy"]), np.array(calculator.results["forces"], dtype=np.float64)

    return label


@contextmanager
def _double_precision() -> Iterator[None]:
    """The package takes torch's default precision for its results, and would leave it changed for everybody."""
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


PROGRAM = Program(
    name="So3krates-torch",
    module="so3krates_torch",
    packages=("so3krates-torch",),
    install='pip install "asteroid-study[so3lr]", then pip install --no-deps so3krates-torch==0.2.1',
    formal_exponents={"so3lr": 1},
    labeller=lambda method, _level, numbers, _: so3lr_labeller(method, numbers),
    count_functions=lambda _method, _level, numbers, _positions: len(numbers),
    settings=lambda _method, _level: {"precision": "float64", "long_range_cutoff_ang": 12.0},
)

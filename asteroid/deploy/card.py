"""The card of an exported force field in Markdown, and the packages that reading it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asteroid.labelling.cheap_methods import live_programs
from asteroid.labels.charge_and_spin import CLOSED_SHELL
from asteroid.units import KCAL_PER_MOL_EV

if TYPE_CHECKING:
    from asteroid.deploy.record import ModelRecord

#: What every model needs, and what its parts need beside that.
_ALWAYS = ("ase", "numpy", "psutil", "pydantic", "safetensors", "scipy", "torch")


def requirements_text(record: ModelRecord) -> str:
    """Packages that reading the model and predicting with it need, as pip reads them.

    The program itself is installed with `--no-deps`: its other requirements are for studies.
    """
    terms = [term for member in record.members for term in member]
    needed = [*_ALWAYS, *(name for term in terms for name in term.packages)]
    if record.cheap_method is not None:
        needed += [name for program in live_programs(record.cheap_method) for name in program.packages]
    known = {name: version.partition("+")[0] for name, version in record.card.versions.items()}
    return "".join(f"{name}>={known[name]}\n" if name in known else f"{name}\n" for name in dict.fromkeys(needed))


def card_text(record: ModelRecord) -> str:
    """The card, for people."""
    card, training = record.card, record.card.training
    below = [f"{training.n_intermediate:,} labels of {training.intermediate_level}"] if training.n_intermediate else []
    below += [f"{training.n_cheap:,} frames of {training.cheap_level}"] if training.n_cheap else []
    cheap = (", " if len(below) > 1 else " and " if below else "") + " and ".join(below)
    live = "" if record.cheap_method is None else f", added to {record.cheap_method}, which runs at every prediction"
    committee = f"{len(record.members) - 1} models ({card.committee})" if record.members[1:] else "none"
    electrons = "without charge" if record.electrons == CLOSED_SHELL else f"with {record.electrons}"
    lines = [
        f"# {card.name}: a force field for {', '.join(record.formulas)}",
        "",
        f"- Level: {record.level}{live}",
        f"- Force MAE: {_error(record)}",
        f"- Trained on: {training.n_labels:,} labels of {record.level}{cheap}",
        f"- Strategy: {training.strategy}; {' + '.join(term.architecture for term in record.members[0])}",
        f"- Committee: {committee}",
        f"- Atoms, in this order: {_atoms(record)}",
        "- Units: eV, Å, eV/Å",
        f"- From: {card.source}; stages {' '.join(training.stage_keys)}",
        f"- Licence: {card.licence}",
        f"- Versions: {', '.join(f'{name} {version}' for name, version in card.versions.items())}",
        "",
        f"It knows these molecules, {electrons}, near geometries like those it was trained on, and nothing else.",
        "",
        "```python",
        "from asteroid.deploy.calculator import asteroid_model",
        "",
        'atoms.calc = asteroid_model("model")  # this folder',
        "```",
        "",
        "Needed: `pip install -r requirements.txt`, then asteroid-study by `pip install --no-deps .` in its checkout.",
        "All of this and the hashes of the labels are in `model.json`; no file holds code.",
    ]
    return "\n".join(lines) + "\n"


def _error(record: ModelRecord) -> str:
    error = record.card.error
    if error.force_mae_ev_ang is None:
        return "not measured"
    said = f"{error.force_mae_ev_ang / KCAL_PER_MOL_EV:.3g} kcal/mol/Å"
    if error.low_ev_ang is not None and error.high_ev_ang is not None:
        ends = f"{error.low_ev_ang / KCAL_PER_MOL_EV:.3g}, {error.high_ev_ang / KCAL_PER_MOL_EV:.3g}"
        said += f", 90 % interval [{ends}]"
    said += f" ({error.measured_by}, {error.n_frames:,} frames)"
    if error.energy_mae_ev is not None:
        said += f"; energy MAE {error.energy_mae_ev / KCAL_PER_MOL_EV:.3g} kcal/mol"
    return said


def _atoms(record: ModelRecord) -> str:
    from ase.symbols import Symbols

    if record.numbers is None:
        return "any, it knows several molecules"
    return " ".join(str(Symbols([z])) for z in record.numbers)

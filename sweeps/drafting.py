"""Drafts of sweep and study files for the command `init`: read, suited, checked, written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from asteroid.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from asteroid.labels.label_set import FloatArray, IntArray, LabelSet
    from study.config.label_files import LabelFile

_ROLES = ("accurate", "cheap", "buy")
_BUY_KEYS = ("level", "price")
_START, _CANDIDATES = 16, 1000
#: Examples for accurate labels, and what stands in their place for cheap ones.
_OF_CHEAP = {"ccsd_t/cc-pvdz": "pbe/def2-svp", "28s": "20s"}
_TARGET = '"0.3 kcal/mol/A"'


@dataclass(frozen=True)
class Declared:
    """Label files as the user names them.

    Attributes:
        accurate: path or name of the accurate labels, or None.
        cheap: of the cheap frames.
        said: by role, keys of a label file in a sweep file (of role buy: level and price of what is bought) and their
            values as text.
        charge: total charge of the molecule, where the user says it.
        unpaired: unpaired electrons, likewise.
    """

    accurate: str | None
    cheap: str
    said: Mapping[str, Mapping[str, str]]
    charge: int | None = None
    unpaired: int | None = None

    def with_said(self, said: Mapping[str, Mapping[str, str]]) -> Declared:
        """The same with more said of the files."""
        return replace(self, said={role: {**self.said[role], **said[role]} for role in _ROLES})


@dataclass(frozen=True)
class Draft:
    """A file that is ready to be written.

    Attributes:
        text: of the file.
        others: further files beside it, by name.
        card: data cards as lines.
        next_lines: commands to go on with.
    """

    text: str
    others: Mapping[str, str]
    card: Sequence[str]
    next_lines: Sequence[str]


def declared_values(texts: Sequence[str]) -> dict[str, dict[str, str]]:
    """Read "accurate.price=28s" and its like, by role and key.

    Raises:
        InputError: a text has another form or names another role.
    """
    said: dict[str, dict[str, str]] = {role: {} for role in _ROLES}
    for text in texts:
        where, equals, value = text.partition("=")
        role, _, key = where.strip().partition(".")
        if not (equals and key and value.strip() and role in _ROLES):
            raise InputError(
                f"what a file does not tell is set by role and key, found {text!r}: write for instance "
                "accurate.price=28s, cheap.level=gfn2-xtb or buy.level=ccsd_t/cc-pvdz"
            )
        if role == "buy" and key.strip() not in _BUY_KEYS:
            raise InputError(f"of what is bought level and price are set, found {text!r}: correct the key")
        said[role][key.strip()] = value.strip()
    return said


def still_wanted(given: Declared) -> dict[str, str]:
    """All that the user has yet to say of the label files: "accurate.price" and its like, each with an example.

    Raises:
        InputError: what is said already cannot be.
    """
    from study.drafts.found import undeclared

    files = dict(zip(("accurate", "cheap"), _files(given), strict=True))
    return {
        f"{role}.{key}": _OF_CHEAP.get(example, example) if role == "cheap" else example
        for role, file in files.items()
        if file is not None
        for key, example in undeclared(file).items()
    }


def draft_sweep(given: Declared, out: Path) -> Draft:
    """A study of learning curves for two label files, loaded once as `run` will load it.

    Raises:
        InputError: a file cannot be read or lacks something, or there are too few labels.
    """
    from study.config.schema import SCHEMA_FILE
    from study.config.sweep_text import parse_sweep
    from study.data.load import load_data
    from study.drafts.files import flow_mapping
    from study.drafts.found import look_at
    from study.drafts.suited import suited_sweep
    from study.drafts.sweep_text import sweep_text

    accurate, cheap = _files(given)
    assert accurate is not None
    if given.charge is not None or given.unpaired is not None:
        raise InputError(
            "--charge and --spin are of labels that are bought; a study of label files has those that the files state: "
            "leave them out, or draft a purchase with --buy"
        )
    facts, _ = look_at(accurate, cheap)
    files = flow_mapping(accurate, out.parent), flow_mapping(cheap, out.parent)
    text = sweep_text(out.stem, SCHEMA_FILE, files, facts, suited_sweep(facts))
    data = load_data(parse_sweep(text, out.name, out.parent.resolve()))
    return Draft(
        text,
        _schema(),
        data.card,
        (
            f"asteroid-study check {out} --workers 2    # what it will train and how long it takes",
            f"asteroid-study run {out} --out runs/{out.stem} --workers 2",
        ),
    )


def draft_purchase(given: Declared, out: Path) -> Draft:
    """A purchase that starts with the labels owned, if there are any.

    Raises:
        InputError: a file cannot be read or lacks something, there are too few cheap frames, or level or price of the
            labels is not known.
    """
    from analysis.names import display_level
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from study.buying.load import load_candidates, refuse_several_to_buy
    from study.config.buying import parse_buy_study
    from study.config.schema import SCHEMA_FILE
    from study.drafts.files import flow_mapping
    from study.drafts.found import look_at
    from study.drafts.purchase_text import ORCA_TEMPLATE, purchase_text
    from study.drafts.suited import suited_purchase
    from study.labelling.geometry_files import stated_electrons
    from study.labelling.timing import price_text

    accurate, cheap = _files(given)
    charge, unpaired, _ = stated_electrons(cheap.file, given.charge, given.unpaired)
    facts, frames = look_at(accurate, cheap, ChargeAndSpin(charge, unpaired))
    refuse_several_to_buy(frames)
    buy = given.said["buy"]
    bought = _bought_level(buy.get("level", facts.accurate_level))
    suited = suited_purchase(facts, max(_START, facts.n_accurate))
    here, price = _computable(bought), buy.get("price")
    if price is None:
        own = None if accurate is None else accurate.price
        price = price_text(own) if own is not None else _timed(bought, frames, facts.electrons, here=here)
    template = None if here else f"{out.stem}.inp.jinja"
    text = purchase_text(
        out.stem,
        SCHEMA_FILE,
        (None if accurate is None else flow_mapping(accurate, out.parent), flow_mapping(cheap, out.parent)),
        facts,
        suited,
        level=bought,
        price=price,
        start=_START,
        candidates=min(_CANDIDATES, facts.n_cheap - suited.n_cheap[-1]),
        template=template,
        electrons=facts.electrons,
    )
    candidates = load_candidates(parse_buy_study(text, out.name, out.parent.resolve()))
    others = dict(_schema())
    if template is not None:
        others[template] = ORCA_TEMPLATE.format(method=display_level(bought).replace("/", " "))
    return Draft(
        text,
        others,
        candidates.card,
        (f"asteroid-study buy {out} --target {_TARGET} --out {out.stem} --workers 2    # the target is yours to set",),
    )


def refuse_before_sampling(
    buy: Mapping[str, str], numbers: IntArray, start: FloatArray, electrons: ChargeAndSpin, *, asks: bool
) -> None:
    """Refuse what the draft of a purchase would refuse in the end, before frames are sampled for minutes.

    Args:
        buy: level and price of what is bought, as far as the user says them.
        numbers: atomic numbers [A].
        start: the geometry [A, 3] in Å.
        electrons: charge and spin of the molecule.
        asks: whether a level or price that is missing is asked for later.

    Raises:
        InputError: no level, one that does not suit the molecule, or one without a price that cannot be computed here.
    """
    from asteroid.labelling.labeller import Method
    from asteroid.labelling.open_labeller import open_labeller

    if asks and "level" not in buy:
        return
    bought = _bought_level(buy.get("level", ""))
    if _computable(bought):
        open_labeller(Method(bought, *electrons), numbers, start[None])
    elif not asks and "price" not in buy:
        raise _priceless(bought)


def write_draft(draft: Draft, out: Path) -> None:
    """Write the file and what belongs beside it; what is there already stays, but for the schema."""
    from study.config.schema import SCHEMA_FILE
    from study.files import write_text

    out.parent.mkdir(parents=True, exist_ok=True)
    for name, text in draft.others.items():
        path = out.with_name(name)
        if name == SCHEMA_FILE or not path.exists():
            write_text(path, text)
    write_text(out, draft.text)


def _files(given: Declared) -> tuple[LabelFile | None, LabelFile]:
    from study.drafts.files import declared

    folder = Path.cwd()
    accurate = None
    if given.accurate is not None:
        accurate = declared("accurate", given.accurate, given.said["accurate"], folder)
    return accurate, declared("cheap", given.cheap, given.said["cheap"], folder)


def _schema() -> dict[str, str]:
    import json

    from study.config.schema import SCHEMA_FILE, file_schema

    return {SCHEMA_FILE: json.dumps(file_schema(), indent=1) + "\n"}


def _bought_level(text: str) -> str:
    """The slug of the level that is bought.

    Raises:
        InputError: there is none.
    """
    from asteroid.labels.level_names import normalise_level

    if not text:
        raise InputError("a purchase needs the level of its labels: add for instance --level ccsd_t/cc-pvdz")
    return normalise_level(text)


def _priceless(level: str) -> InputError:
    return InputError(f"labels of {level} cannot be computed here, so their price is yours to say: add --price 2h")


def _computable(level: str) -> bool:
    """Whether labels of a level can be computed on this machine."""
    from asteroid.labelling.levels import parse_parts, refuse_missing_program

    try:
        for part in parse_parts(level):
            refuse_missing_program(part.level)
    except InputError:
        return False
    return True


def _timed(level: str, frames: LabelSet, electrons: ChargeAndSpin, *, here: bool) -> str:
    """The price of one label of the first frame, timed here.

    Raises:
        InputError: it cannot be computed here.
    """
    from study.labelling.timing import price_text, time_level
    from sweeps.console import note

    if not here:
        raise _priceless(level)
    note(f"timing one label of {level}; --price skips it")
    return price_text(time_level(level, frames.numbers, frames.positions[0], *electrons).cpu_s)

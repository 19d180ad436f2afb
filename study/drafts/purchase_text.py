"""A first study file of a purchase as text, and a template for a program of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.drafts.sweep_text import header, schedule_lines, shared_lines

if TYPE_CHECKING:
    from asteroid.labels.charge_and_spin import ChargeAndSpin
    from study.drafts.found import Facts
    from study.drafts.suited import Suited

#: An input file of ORCA for one geometry, as `hand_over` fills it.
ORCA_TEMPLATE = """! {method} EnGrad TightSCF
* xyz {{{{ charge }}}} {{{{ multiplicity }}}}
{{{{ elements_and_positions_ang }}}}
*
"""


def purchase_text(
    name: str,
    schema: str,
    files: tuple[str | None, str],
    facts: Facts,
    suited: Suited,
    *,
    level: str,
    price: str,
    start: int,
    candidates: int,
    template: str | None,
    electrons: ChargeAndSpin,
) -> str:
    """The text of a study file.

    Args:
        name: of the study.
        schema: name of the JSON schema beside the file, for editors.
        files: the accurate labels that are owned, or None, and the cheap frames, as `files.flow_mapping` writes them.
        facts: what the files tell.
        suited: what suits them.
        level: of the labels to buy.
        price: of one, with its unit.
        start: labels of the first round.
        candidates: geometries that may be labelled.
        template: name of a template that labels are handed over with; None: they are computed here.
        electrons: charge and spin of the molecule.
    """
    owned = f"{facts.n_accurate:,} labels of {level} owned" if facts.n_accurate else f"labels of {level} to be bought"
    stated = [f"{key}: {value}" for key, value in electrons._asdict().items() if value]
    here, elsewhere = (", ".join(own) for own in (stated, [f"template: {template}", 'outputs: "*.engrad"', *stated]))
    way = (
        f"  here: {{{here}}}  # computed on this machine; --workers in parallel"
        if template is None
        else f"  hand_over: {{{elsewhere}}}  # computed elsewhere: docs/hand_over.md"
    )
    lines = [
        *header(name, schema, owned, facts),
        "data:  # paths count from the folder of this file",
        *([f"  accurate: {files[0]}  # taken for a random draw"] if files[0] else []),
        f"  cheap: {files[1]}",
        "buy:",
        f"  level: {level}",
        f"  price: {price}  # CPU time of one label",
        f"  start: {start}  # labels of the first round",
        f"  candidates: {candidates}  # geometries among the cheap frames that may be labelled",
        way,
        *shared_lines(facts, suited, n_cheap_note="cheap frames that models are pretrained on"),
        "",
        *schedule_lines(suited.schedules, suited),
    ]
    return "\n".join(lines) + "\n"

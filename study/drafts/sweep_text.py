"""A first sweep file as text: every line says what it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from study.strategies import STRATEGIES

if TYPE_CHECKING:
    from study.drafts.found import Facts
    from study.drafts.suited import Schedules, Suited


def sweep_text(name: str, schema: str, files: tuple[str, str], facts: Facts, suited: Suited) -> str:
    """The text of a sweep file.

    Args:
        name: of the study.
        schema: name of the JSON schema beside the file, for editors.
        files: the accurate and the cheap labels, as `files.flow_mapping` writes them.
        facts: what the files tell.
        suited: what suits them.
    """
    lines = [
        *header(name, schema, f"{facts.n_accurate:,} labels of {facts.accurate_level}", facts),
        "data:  # paths count from the folder of this file",
        f"  accurate: {files[0]}",
        f"  cheap: {files[1]}",
        *_test_lines(suited),
        *shared_lines(facts, suited, n_cheap_note="cheap frames bought"),
        f"budgets: {list(suited.budgets)}  # accurate labels bought, training and validation together",
        "seeds: [0, 1, 2]  # of the draw of labels, the weights and the batches: three learning curves each",
        "",
        *schedule_lines(suited.schedules, suited),
    ]
    return "\n".join(lines) + "\n"


def header(name: str, schema: str, accurate: str, facts: Facts) -> list[str]:
    """The first lines: the schema, what the file was made for, the name."""
    frames = f"{facts.n_cheap:,} {'bare ' if facts.unlabelled else ''}frames of {facts.cheap_level}"
    return [
        f"# yaml-language-server: $schema={schema}",
        f"# Drafted by asteroid-study init for {accurate} and {frames}.",
        f"name: {name}",
    ]


def shared_lines(facts: Facts, suited: Suited, *, n_cheap_note: str) -> list[str]:
    """What sweeps and purchases have in common: strategies and numbers of cheap frames."""
    lines = [f"strategies: [{', '.join(suited.strategies)}]"]
    if suited.left_out:
        lines += [
            f"# Without {' and '.join(suited.left_out)}: {facts.cheap_level} computed here is not what the file holds",
            f"# ({facts.cheap_differs}); label the accurate geometries with the file's program to add it.",
        ]
    if needs_cheap(suited):
        lines.append(f"n_cheap: {list(suited.n_cheap)}  # {n_cheap_note}")
    return lines


def needs_cheap(suited: Suited) -> bool:
    """Whether a strategy pretrains."""
    return any(STRATEGIES[strategy].has_cheap_axis for strategy in suited.strategies)


def schedule_lines(schedules: Schedules, suited: Suited) -> list[str]:
    """Steps and learning rates of the stages that the strategies have."""
    kinds = {kind for strategy in suited.strategies for kind in STRATEGIES[strategy].kinds}
    lines = [
        "# Gradient steps and learning rates; longer training lowers the error a little and costs core time.",
        f"identify: {_schedule(schedules.identify)}  # on accurate labels alone",
    ]
    if "pretrain" in kinds:
        lines.append(f"pretrain: {_schedule(schedules.pretrain)}  # on cheap labels")
    if "score_match" in kinds:
        lines.append(f"score_match: {_schedule((2000, 0.005))}  # on bare frames")
    if "residual" in kinds:
        lines.append(f"residual: {_schedule(schedules.residual)}  # on what the pretrained model misses")
    if any(STRATEGIES[strategy].finetunes for strategy in suited.strategies):
        lines += ["finetune:", f"  standard: {_schedule(schedules.finetune)}"]
    if "kernel" in kinds:
        lines.append("kernel: {sigmas: [10]}  # length scale of sGDML; several are chosen from by cross-validation")
    return lines


def _schedule(steps_and_rate: tuple[int, float]) -> str:
    steps, rate = steps_and_rate
    return f"{{steps: {steps}, learning_rate: {rate:g}}}"


def _test_lines(suited: Suited) -> list[str]:
    if suited.test_groups:
        return [
            f"test: {{groups: {list(suited.test_groups)}}}  # replicas or time blocks, kept aside to measure errors on"
        ]
    if suited.test_share is not None:
        return [f"test: {{share: {suited.test_share:g}}}  # of the accurate labels, kept aside to measure errors on"]
    lines = ["# No test set: there are few labels, so errors are cross-validated inside the bought ones."]
    return [*lines, "draw: balanced  # along the cheap energy"] if suited.balanced else lines

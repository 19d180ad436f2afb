"""`buy`: labels bought in rounds until a force field meets its target."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from asteroid.errors import InputError
from sweeps.executors import executor_maker, share_of_gpu
from sweeps.listening import unheard
from sweeps.quantities import FORCE_UNIT, asked_for, display_unit

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from study.buying.candidates import Candidates
    from study.buying.state import PurchaseState
    from study.config.buying import BuyStudy
    from study.engine.progress import Progress
    from study.labelling.label_run import LabelProgress
    from sweeps.quantities import FilePath, Seconds, Target


@dataclass(frozen=True, eq=False)
class Purchase:
    """A purchase that has ended, or waits for labels that are computed elsewhere; `print` shows it in words.

    Attributes:
        folder: its folder, as `plan`, `plot`, `report` and `export` take it.
        state: rounds, decisions, and what it waits for.
        certificate: of the model, as `certificate.json` has it; None while it waits.
        words: the last decision and the certificate, as lines.
    """

    folder: Path
    state: PurchaseState
    certificate: dict[str, Any] | None
    words: tuple[str, ...]

    @property
    def ended(self) -> bool:
        """Whether it has a model."""
        return self.certificate is not None

    @property
    def model(self) -> Path:
        """Folder of the model, once it has ended."""
        from sweeps.purchases.certificate import MODEL

        return self.folder / MODEL

    @property
    def rounds(self) -> pd.DataFrame:
        """Every look at every strategy (`study/tables/rounds.py` explains the columns)."""
        from study.buying.state import rounds_table

        return rounds_table(self.state)

    def lines(self, force_unit: str = FORCE_UNIT) -> list[str]:
        """The rounds as a table, then the certificate or what is to be done.

        Raises:
            InputError: the unit is not known.
        """
        from sweeps.purchases.lines import hidden_line, rounds_lines

        unit = display_unit(force_unit)
        said = rounds_lines(self.state, unit) if self.state.rounds else []
        if not self.ended:
            return [*said, *self.state.waiting_for]
        assert self.state.delivered is not None
        hidden = self.state.delivered["n_hidden"] > 0
        return [*said, *self.words, *([hidden_line(self.state, unit)] if hidden else [])]

    def __str__(self) -> str:
        return "\n".join(self.lines())


def buy(
    study: FilePath | BuyStudy,
    *,
    target: Target,
    out: FilePath,
    confidence: float = 0.9,
    most: int | Seconds | None = None,
    prior: Literal["learnt", "vague"] = "learnt",
    give_up: bool = False,
    workers: int | None = None,
    ray_address: str | None = None,
    device: str = "cpu",
    gpus_per_worker: float | None = None,
    force_unit: str = FORCE_UNIT,
    on_progress: Callable[[Progress], None] | None = None,
    on_labels: Callable[[LabelProgress], None] | None = None,
    on_line: Callable[[str], None] | None = None,
) -> Purchase:
    """Buy accurate labels in rounds until a model meets its target error; run again, it continues.

    Args:
        study: study file, name of a preset, or a study.
        target: MAE that the model is to meet: of forces in eV/Å, or text such as "0.3 kcal/mol/A", "0.5 kcal/mol"
            (energies, their constant free) or "1 meV/atom".
        out: folder of the purchase.
        confidence: probability with which it must be met, .5 to .99.
        most: limit: a number of labels, or CPU time of labels and training such as "20h".
        prior: what is known of learning curves beforehand.
        give_up: replace handed-over geometries that have no output by the next ones.
        workers: Ray workers, one core each; None: none, or all cores of the cluster with `ray_address`.
        ray_address: Ray cluster, HOST:PORT or auto.
        device: where networks are trained: cpu, or cuda for one GPU; a purchase ends where it began.
        gpus_per_worker: share of a GPU for each Ray worker on a GPU; None: 1.
        force_unit: of errors in sentences and figures, where it is a unit of what the target is on.
        on_progress: called as training goes on.
        on_labels: called as labels are computed.
        on_line: told the data card, every round, and what was repaired or chosen on the way.

    Raises:
        InputError: the study or its labels break a rule, the folder is another purchase's, or an argument is wrong.
        PackFailedError: a pack failed several times; labels and finished stages are kept.
        WorkersLostError: workers that compute labels died; labels are kept.
        OSError: the disk filled up on the way; labels and finished stages are kept.
    """
    from study.buying.decision import Request
    from study.buying.labellers import make_intermediate_labeller, make_labeller
    from study.buying.load import load_candidates
    from study.buying.purchase import Tools, run_purchase
    from study.devices import parse_device
    from study.run.folder import scratch_path
    from sweeps.presets import load_purchase
    from sweeps.purchases.decisions import decider
    from sweeps.purchases.limits import parse_most
    from sweeps.purchases.lines import round_line

    tell, show, count = on_line or unheard, on_progress or unheard, on_labels or unheard
    folder = Path(out)
    wanted, measured, unit = asked_for(target, force_unit)
    assert wanted is not None
    limit = parse_most(None if most is None else str(most))
    request = Request(wanted, _confidence(confidence), *limit, _prior(prior), str(measured))
    where = parse_device(device)
    loaded = load_purchase(study)
    if loaded.energies_alone and not measured.of_energies:
        raise InputError(
            f"a target on forces needs labels with forces, found energies alone to be bought ({target}): give a target "
            "on energies, as in --target '0.5 kcal/mol', or remove forces: none"
        )
    candidates = load_candidates(loaded)
    for line in (*candidates.card, f"into {folder}"):
        tell(line)
    tools = Tools(
        labeller=make_labeller(
            loaded,
            candidates,
            workers=workers or 1,
            calculator_folder=Path.cwd(),
            give_up=give_up,
            on_progress=count,
        ),
        make_executor=executor_maker(
            workers, ray_address, scratch_path(folder), tell, share_of_gpu(where, gpus_per_worker)
        ),
        decide=decider(unit, candidates.n_atoms),
        on_progress=show,
        on_round=lambda state: tell(round_line(state, unit)),
        on_note=tell,
        intermediate_labeller=make_intermediate_labeller(
            loaded, candidates, workers=workers or 1, give_up=give_up, on_progress=count
        ),
    )
    state = run_purchase(loaded, candidates, folder, request, tools, where)
    if state.status == "waiting":
        return Purchase(folder, state, None, ())
    return _ended(folder, state, candidates, unit)


def _ended(folder: Path, state: PurchaseState, candidates: Candidates, force_unit: str) -> Purchase:
    """Write the model, its certificate and the figure."""
    from analysis.figures.save import save_purchase
    from analysis.purchase_files import read_purchase
    from asteroid.deploy.folder import write_force_field
    from study.export.purchase_model import purchase_force_field
    from sweeps.purchases.certificate import MODEL, write_certificate

    write_force_field(purchase_force_field(folder, candidates=candidates), folder / MODEL)
    words = (*state.rounds[-1].verdict.sentences, *write_certificate(folder, state, candidates, force_unit))
    save_purchase(folder, folder / "figures", force_unit, level=candidates.prices.accurate)
    return Purchase(folder, state, read_purchase(folder).certificate, words)


def _confidence(confidence: float) -> float:
    if not 0.5 <= confidence <= 0.99:
        raise InputError(
            f"a confidence lies between 0.5 and 0.99, found {confidence:g}: write for instance 0.95 or 95%"
        )
    return confidence


def _prior(name: str) -> Literal["learnt", "vague"]:
    if name not in ("learnt", "vague"):
        raise InputError(f"--prior is learnt or vague, found {name!r}: choose one of them")
    return "learnt" if name == "learnt" else "vague"

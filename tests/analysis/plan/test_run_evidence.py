import pytest
from finished_run import MANIFEST, PRICES, table

from analysis.caveats import Caveat
from analysis.plan.run_evidence import run_evidence
from asteroid.errors import InputError

TABLE = table()


def test_what_a_manifest_says_of_its_run():
    run = run_evidence(TABLE, MANIFEST, with_surface=False)
    assert (run.pool, run.n_test, run.surface, run.caveats) == (1025, 300, None, ())
    assert run.prices.to_json() == PRICES.to_json()
    other = PRICES.override("ccsd_t/cc-pvdz", 280.0, "command line")
    assert run_evidence(TABLE, MANIFEST, other, with_surface=False).prices is other


def test_rows_to_come_are_a_caveat():
    assert run_evidence(TABLE, MANIFEST | {"rows": 40}, with_surface=False).caveats == (Caveat.UNFINISHED_RUN,)


def test_curves_compete_simplest_strategy_first():
    assert list(run_evidence(TABLE, MANIFEST, with_surface=False).competing) == [
        "Cheap labels only, 4,000 cheap",
        "Accurate labels only",
        "Pretraining + fine-tuning, 4,000 cheap",
    ]


def test_a_table_without_a_curve_is_refused():
    with pytest.raises(InputError):
        _ = run_evidence(TABLE.assign(status="failed"), MANIFEST, with_surface=False).competing

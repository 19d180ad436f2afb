from finished_run import MANIFEST, PRICES, SWEEP, table
from finished_trials import trials
from planning import plan_target

from analysis.report.tables import chosen_table, fits_table, ledger_table, options_table, plain, settings_table
from analysis.run_files import RunFiles
from asteroid.units import KCAL_PER_MOL_EV

RUN = RunFiles(table(), MANIFEST, "name: methanol\nbudgets: [20, 50]\n")


TARGET = 0.3 * KCAL_PER_MOL_EV


def test_tables_hold_the_numbers():
    plan = plan_target(RUN.table, PRICES, TARGET, pool=1025)
    options = options_table(plan)
    assert options.rows[0][:3] == ("Pretraining + fine-tuning", f"{plan.choice.n_accurate:,}", "4,000")
    assert options.rows[-1][1] == "cannot be promised"
    fits = fits_table(RUN.table, force_unit="kcal/mol/Å")
    assert [row[0] for row in fits.rows] == [
        "Cheap labels only, 4,000 cheap",
        "Accurate labels only",
        "Pretraining + fine-tuning, 4,000 cheap",
    ]
    assert fits.rows[1][1] == "18 at 6 budgets"
    low, high = (float(x) for x in fits.rows[1][3].partition("[")[2].rstrip("]").split(","))
    assert low < 0.6 < high
    assert fits.rows[1][5] == "2,000 labels"
    ledger = ledger_table(MANIFEST, PRICES.to_json())
    assert ledger.rows[0][2:] == ("900", "28 s (measured)", "7 h")
    assert ledger.rows[1][4] == "3 min"
    dearer = PRICES.override("ccsd_t/cc-pvdz", 280.0, "command line").to_json()
    assert ledger_table(MANIFEST, dearer).rows[0][4] == "2.9 d"
    assert all(len(row) == len(each.head) for each in (options, fits, ledger) for row in each.rows)
    chosen = chosen_table(trials(), force_unit="kcal/mol/Å")
    assert chosen.rows == (("tune asteroid 50", "3", "0.5 ± 0.03", "finetune_steps = 1500, learning_rate = 0.0015"),)
    assert chosen_table(None, force_unit="kcal/mol/Å") is None
    settings = dict(settings_table(SWEEP).rows)
    assert settings == {
        "name": "methanol",
        "budgets": "20, 50",
        "test": "groups = 3",
        "finetune standard": "steps = 1500, rho = 0.99",
    }
    assert plain(2.0) == "2"

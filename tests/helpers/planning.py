"""Plans of bare tables: what a run knows, put together from a table, prices and what a test wants to vary."""

from analysis.plan import error_for_price, labels_for_target
from analysis.plan import next_runs as runs_to_make
from analysis.plan.run_evidence import RunEvidence

_KNOWN = ("pool", "surface", "caveats", "seed")


def plan_target(table, prices, target, confidence=0.9, **words):
    known, asked = _split(words)
    return labels_for_target.plan_target(RunEvidence(table, prices, **known), target, confidence, **asked)


def plan_price(table, prices, budget_cpu_s, **words):
    known, asked = _split(words)
    return error_for_price.plan_price(RunEvidence(table, prices, **known), budget_cpu_s, **asked)


def next_runs(table, prices, target, k, **words):
    known, asked = _split(words)
    return runs_to_make.next_runs(RunEvidence(table, prices, **known), target, k, **asked)


def _split(words):
    known = {name: value for name, value in words.items() if name in _KNOWN}
    return known, {name: value for name, value in words.items() if name not in _KNOWN}

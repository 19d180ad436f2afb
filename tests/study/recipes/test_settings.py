from __future__ import annotations

import math
from dataclasses import replace

from every_section import TWO_LEVELS, parse, sweep_data
from tiny_search import sweep_of

from asteroid.models.mlp import MLPSettings
from asteroid.models.schnet import SchNetSettings
from study.recipes.settings import apply_values, default_settings, searched_keys, simplicity


def test_settings_take_the_searched_values() -> None:
    sweep = sweep_of()
    defaults = default_settings(sweep, "standard")
    values = {"gamma_rel": 0.3, "finetune_learning_rate": 0.002, "rho": 0.9, "hidden": 8, "pretrain_steps": 77}
    settings = apply_values(defaults, values)
    assert settings.finetune is not None
    assert settings.pretrain is not None
    assert (settings.finetune.learning_rate, settings.finetune.rho, settings.identify.rho) == (0.002, 0.9, 0.9)
    assert (settings.pretrain.steps, settings.model.hidden, settings.gamma_rel) == (77, 8, 0.3)
    assert simplicity(defaults) < simplicity(settings), "no weights and fewer units are simpler"
    assert sweep.tune is not None
    assert "gamma_rel" in searched_keys("asteroid", sweep.tune.space)
    assert "gamma_rel" not in searched_keys("pretrain_finetune", sweep.tune.space)
    assert searched_keys("cheap_only", sweep.tune.space) == ()


def test_searched_architectures_bring_their_own_sizes() -> None:
    defaults = default_settings(parse(sweep_data(model={"hidden": 11, "layers": 1})), "standard")
    assert apply_values(defaults, {"architecture": "mlp"}).model == MLPSettings(hidden=11, layers=1)
    assert apply_values(defaults, {"architecture": "schnet"}).model == SchNetSettings()
    for values in ({"architecture": "schnet", "hidden": 9}, {"hidden": 9, "architecture": "schnet"}):
        assert apply_values(defaults, values).model == SchNetSettings(hidden=9)
    searched = apply_values(defaults, {"score_match_steps": 3, "residual_learning_rate": 0.5, "rho": 0.75})
    assert searched.score_match == replace(defaults.score_match, steps=3, rho=0.75)
    assert searched.residual == replace(defaults.residual, learning_rate=0.5, rho=0.75)
    assert searched.kernel == defaults.kernel


def test_what_is_searched_for_each_strategy() -> None:
    keys = {
        "gamma_rel": [1.0, math.inf],
        "identify_steps": [1, 2],
        "pretrain_steps": [1, 2],
        "score_match_steps": [1, 2],
        "residual_steps": [1, 2],
        "finetune_steps": [1, 2],
        "hidden": [4, 8],
    }
    search = {"budgets": [20], "trials": 2, "subset_seeds": [5, 6], "space": keys}
    sweep = parse(sweep_data(tune=search))
    assert sweep.tune is not None
    found = {s: searched_keys(s, sweep.tune.space) for s in TWO_LEVELS}
    assert found == {
        "accurate_only": ("identify_steps", "hidden"),
        "cheap_only": (),
        "pretrain_finetune": ("pretrain_steps", "finetune_steps", "hidden"),
        "asteroid": ("gamma_rel", "pretrain_steps", "finetune_steps", "hidden"),
        "asteroid_unlabelled": ("score_match_steps", "finetune_steps", "hidden"),
        "residual": ("pretrain_steps", "residual_steps", "hidden"),
        "gdml": (),
        "gdml_residual": ("pretrain_steps", "hidden"),
        "gdml_delta": (),
        "network_delta": ("residual_steps", "hidden"),
    }

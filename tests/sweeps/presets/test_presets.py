"""The sweep files that ship with the package."""

from sweeps.presets import load_sweep, preset_names


def test_presets_are_valid() -> None:
    for name in preset_names():
        assert load_sweep(name).name == name

"""Learning curves that were seen before: what the learnt prior learns from. Made by `benchmarks/buying_prior.py`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownCurve:
    """The power law with a floor of one curve, as `analysis.curves.power_law` fits it.

    Attributes:
        system: molecule or set; a purchase for it can leave its curves out.
        strategy: of this package, or what a network of somebody else was pretrained on.
        log_slope: mean of the log slope.
        log_slope_sd: its standard deviation.
        floor: mean share of the floor in the error at 50 labels.
        source: where the errors are published.
    """

    system: str
    strategy: str
    log_slope: float
    log_slope_sd: float
    floor: float
    source: str


_OWN, _NEQUIP = "benchmarks/README.md", "DOI 10.1088/2632-2153/ad1626"

KNOWN_CURVES = (
    KnownCurve("methanol", "accurate_only", 0.08, 0.32, 0.29, _OWN),
    KnownCurve("methanol", "gdml", -0.33, 0.12, 0.05, _OWN),
    KnownCurve("methanol", "pretrain_finetune", -0.49, 0.4, 0.31, _OWN),
    KnownCurve("methanol", "asteroid", -0.46, 0.46, 0.33, _OWN),
    KnownCurve("methanol", "residual", -0.26, 0.44, 0.36, _OWN),
    KnownCurve("methanol", "gdml_residual", -0.48, 0.15, 0.09, _OWN),
    KnownCurve("methanol", "gdml_delta", -0.38, 0.13, 0.07, _OWN),
    KnownCurve("ethanol", "accurate_only", 0.12, 0.07, 0.15, _OWN),
    KnownCurve("ethanol", "gdml", -0.64, 0.08, 0.01, _OWN),
    KnownCurve("ethanol", "pretrain_finetune", -0.33, 0.26, 0.44, _OWN),
    KnownCurve("ethanol", "asteroid", -0.55, 0.3, 0.36, _OWN),
    KnownCurve("ethanol", "residual", -0.41, 0.3, 0.46, _OWN),
    KnownCurve("ethanol", "gdml_residual", -1.14, 0.24, 0.15, _OWN),
    KnownCurve("C-GAP-20:bucky", "C-SYNTH-23M:reasonable ace", -1.29, 0.37, 0.31, _NEQUIP),
    KnownCurve("C-GAP-20:bucky", "scratch", -1.22, 0.28, 0.18, _NEQUIP),
    KnownCurve("Si-GAP-18", "scratch", -1.27, 0.2, 0.14, _NEQUIP),
    KnownCurve("Si-GAP-18:scaled-to-C", "C-SYNTH-23M:sp2 ace", 0.11, 0.06, 0.25, _NEQUIP),
    KnownCurve("Si-GAP-18:scaled-to-C", "C-SYNTH-23M:sp3 ace", -0.03, 0.15, 0.08, _NEQUIP),
    KnownCurve("Si-GAP-18:scaled-to-C", "scratch", -1.06, 0.18, 0.21, _NEQUIP),
)

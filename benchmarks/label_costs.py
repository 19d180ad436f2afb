"""What a label costs: CPU seconds of energy and forces of water and methanol at levels from force fields to CCSD(T).

    python benchmarks/label_costs.py

One thread, relaxed geometries of ASE's G2 set; medians over repeats where labels are cheap (`calibrate` does the same
for a user's molecule). It ends with the order of the levels for each molecule and fails if that is not the order
expected of small molecules: force fields, xTB, MP2, CCSD, CCSD(T).
"""

from __future__ import annotations

import math
import sys

from study.run.hardware import processor, use_one_thread

use_one_thread()

from ase.build import molecule  # noqa: E402

from study.labelling.timing import LevelTiming, price_text, time_level  # noqa: E402

LEVELS = (
    *("uff", "mmff94", "gfn2-xtb", "hf/cc-pvdz", "pbe/def2-svp", "b3lyp/def2-svp"),
    *("mp2/cc-pvdz", "ccsd/cc-pvdz", "ccsd_t/cc-pvdz"),
)
#: Each must cost more than the one before. PBE lies anywhere between xTB and CCSD.
ORDER = ("uff", "gfn2-xtb", "mp2/cc-pvdz", "ccsd/cc-pvdz", "ccsd_t/cc-pvdz")


def main() -> None:
    measured: dict[str, dict[str, LevelTiming]] = {}
    for name in ("H2O", "CH3OH"):
        atoms = molecule(name)  # type: ignore[no-untyped-call]
        measured[name] = {level: time_level(level, atoms.numbers, atoms.positions, 0, 0) for level in LEVELS}
    print(f"CPU time of a label (energy + forces), {processor()}, one thread\n")
    print("| level | H2O | CH3OH | growth n^k |")
    print("|---|---|---|---|")
    for level in LEVELS:
        small, large = (measured[name][level] for name in measured)
        print(f"| `{level}` | {price_text(small.cpu_s)} | {price_text(large.cpu_s)} | {growth(small, large)} |")
    print()
    failed = False
    for name, timings in measured.items():
        cpu_s = {level: timing.cpu_s for level, timing in timings.items()}
        order = sorted(cpu_s, key=cpu_s.__getitem__)
        print(f"{name}: " + " < ".join(order))
        prices = [cpu_s[level] for level in ORDER]
        failed |= prices != sorted(prices)
    ratio = measured["CH3OH"]["ccsd_t/cc-pvdz"].cpu_s / measured["CH3OH"]["gfn2-xtb"].cpu_s
    print(f"methanol: CCSD(T)/cc-pVDZ costs {ratio:,.0f} times GFN2-xTB")
    sys.exit("the order is not the expected one" if failed else 0)


def growth(small: LevelTiming, large: LevelTiming) -> str:
    """Measured exponent in the number of basis functions, and the formal one."""
    k = math.log(large.cpu_s / small.cpu_s) / math.log(large.functions / small.functions)
    return f"{k:.1f} (formally {small.exponent})"


if __name__ == "__main__":
    main()

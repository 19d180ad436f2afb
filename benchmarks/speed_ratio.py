"""Whether training has become slower: this checkout against another one, side by side.

    python benchmarks/speed_ratio.py OTHER_CHECKOUT [--pairs 9]

One process for each checkout takes the packed trainings of `training_speed.py` in turn, never both at once, the order
changing from pair to pair. Reported are medians of the ratios within a pair (model-steps per CPU second, this checkout
over the other), with their quartiles.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
from pathlib import Path

#: Of `training_speed.packed_contenders`, by the beginning of the name.
NAMES = ("packed, K = 16, shared", "packed, K = 16, per-model")
CHILD = """
import sys, torch
torch.set_num_threads(1)
from training_speed import packed_contenders
runs = packed_contenders()
for name in sys.stdin:
    print(next(run for key, run in runs.items() if key.startswith(name.strip()))(), flush=True)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--pairs", type=int, default=9)
    options = parser.parse_args()
    both = [child(Path(__file__).parent.parent), child(options.other.resolve())]
    for name in NAMES:
        for process in both:
            speed(process, name)  # the first run prepares what the others reuse
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
    print("| training | this, model-steps per CPU-s | the other | ratio, median (quartiles) |\n|---|---|---|---|")
    for name in NAMES:
        found = []
        for pair in range(options.pairs):
            first, second = (0, 1) if pair % 2 == 0 else (1, 0)
            speeds = {first: speed(both[first], name), second: speed(both[second], name)}
            found.append((speeds[0], speeds[1]))
        ratios = [this / other for this, other in found]
        low, middle, high = statistics.quantiles(ratios, n=4)
        medians = [statistics.median(own) for own in zip(*found, strict=True)]
        print(
            f"| {name} | {medians[0]:,.0f} | {medians[1]:,.0f} | {middle:.3f} ({low:.3f} to {high:.3f}) |", flush=True
        )
    for process in both:
        process.communicate()


def child(checkout: Path) -> subprocess.Popen[str]:
    """A process that trains with one checkout's code."""
    paths = os.pathsep.join(map(str, (checkout, checkout / "benchmarks")))
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    words = [sys.executable, "-c", CHILD]
    return subprocess.Popen(words, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def speed(process: subprocess.Popen[str], name: str) -> float:
    """Model-steps per CPU second of one short training."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(name + "\n")
    process.stdin.flush()
    return float(process.stdout.readline())


if __name__ == "__main__":
    main()

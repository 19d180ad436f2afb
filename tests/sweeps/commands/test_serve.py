"""The command `serve`: forces for a server that speaks i-PI's protocol (ASE's own stands for i-PI here)."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import ase.io
import numpy as np
from ase.calculators.socketio import SocketIOCalculator
from command_line import answer, refused
from exported_folder import write_model

from asteroid.deploy.calculator import asteroid_model

if TYPE_CHECKING:
    from pathlib import Path


def test_forces_over_a_socket(tmp_path: Path) -> None:
    model, start = write_model(tmp_path), tmp_path / "geometry.xyz"
    name, said = f"asteroid{tmp_path.name}{id(tmp_path)}", []
    atoms = ase.io.read(start)
    atoms.set_cell(50 * np.eye(3))
    with SocketIOCalculator(unixsocket=name) as server:
        words = ("serve", str(model), "--start", str(start), "--unix", name)
        client = threading.Thread(target=lambda: said.append(answer(*words)))
        client.start()
        atoms.calc = server
        forces, energy = atoms.get_forces(), atoms.get_potential_energy()
    client.join(30)
    own = ase.io.read(start)
    own.calc = asteroid_model(model)
    assert np.abs(own.get_forces() - forces).max() < 1e-10
    assert abs(own.get_potential_energy() - energy) < 1e-9
    assert said[0][0] == 0


def test_mistakes(tmp_path: Path) -> None:
    words = ("serve", write_model(tmp_path), "--start", tmp_path / "geometry.xyz")
    assert "give --unix or --port" in refused(*words)
    assert "nobody listens on Unix socket" in refused(*words, "--unix", "nobody-is-there")

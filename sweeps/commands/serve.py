"""The command `serve`: forces of an exported model for a program that speaks i-PI's protocol."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Annotated, Any

import typer

from asteroid.errors import InputError
from sweeps.console import note, say
from sweeps.options import LengthUnit, ModelFolder


def serve(
    model: ModelFolder,
    start: Annotated[Path, typer.Option(help="A geometry with the atoms in the model's order.")],
    unix: Annotated[str | None, typer.Option(help="Name of i-PI's Unix socket (its <address>).")] = None,
    host: Annotated[str, typer.Option(help="Host of i-PI's internet socket.")] = "localhost",
    port: Annotated[int | None, typer.Option(help="Port of i-PI's internet socket.")] = None,
    length_unit: LengthUnit = None,
) -> None:
    """Compute forces for i-PI, or any other program that speaks its socket protocol, until that ends.

    Example:

      asteroid-study serve model --start methanol.xyz --unix methanol
    """
    from ase import Atoms
    from ase.calculators import socketio

    from asteroid.deploy.calculator import asteroid_model
    from study.labelling.geometry_files import read_molecule
    from study.use.same_molecule import refuse_other_electrons

    if (unix is None) == (port is None):
        raise InputError("i-PI listens on a Unix socket or on a port, found both or none: give --unix or --port")
    ipi: Any = socketio  # without types
    numbers, positions = read_molecule(start, length_unit=length_unit, on_note=note)
    atoms: Any = Atoms(numbers, positions)
    calculator = asteroid_model(model)
    refuse_other_electrons(calculator.force_field, start)
    atoms.calc = calculator
    atoms.get_potential_energy()  # refuses another molecule before anybody waits
    where = f"Unix socket {unix}" if unix is not None else f"{host}:{port}"
    if unix is not None and not Path(ipi.actualunixsocketname(unix)).is_socket():
        raise InputError(f"nobody listens on {where} (no such socket): start i-PI first")
    try:
        client = ipi.SocketClient(host=host, port=port or 0, unixsocket=unix)
    except OSError as error:
        raise InputError(f"nobody listens on {where} ({error.strerror}): start i-PI first") from error
    say(f"connected to {where}")
    with closing(client):
        client.run(atoms, use_stress=False)
    say("the other program has ended")

"""The page about clusters: its batch script is the file's, and its commands have the options that they name."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from study.ray_backend.session import set_environment

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "cluster.md").read_text()
SCRIPT = ROOT / "docs" / "asteroid-study.sbatch"


def commands(*of: str) -> list[list[str]]:
    """Words of the page's commands, its batch script's included, that begin with these."""
    blocks = re.findall(r"```(?:console|bash)\n(.*?)```", PAGE, flags=re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines if not line.startswith("#")]
    return [line[place:] for line in words for place in range(len(line)) if tuple(line[place : place + len(of)]) == of]


def test_the_page_shows_the_script() -> None:
    assert f"```bash\n{SCRIPT.read_text()}```" in PAGE


def test_the_script_is_shell() -> None:
    bash = shutil.which("bash")
    assert bash is not None
    assert subprocess.run([bash, "-n", SCRIPT], capture_output=True, check=False).stderr == b""
    assert SCRIPT.read_text().startswith("#!/bin/bash\n")


def test_the_script_gives_ray_and_the_study_one_address(tmp_path: Path) -> None:
    """Stand-ins for Slurm, whose list of nodes is longer than a pipe holds; the environment is an empty one."""
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "activate").touch()
    for name, text in {
        "scontrol": "for i in $(seq 20000); do echo node$i; done",
        "srun": 'printf "%s\\n" "$RAY_AUTH_MODE" "${#RAY_AUTH_TOKEN}" "$@"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}\n")
        (tmp_path / name).chmod(0o755)
    slurm = {"SUBMIT_DIR": str(tmp_path), "JOB_ID": "123456", "JOB_NODELIST": "n[1-2]", "JOB_NUM_NODES": "2"}
    python = Path(shutil.which("python3") or "").parent
    (tmp_path / "python").symlink_to(python / "python3")
    environment = {f"SLURM_{name}": value for name, value in slurm.items()} | {"SLURM_CPUS_PER_TASK": "16"}
    environment["PATH"] = f"{tmp_path}:/usr/bin:/bin"
    done = subprocess.run(
        ["bash", SCRIPT, "my sweep.yaml"], env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    mode, token_length, *words = done.stdout.splitlines()
    assert (mode, token_length) == ("token", "64")
    assert words[: words.index("ray")] == ["--no-kill", "--kill-on-bad-exit=0"]
    started = "ray symmetric-run --address node1:23456 --min-nodes 2 --num-cpus 16 -- asteroid-study run"
    study = ["my sweep.yaml", "--out", "runs/my sweep", "--ray-address", "node1:23456"]
    assert words[words.index("ray") :] == [*started.split(), *study]


@pytest.mark.parametrize("command", ["start", "symmetric-run", "status", "stop"])
def test_ray_knows_the_options(command: str) -> None:
    set_environment()
    from ray.scripts.scripts import cli

    ray = cli.commands[command]
    known = {option for parameter in ray.params for option in parameter.opts}
    if command == "symmetric-run":  # it hands the others on to `ray start` on every node
        known |= {option for parameter in cli.commands["start"].params for option in parameter.opts}
        known -= {"--head", "--include-dashboard", "--dashboard-host", "--dashboard-port"}
    found = commands("ray", command)
    assert found
    for words in found:
        own = words[: words.index("--")] if "--" in words else words
        assert {word.partition("=")[0] for word in own if word.startswith("--")} <= known


def test_the_study_knows_the_options() -> None:
    from sweeps.cli import app

    subcommands = typer.main.get_command(app).commands
    found = commands("asteroid-study")
    assert len(found) >= 3
    for words in found:
        known = {option for parameter in subcommands[words[1]].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_the_readme_leads_here() -> None:
    assert "(docs/cluster.md)" in (ROOT / "README.md").read_text()

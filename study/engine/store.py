"""The stage store: a folder per finished stage, named by its key, complete or absent; several runs may use one."""

from __future__ import annotations

import math
import secrets
import shutil
import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from asteroid.content_digest import content_digest
from asteroid.models.architectures import settings_type
from asteroid.models.sgdml.model import KernelModel
from asteroid.models.trained import model_from_tensors
from asteroid.stages.kinds import NETWORK_KINDS, STAGE_KINDS
from asteroid.stages.stage import StageResult
from asteroid.training.schedule import TRAINER_VERSION
from study.files import read_json, read_record, refuse_special_files, write_record

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.models.trained import TrainedModel


#: What must be numbers or null in a record, whoever wrote it.
_NUMBERS = (
    *("val_force_mae_ev_ang", "train_force_mae_ev_ang", "core_s", "energy_shift_ev"),
    *("gamma_ev_ang", "effective_sample", "val_energy_mae_ev"),
)


class StageStore:
    """Finished stages on disk: `<root>/<key>/stage.json` and `weights.safetensors`.

    Args:
        root: folder of the stages; created when the first one is saved.
        run_id: name of the run that saves here; every stage remembers who trained it.
    """

    def __init__(self, root: Path, run_id: str = "") -> None:
        self.root = root
        self._run_id = run_id
        self._writers: dict[str, str] = {}

    def __contains__(self, key: str) -> bool:
        return (self.root / key / "stage.json").is_file()

    def save(self, result: StageResult) -> None:
        """Write a stage under a temporary name, then rename: a reader sees all of it or nothing.

        Where two save the same stage, the first stays.

        Raises:
            OSError: the disk is full or cannot be written to; nothing of the stage stays behind.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        temporary = self._temporary(result.key)
        try:
            temporary.mkdir()
            weights = save(result.model.tensors())
            (temporary / "weights.safetensors").write_bytes(weights)
            plain = {name: value for name, value in vars(result).items() if name != "model"}
            if result.val_energy_mae_ev is None:  # as earlier versions write it
                del plain["val_energy_mae_ev"]
            plain |= {
                "weights_digest": content_digest(weights),
                "versions": {"torch": torch.__version__},
                "trained_by": self._run_id,
            }
            write_record(temporary / "stage.json", _finite(plain))
            while True:
                try:
                    temporary.rename(self.root / result.key)
                except OSError:
                    if result.key in self:
                        break  # another writer was faster
                    if not (self.root / result.key).exists():
                        raise
                    self.discard(result.key)  # torn: a folder cannot be renamed onto it
                else:
                    break
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def load(self, key: str) -> StageResult:
        """Read a finished stage.

        Raises:
            KeyError: the stage is absent or torn.
        """
        folder = self.root / key
        try:
            plain, intact = read_record(folder / "stage.json", "")
            if not intact:
                raise ValueError("not as it was written")
            refuse_special_files(folder)
            weights = (folder / "weights.safetensors").read_bytes()
            if plain["key"] != key or plain.pop("weights_digest") != content_digest(weights):
                raise ValueError("another stage's files, or damaged ones")
            self._writers[key] = str(plain.pop("trained_by", ""))
            return _result(plain, load(weights))
        except (OSError, ValueError, TypeError, AttributeError, KeyError, IndexError, SafetensorError) as error:
            raise KeyError(key) from error

    def is_of_another_run(self, key: str) -> bool:
        """Whether a loaded stage was trained by another run; one that does not say by whom counts as this run's."""
        return self._writers.get(key, "") not in ("", self._run_id)

    def discard(self, key: str) -> None:
        """Remove a torn stage: under another name first, so that nobody sees it half removed."""
        aside = self._temporary(key)
        try:
            (self.root / key).rename(aside)
        except FileNotFoundError:
            return  # somebody else was faster
        shutil.rmtree(aside, ignore_errors=True)

    def sweep_leftovers(self, older_than_s: float = 0.0) -> None:
        """Remove what a killed writer left behind.

        Args:
            older_than_s: leave younger ones alone; where others write to the store, they may be in use.
        """
        for leftover in self.root.glob(".*.tmp"):
            try:
                age_s = time.time() - leftover.stat().st_mtime
            except OSError:  # its writer has just finished
                continue
            if age_s >= older_than_s:
                shutil.rmtree(leftover, ignore_errors=True)

    def other_trainer_versions(self, most: int = 1000) -> tuple[int, ...]:
        """Trainer versions of other releases among the stages here; at most so many are looked at."""
        found = set()
        for record in islice(self.root.glob("[!.]*/stage.json"), most):
            try:
                found.add(int(read_json(record, "")["spec"]["trainer_version"]))
            except (OSError, ValueError, TypeError, KeyError):
                continue  # torn, or no stage
        return tuple(sorted(found - {TRAINER_VERSION}))

    def _temporary(self, key: str) -> Path:
        return self.root / f".{key}.{secrets.token_hex(4)}.tmp"


def _result(plain: dict[str, Any], tensors: dict[str, torch.Tensor]) -> StageResult:
    """The stage that `StageStore.save` wrote; null stands for what JSON cannot say."""
    del plain["versions"]
    model: TrainedModel
    kind = plain["spec"]["kind"]
    if kind not in NETWORK_KINDS:
        model = KernelModel.from_tensors(tensors)
    else:
        settings = dict(plain["spec"]["model"])
        model = model_from_tensors(settings_type(settings.pop("architecture"))(**settings), tensors)
    for name in _NUMBERS:
        value = plain.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise ValueError(f"{name} is no number")
    if plain["core_s"] is None or not isinstance(plain["status"], str):
        raise ValueError("core_s or status are missing")
    shift = plain.pop("energy_shift_ev")
    curve = tuple((step, math.inf if val is None else val) for step, val in plain.pop("validation_curve"))
    best = plain.pop("val_force_mae_ev_ang")
    unknown = math.inf if STAGE_KINDS[kind].labelled and "val_energy_mae_ev" not in plain else math.nan
    quantiles = plain.pop("bias_quantiles_ev_ang")
    return StageResult(
        model=model,
        validation_curve=curve,
        val_force_mae_ev_ang=unknown if best is None else best,
        energy_shift_ev=math.nan if shift is None else shift,
        warnings=tuple(plain.pop("warnings")),
        bias_quantiles_ev_ang=None if quantiles is None else tuple(quantiles),
        **plain,
    )


def _finite(value: Any) -> Any:
    """JSON has no infinity or NaN: they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value

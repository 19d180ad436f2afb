"""The stage store: a folder per finished stage, named by its key, complete or absent."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from asteroid.models import ARCHITECTURES
from asteroid.models.sgdml import KernelModel
from asteroid.stages import StageResult, TrainedNetwork

if TYPE_CHECKING:
    from pathlib import Path

    from asteroid.stages import TrainedModel


class StageStore:
    """Finished stages on disk: `<root>/<key>/stage.json` and `weights.safetensors`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __contains__(self, key: str) -> bool:
        return (self.root / key / "stage.json").is_file()

    def save(self, result: StageResult) -> None:
        """Write a stage under a temporary name, then rename: a reader sees all of it or nothing."""
        self.root.mkdir(parents=True, exist_ok=True)
        temporary = self.root / f".{result.key}.{os.getpid()}.tmp"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        model = result.model
        weights = save(model.tensors())
        (temporary / "weights.safetensors").write_bytes(weights)
        plain = {name: value for name, value in vars(result).items() if name != "model"}
        plain |= {
            "weights_digest": _digest(weights),
            "versions": {"torch": torch.__version__},
        }
        (temporary / "stage.json").write_text(json.dumps(_finite(plain), indent=1) + "\n")
        if result.key not in self:
            shutil.rmtree(self.root / result.key, ignore_errors=True)  # torn: a folder cannot be renamed onto it
            try:
                temporary.rename(self.root / result.key)
            except OSError:
                if result.key not in self:  # else another writer was faster, with the same result
                    raise
        shutil.rmtree(temporary, ignore_errors=True)

    def load(self, key: str) -> StageResult:
        """Read a finished stage.

        Raises:
            KeyError: the stage is absent or torn.
        """
        folder = self.root / key
        try:
            plain: dict[str, Any] = json.loads((folder / "stage.json").read_text())
            weights = (folder / "weights.safetensors").read_bytes()
            if plain["key"] != key or plain.pop("weights_digest") != _digest(weights):
                raise ValueError("another stage's files, or damaged ones")
            return _result(plain, load(weights))
        except (OSError, ValueError, TypeError, AttributeError, KeyError, SafetensorError) as error:
            raise KeyError(key) from error

    def sweep_leftovers(self) -> None:
        """Remove what a killed writer left behind."""
        for leftover in self.root.glob(".*.tmp"):
            shutil.rmtree(leftover, ignore_errors=True)


def _result(plain: dict[str, Any], tensors: dict[str, torch.Tensor]) -> StageResult:
    """The stage that `StageStore.save` wrote; null stands for what JSON cannot say."""
    del plain["versions"]
    model: TrainedModel
    if plain["spec"]["kind"] == "kernel":
        model = KernelModel.from_tensors(tensors)
    else:
        settings = dict(plain["spec"]["model"])
        model = TrainedNetwork.from_tensors(ARCHITECTURES[settings.pop("architecture")](**settings), tensors)
    shift = plain.pop("energy_shift_ev")
    curve = tuple((step, math.inf if val is None else val) for step, val in plain.pop("validation_curve"))
    scored = plain["spec"]["kind"] == "score_match"  # which has no force labels to miss
    best = plain.pop("val_force_mae_ev_ang")
    quantiles = plain.pop("bias_quantiles_ev_ang")
    return StageResult(
        model=model,
        validation_curve=curve,
        val_force_mae_ev_ang=(math.nan if scored else math.inf) if best is None else best,
        energy_shift_ev=math.nan if shift is None else shift,
        warnings=tuple(plain.pop("warnings")),
        bias_quantiles_ev_ang=None if quantiles is None else tuple(quantiles),
        **plain,
    )


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _finite(value: Any) -> Any:
    """JSON has no infinity or NaN: they become null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value

"""A fitted kernel: what it keeps, and its predictions."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from asteroid.errors import InputError
from asteroid.models.sgdml.package import interleaved_permutations, sgdml_package

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asteroid.labels.label_set import FloatArray, IntArray

#: Frames predicted at a time, and numbers in their differences of descriptors (8 MiB, more is slower).
_BATCH_FRAMES = 64
_BATCH_NUMBERS = 2**20


@dataclass(frozen=True, eq=False)
class KernelModel:
    """What prediction needs. D = A (A - 1) / 2 distances, N training frames.

    Attributes:
        numbers: atomic numbers, shape [A].
        permutations: permutations of the atoms, shape [P, A], a group that contains the identity.
        descriptors: inverse distances of the training frames in 1/Å, shape [N, D].
        coefficients: their Jacobians times the solution of the linear system, shape [N, D].
        sigma: length scale in 1/Å.
        scale_ev_ang: standard deviation of the training forces, by which predictions are multiplied.
        constant_ev: constant of the energy.
    """

    numbers: Tensor
    permutations: Tensor
    descriptors: Tensor
    coefficients: Tensor
    sigma: int
    scale_ev_ang: float
    constant_ev: float

    def tensors(self) -> dict[str, Tensor]:
        """The model as named tensors, to be saved with safetensors; `from_tensors` gives back the very same model."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: v if isinstance(v, Tensor) else torch.from_numpy(np.array(v)) for name, v in values.items()}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> KernelModel:
        """Rebuild a model from `tensors`.

        Raises:
            InputError: a tensor is missing.
        """
        missing = [name for name in cls.__dataclass_fields__ if name not in tensors]
        if missing:
            raise InputError(f"a kernel model needs the tensor {missing[0]!r}, which is missing: fit it again")
        arrays = (tensors["numbers"], tensors["permutations"], tensors["descriptors"], tensors["coefficients"])
        return cls(*arrays, int(tensors["sigma"]), float(tensors["scale_ev_ang"]), float(tensors["constant_ev"]))


#: What a fit that failed leaves: no atoms, no frames.
NO_KERNEL = KernelModel(
    *(torch.zeros(0), torch.zeros(0, 0), torch.zeros(0, 0), torch.zeros(0, 0)), 1, math.nan, math.nan
)


def predict_kernel(model: KernelModel, numbers: IntArray, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Energies [B] in eV and forces [B, A, 3] in eV/Å of frames [B, A, 3] in Å, in float64.

    Raises:
        InputError: other atoms than the model's, or positions of another shape.
    """
    z, x = np.asarray(numbers), np.asarray(positions, dtype=np.float64)
    if not np.array_equal(z, model.numbers.numpy()):
        raise InputError(f"the model knows the atoms {model.numbers.tolist()}, found {z.tolist()}: keep their order")
    if x.ndim != 3 or x.shape[1:] != (len(z), 3):
        raise InputError(f"positions need the shape [frames, {len(z)}, 3], found {list(x.shape)}: reshape")
    if not len(x):
        return np.empty(0), np.empty((0, len(z), 3))
    evaluate, batch = _evaluator(model)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):  # the package's loader draws a seed that it does not use
        done = [evaluate(part) for part in torch.from_numpy(np.ascontiguousarray(x)).split(batch)]
    return torch.cat([energy for energy, _ in done]).numpy(), torch.cat([forces for _, forces in done]).numpy()


@functools.lru_cache(maxsize=4)
def _evaluator(model: KernelModel) -> tuple[Any, int]:
    """The package's predictor for a model, with the permuted training frames laid out, and the batch that suits it."""
    desc = sgdml_package().Desc(len(model.numbers), max_processes=1)
    group = model.permutations.numpy()
    as_package = {
        "R_desc": model.descriptors.numpy().T,
        "R_d_desc_alpha": model.coefficients.numpy(),
        "c": model.constant_ev,
        "std": model.scale_ev_ang,
        "sig": model.sigma,
        "perms": group,
        "tril_perms_lin": interleaved_permutations(desc, group),
    }
    # Batches bound the memory; a real limit in GiB would only make the package log.
    predictor = sgdml_package().Predict(as_package, batch_size=_BATCH_FRAMES, max_memory=2**20, max_processes=1)
    return predictor, max(1, min(_BATCH_FRAMES, _BATCH_NUMBERS // (len(group) * model.descriptors.numel())))

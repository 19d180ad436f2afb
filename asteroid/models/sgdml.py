"""sGDML: kernel regression of forces in closed form, through the `sgdml` package.

The covariance of two forces is the Hessian of a Matérn kernel on inverse pair distances, summed over the permutations
of like atoms that the frames go through (Chmiela et al., Sci. Adv. 3, e1603015 (2017); Nat. Commun. 9, 3887 (2018)).
Forces are the exact gradient of an energy, whose constant the energy labels fix.

The package finds permutations, assembles the kernel and predicts. Two steps are done here, for they decide what a fit
costs. Of the 3A components of a frame's forces 3A - 6 change a distance: in their basis the model is the same and the
matrix smaller (3.4 times less to factorise for methanol). And cross-validation assembles one matrix per length scale:
that of a fold is a part of it, and so are its predictions.
"""

from __future__ import annotations

import functools
import logging
import math
import warnings
from bisect import bisect_right
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import psutil
import torch
from torch import Tensor

from asteroid.errors import InputError
from asteroid.models.kernel_labels import checked_kernel_labels

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from asteroid.labels.label_set import FloatArray, IntArray

#: Frames searched for permutations, which costs their number squared: methanol, ethanol, aspirin and formaldehyde gave
#: the same group for every draw of 25 or more.
_SYMMETRY_FRAMES = 100
#: Frames whose columns of the kernel are assembled at a time; of the symmetric matrix only the rows below are.
_COLUMN_FRAMES = 16
#: Frames predicted at a time, and numbers in their differences of descriptors (8 MiB, more is slower).
_BATCH_FRAMES = 64
_BATCH_NUMBERS = 2**20


class SingularKernelError(InputError):
    """The kernel matrix of these labels with these settings has no Cholesky factor."""


@dataclass(frozen=True)
class KernelSettings:
    """Settings of a kernel fit; plain data.

    Attributes:
        sigmas: length scales in 1/Å, whole and rising; cross-validation inside the labels chooses one of several.
        regularisation: added to the diagonal of the kernel for forces of unit variance (`lam` of the package).
        symmetries: sum the kernel over permutations of like atoms (sGDML) or not (GDML).
        folds: folds of the cross-validation, at most one per frame.

    Raises:
        InputError: a value out of its range.
    """

    sigmas: tuple[int, ...] = (5, 10, 20, 40, 80)
    regularisation: float = 1e-10
    symmetries: bool = True
    folds: int = 5
    architecture: ClassVar[str] = "sgdml"
    one_composition: ClassVar[bool] = True

    def __post_init__(self) -> None:
        whole = all(isinstance(sigma, int) and sigma > 0 for sigma in self.sigmas)
        if not self.sigmas or not whole or list(self.sigmas) != sorted(set(self.sigmas)):
            raise InputError(f"sigmas are whole, positive and rising, found {self.sigmas}: write for instance (10, 20)")
        if self.sigmas[-1] > 10**6:  # where inverse distances are all alike in double precision
            raise InputError(f"sigmas are at most {10**6}, found {self.sigmas[-1]}: 5 to 100 are usual")
        if not (math.isfinite(self.regularisation) and self.regularisation > 0):
            raise InputError(f"the regularisation must be positive, found {self.regularisation}: 1e-10 is usual")
        if self.folds < 2:
            raise InputError(f"cross-validation needs at least 2 folds, found {self.folds}: 5 is usual")


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


@dataclass(frozen=True, eq=False)
class KernelFit:
    """A fitted model and how its length scale was chosen.

    Attributes:
        model: the model, fitted to all labels.
        sigma: the chosen length scale in 1/Å.
        cross_validated_mae_ev_ang: sigma tried -> MAE of left-out force components in eV/Å; empty if one was given.
        n_permutations: size of the symmetry group, the identity included.
    """

    model: KernelModel
    sigma: int
    cross_validated_mae_ev_ang: Mapping[int, float]
    n_permutations: int


@dataclass(frozen=True, eq=False)
class _Frames:
    """Training frames as the kernel sees them."""

    descriptors: Tensor  # [N, D]
    jacobians: Tensor  # [N, D, 3], compressed as the package has them
    basis: Tensor  # [N, 3A, r], orthonormal directions that change a distance
    permutations: IntArray  # [D P], see _interleave


def fit_kernel(
    numbers: npt.ArrayLike,
    positions: npt.ArrayLike,
    energy: npt.ArrayLike,
    forces: npt.ArrayLike,
    settings: KernelSettings,
    seed: int,
) -> KernelFit:
    """Fit sGDML to all given labels, or to differences of labels (small forces, energies with any offset).

    Where `settings` gives several length scales, one is chosen by cross-validation: frame i lies in fold i % folds, and
    the walk along the scales starts in the middle and follows the falling error; a scale whose kernel has no Cholesky
    factor counts as infinitely bad. Only the forces shape the energy
    surface; its constant is the median difference between the energy labels and the predictions for their frames.

    Args:
        numbers: atomic numbers, shape [A].
        positions: Å, shape [N, A, 3].
        energy: eV, shape [N].
        forces: eV/Å, shape [N, A, 3].
        settings: of the kernel.
        seed: draws the frames that are searched for permutations where there are more than 100.

    Raises:
        InputError: shapes disagree, a value is not finite, one atom or two in one place, one frame for several length
            scales, a matrix that does not fit into the free memory.
        SingularKernelError: a matrix that has no Cholesky factor.
    """
    z, x, e, f = checked_kernel_labels(numbers, positions, energy, forces)
    if len(x) < 2 <= len(settings.sigmas):
        raise InputError(f"choosing among {len(settings.sigmas)} sigmas needs 2 frames, found {len(x)}: name one sigma")
    refuse_kernel_too_large(len(x), len(z), settings=settings)
    group = find_permutations(z, x, seed) if settings.symmetries else np.arange(len(z))[None]
    frames = _describe(x, group)
    labels = torch.from_numpy(f).flatten(1)
    scale = float(labels.std(correction=0)) or 1.0
    errors = _walk(frames, labels, scale, settings) if len(settings.sigmas) > 1 else {}
    sigma = min(errors, key=errors.__getitem__) if errors else settings.sigmas[0]
    y = torch.einsum("nxr,nx->nr", frames.basis, labels / scale)
    alphas = _solve(_assemble(frames, sigma), y.reshape(-1, 1), sigma, settings.regularisation).reshape(y.shape)
    alphas = -torch.einsum("nxr,nr->nx", frames.basis, alphas)  # the package's sign
    coefficients = _library().Desc(len(z), max_processes=1).d_desc_dot_vec(frames.jacobians, alphas)
    parts = (torch.from_numpy(z), torch.from_numpy(group), frames.descriptors, coefficients.contiguous())
    guess, _ = predict_kernel(KernelModel(*parts, sigma, scale, 0.0), z, x)
    model = KernelModel(*parts, sigma, scale, float(np.median(e - guess)))
    return KernelFit(model, sigma, errors, len(group))


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


def find_permutations(numbers: npt.ArrayLike, positions: npt.ArrayLike, seed: int) -> IntArray:
    """Permutations of like atoms that the frames go through, shape [P, A]: a group, the identity first.

    Multi-partite matching of distance matrices (Chmiela et al. 2018) of the frames [N, A, 3] in Å, or of 100 of them
    that the seed draws.
    """
    z, x = np.asarray(numbers, dtype=np.int64), np.asarray(positions, dtype=np.float64)
    if len(x) > _SYMMETRY_FRAMES:
        x = x[np.sort(np.random.default_rng(seed).choice(len(x), _SYMMETRY_FRAMES, replace=False))]
    perm = _library().perm
    with warnings.catch_warnings():  # equal distances: eigenvalues of a symmetric matrix with an imaginary part of zero
        warnings.simplefilter("ignore", np.exceptions.ComplexWarning)
        found = perm.find_perms(x, z, max_processes=1)
    perm.glob.clear()  # the package would keep the distance matrices until its next search
    if found is None:  # more than 100 permutations, and no smaller group among them
        found = np.arange(len(z))[None]
    group: IntArray = np.unique(found, axis=0).astype(np.int64)
    of_like_atoms: IntArray = group[(z[group] == z).all(axis=1)]
    return of_like_atoms


def kernel_bytes(n_frames: int, n_atoms: int, settings: KernelSettings | None = None) -> int:
    """Peak memory of a fit in bytes: the matrix, a fold's part of it if cross-validated, the columns in assembly."""
    chosen = settings or KernelSettings()
    cartesian, distances = 3 * n_atoms, n_atoms * (n_atoms - 1) // 2
    matrix = (n_frames * max(3 * n_atoms - 6, 1)) ** 2
    kept = 1 - 1 / min(chosen.folds, max(n_frames, 2)) if len(chosen.sigmas) > 1 else 0.0
    columns = 4 * n_frames * cartesian * min(n_frames, _COLUMN_FRAMES) * cartesian
    return 8 * (math.ceil(matrix * (1 + kept**2)) + columns + 6 * n_frames * distances * cartesian)


def refuse_kernel_too_large(
    n_frames: int, n_atoms: int, free_bytes: int | None = None, settings: KernelSettings | None = None
) -> None:
    """Refuse more frames than a fit can hold in the given memory, by default 80 % of what is free now.

    Raises:
        InputError: with the largest number that fits.
    """
    free = int(0.8 * psutil.virtual_memory().available) if free_bytes is None else free_bytes
    needed = kernel_bytes(n_frames, n_atoms, settings)
    if needed <= free:
        return
    largest = bisect_right(range(n_frames), free, key=lambda n: kernel_bytes(n, n_atoms, settings)) - 1
    raise InputError(
        f"a kernel of {n_frames} frames of {n_atoms} atoms needs {needed / 2**30:.1f} GiB of memory, "
        f"{free / 2**30:.1f} GiB may be used: take at most {max(largest, 0)} frames"
    )


@functools.cache
def _library() -> SimpleNamespace:
    """The parts of the package that need no other process. Imported late, for that replaces the class of loggers."""
    logger_class = logging.getLoggerClass()
    try:
        from sgdml.torchtools import GDMLTorchAssemble, GDMLTorchPredict
        from sgdml.utils import perm
        from sgdml.utils.desc import Desc
    finally:
        logging.setLoggerClass(logger_class)
    return SimpleNamespace(Assemble=GDMLTorchAssemble, Predict=GDMLTorchPredict, perm=perm, Desc=Desc)


def _describe(positions: FloatArray, group: IntArray) -> _Frames:
    n, atoms = positions.shape[:2]
    desc = _library().Desc(atoms, max_processes=1)
    descriptors, compressed = desc.from_R(positions.reshape(n, -1))
    jacobians = torch.from_numpy(desc.d_desc_from_comp(compressed))
    basis = torch.linalg.svd(jacobians.mT, full_matrices=False)[0][:, :, : max(3 * atoms - 6, 1)].contiguous()
    given = (torch.from_numpy(descriptors).reshape(n, -1), torch.from_numpy(compressed).reshape(n, -1, 3))
    return _Frames(*given, basis, _interleave(desc, group))


def _interleave(desc: Any, group: IntArray) -> IntArray:
    """A group of permutations as the package reads it, [D P]: for each distance its place in each of P copies."""
    shift = np.arange(len(group))[:, None] * desc.dim
    places: IntArray = (np.array([desc.perm(p) for p in group]) + shift).flatten("F").astype(np.int64)
    return places


def _assemble(frames: _Frames, sigma: int) -> Tensor:
    """The positive kernel matrix [N r, N r] in the bases of the frames, a few columns and their mirror at a time."""
    n, cartesian, r = frames.basis.shape
    matrix = torch.empty(n * r, n * r, dtype=torch.float64)
    for start in range(0, n, _COLUMN_FRAMES):
        stop = min(start + _COLUMN_FRAMES, n)
        # (first column in the block, frame counted from start, components of its force): the rows above are known.
        columns = [(k * cartesian, k, list(range(cartesian))) for k in range(stop - start)]
        block = np.empty(((n - start) * cartesian, (stop - start) * cartesian))
        rest = (frames.descriptors[start:], frames.jacobians[start:])
        _library().Assemble(columns, frames.permutations, sigma, False, *rest, out=block)(range(len(columns)))
        left = frames.basis[start:].mT @ torch.from_numpy(block).reshape(n - start, cartesian, -1)
        both = torch.einsum("nrkx,kxs->nrks", left.unflatten(2, (stop - start, cartesian)), frames.basis[start:stop])
        rows = -both.reshape((n - start) * r, (stop - start) * r)
        matrix[start * r :, start * r : stop * r] = rows
        matrix[start * r : stop * r, start * r :] = rows.T
    return matrix


def _solve(matrix: Tensor, right: Tensor, sigma: int, regularisation: float) -> Tensor:
    """Solve (matrix + regularisation) x = right for x [n, 1]; the matrix is overwritten."""
    matrix.diagonal().add_(regularisation)
    info = torch.empty((), dtype=torch.int32)
    factor: Tensor = matrix.mT  # symmetric, and LAPACK's order: factorised in place (cholesky_solve would copy it)
    torch.linalg.cholesky_ex(factor, out=(factor, info))
    if int(info):
        raise SingularKernelError(
            f"a kernel with sigma {sigma} is not positive at {regularisation:g}: raise the regularisation"
        )
    halfway = torch.linalg.solve_triangular(factor, right, upper=False)
    solution: Tensor = torch.linalg.solve_triangular(matrix, halfway, upper=True)
    return solution


def _walk(frames: _Frames, labels: Tensor, scale: float, settings: KernelSettings) -> dict[int, float]:
    """Cross-validated errors of the length scales met on the way from the middle of the grid to a minimum."""
    grid = settings.sigmas
    errors: dict[int, float] = {}

    def error(place: int) -> float:
        if place in range(len(grid)) and grid[place] not in errors:
            try:
                errors[grid[place]] = _cross_validate(frames, labels, scale, grid[place], settings)
            except SingularKernelError:
                errors[grid[place]] = math.inf
        return errors[grid[place]] if place in range(len(grid)) else math.inf

    place = len(grid) // 2
    step = 1 if error(place + 1) < error(place) else -1
    while error(place + step) < error(place):
        place += step
    return errors


def _cross_validate(frames: _Frames, labels: Tensor, scale: float, sigma: int, settings: KernelSettings) -> float:
    """Mean absolute error of left-out force components in eV/Å."""
    n, _, r = frames.basis.shape
    y = torch.einsum("nxr,nx->nr", frames.basis, labels / scale)
    kernel = _assemble(frames, sigma)
    fold = torch.arange(n) % min(settings.folds, n)
    predicted = torch.empty_like(y)
    for held in range(int(fold.max()) + 1):
        kept = torch.nonzero(fold != held)
        columns = (kept * r + torch.arange(r)).flatten()
        part = torch.empty(len(columns), len(columns), dtype=torch.float64)
        for rows, frame in zip(part.split(r), kept.tolist(), strict=True):  # an index of rows and columns copies twice
            rows[:] = kernel[frame[0] * r : (frame[0] + 1) * r, columns]
        alphas = torch.zeros(n * r, 1, dtype=torch.float64)
        alphas[columns] = _solve(part, y.reshape(-1, 1)[columns], sigma, settings.regularisation)
        predicted[fold == held] = (kernel @ alphas).reshape(n, r)[fold == held]
    return float((labels - scale * torch.einsum("nxr,nr->nx", frames.basis, predicted)).abs().mean())


@functools.lru_cache(maxsize=4)
def _evaluator(model: KernelModel) -> tuple[Any, int]:
    """The package's predictor for a model, with the permuted training frames laid out, and the batch that suits it."""
    desc = _library().Desc(len(model.numbers), max_processes=1)
    group = model.permutations.numpy()
    as_package = {
        "R_desc": model.descriptors.numpy().T,
        "R_d_desc_alpha": model.coefficients.numpy(),
        "c": model.constant_ev,
        "std": model.scale_ev_ang,
        "sig": model.sigma,
        "perms": group,
        "tril_perms_lin": _interleave(desc, group),
    }
    # Batches bound the memory; a real limit in GiB would only make the package log.
    predictor = _library().Predict(as_package, batch_size=_BATCH_FRAMES, max_memory=2**20, max_processes=1)
    return predictor, max(1, min(_BATCH_FRAMES, _BATCH_NUMBERS // (len(group) * model.descriptors.numel())))

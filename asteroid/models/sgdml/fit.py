"""The fit of a kernel to labels, in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from asteroid.errors import InputError
from asteroid.models.sgdml.cross_validation import errors_of_length_scales
from asteroid.models.sgdml.labels import checked_kernel_labels
from asteroid.models.sgdml.linear_system import assemble_kernel, describe_frames, solve_kernel
from asteroid.models.sgdml.model import KernelModel, predict_kernel
from asteroid.models.sgdml.package import sgdml_package
from asteroid.models.sgdml.symmetry import find_permutations

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from asteroid.models.sgdml.settings import KernelSettings


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
    the search along the scales starts in the middle and follows the falling error; a scale whose kernel has no Cholesky
    factor counts as infinitely bad. Only the forces shape the energy surface; its constant is the median difference
    between the energy labels and the predictions for their frames.

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
    settings.refuse_too_large(len(x), len(z))
    group = find_permutations(z, x, seed) if settings.symmetries else np.arange(len(z))[None]
    frames = describe_frames(x, group)
    labels = torch.from_numpy(f).flatten(1)
    scale = float(labels.std(correction=0)) or 1.0
    errors = errors_of_length_scales(frames, labels, scale, settings) if len(settings.sigmas) > 1 else {}
    sigma = min(errors, key=errors.__getitem__) if errors else settings.sigmas[0]
    y = torch.einsum("nxr,nx->nr", frames.basis, labels / scale)
    solved = solve_kernel(assemble_kernel(frames, sigma), y.reshape(-1, 1), sigma, settings.regularisation)
    alphas = -torch.einsum("nxr,nr->nx", frames.basis, solved.reshape(y.shape))  # the package's sign
    coefficients = sgdml_package().Desc(len(z), max_processes=1).d_desc_dot_vec(frames.jacobians, alphas)
    parts = (torch.from_numpy(z), torch.from_numpy(group), frames.descriptors, coefficients.contiguous())
    guess, _ = predict_kernel(KernelModel(*parts, sigma, scale, 0.0), z, x)
    model = KernelModel(*parts, sigma, scale, float(np.median(e - guess)))
    return KernelFit(model, sigma, errors, len(group))

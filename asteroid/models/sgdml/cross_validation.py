"""The choice of a kernel's length scale by cross-validation inside its labels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from asteroid.models.sgdml.linear_system import KernelFrames, SingularKernelError, assemble_kernel, solve_kernel

if TYPE_CHECKING:
    from asteroid.models.sgdml.settings import KernelSettings


def errors_of_length_scales(
    frames: KernelFrames, labels: Tensor, scale: float, settings: KernelSettings
) -> dict[int, float]:
    """Cross-validated errors of the length scales met on the way from the middle of the grid to a minimum."""
    grid = settings.sigmas
    errors: dict[int, float] = {}

    def error(place: int) -> float:
        if place in range(len(grid)) and grid[place] not in errors:
            try:
                errors[grid[place]] = cross_validated_error(frames, labels, scale, grid[place], settings)
            except SingularKernelError:
                errors[grid[place]] = math.inf
        return errors[grid[place]] if place in range(len(grid)) else math.inf

    place = len(grid) // 2
    step = 1 if error(place + 1) < error(place) else -1
    while error(place + step) < error(place):
        place += step
    return errors


def cross_validated_error(
    frames: KernelFrames, labels: Tensor, scale: float, sigma: int, settings: KernelSettings
) -> float:
    """Mean absolute error of left-out force components in eV/Å."""
    n, _, r = frames.basis.shape
    y = torch.einsum("nxr,nx->nr", frames.basis, labels / scale)
    kernel = assemble_kernel(frames, sigma)
    fold = torch.arange(n) % min(settings.folds, n)
    predicted = torch.empty_like(y)
    for held in range(int(fold.max()) + 1):
        kept = torch.nonzero(fold != held)
        columns = (kept * r + torch.arange(r)).flatten()
        part = torch.empty(len(columns), len(columns), dtype=torch.float64)
        for rows, frame in zip(part.split(r), kept.tolist(), strict=True):  # an index of rows and columns copies twice
            rows[:] = kernel[frame[0] * r : (frame[0] + 1) * r, columns]
        alphas = torch.zeros(n * r, 1, dtype=torch.float64)
        alphas[columns] = solve_kernel(part, y.reshape(-1, 1)[columns], sigma, settings.regularisation)
        predicted[fold == held] = (kernel @ alphas).reshape(n, r)[fold == held]
    return float((labels - scale * torch.einsum("nxr,nr->nx", frames.basis, predicted)).abs().mean())

"""The training of stages: a pack of networks in one fit, kernels in closed form, or a program of the user's."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import torch

from asteroid.errors import InputError
from asteroid.models.outside.settings import CommandSettings
from asteroid.stages.kernel_stage import fit_kernel_stage
from asteroid.stages.network_stage import train_networks
from asteroid.stages.outside_stage import train_outside
from asteroid.stages.stage import KernelStage, NetworkStage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from asteroid.descriptors.frame_bank import FrameBank
    from asteroid.models.trained import TrainedModel
    from asteroid.stages.stage import StageResult, StageSpec
    from asteroid.training.fit_loop import OnValidation


def train_pack(
    bank: FrameBank,
    specs: Sequence[StageSpec],
    parents: Mapping[str, TrainedModel],
    *,
    share_batches: bool = False,
    on_validation: OnValidation | None = None,
    earlier: Sequence[StageResult] = (),
    until: int | None = None,
) -> list[StageResult]:
    """Train stages of one kind together.

    Args:
        bank: the described frames.
        specs: stages of equal kind, level, model, number of steps, batch size and force loss.
        parents: trained parents by key.
        share_batches: the stages have equal training frames and batch seeds (see `training.fit_pack`).
        on_validation: called after every validation.
        earlier: results of the same stages that were interrupted, all at the same step; none to start anew.
        until: number of steps after which to interrupt (see `training.fit_pack`); None to finish.

    Returns:
        one result per spec, in order; `interrupted` where there are steps left.

    A pack that does not fit into a GPU's memory is trained in two halves, which is said once.

    Raises:
        ValueError: a temperature without a parent or not finite, two levels, or networks and kernels in one pack.
        InputError: a kernel does not fit into the memory that is free, or a single network into a GPU's; an outside
            trainer fails.
    """
    if len({frames.level for spec in specs for frames in (spec.train, spec.val)}) > 1:
        raise ValueError("a pack trains and validates on one level")
    networks = [spec for spec in specs if isinstance(spec, NetworkStage)]
    if any(spec.given for spec in networks):
        raise ValueError("a model that was given is not trained")
    kernels = [spec for spec in specs if isinstance(spec, KernelStage)]
    if networks and kernels:
        raise ValueError("a pack is made of networks or of kernels, found both")
    if kernels:
        return [fit_kernel_stage(bank, spec, parents) for spec in kernels]
    if isinstance(networks[0].model, CommandSettings):
        if until is not None:
            raise ValueError("the training of an outside program cannot be interrupted")
        return [train_outside(bank, spec, parents, on_validation) for spec in networks]
    try:
        return train_networks(
            bank,
            networks,
            parents,
            share_batches=share_batches,
            on_validation=on_validation,
            earlier=earlier,
            until=until,
        )
    except torch.OutOfMemoryError as error:
        if len(networks) == 1:
            raise InputError(
                f"one network of {networks[0].model.architecture} must fit into the GPU's memory, found too little: "
                "lower batch_size or hidden, leave more of the GPU to each worker, or use --device cpu"
            ) from error
        # Python says equal warnings of one place once.
        warnings.warn("a pack does not fit into the GPU's memory and is halved: lower pack_size", stacklevel=1)
    torch.cuda.empty_cache()  # outside of the handler: its traceback holds tensors
    half = len(networks) // 2
    return [
        result
        for part in (slice(half), slice(half, None))
        for result in train_pack(
            bank,
            networks[part],
            parents,
            share_batches=share_batches,
            on_validation=on_validation,
            earlier=earlier[part],
            until=until,
        )
    ]

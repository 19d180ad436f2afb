"""Where the tensors of a frame bank lie; what trains on a bank, or predicts from it, works there."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from asteroid.descriptors.frame_bank import FrameBank


#: Share of a GPU's free memory that described frames may take.
_STORED_SHARE = 0.5


def bank_on(bank: FrameBank, device: torch.device) -> FrameBank:
    """The bank with all its tensors on a device; the same tensors where they lie there already.

    Levels whose described frames would take too much of a GPU's memory are described batch by batch there.
    """
    import torch

    if device.type == "cuda":
        bank = _streamed_beyond(bank, _STORED_SHARE * torch.cuda.mem_get_info(device)[0])
    return with_leaves(bank, torch.Tensor, lambda tensor: tensor.to(device))


def _streamed_beyond(bank: FrameBank, memory_bytes: float) -> FrameBank:
    from asteroid.descriptors.streaming import choose_streamed

    described = {name: len(own.positions) for name, own in bank.levels.items() if own.jacobians is not None}
    if bank.layout is None:
        return bank
    streamed = choose_streamed(bank.layout, described, memory_bytes)
    levels = {
        name: replace(own, descriptors=None, jacobians=None) if name in streamed else own
        for name, own in bank.levels.items()
    }
    return replace(bank, levels=levels)


def with_leaves(bank: FrameBank, kind: type, change: Callable[[Any], Any]) -> FrameBank:
    """The bank with every leaf of a kind, an array for instance, in its levels changed."""

    def changed(value: Any) -> Any:
        if isinstance(value, kind):
            return change(value)
        if is_dataclass(value) and not isinstance(value, type):
            return replace(value, **{f.name: changed(getattr(value, f.name)) for f in fields(value)})
        if isinstance(value, dict):
            return {key: changed(own) for key, own in value.items()}
        return value

    return replace(bank, levels={level: changed(tensors) for level, tensors in bank.levels.items()})

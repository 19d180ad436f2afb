"""A second device that is none: tensors on "meta" that keep their values, so that mixed devices fail without a GPU.

Operations on `Elsewhere` tensors are done on the CPU. As with a GPU, they and tensors of the CPU do not go together
(numbers without dimensions excepted), and NumPy sees none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ELSEWHERE = torch.device("meta")
INDEXED = (torch.ops.aten.index.Tensor, torch.ops.aten.index_put_.default, torch.ops.aten._index_put_impl_.default)


class Elsewhere(torch.Tensor):
    """A tensor on the pretended device.

    Attributes:
        values: its values on the CPU.
    """

    values: torch.Tensor

    @staticmethod
    def __new__(cls, values: torch.Tensor) -> Elsewhere:
        made: Elsewhere = torch.Tensor._make_wrapper_subclass(
            cls,
            values.shape,
            strides=values.stride(),
            storage_offset=values.storage_offset(),
            dtype=values.dtype,
            device=ELSEWHERE,
        )
        made.values = values
        return made

    def __repr__(self) -> str:
        return f"Elsewhere({self.values})"

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})


class PretendedDevice(TorchFunctionMode):
    """Within it, `torch.device("meta")` is the pretended device."""

    def __init__(self) -> None:
        super().__init__()
        self._dispatch = _PretendedDispatch()

    def __enter__(self) -> PretendedDevice:
        self._dispatch.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *reason: object) -> None:
        super().__exit__(*reason)
        self._dispatch.__exit__(*reason)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.Tensor.tolist, torch.Tensor.numpy) and isinstance(args[0], Elsewhere):
            if func is torch.Tensor.numpy and not kwargs.get("force"):
                raise TypeError("NumPy sees no tensor that lies elsewhere: use numpy(force=True)")
            return func(args[0].detach().cpu())
        if func in (torch.Tensor.__getitem__, torch.Tensor.__setitem__) and isinstance(args[1], list):
            args = (args[0], torch.tensor(args[1]), *args[2:])
        if func is torch.Tensor.new_tensor:
            kwargs = {"device": args[0].device, "dtype": args[0].dtype} | kwargs
            func, args = torch.tensor, args[1:]
        # On "meta" it would drop the numbers before anybody sees them.
        device = kwargs.pop("device", None) if func in (torch.tensor, torch.as_tensor) else None
        made = func(*args, **kwargs)
        return made if device is None else made.to(device)


class _PretendedDispatch(TorchDispatchMode):
    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(func, args, kwargs or {})


def run(func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    elsewhere: list[Elsewhere] = []
    here: list[torch.Tensor] = []

    def inside(own: torch.Tensor) -> torch.Tensor:
        if isinstance(own, Elsewhere):
            elsewhere.append(own)
            return own.values
        here.append(own)
        return own

    inner_args = mapped(inside, args)
    inner_kwargs = {name: mapped(inside, own) for name, own in kwargs.items()}
    to = kwargs.get("device")
    copies = func in (torch.ops.aten._to_copy.default, torch.ops.aten.copy_.default)
    if any(own.device == ELSEWHERE for own in here):
        raise RuntimeError(f"{func}: a tensor lost its values, as it was not made by a function that is known here")
    if func in INDEXED:  # indices may be the CPU's
        here = [own for own in (args[0], *args[2:3]) if any(own is other for other in here)]
    if elsewhere and any(own.ndim for own in here) and not copies:
        raise RuntimeError(f"{func}: some tensors are on the CPU, others elsewhere: {[tuple(o.shape) for o in here]}")
    kept = {id(own.values): own for own in elsewhere}
    if to is not None:
        inner_kwargs["device"] = torch.device("cpu")
        goes = torch.device(to) == ELSEWHERE
    elif func is torch.ops.aten.copy_.default:
        goes = isinstance(args[0], Elsewhere)
    else:
        goes = bool(elsewhere)
    with _disable_current_modes():
        found = func(*inner_args, **inner_kwargs)
    if not goes:
        return found

    def placed(own: torch.Tensor) -> torch.Tensor:
        return kept[id(own)] if id(own) in kept else Elsewhere(own)  # what was changed in place stays what it was

    return mapped(placed, found)


def mapped(change: Callable[[torch.Tensor], torch.Tensor], value: Any) -> Any:
    """A value with the tensors in it changed, those in lists and tuples included."""
    if isinstance(value, torch.Tensor):
        return change(value)
    if isinstance(value, list | tuple):
        return type(value)([mapped(change, own) for own in value])
    return value

"""Where a study trains: on the CPU, or on a GPU through CUDA."""

from __future__ import annotations

from typing import Literal, get_args

from asteroid.errors import InputError

#: Classes of devices, which is what stage keys and manifests name: the bits that they compute differ.
DeviceClass = Literal["cpu", "cuda"]


def parse_device(name: str) -> DeviceClass:
    """The class of a device by its name, if PyTorch can use one.

    Raises:
        InputError: there is no such class, or no GPU that PyTorch sees.
    """
    import torch

    for known in get_args(DeviceClass):
        if name == known:
            if name == "cuda" and not torch.cuda.is_available():
                raise InputError(
                    f"--device cuda needs a GPU and a PyTorch built for CUDA, found PyTorch {torch.__version__}, which "
                    "sees none: install a CUDA build, look at nvidia-smi, or leave --device out"
                )
            return known  # type: ignore[no-any-return]
    raise InputError(f"--device is cpu or cuda, found {name!r}: to choose among GPUs, set CUDA_VISIBLE_DEVICES")


def device_name(device: DeviceClass) -> str | None:
    """What the GPU is called; None on the CPU."""
    import torch

    return torch.cuda.get_device_name() if device == "cuda" else None

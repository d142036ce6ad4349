"""Networks with the parameters that were read for them: float32, on a device, frozen."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from vitviz.errors import CheckpointError, NotEnoughMemory
from vitviz.memory import available_bytes
from vitviz.models.cost import FLOAT_BYTES

if TYPE_CHECKING:
    from torch import Tensor

Built = TypeVar("Built")
"""A kind of network."""


def require_memory(parameters: int, name: str) -> None:
    """Refuses a network that would not fit.

    Args:
        parameters: How many.
        name: Of its file, for the message.

    Raises:
        NotEnoughMemory: It is so.
    """
    there = available_bytes()
    if there and FLOAT_BYTES * parameters > there:
        raise _too_little_memory(parameters, name, there)


def _too_little_memory(parameters: int, name: str, there: int = 0) -> NotEnoughMemory:
    needed = FLOAT_BYTES * parameters
    free = f"; {there / 1e9:.1f} GB are free" if there else ", which is more than there is"
    return NotEnoughMemory(
        f"{name} needs {needed / 1e9:.1f} GB of memory{free}.",
        "Close other programs, choose another device, or use a smaller model.",
        needed_bytes=needed,
        available_bytes=there,
    )


def built(
    build: Callable[[], Built], tensors: Mapping[str, Tensor], device: str, name: str,
    kept: Collection[str] = (),
) -> Built:  # fmt: skip
    """A network with its parameters, to be read and not trained.

    Args:
        build: Makes it; its own parameters are never there.
        tensors: Its parameters; may be views of a file, which may change: copied.
        device: Where they go.
        name: Of the file, for messages.
        kept: Those that stay as the file has them; all others become float32.

    Raises:
        CheckpointError: One holds values that are not finite.
        NotEnoughMemory: They do not fit.
    """
    import torch

    _agree_with_the_cpu()
    with torch.device("meta"):
        network: Any = build()
    try:
        own = {
            key: tensor.to(
                device=device, dtype=tensor.dtype if key in kept else torch.float32, copy=True
            ).contiguous()
            for key, tensor in tensors.items()
        }
    except (MemoryError, RuntimeError) as error:
        # The CPU's allocator raises a plain RuntimeError.
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        needed = sum(tensor.numel() for tensor in tensors.values())
        raise _too_little_memory(needed, name) from error
    broken = next((key for key, tensor in own.items() if not _is_finite(tensor)), "")
    if broken:
        raise CheckpointError(
            f'{name}: "{broken}" holds values that are not finite numbers.',
            "The file is damaged, or its training failed.",
        )
    network.load_state_dict(own, strict=True, assign=True)
    made: Built = network.eval().requires_grad_(False)
    return made


def _is_finite(tensor: Tensor) -> bool:
    # What is not finite stays so in a sum, which needs no mask as large as the weights.
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


def _agree_with_the_cpu() -> None:
    """Full float32 on CUDA: TF32 rounds to 10 bits, and maps would depend on the device."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False

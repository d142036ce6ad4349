"""How much memory there is, and saying no before there is not enough of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from vitviz import memory
from vitviz.errors import NotEnoughMemory

HINT = "Choose a coarser input or a smaller model, or close other programs."

OUT_OF_MEMORY = ("out of memory", "can't allocate memory", "not enough memory", "alloc_failed")
"""How torch says it, by device: CUDA and MPS; the CPU on Linux and macOS; on Windows; cuBLAS."""


def available_bytes(device: str = "cpu") -> int:
    """Memory that can still be taken on a device."""
    kind = torch.device(device).type
    if kind == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        # What torch keeps for itself, and does not use, is free to us.
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    if kind == "mps":
        return int(torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory())
    return memory.available_bytes()


def in_words(count: int) -> str:
    """Bytes for people: "640 MB", "3.7 GB" (of 1000, as discs and system monitors count)."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(1, round(count / 1e6))} MB"


def require(needed: int, what: str, device: str = "cpu") -> None:
    """Refuses work that would not fit.

    Args:
        needed: Bytes that the work will take at its peak.
        what: The work, for the message: "4,097 tokens".
        device: Where.

    Raises:
        NotEnoughMemory: There is less.
    """
    available = available_bytes(device)
    if needed <= available:
        return
    raise NotEnoughMemory(
        f"{what} need about {in_words(needed)} of memory, and {in_words(available)} are free.",
        HINT, needed_bytes=needed, available_bytes=available,
    )  # fmt: skip


@contextmanager
def refusing(needed: int, what: str, device: str = "cpu") -> Iterator[None]:
    """Turns running out of memory in spite of ``require`` into the same refusal."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not _ran_out(error):
            raise
        available = available_bytes(device)
        raise NotEnoughMemory(
            f"Memory ran out: {what} needed about {in_words(needed)}.",
            HINT, needed_bytes=needed, available_bytes=available,
        ) from None  # fmt: skip


def _ran_out(error: Exception) -> bool:
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(phrase in str(error).lower() for phrase in OUT_OF_MEMORY)

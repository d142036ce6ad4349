"""Work that would not fit is refused, before it starts or when memory runs out all the same."""

from __future__ import annotations

import pytest
import torch

from vitviz.errors import NotEnoughMemory
from vitviz.tracing import memory


def test_what_fits_is_not_refused():
    memory.require(1 << 20, "few tokens")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried 1 byte"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate(handle)"),
    ],
)
def test_running_out_becomes_a_refusal(error):
    with (
        pytest.raises(NotEnoughMemory, match=r"4,097 tokens needed about 2\.5 GB") as refusal,
        memory.refusing(2_500_000_000, "4,097 tokens"),
    ):
        raise error
    assert refusal.value.hint


def test_a_real_allocation_that_cannot_be():
    with pytest.raises(NotEnoughMemory), memory.refusing(1 << 60, "much"):
        torch.empty(1 << 58, dtype=torch.float32)


def test_other_errors_stay_what_they_are():
    with pytest.raises(RuntimeError, match="shapes"), memory.refusing(1, "little"):
        raise RuntimeError("shapes do not match")


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 MB"), (640_400_000, "640 MB"), (3_680_000_000, "3.7 GB")]
)
def test_in_words(count, words):
    assert memory.in_words(count) == words

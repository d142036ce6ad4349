"""How much memory there is, on every system."""

from __future__ import annotations

import subprocess
import types

import psutil
import pytest
import torch

from vitviz.errors import NotEnoughMemory
from vitviz.tracing import memory

VM_STAT = """Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                               10.
Pages active:                            500.
Pages inactive:                           20.
Pages speculative:                         3.
Pages throttled:                           0.
Pages wired down:                         90.
Pages purgeable:                           4.
"Translation faults":              123456789.
"""


def test_here_it_agrees_with_psutil():
    found = memory.available_bytes()
    assert found is not None
    assert found <= psutil.virtual_memory().total
    # Other programs come and go between the two.
    assert found == pytest.approx(psutil.virtual_memory().available, rel=0.5)


def test_macos(monkeypatch):
    answer = types.SimpleNamespace(stdout=VM_STAT)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    assert memory._macos() == 37 * 16384


@pytest.mark.parametrize("error", [OSError, ValueError, subprocess.TimeoutExpired("vm_stat", 5)])
def test_where_it_cannot_be_found_out_nothing_is_refused(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(memory, "_main_memory", fail)
    assert memory.available_bytes() is None
    memory.require(1 << 60, "many tokens")


def write(folder, **files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_text(str(text), encoding="ascii")


V2 = ("memory.max", "memory.current", "inactive_file")


def test_the_tightest_control_group_counts(tmp_path):
    write(tmp_path / "a" / "b", memory__max=1000, memory__current=400,
          memory__stat="anon 300\ninactive_file 50")  # fmt: skip
    write(tmp_path / "a", memory__max=2000, memory__current=1900)
    write(tmp_path, memory__max="max", memory__current=5)
    assert list(memory._allowed(tmp_path, "/a/b", *V2)) == [650, 100]


def test_a_control_group_of_the_host_seen_from_a_container(tmp_path):
    write(tmp_path, memory__max=1000, memory__current=1200)
    assert list(memory._allowed(tmp_path, "/docker/0123", *V2)) == [0]


def test_no_control_group(tmp_path):
    assert list(memory._allowed(tmp_path, "/", *V2)) == []


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

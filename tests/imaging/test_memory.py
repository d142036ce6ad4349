"""What this computer has, as the system itself says."""

from __future__ import annotations

import os

import psutil

from vitviz.imaging import memory


def test_it_is_what_psutil_finds():
    assert abs(memory.physical_bytes() - psutil.virtual_memory().total) <= 1 << 20


def test_a_system_that_does_not_say(monkeypatch):
    def refuse(name: str) -> int:
        raise ValueError("unrecognized configuration name")

    monkeypatch.setattr(os, "sysconf", refuse, raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    assert memory.physical_bytes.__wrapped__() == memory.ASSUMED_BYTES

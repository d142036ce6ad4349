"""Ctrl+C on the command line."""

from __future__ import annotations

import signal

import pytest

from vitviz.cli.interrupts import interrupts


def test_once_cancels_twice_ends_and_then_all_is_as_before() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as for a shell's background
    try:
        called: list[str] = []
        with interrupts(lambda: called.append("cancel")):
            signal.raise_signal(signal.SIGINT)
            assert called == ["cancel"]
            with pytest.raises(KeyboardInterrupt):
                signal.raise_signal(signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert called == ["cancel"]
    finally:
        signal.signal(signal.SIGINT, before)

"""Ctrl+C that ends the step that is on, instead of cutting through it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def interrupts(cancel: Callable[[], None]) -> Iterator[None]:
    """Calls ``cancel`` at the first Ctrl+C or request to end; a second one ends at once.

    Also where whoever started the program had it ignore Ctrl+C, as shells do with what they start
    in the background. Does nothing on other threads than the main one, which get no signals.

    Args:
        cancel: Makes the work end soon; called on the main thread.
    """
    once = threading.Event()

    def interrupt(*signalled: object) -> None:  # noqa: ARG001
        if once.is_set():
            raise KeyboardInterrupt
        once.set()
        cancel()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

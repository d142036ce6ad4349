"""Threads that work through many things, a few at a time, and give them back in their order.

Each takes one photo all the way (decoding, inference, writing) with its share of the processor's
cores, rather than each step having a thread of its own: while one decodes, another computes, and
small networks gain more from several photos at a time than from several cores on one. Measured on
two cores, DeiT-Tiny's forward: 70 ms of processor time a photo so, 100 ms with both cores on one
photo. Inputs are not put together for one forward: on the CPU that gains nothing (ViT-B/16) to a
twentieth (DeiT-Tiny), and would make the numbers depend on the neighbours.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

from vitviz.progress import Control

MOST_WORKERS = 8
"""More would wait for one another in Python."""

AHEAD = 4
"""Things in hand for each worker: those that are done wait for those before them in order."""

LOOK_S = 0.2
"""How often a wait looks up, so that Ctrl+C is heard on Windows too."""

Thing = TypeVar("Thing")
Outcome = TypeVar("Outcome")


class Crew:
    """Worker threads, between ``with`` and its end.

    torch's threads are shared among them, and given back at the end. Whatever ends the block early
    ends their work at the next step.

    Args:
        workers: How many; 0: one for each of torch's threads, at most ``MOST_WORKERS``.
        control: Cancelled where the block ends early.
    """

    def __init__(self, workers: int, control: Control) -> None:
        import torch

        self._control = control
        self._threads = torch.get_num_threads()
        self._workers = workers or min(self._threads, MOST_WORKERS)
        each = max(1, self._threads // self._workers)
        self._pool = ThreadPoolExecutor(
            self._workers, "vitviz-batch", torch.set_num_threads, (each,)
        )

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        import torch

        if kind is not None:
            self._control.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(self._threads)  # in part one number for the whole process

    def work(self, do: Callable[[Thing], Outcome], things: Iterable[Thing]) -> Iterator[Outcome]:
        """What comes of each, in order; what one raises is raised in its place.

        Args:
            do: Called on a worker's thread.
            things: Taken a few ahead.
        """
        waiting: deque[Future[Outcome]] = deque()
        for thing in things:
            waiting.append(self._pool.submit(do, thing))
            while waiting and (len(waiting) >= AHEAD * self._workers or waiting[0].done()):
                yield _outcome(waiting.popleft())
        while waiting:
            yield _outcome(waiting.popleft())


def _outcome(future: Future[Outcome]) -> Outcome:
    while not future.done():
        wait([future], LOOK_S)
    return future.result()

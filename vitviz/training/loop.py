"""The one training loop: resumable to the bit, logged, cancellable.

Everything random is drawn from the seed and the number of the step (``training.batches``), so a
checkpoint is the weights, their average, the optimiser's moments, the measurements and that
number.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from vitviz.errors import Cancelled, VitvizError
from vitviz.models.network import Network
from vitviz.paths import is_there
from vitviz.progress import Progress, Stage
from vitviz.training.checkpoint import (
    BEFORE_COOL_DOWN,
    CHECKPOINT,
    LOG,
    append_line,
    check_choices,
    read_log,
    read_state,
    restore,
    told,
    write_log,
    write_state,
)
from vitviz.training.optimiser import Optimiser, Rates, clip, learning_rate
from vitviz.training.recipes import Listener, Report

Part = TypeVar("Part")
"""What a worker is given: a piece of a batch."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a run goes.

    Args:
        steps: In all.
        rate: Peak learning rate.
        warm_up: Steps to get there.
        cool_down: Steps down to 0 at the end.
        boost: How many times the peak it begins with; it comes down to it in a straight line.
        boosted: Steps until then.
        clip: Most norm of a step's gradient.
        average: Decay of the running average of the weights, which is what is measured and used;
            0 is the weights themselves.
        parts: Pieces that a batch is cut into, computed side by side.
        log_every: Steps from one line of the log to the next.
        save_every: Steps from one checkpoint to the next.
        measure_every: Steps from one measurement to the next.
        steps_an_epoch: 0 where there are no epochs.
        kept_at: Steps whose checkpoints are kept, as ``step-N.pt``.
    """

    steps: int
    rate: float
    warm_up: int = 100
    cool_down: int = 0
    boost: float = 1.0
    boosted: int = 0
    clip: float = 1.0
    average: float = 0.998
    parts: int = 2
    log_every: int = 20
    save_every: int = 100
    measure_every: int = 200
    steps_an_epoch: int = 0
    kept_at: tuple[int, ...] = ()

    def rate_at(self, step: int) -> float:
        """The learning rate of a step, from 0."""
        left = max(0.0, 1 - step / self.boosted) if self.boosted else 0.0
        level = learning_rate(step, self.steps, self.warm_up, self.cool_down)
        return self.rate * level * (1 + (self.boost - 1) * left)


@runtime_checkable
class Objective(Protocol[Part]):
    """What a run is for."""

    def batch(self, step: int) -> list[Part]:
        """The batch of a step, in parts; called on a thread of its own, ahead of need."""

    def losses(self, network: Network, part: Part, step: int) -> dict[str, Tensor]:
        """The terms of the loss by name, the sum of which is to be small; means over the part."""

    def measure(self, network: Network) -> dict[str, float]:
        """How good the network is, on what it never saw."""

    def keep(self, network: Network, history: list[dict[str, float]]) -> Path | None:
        """Writes the weights that were just measured, where they are wanted."""

    def enough(self, history: list[dict[str, float]]) -> bool:
        """Whether to end before the last step."""


class Run(Generic[Part]):
    """A run in a folder: begins, or is resumed from its last checkpoint.

    Args:
        folder: Made if it is not there.
        network: To be trained, in place; on its device.
        rates: For each parameter that is to be trained.
        objective: What for.
        pace: How.
        facts: What must be the same for a run to be resumed, as JSON values.

    Raises:
        VitvizError: The folder cannot be made, or holds a run of other choices.
    """

    def __init__(
        self,
        folder: Path,
        network: Network,
        rates: Mapping[str, Rates],
        objective: Objective[Part],
        pace: Schedule,
        facts: Mapping[str, object],
    ) -> None:
        self.network = network
        self.step = 0
        self.seconds = 0.0
        self.history: list[dict[str, float]] = []
        self._folder, self._objective, self._pace = folder, objective, pace
        self._facts = dict(facts)
        self._parameters = {n: p for n, p in network.named_parameters() if n in rates}
        for name, parameter in network.named_parameters():
            parameter.requires_grad_(name in rates)
        self._average = {n: p.detach().clone() for n, p in self._parameters.items()}
        self._optimiser = Optimiser(self._parameters, rates)
        self._sums: dict[str, float] = {}
        self._begin()

    def _begin(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise VitvizError(
                f"The folder {self._folder} cannot be made: {why}.",
                "Choose another folder for the run.",
            ) from error
        lines = []
        if is_there(self._folder / CHECKPOINT):
            self._resume(self._folder / CHECKPOINT)
            lines = [line for line in read_log(self._folder / LOG) if line["step"] <= self.step]
        write_log(self._folder / LOG, lines)

    def save(self, name: str = CHECKPOINT) -> None:
        """Writes a checkpoint; when that fails, the last one stays."""
        state = {
            "facts": json.dumps(self._facts, sort_keys=True),
            "step": self.step,
            "seconds": self.seconds,
            "model": {name: p.detach() for name, p in self._parameters.items()},
            "average": self._average,
            "optimiser": self._optimiser.state(),
            "sums": self._sums,
            "history": json.dumps(self.history),
        }
        write_state(self._folder / name, state)

    def _resume(self, path: Path) -> None:
        state = read_state(path)
        facts, self.history = told(state, path)
        check_choices(path, facts, self._facts)
        restore(self._parameters, state["model"], path)
        restore(self._average, state["average"], path)
        for moment, own in self._optimiser.state().items():
            restore(own, state["optimiser"][moment], path)
        self.step, self.seconds, self._sums = state["step"], state["seconds"], state["sums"]

    def go(self, progress: Progress, report: Listener) -> None:
        """Trains to the end.

        Args:
            progress: Told how far it is before every step. Where it raises ``Cancelled`` a
                checkpoint is written first.
            report: Told losses and measurements.
        """
        if not self.history:
            self._measure(report)
        with _workers(1) as loader, _workers(self._pace.parts) as workers:
            coming = loader.submit(self._objective.batch, self.step)
            try:
                while not self._at_end():
                    self._tell(progress)
                    coming = self._timed_step(coming, loader, workers)
                    self._after_step(report)
            except Cancelled:
                self.save()
                raise
            finally:
                coming.cancel()
        self.save()

    def _at_end(self) -> bool:
        return self.step >= self._pace.steps or self._objective.enough(self.history)

    def _tell(self, progress: Progress) -> None:
        steps = self._pace.steps
        progress(Stage("step", self.step, steps), self.step / steps)

    def _timed_step(
        self,
        coming: Future[list[Part]],
        loader: ThreadPoolExecutor,
        workers: ThreadPoolExecutor,
    ) -> Future[list[Part]]:
        began = time.monotonic()
        batch = coming.result()
        coming = loader.submit(self._objective.batch, self.step + 1)
        self._one_step(batch, workers)
        self.seconds += time.monotonic() - began
        return coming

    def _one_step(self, batch: list[Part], workers: ThreadPoolExecutor) -> None:
        results = list(workers.map(self._gradients, batch))
        gradients = _means([gradient for gradient, _ in results])
        for _, losses in results:
            for name, value in losses.items():
                self._sums[name] = self._sums.get(name, 0.0) + value / len(batch)
        norm = clip(gradients, self._pace.clip)
        self._sums["gradient"] = self._sums.get("gradient", 0.0) + norm
        rate, boosted = self._pace.rate_at(self.step), self.step < self._pace.boosted
        self.step += 1

        def move(name: str) -> None:
            self._optimiser.step(name, gradients[name], rate, self.step, boosted=boosted)

        list(workers.map(move, gradients))
        keep = min(self._pace.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, average in self._average.items():
                average.lerp_(self._parameters[name], 1 - keep)

    def _gradients(self, part: Part) -> tuple[dict[str, Tensor], dict[str, float]]:
        losses = self._objective.losses(self.network, part, self.step)
        total = torch.stack(list(losses.values())).sum()
        found = torch.autograd.grad(total, list(self._parameters.values()), allow_unused=True)
        gradients = {
            name: gradient
            for name, gradient in zip(self._parameters, found, strict=True)
            if gradient is not None
        }
        return gradients, {name: loss.item() for name, loss in losses.items()}

    def _after_step(self, report: Listener) -> None:
        pace, last = self._pace, self.step == self._pace.steps
        if self.step % pace.log_every == 0 or last:
            self._log_losses(report)
        if self.step % pace.measure_every == 0 or last:
            self._measure(report)
        if pace.cool_down and self.step == pace.steps - pace.cool_down:
            self.save(BEFORE_COOL_DOWN)
        if self.step in pace.kept_at:
            self.save(f"step-{self.step}.pt")
        if self.step % pace.save_every == 0:
            self.save()

    def _log_losses(self, report: Listener) -> None:
        count = (self.step - 1) % self._pace.log_every + 1
        means = {name: total / count for name, total in self._sums.items()}
        self._sums = {}
        rounded = {name: round(mean, 6) for name, mean in means.items()}
        line = {"step": self.step, "seconds": round(self.seconds, 1), **rounded}
        append_line(self._folder / LOG, line)
        report(self._report(losses=tuple(means.items())))

    def _measure(self, report: Listener) -> None:
        with _swap(self._parameters, self._average):
            measured = self._objective.measure(self.network)
            self.history.append({"step": self.step, **measured})
            snapshot = self._objective.keep(self.network, self.history)
        append_line(self._folder / LOG, {"step": self.step, "measured": measured})
        report(self._report(measured=tuple(measured.items()), snapshot=snapshot))

    def _report(
        self,
        losses: tuple[tuple[str, float], ...] = (),
        measured: tuple[tuple[str, float], ...] = (),
        snapshot: Path | None = None,
    ) -> Report:
        epoch = self.step // self._pace.steps_an_epoch if self._pace.steps_an_epoch else 0
        return Report(self.step, self._pace.steps, self.seconds, epoch, losses, measured, snapshot)

    def averaged(self) -> Network:
        """The network with the average of its weights, for good: the run is over."""
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(self._average[name])
        return self.network


@contextmanager
def _swap(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> Iterator[None]:
    """Inside, each tensor of the one has the numbers of the other's, and the reverse."""
    _exchange(one, other)
    try:
        yield
    finally:
        _exchange(one, other)


@torch.no_grad()
def _exchange(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
    for name, tensor in one.items():
        before = tensor.detach().clone()
        tensor.copy_(other[name])
        other[name].copy_(before)


def _means(gradients: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    first, *others = gradients
    return {
        name: sum((other[name] for other in others), start) / len(gradients)
        for name, start in first.items()
    }


def _workers(count: int) -> ThreadPoolExecutor:
    # A batch cut in two with a thread each, which meet twice a step, is faster than operators cut
    # in two, which meet a thousand times, above all where other programs want the cores.
    return ThreadPoolExecutor(count, initializer=_one_thread)


def _one_thread() -> None:
    torch.set_num_threads(1)

"""The one training loop: resumable to the bit, logged, cancellable.

Everything random is drawn from the seed and the number of the step (``training.batches``), so a
checkpoint is the weights, their average, the optimiser's moments and that number.
"""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vitviz.errors import VitvizError
from vitviz.writing import write_whole
from vitviz.tracing.progress import Progress, silent
from vitviz.training.optimiser import Optimiser, Rates, clip, learning_rate

FORMAT = 1
"""Of checkpoints; a reader refuses others."""

CHECKPOINT = "last.pt"
BEFORE_COOL_DOWN = "before-cool-down.pt"
LOG = "log.jsonl"


@dataclass(frozen=True)
class Pace:
    """How long and how fast a run goes.

    Args:
        steps: In all.
        rate: Peak learning rate.
        warm_up: Steps to get there.
        cool_down: Steps down to 0 at the end.
        clip: Most norm of a step's gradient.
        average: Decay of the running average of the weights, which is what is used in the end.
        parts: Pieces that a batch is cut into, computed side by side on the CPU, one thread each.
        log_every: Steps from one line of the log to the next.
        save_every: Steps from one checkpoint to the next.
        measure_every: Steps from one measurement to the next.
    """

    steps: int
    rate: float
    warm_up: int = 100
    cool_down: int = 0
    clip: float = 1.0
    average: float = 0.998
    parts: int = 2
    log_every: int = 20
    save_every: int = 100
    measure_every: int = 500


class Objective(Protocol):
    """What a run is for."""

    def batch(self, step: int) -> list[Any]:
        """The batch of a step, in parts; called on a thread of its own, ahead of need."""

    def losses(self, network: nn.Module, part: Any, step: int) -> dict[str, Tensor]:
        """The terms of the loss by name, the sum of which is to be made small; means over a part."""

    def measure(self, network: nn.Module) -> dict[str, float]:
        """How good the network is, on what it never saw."""


class Run:
    """A run in a folder: begins, or goes on from its last checkpoint.

    Args:
        folder: Made if it is not there.
        network: To be trained, in place; on its device.
        rates: For each parameter that is to be trained.
        objective: What for.
        pace: How.
        facts: What must be the same for a run to be gone on with, as JSON values.
    """

    def __init__(
        self,
        folder: Path,
        network: nn.Module,
        rates: Mapping[str, Rates],
        objective: Objective,
        pace: Pace,
        facts: Mapping[str, object],
    ) -> None:
        self.folder, self.network, self.objective, self.pace = folder, network, objective, pace
        self.facts = dict(facts)
        self.parameters = {n: p for n, p in network.named_parameters() if n in rates}
        self.average = {n: p.detach().clone() for n, p in self.parameters.items()}
        self.optimiser = Optimiser(self.parameters, rates)
        self.step = 0
        self.seconds = 0.0
        self._sums: dict[str, float] = {}
        folder.mkdir(parents=True, exist_ok=True)

    # Checkpoints

    def save(self, name: str = CHECKPOINT) -> None:
        """Writes a checkpoint; when that fails the last one stays."""
        buffer = io.BytesIO()
        torch.save(
            {
                "format": FORMAT,
                "facts": json.dumps(self.facts, sort_keys=True),
                "step": self.step,
                "seconds": self.seconds,
                "model": {n: p.detach() for n, p in self.parameters.items()},
                "average": self.average,
                "optimiser": self.optimiser.state(),
                "sums": self._sums,
            },
            buffer,
        )
        write_whole(self.folder / name, buffer.getvalue())

    def resume(self, name: str = CHECKPOINT) -> bool:
        """Goes on from a checkpoint, if there is one."""
        path = self.folder / name
        if not path.exists():
            return False
        state = read_state(path)
        if json.loads(state["facts"]) != json.loads(json.dumps(self.facts)):
            raise VitvizError(
                f"The run in {self.folder} was begun with other choices.",
                "Give the same ones to go on with it, or another folder.",
            )
        with torch.no_grad():
            for tensors, own in (("model", self.parameters), ("average", self.average)):
                for key, tensor in own.items():
                    tensor.copy_(state[tensors][key])
        self.optimiser.restore(state["optimiser"])
        self.step, self.seconds, self._sums = state["step"], state["seconds"], state["sums"]
        self._cut_log()
        return True

    # Log

    def _log(self, line: Mapping[str, object]) -> None:
        try:
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise VitvizError(
                f"{self.folder / LOG} could not be written: {error.strerror or error}.",
                "Make room; the run goes on from its last checkpoint.",
            ) from error

    def _cut_log(self) -> None:
        """Takes off what was logged after the checkpoint that the run goes on from."""
        path = self.folder / LOG
        lines = read_log(path) if path.exists() else []
        kept = [line for line in lines if line["step"] <= self.step]
        write_whole(path, "".join(json.dumps(line) + "\n" for line in kept).encode())

    # Steps

    def go(self, progress: Progress = silent) -> None:
        """Trains to the last step; saves when ``progress`` raises ``Cancelled``, too."""
        pace = self.pace
        with ThreadPoolExecutor(1) as loader, _workers(pace.parts) as workers:
            coming: Future[list[Any]] = loader.submit(self.objective.batch, self.step)
            try:
                while self.step < pace.steps:
                    progress(f"step {self.step + 1:,} of {pace.steps:,}", self.step / pace.steps)
                    began = time.monotonic()
                    batch = coming.result()
                    coming = loader.submit(self.objective.batch, self.step + 1)
                    self._one_step(batch, workers)
                    self.seconds += time.monotonic() - began
                    self._after_step()
            finally:
                coming.cancel()

    def _one_step(self, batch: list[Any], workers: ThreadPoolExecutor) -> None:
        results = list(workers.map(self._part, batch))
        names, pace = list(self.parameters), self.pace
        gradients: dict[str, Tensor] = {}
        for index, name in enumerate(names):
            pieces = [p for gradient, _ in results if (p := gradient[index]) is not None]
            if pieces:
                gradients[name] = sum(pieces[1:], pieces[0]) / len(batch)
        for _, losses in results:
            for name, value in losses.items():
                self._sums[name] = self._sums.get(name, 0.0) + value / len(batch)
        norm = clip(gradients, pace.clip)
        self._sums["gradient"] = self._sums.get("gradient", 0.0) + norm
        rate = pace.rate * learning_rate(self.step, pace.steps, pace.warm_up, pace.cool_down)
        self.step += 1
        moves = [
            workers.submit(self.optimiser.step, name, gradient, rate, self.step)
            for name, gradient in gradients.items()
        ]
        for move in moves:
            move.result()
        keep = min(pace.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, average in self.average.items():
                average.lerp_(self.parameters[name], 1 - keep)

    def _part(self, part: Any) -> tuple[tuple[Tensor | None, ...], dict[str, float]]:
        losses = self.objective.losses(self.network, part, self.step)
        total = torch.stack(list(losses.values())).sum()
        gradients = torch.autograd.grad(total, list(self.parameters.values()), allow_unused=True)
        return gradients, {name: loss.item() for name, loss in losses.items()}

    def _after_step(self) -> None:
        pace = self.pace
        last = self.step == pace.steps
        if self.step % pace.log_every == 0 or last:
            count = (self.step - 1) % pace.log_every + 1
            means = {name: round(total / count, 6) for name, total in self._sums.items()}
            self._sums = {}
            self._log({"step": self.step, "seconds": round(self.seconds, 1), **means})
        if self.step % pace.measure_every == 0 or last:
            with self.averaged():
                self._log({"step": self.step, "measured": self.objective.measure(self.network)})
        if self.step == pace.steps - pace.cool_down:
            self.save(BEFORE_COOL_DOWN)
        if self.step % pace.save_every == 0 or last:
            self.save()

    def averaged(self) -> _Swap:
        """Inside this context the network has the averaged weights."""
        return _Swap(self.parameters, self.average)


class _Swap:
    def __init__(self, one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> None:
        self._one, self._other = one, other

    def __enter__(self) -> None:
        with torch.no_grad():
            for name, tensor in self._one.items():
                kept = tensor.detach().clone()
                tensor.copy_(self._other[name])
                self._other[name].copy_(kept)

    def __exit__(self, *error: object) -> None:
        self.__enter__()


def _workers(count: int) -> ThreadPoolExecutor:
    # One thread each: with two operators' worth of barriers a millisecond, a batch cut in two is
    # faster than every operator cut in two, above all where other programs want the cores.
    return ThreadPoolExecutor(count, initializer=lambda: torch.set_num_threads(1))


def read_state(path: Path) -> dict[str, Any]:
    """A checkpoint of a run.

    Raises:
        VitvizError: It is none, or damaged.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        if state["format"] != FORMAT:
            raise ValueError(f"format {state['format']}")
    except Exception as error:
        raise VitvizError(
            f"{path} is no checkpoint of a run that can be gone on with ({error}).",
            "Remove it to begin anew.",
        ) from error
    found: dict[str, Any] = state
    return found


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log, oldest first; the last is left out if it was cut short."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            continue
    return lines

"""Ray and parts beside the local batch: photos a second and memory, and what a million would take.

Run by hand, on a quiet machine: ``python -m tests.bench.bench_engines`` (1,000 generated photos of
640 x 480; or ``--photos``, ``--folder``, ``--model Ti``). Each way is a process of its own, as a
user would start it. What it takes to start ("start s", of actors and models, too) is measured by
the same on ``FEW`` photos, and subtracted: "photos/s" is of the rest. Memory is the greatest
resident set of each process that works on photos, what processes share counted in each; "private"
is without that (Linux only). Ray's driver counts as one of them.

The last lines are on paper: a million photos on 8 GPUs, from ``--forward-ms``, what one forward of
one photo takes on the GPU, and ``--beside-ms``, the processor time that a photo takes beside it:
the difference of "CPU ms/photo" and a bare forward (``bench_batch``).
"""

from __future__ import annotations

import argparse
import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.bench_batch import checkpoint, generated, several
from vitviz.batch.crew import MOST_WORKERS

LOOK_S = 0.2

FEW = 8
"""Photos of a run that is nearly all start."""

OURS = ("vitviz", "MapWorker")
"""In the command line or title of a process that works on photos."""


@dataclass
class Watched:
    """What some processes and all their children took.

    Args:
        seconds: On the clock.
        processor: Of the processor, of those that work on photos.
        resident: The greatest resident set of one of them, in bytes.
        private: The greatest private memory of one of them; 0 where it is not known.
        workers: How many of them there were.
    """

    seconds: float = 0.0
    processor: float = 0.0
    resident: int = 0
    private: int = 0
    workers: int = 0


def watched(commands: Sequence[Sequence[str]]) -> Watched:
    """Runs commands at once, and watches them."""
    found, began = Watched(), time.perf_counter()
    # Ray's workers step back for other programs; here they are measured beside those that do not.
    equal = {**os.environ, "RAY_worker_niceness": "0"}
    running = [subprocess.Popen(command, env=equal) for command in commands]
    times: dict[int, float] = {}
    over = threading.Event()

    def watch() -> None:
        while not over.wait(LOOK_S):
            for started in running:
                with suppress(psutil.Error):
                    top = psutil.Process(started.pid)
                    for process in (top, *top.children(recursive=True)):
                        _look(process, process.pid == started.pid, found, times)

    watcher = threading.Thread(target=watch)
    watcher.start()
    codes = [started.wait() for started in running]
    over.set()
    watcher.join()
    assert not any(codes), codes
    found.seconds = time.perf_counter() - began
    found.processor, found.workers = sum(times.values()), len(times)
    return found


def _look(process: psutil.Process, is_top: bool, found: Watched, times: dict[int, float]) -> None:
    with suppress(psutil.Error):
        words = " ".join(process.cmdline())
        if not (is_top or "MapWorker" in words):
            return
        used = process.cpu_times()
        times[process.pid] = used.user + used.system
        found.resident = max(found.resident, process.memory_info().rss)
        with suppress(psutil.Error, AttributeError):
            found.private = max(found.private, process.memory_full_info().uss)


Commands = Callable[[Path, Path], Sequence[Sequence[str]]]


def command(source: Path, model: Path, out: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "vitviz", "batch", str(source), "--model", str(model), "--method",
            "attention", "--map", "none", "--device", "cpu", "--quiet", "--out", str(out),
            *more]  # fmt: skip


def measure(name: str, commands: Commands, place: Path, count: int) -> float:
    """Prints a line, and gives photos a second.

    Args:
        name: Of the way.
        commands: Of a folder of photos and one for results.
        place: Has the photos, and a few of them.
        count: How many they are.
    """
    second = watched(commands(place / "few", place / f"few-{name}"))
    first = watched(commands(place / "photos", place / f"all-{name}"))
    seconds, photos = first.seconds - second.seconds, count - FEW
    rate = photos / seconds if seconds > 0 else math.nan  # too few photos, or a busy machine
    processor = (first.processor - second.processor) / photos
    print(
        f"{name:26}{first.seconds:9.1f}{second.seconds:10.1f}{rate:11.2f}"
        f"{1e3 * processor:13.1f}{first.workers:9}{first.resident / 1e6:13.0f}"
        f"{first.private / 1e6:12.0f}",
        flush=True,
    )
    return rate


def on_paper(local: float, cores: int, asked: argparse.Namespace) -> None:
    """What a million photos take on 8 GPUs, and what limits it."""
    gpus, photos, forward, beside = 8, 1_000_000, asked.forward_ms, asked.beside_ms
    by_gpu = 1e3 * gpus / forward
    print(f"\n{photos:,} photos on {gpus} GPUs: a forward for each, {forward:g} ms (assumed),")
    print(f"and {beside:g} ms of the processor beside it:")
    for each in (4, MOST_WORKERS):
        by_cores = 1e3 * gpus * each / beside
        rate, limit = min((by_gpu, "the forwards"), (by_cores, "the processor"))
        print(f"  {each} cores a GPU: {rate:,.0f} photos/s, {photos / rate / 60:.0f} min, "
              f"limited by {limit}")  # fmt: skip
    print(f"  here, {cores} cores and no GPU: {photos / local / 86_400:.1f} days")


def main() -> None:
    parser = argparse.ArgumentParser(description="Ray and parts beside the local batch")
    parser.add_argument("--photos", type=int, default=1000)
    parser.add_argument("--folder", type=Path, help="real photos, repeated as often as needed")
    parser.add_argument("--model", choices=("Ti", "B"), default="B", help="DeiT-Tiny or ViT-B/16")
    option = parser.add_argument
    option("--forward-ms", type=float, default=8.0, help="on a GPU, for the estimate")
    option("--beside-ms", type=float, default=45.0,
        help="processor time of a photo beside its forward, for the estimate")  # fmt: skip
    asked = parser.parse_args()
    names = {"Ti": "DeiT-Tiny", "B": "ViT-B/16"}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        source = place / "photos"
        if asked.folder:
            several(source, asked.folder, asked.photos)
        else:
            generated(source, asked.photos)
        several(place / "few", source, FEW)
        model, _ = checkpoint(place, names[asked.model])
        cores = psutil.cpu_count() or 1
        print(f"{names[asked.model]}, {asked.photos} photos, {cores} cores")
        print(f"{'':26}{'s':>9}{'start s':>10}{'photos/s':>11}{'CPU ms/photo':>13}{'workers':>9}"
              f"{'resident MB':>13}{'private MB':>12}")  # fmt: skip
        ways: dict[str, Commands] = {
            "one process": lambda photos, out: [command(photos, model, out)],
            "two parts at once": lambda photos, out: [
                command(photos, model, out, "--shard", f"{number}/2") for number in (1, 2)
            ],
            "--engine ray": lambda photos, out: [command(photos, model, out, "--engine", "ray")],
            "one process, again": lambda photos, out: [command(photos, model, out)],
        }
        rates = [measure(name, way, place, asked.photos) for name, way in ways.items()]
        local, two, ray, again = rates
        whole = (local + again) / 2
        print(f"\nray / one process: {ray / whole:.2f} (aim 0.9); "
              f"two parts / one process: {two / whole:.2f} (aim 1)")  # fmt: skip
        on_paper(whole, cores, asked)


if __name__ == "__main__":
    main()

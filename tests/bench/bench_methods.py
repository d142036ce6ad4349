"""What each method costs beside the bare forward pass of the same weights, and its peak memory.

Run by hand: ``python -m tests.bench.bench_methods`` (time at 197 tokens), with ``--memory`` also
peak memory at 2,305 tokens beside the dense version (every attention matrix, and its gradient,
kept).
Weights are random: time and memory do not depend on them. Nothing is asserted or saved.

Time is of the method alone, given a trace, after which the forward is not counted again; bare
passes and methods take turns in one process, and each ratio is the median over the rounds. It is
the processor's own time, with one thread unless ``--threads`` says more.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from tests.bench.bench_attention import Case, bare
from tests.methods.autograd import plain
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import silent
from vitviz.tracing.run import run
from vitviz.tracing.trace import Trace

REPOSITORY = Path(__file__).resolve().parents[2]

SMALL, LARGE = Case("S", 16, 224, 9, ()), Case("S", 8, 384, 1, ())
"""197 tokens, and 2,305."""

ASKED: dict[str, tuple[str, Question]] = {
    "attention": ("attention", Question()),
    "attention-grad-cam": ("attention-grad-cam", Question(target=1)),
    "feature-norm": ("feature-norm", Question()),
    "outliers": ("outliers", Question()),
    "hires-cam": ("hires-cam", Question(target=1)),
    "libragrad": ("libragrad", Question(target=1)),
    "legrad, 2 layers": ("legrad", Question(target=1)),
    "legrad, all layers": ("legrad", Question(target=1, params={"blocks": 99})),
    "daam": ("daam", Question(target=1)),
    "daam-label-free": ("daam-label-free", Question()),
    "relevance": ("relevance", Question(target=1)),
    "gradient-rollout": ("gradient-rollout", Question(target=1)),
    "gmar": ("gmar", Question(target=1)),
    "value-attention": ("value-attention", Question()),
    "value-rollout": ("value-rollout", Question()),
    "rollout": ("rollout", Question()),
    "attention-flow": ("attention-flow", Question()),
    "grad-cam": ("grad-cam", Question(target=1)),
    "smooth-grad, 1 sample": ("smooth-grad", Question(target=1, params={"samples": 1})),
    "integrated-gradients, 1 step": (
        "integrated-gradients", Question(target=1, params={"steps": 1}),
    ),
    "leave-one-out": ("leave-one-out", Question(target=1)),
}  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def ask(trace: Trace, name: str) -> None:
    trace.known.clear()  # the gradients that another method left
    method, question = ASKED[name]
    METHODS[method].explain(trace, question, silent)


def times(names: list[str]) -> None:
    network, image = SMALL.network(), SMALL.image()
    trace = run(network, image, SMALL.geometry)
    found: dict[str, list[float]] = {name: [] for name in names}
    for name in names:
        ask(trace, name)
    for _ in range(SMALL.repeats):
        for name in names:
            forward = seconds(lambda: bare(network, image))
            found[name].append(seconds(lambda name=name: ask(trace, name)) / forward)
    print(f"{trace.tokens} tokens, times a bare forward (median of {SMALL.repeats})")
    for name, ratios in found.items():
        print(f"  {name:30} {statistics.median(ratios):6.2f}")


def peak(name: str) -> int:
    """Megabytes above what is there before, in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.bench_methods", "--once", name]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    return int(done.stdout)


def once(name: str) -> None:
    network, image = LARGE.network(), LARGE.image()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if name == "dense":
        torch.set_grad_enabled(True)
        plain(network, torch.from_numpy(image)[None], 1)
    else:
        trace = run(network, image, LARGE.geometry)
        if name != "trace":
            ask(trace, name)
    print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", default=list(ASKED))
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--once")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.once:
        once(options.once)
        return
    times(options.names)
    if options.memory:
        print("2,305 tokens, peak memory in MB above the network")
        for name in ("trace", *options.names, "dense"):
            print(f"  {name:30} {peak(name):6}")


if __name__ == "__main__":
    main()

"""What attention costs beside the bare forward pass of the same weights.

Run by hand: ``python -m tests.bench.bench_attention`` (all), or with the names of some cases.
Prints ratios to the bare pass (``network(image)``, fused attention) and the peak memory of each way
alone. Weights are random: time and memory do not depend on them. Nothing is asserted or saved.

Ways are timed interleaved in one process, so that whatever else the machine does hits all alike,
and each ratio is the median over the rounds. On a busy machine the processor's own time, with one
thread (``--threads 1``), says more than the clock. The memory of each way is measured in a process
of its own, which does the work once.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.vit.config import vit_config
from vitviz.models.vit.cost import cost
from vitviz.models.vit.network import VisionTransformer
from vitviz.progress import silent
from vitviz.tracing.run import run

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Case:
    """A network, an input and how often to repeat."""

    size: str
    patch: int
    side: int
    repeats: int
    ways: tuple[str, ...]

    def network(self) -> VisionTransformer:
        torch.manual_seed(0)
        config = vit_config(self.size, self.patch, (self.side, self.side))
        return VisionTransformer(config).eval().requires_grad_(False)

    def image(self) -> np.ndarray:
        shape = 3, self.side, self.side
        return np.random.default_rng(0).normal(size=shape).astype(np.float32)

    @property
    def geometry(self) -> Geometry:
        size = self.side, self.side
        return Geometry(size, size, (0, 0), size, self.patch)


RAW, ROLLOUT = ("attention", Question()), ("rollout", Question())
DISCARD = {"discard": 0.9}
ASKED: dict[str, tuple[tuple[str, Question], ...]] = {
    "trace": (),
    "raw": (RAW,),
    "rollout": (ROLLOUT,),
    "raw + rollout": (RAW, ROLLOUT),
    "rollout max": (("rollout", Question(head="max")),),
    "rollout max discard 0.9": (("rollout", Question(head="max", params=DISCARD)),),
    "relevance": (("relevance", Question()),),
    "gradient rollout": (("gradient-rollout", Question()),),
}
"""What is asked of one trace, by the way's name."""

OURS = tuple(ASKED)
CASES = {
    "B/16 224": Case(
        "B", 16, 224, 15, (*OURS, "hooks mean", "hooks max discard 0.9", "hooks relevance")
    ),
    "S/8 512": Case("S", 8, 512, 5, OURS),
    "S/8 1024": Case("S", 8, 1024, 1, ("raw + rollout", "relevance")),
}


def bare(network: VisionTransformer, image: np.ndarray) -> None:
    with torch.inference_mode():
        network(torch.from_numpy(image)[None]).numpy()


def ours(
    network: VisionTransformer, image: np.ndarray, geometry: Geometry,
    asked: tuple[tuple[str, Question], ...],
) -> None:  # fmt: skip
    trace = run(network, image, geometry)
    for method, question in asked:
        METHODS[method].explain(trace, question, silent)


def hooks(network: torch.nn.Module, image: np.ndarray, fusion: str, discard: float) -> None:
    """The usual way: every attention matrix through a hook, then whole matrices multiplied."""
    seen: list[torch.Tensor] = []
    handles = [
        block.attn.attn_drop.register_forward_hook(lambda m, i, output: seen.append(output[0]))
        for block in network.blocks
    ]
    with torch.inference_mode():
        network(torch.from_numpy(image)[None])
        tokens = seen[0].shape[-1]
        identity = torch.eye(tokens)
        result = identity
        for layer in seen:
            fused = layer.mean(0) if fusion == "mean" else layer.amax(0)
            flat = fused.view(-1)
            flat[flat.topk(int(len(flat) * discard), largest=False).indices] = 0
            mixed = (fused + identity) / 2
            result = (mixed / mixed.sum(-1, keepdim=True)) @ result
        result[0].numpy()
    for handle in handles:
        handle.remove()


def hooks_relevance(network: torch.nn.Module, image: np.ndarray) -> None:
    """The usual way: every attention matrix and its gradient kept, then whole matrices."""
    seen: list[torch.Tensor] = []

    def keep(module: object, inputs: object, output: torch.Tensor) -> None:
        output.requires_grad_()
        seen.append(output)

    handles = [block.attn.attn_drop.register_forward_hook(keep) for block in network.blocks]
    logits = network(torch.from_numpy(image)[None])[0]
    gradients = torch.autograd.grad(logits.max(), seen)
    with torch.inference_mode():
        relevance = torch.eye(seen[0].shape[-1])
        for cam, gradient in zip(seen, gradients, strict=True):
            relevance = relevance + (cam * gradient)[0].clamp(min=0).mean(0) @ relevance
        relevance[0].numpy()
    for handle in handles:
        handle.remove()


def timm_network(case: Case, network: VisionTransformer) -> torch.nn.Module:
    import timm

    name = {"B": "vit_base_patch16_224"}[case.size]
    theirs = timm.create_model(name, img_size=case.side).eval().requires_grad_(False)
    theirs.load_state_dict(network.state_dict())
    for block in theirs.blocks:
        block.attn.fused_attn = False
    return theirs


def way(case: Case, name: str, network: VisionTransformer) -> Callable[[], None]:
    image = case.image()
    if name == "bare":
        return partial(bare, network, image)
    if name.startswith("hooks"):
        theirs = timm_network(case, network)
        if name.endswith("relevance"):
            return partial(hooks_relevance, theirs, image)
        fusion, discard = ("mean", 0.0) if name.endswith("mean") else ("max", 0.9)
        return partial(hooks, theirs, image, fusion, discard)
    return partial(ours, network, image, case.geometry, ASKED[name])


def peak_bytes(case: str, name: str, threads: int) -> int:
    """Resident memory at its peak of a process that does nothing else."""
    command = [sys.executable, "-m", "tests.bench.bench_attention", case]
    command += ["--alone", name, "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=REPOSITORY)
    return int(done.stdout)


def alone(case: Case, name: str) -> None:
    """The work once, then this process's peak memory on standard output."""
    way(case, name, case.network())()
    status = Path("/proc/self/status")
    if status.exists():  # what getrusage says here includes the process that started this one
        lines = status.read_text(encoding="ascii").splitlines()
        print(next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")))
    else:
        import resource  # not on Windows

        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds on the clock, and of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - processor


def report(name: str, case: Case, memory: bool) -> None:
    config = vit_config(case.size, case.patch, (case.side, case.side))
    said, threads = cost(config, config.grid), torch.get_num_threads()
    print(
        f"\n{name}: {said.tokens:,} tokens, {said.flops / 1e9:.0f} GFLOP, {threads} threads, "
        f"estimated peak {said.peak_bytes / 1e6:.0f} MB beside torch and the weights"
    )
    network = case.network()
    ways = {each: way(case, each, network) for each in ("bare", *case.ways)}
    if case.repeats > 1:
        for work in ways.values():
            work()
    rounds = [{each: timed(work) for each, work in ways.items()} for _ in range(case.repeats)]
    print(f"{'way':26}{'clock s':>9}{'ratio':>8}{'CPU s':>9}{'ratio':>8}{'peak MB':>9}")
    for each in ways:
        line = f"{each:26}"
        for which in (0, 1):
            taken = statistics.median(r[each][which] for r in rounds)
            ratio = statistics.median(r[each][which] / r["bare"][which] for r in rounds)
            line += f"{taken:9.3f}{ratio:8.3f}"
        print(line + (f"{peak_bytes(name, each, threads) / 1e6:9.0f}" if memory else ""))


def main() -> None:
    parser = argparse.ArgumentParser(description="Attention beside the bare forward pass")
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; all if none is named")
    parser.add_argument("--no-memory", action="store_true", help="times only")
    parser.add_argument("--repeats", type=int, help="instead of each case's own number")
    parser.add_argument("--threads", type=int, help="instead of as many as there are processors")
    parser.add_argument("--alone", metavar="WAY", help="do this once and print the peak memory")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    for name in asked.cases or CASES:
        case = CASES[name]
        if asked.alone:
            alone(case, asked.alone)
        else:
            repeats = asked.repeats or case.repeats
            report(name, replace(case, repeats=repeats), not asked.no_memory)


if __name__ == "__main__":
    main()

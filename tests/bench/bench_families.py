"""What a trace costs beside the bare forward of the same weights, for families that are no plain
ViT.

Run by hand: ``python -m tests.bench.bench_families`` (all), or with the names of some cases.
Weights are random: time does not depend on them. Bare and traced forwards take turns, and the
ratio is the median over rounds; nothing is asserted or saved. On a busy machine the processor's own
time, with one thread (``--threads 1``), says more than the clock.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from tests.bench.bench_attention import timed
from vitviz.imaging.geometry import Geometry
from vitviz.models.families import FAMILIES
from vitviz.models.mae.config import MAEConfig
from vitviz.models.swin.config import SwinConfig
from vitviz.models.vit.config import vit_config
from vitviz.tracing.run import run


@dataclass(frozen=True)
class Case:
    """A network and its input.

    Args:
        family: Its name.
        config: Its shape.
        side: Of the input, in pixels.
    """

    family: str
    config: Any
    side: int = 224


SWIN_T = SwinConfig(width=96, depths=(2, 2, 6, 2), heads=(3, 6, 12, 24), windows=(7,) * 4)

CASES = {
    "Swin-T": Case("swin", SWIN_T),
    "Swin-T 384": Case("swin", SWIN_T, 384),
    "Swin v2-T": Case(
        "swin",
        SwinConfig(96, (2, 2, 6, 2), (3, 6, 12, 24), (8,) * 4, version=2, input_size=(256, 256)),
        256,
    ),
    "MAE-B": Case("mae", MAEConfig(vit_config("B", 16, classes=0))),
}


def works(case: Case) -> dict[str, Callable[[], object]]:
    """The bare forward, and the traced one."""
    torch.manual_seed(0)
    network = FAMILIES[case.family].build(case.config).eval().requires_grad_(False)
    size = case.side, case.side
    image = np.random.default_rng(0).normal(size=(3, *size)).astype(np.float32)
    patch = network.outline(size).layers[0].patch
    geometry = Geometry(size, size, (0, 0), size, patch)

    def bare() -> None:
        with torch.inference_mode():
            network(torch.from_numpy(image)[None]).numpy()

    return {"bare": bare, "traced": lambda: run(network, image, geometry)}


def report(name: str, case: Case, repeats: int) -> None:
    """Prints one case."""
    ways = works(case)
    for work in ways.values():
        work()
    rounds = [{each: timed(work) for each, work in ways.items()} for _ in range(repeats)]
    words = []
    for which, what in enumerate(("clock", "CPU")):
        seconds = statistics.median(r["bare"][which] for r in rounds)
        ratio = statistics.median(r["traced"][which] / r["bare"][which] for r in rounds)
        words.append(f"{what} {seconds:.3f} s bare, traced {ratio:.3f} times that")
    print(f"{name:12}{'; '.join(words)} ({torch.get_num_threads()} threads)", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Traces beside bare forwards, by family")
    parser.add_argument("cases", nargs="*", help=f"of {', '.join(CASES)}; all if none is named")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, help="instead of as many as there are processors")
    asked = parser.parse_args()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    for name in asked.cases or CASES:
        report(name, CASES[name], asked.repeats)


if __name__ == "__main__":
    main()

"""What traces of the ViT's relatives cost beside their bare forward pass.

Run by hand: ``python -m tests.bench.bench_relatives``. Weights are random. Both ways are timed
interleaved in one process, and each ratio is the median over the rounds of the processor's own time
with one thread. Nothing is asserted or saved.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from vitviz.imaging.geometry import Geometry
from vitviz.models.vit.config import Rope, ViTConfig, vit_config
from vitviz.models.vit.network import VisionTransformer
from vitviz.tracing.run import run

B16 = vit_config("B", 16)
NETWORKS: dict[str, ViTConfig] = {
    "ViT B/16": B16,
    "CLIP B/16": replace(B16, norm_before=True, patch_bias=False, classes=0, projection=512,
                         activation="quick_gelu", norm_eps=1e-5),
    "SigLIP B/16": replace(B16, prefix=(), positioned_prefix=0, pool="map", classes=0),
    "DINOv3 B/16": replace(
        B16, prefix=("cls", "reg1", "reg2", "reg3", "reg4"), embedded_positions=False,
        positioned_prefix=0, classes=0, layer_scale=True, rope=Rope(unit="turn", pairs="halves"),
    ),
    "BEiT B/16": replace(B16, embedded_positions=False, positioned_prefix=0, layer_scale=True,
                         relative_positions="table", pool="mean", norm_after_pool=True),
}  # fmt: skip


def processor_time(work: Callable[[], object]) -> float:
    """Of this process, in seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(network: VisionTransformer, side: int, rounds: int) -> tuple[float, float]:
    """The bare forward in seconds, and the median ratio of the trace to it."""
    image = torch.randn(3, side, side, generator=torch.Generator().manual_seed(1)).numpy()
    geometry = Geometry((side, side), (side, side), (0, 0), (side, side), network.config.patch)

    def bare() -> None:
        with torch.inference_mode():
            network(torch.tensor(image[None]))

    times, ratios = [], []
    for _ in range(rounds):
        times.append(processor_time(bare))
        ratios.append(processor_time(lambda: run(network, image, geometry)) / times[-1])
    return statistics.median(times), statistics.median(ratios)


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--side", type=int, default=224)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, config in NETWORKS.items():
        network = VisionTransformer(config).eval().requires_grad_(False)
        measure(network, options.side, 1)
        bare, ratio = measure(network, options.side, options.rounds)
        print(f"{name:12} bare {bare:6.3f} s, trace {ratio:5.2f} x the bare forward", flush=True)


if __name__ == "__main__":
    main()

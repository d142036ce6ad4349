"""What traces and feature maps of convolutional networks cost beside their bare forward pass.

Run by hand: ``python -m tests.bench.bench_cnn``. Weights are random but for the bundled network.
Ways are timed interleaved in one process, and each ratio is the median over the rounds of the
processor's own time with one thread. Nothing is asserted or saved.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.models.cnn.convnext.config import ConvNeXtConfig
from vitviz.models.cnn.convnext.network import ConvNeXt
from vitviz.models.cnn.resnet.config import ResNetConfig
from vitviz.models.cnn.resnet.network import ResNet
from vitviz.models.loading import bundled, load_model
from vitviz.models.network import Network
from vitviz.progress import silent
from vitviz.tracing.run import run

SIDE = 224

CONVNEXT_T = ConvNeXtConfig((3, 3, 9, 3), (96, 192, 384, 768))
RESNET_50 = ResNetConfig((3, 4, 6, 3), (64, 128, 256, 512), (256, 512, 1024, 2048))


def cases() -> dict[str, Network]:
    """By name."""
    torch.manual_seed(0)
    card = next(card for card in bundled() if "attention" not in card.outline.gives)
    networks: dict[str, Network] = {
        "ConvNeXt-T": ConvNeXt(CONVNEXT_T), "ResNet-50": ResNet(RESNET_50),
        card.title: load_model(card.id, "cpu").network,
    }  # fmt: skip
    return {name: network.eval().requires_grad_(False) for name, network in networks.items()}


def processor_time(work: Callable[[], object]) -> float:
    """Of this process, in seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def measure(network: Network, rounds: int) -> dict[str, float]:
    """Median ratios to the bare forward."""
    image = torch.randn(3, SIDE, SIDE, generator=torch.Generator().manual_seed(1)).numpy()
    size = SIDE, SIDE
    geometry = Geometry(size, size, (0, 0), size, 32)
    trace = run(network, image, geometry)

    def bare() -> None:
        with torch.inference_mode():
            network(torch.tensor(image[None]))

    ways: dict[str, Callable[[], object]] = {
        "trace": lambda: run(network, image, geometry),
        "Grad-CAM of every layer": lambda: METHODS["grad-cam"].explain(trace, Question(), silent),
    }
    ratios: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        before = processor_time(bare)
        for name, way in ways.items():
            ratios[name].append(processor_time(way) / before)
    return {name: statistics.median(found) for name, found in ratios.items()}


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name, network in cases().items():
        measure(network, 1)
        for way, ratio in measure(network, options.rounds).items():
            print(f"{name:20} {way:26} {ratio:5.2f} x the bare forward", flush=True)


if __name__ == "__main__":
    main()

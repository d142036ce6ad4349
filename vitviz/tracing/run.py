"""One photo through the network, with everything kept that questions about attention need."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.models.tokens import TokenLayout
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.network import VisionTransformer
from vitviz.progress import Progress, Stage, silent
from vitviz.tracing.cost import Cost, cost, keeps_inputs
from vitviz.tracing.fused import attend
from vitviz.tracing.memory import refusing, require
from vitviz.tracing.trace import Trace

__all__ = ["Cost", "cost", "run"]


def run(
    network: VisionTransformer,
    image: Float32[np.ndarray, "3 height width"],
    geometry: Geometry,
    *,
    device: str = "cpu",
    progress: Progress = silent,
) -> Trace:
    """Runs the network on one photo and remembers its attention.

    Args:
        network: Is moved to ``device``.
        image: The model's input, normalised.
        geometry: How it came from the photo; its grid is the network's.
        device: "cpu", "cuda", "cuda:1", "mps".
        progress: Called before every block; may raise ``Cancelled``.

    Raises:
        NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
        VitvizError: The network's answer is not a number.
    """
    if image.shape[1:] != geometry.input_size or geometry.patch != network.config.patch:
        raise ValueError(f"image {image.shape} and network do not fit {geometry}")
    layout = TokenLayout(network.config.prefix, geometry.grid)
    needed = cost(network.config, geometry.grid).peak_bytes
    what = f"{layout.tokens:,} tokens"
    require(needed, what, device)
    with refusing(needed, what, device):
        if network.pos_embed.device != torch.device(device):  # looking takes 3 ms of a ViT-B's 300
            network.to(device)
        # Not in inference mode: what is not known yet is filled in later, outside it.
        record = _Record.empty(network.config, layout.tokens, device)
    with torch.inference_mode(), refusing(needed, what, device):
        started = time.perf_counter()
        answer = _forward(network, torch.tensor(image[None], device=device), record, progress)
        logits = answer.float().cpu().numpy()  # waits for the device
        forward_s = time.perf_counter() - started
    if not np.isfinite(logits).all():
        raise VitvizError(
            "The model's output for this photo is not a number.",
            "Its weights are probably damaged: download them again, or choose another model.",
        )
    logits.flags.writeable = False
    return Trace(
        layout, geometry, logits if network.config.classes else None,
        record.q, record.k, record.complete, forward_s, image, network, tuple(record.inputs),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Record:
    """What attention was given, layer by layer, in the form that ``Trace`` keeps."""

    q: Float32[Tensor, "layers heads tokens extended"]
    k: Float32[Tensor, "layers heads tokens extended"]
    keeps_inputs: bool
    complete: list[bool] = field(default_factory=list)
    inputs: list[Float32[Tensor, "1 tokens dim"]] = field(default_factory=list)

    @classmethod
    def empty(cls, config: ViTConfig, tokens: int, device: str) -> _Record:
        shape = config.depth, config.heads, tokens, config.head_dim + 1
        record = cls(
            torch.empty(shape, device=device), torch.empty(shape, device=device),
            keeps_inputs(config, tokens),
        )  # fmt: skip
        record.k[..., -1] = 1.0
        return record

    def passed(self, z: Float32[Tensor, "1 tokens dim"]) -> Float32[Tensor, "1 tokens dim"]:
        """What a block is given, on its way to it."""
        if self.keeps_inputs:
            self.inputs.append(z)
        return z

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        """Attention itself, remembered. Copies: the originals would keep v in memory."""
        layer = len(self.complete)
        torch.mul(q[0], q.shape[-1] ** -0.5, out=self.q[layer, ..., :-1])
        self.k[layer, ..., :-1] = k[0]
        mixed, lse = attend(q, k, v)
        self.q[layer, ..., -1] = 0.0 if lse is None else -lse[0]
        self.complete.append(lse is not None)
        return mixed


def _forward(
    network: VisionTransformer, image: Tensor, record: _Record, progress: Progress
) -> Float[Tensor, " classes"]:
    depth = len(network.blocks)
    z = network.embed(image)
    for layer, block in enumerate(network.blocks):
        progress(Stage("block", layer, depth), layer / depth)
        z = block(record.passed(z), record.attend)
    return network.classify(record.passed(z))[0]

"""One photo through the network, with everything kept that questions about it need."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from itertools import takewhile

import numpy as np
import torch
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.models.network import Bias, Network
from vitviz.models.outline import Outline
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float32
from vitviz.tracing.attention import DenseAttention, LayerAttention, WindowedAttention
from vitviz.tracing.forward import move
from vitviz.tracing.fused import attend
from vitviz.tracing.memory import refusing, require
from vitviz.tracing.trace import Trace
from vitviz.tracing.windows import Windows


def run(
    network: Network,
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
        geometry: How it came from the photo.
        device: "cpu", "cuda", "cuda:1", "mps".
        progress: Called before every block; may raise ``Cancelled``.

    Raises:
        NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
        VitvizError: The network's answer is not a number.
    """
    height, width = geometry.input_size
    outline, cost = network.outline((height, width)), network.cost((height, width))
    if image.shape[1:] != (height, width) or geometry.patch % outline.layers[0].patch:
        raise ValueError(f"image {image.shape} and network do not fit {geometry}")
    what = f"{cost.tokens:,} tokens"
    require(cost.peak_bytes, what, device)
    record = _Record(outline, cost.keeps_states)
    with refusing(cost.peak_bytes, what, device):
        move(network, device)
    with torch.inference_mode(), refusing(cost.peak_bytes, what, device):
        started = time.perf_counter()
        last = _forward(network, torch.tensor(image[None], device=device), record, progress)
        logits = network.classify(last)[0].float().cpu().numpy()  # waits for the device
        forward_s = time.perf_counter() - started
    if not np.isfinite(logits).all():
        raise VitvizError(
            "The model's output for this photo is not a number.",
            "Its weights are probably damaged: download them again, or choose another model.",
        )
    logits.flags.writeable = False
    readouts = None
    if outline.readouts:
        with torch.inference_mode():
            readouts = network.readouts(last)[:, 0].float().cpu().numpy()
        readouts.flags.writeable = False
    return Trace(
        outline, outline.geometry(0, geometry), logits if outline.classes else None,
        tuple(record.attention), forward_s, image, network, tuple(record.states), device=device,
        readouts=readouts, norms=record.norms_on_cpu(),
    )  # fmt: skip


@dataclass(eq=False)
class _Record:
    """What a forward leaves behind, layer by layer."""

    outline: Outline
    keeps_states: bool
    attention: list[LayerAttention | None] = field(default_factory=list)
    states: list[Tensor] = field(default_factory=list)
    room: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    windows: dict[int, Windows] = field(default_factory=dict)
    norms: list[Tensor] = field(default_factory=list)

    def passed(self, z: Tensor) -> Tensor:
        """A state, on its way to the next layer."""
        if self.keeps_states:
            self.states.append(z)
        return z

    def put_out(self, network: Network, z: Tensor) -> None:
        """What a layer put out, of which the norms are little enough to keep always."""
        if "states" in self.outline.gives:
            # Not vector_norm, which takes 28 times as long where channels lie apart, as a CNN's do.
            tokens = network.as_tokens(z)[0].float()
            self.norms.append(tokens.square().sum(-1).sqrt())

    def norms_on_cpu(self) -> tuple[Float32[np.ndarray, "..."], ...]:
        """The norms of every layer's tokens, read-only."""
        found = tuple(norms.cpu().numpy() for norms in self.norms)
        for norms in found:
            norms.flags.writeable = False
        return found

    def begin_layer(self) -> None:
        self.attention.append(None)

    def attend(
        self,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        bias: Bias | None = None,
        windows: Tensor | None = None,
    ) -> Tensor:
        """Attention itself, remembered. Copies: the originals would keep v in memory."""
        mixed, lse = attend(q, k, v, bias)
        if windows is None:  # one sequence, heads first; else heads, windows, slots
            own_q, own_k, own_lse = q[0], k[0], None if lse is None else lse[0]
        else:
            own_q, own_k = q.transpose(0, 1), k.transpose(0, 1)
            own_lse = None if lse is None else lse.transpose(0, 1)
        kept_q, kept_k = self._room(own_q)
        torch.mul(own_q, q.shape[-1] ** -0.5, out=kept_q[..., :-1])
        kept_k[..., :-1] = own_k
        kept_k[..., -1] = 1.0
        kept_q[..., -1] = 0.0 if own_lse is None else -own_lse
        complete = lse is not None
        self.attention[-1] = (
            DenseAttention(kept_q, kept_k, complete, bias)
            if windows is None
            else WindowedAttention(kept_q, kept_k, self._windows(windows), complete, bias)
        )
        return mixed

    def _windows(self, members: Tensor) -> Windows:
        """Layers that have the same windows share them."""
        return self.windows.setdefault(id(members), Windows(members))

    def _room(self, q: Tensor) -> tuple[Tensor, Tensor]:
        """Memory for one layer's q and k; that of layers of one shape is taken in one piece."""
        shape = torch.Size((*q.shape[:-1], q.shape[-1] + 1))
        if not self.room or self.room[0][0].shape != shape:
            coming = self.outline.layers[len(self.attention) - 1 :]
            shapes = [(layer.grid, layer.heads, layer.width, layer.window) for layer in coming]
            count = len(list(takewhile(shapes[0].__eq__, shapes)))
            # Not in inference mode: what is not known yet is filled in later, outside it.
            with torch.inference_mode(mode=False):
                kept = torch.empty(2, count, *shape, device=q.device)
            self.room = list(zip(*kept, strict=True))
        return self.room.pop(0)


def _forward(network: Network, image: Tensor, record: _Record, progress: Progress) -> Tensor:
    """The last state."""
    steps = network.steps((image.shape[2], image.shape[3]))
    z = network.embed(image)
    for layer, step in enumerate(steps):
        progress(Stage("block", layer, len(steps)), layer / len(steps))
        record.begin_layer()
        z = step(record.passed(z), record.attend)
        record.put_out(network, z)
    return record.passed(z)

"""How one class's logit depends on every layer's attention, in memory linear in tokens.

With ``O = A V``, a head's output, the gradient of the logit y with respect to its attention is
``dy/dA = dy/dO V^T``: as q and k give any rows of A, dy/dO and v give any rows of its gradient.

A forward keeps each block's input; going back, each block runs again with a graph of its own,
which is gone before the next. So no more than one block's graph exists at a time.

Source: Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016, arXiv 1604.06174.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from vitviz.models.vit.network import VisionTransformer
from vitviz.progress import Progress, Stage, part, silent
from vitviz.tracing.cost import backward_bytes
from vitviz.tracing.memory import refusing, require


@dataclass(frozen=True, eq=False)
class Gradients:
    """What rows of dy/dA are made from, y being the logit of one class.

    Args:
        target: Index of the class.
        v: Of each layer, the values that its heads mix.
        mixed: Of each layer, the gradient of y with respect to what its heads put out, before
            their projection.
    """

    target: int
    v: tuple[Float[Tensor, "heads tokens head_dim"], ...]
    mixed: tuple[Float[Tensor, "heads tokens head_dim"], ...]

    @property
    def nbytes(self) -> int:
        return sum(tensor.nbytes for tensor in (*self.v, *self.mixed))

    def rows(
        self,
        layer: int,
        heads: slice,
        queries: slice,
        room: Float[Tensor, " numbers"] | None = None,
    ) -> Float[Tensor, "heads queries tokens"]:
        """dy/dA of some rows of one layer.

        Args:
            layer: From 0.
            heads: Which heads.
            queries: Which rows.
            room: Memory to work in, from ``Trace.room()``; made now where there is none.
        """
        mixed, v = self.mixed[layer][heads, queries], self.v[layer][heads].mT
        if room is None:
            return torch.bmm(mixed, v)
        shape = *mixed.shape[:2], v.shape[-1]
        return torch.bmm(mixed, v, out=room[: shape[0] * shape[1] * shape[2]].view(shape))


def run_backward(
    network: VisionTransformer,
    image: Float[Tensor, "1 3 height width"],
    target: int,
    progress: Progress = silent,
    inputs: Sequence[Float[Tensor, "1 tokens dim"]] = (),
) -> Gradients:
    """The gradients of one class's logit.

    Args:
        network: Is moved to the image's device.
        image: The model's input, normalised.
        target: Index of the class; the network has it.
        progress: Called before every block, up and down; may raise ``Cancelled``.
        inputs: What each block is given, and what the last one puts out, where that is known;
            else the network runs once more, and they are let go on the way back.

    Raises:
        NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
    """
    config, device = network.config, str(image.device)
    grid = image.shape[2] // config.patch, image.shape[3] // config.patch
    needed = backward_bytes(config, grid)
    what = f"gradients of {len(config.prefix) + grid[0] * grid[1]:,} tokens"
    require(needed, what, device)
    with refusing(needed, what, device):
        if network.pos_embed.device != image.device:
            network.to(image.device)
        if inputs:
            return _backward(network, list(inputs), target, progress)
        found = _forward(network, image, part(progress, 0, 0.5))
        return _backward(network, found, target, part(progress, 0.5, 1))


def _forward(
    network: VisionTransformer, image: Float[Tensor, "1 3 height width"], progress: Progress
) -> list[Float[Tensor, "1 tokens dim"]]:
    """What each block is given, and what the last one puts out."""
    depth = len(network.blocks)
    with torch.inference_mode():
        inputs = [network.embed(image)]
        for layer, block in enumerate(network.blocks):
            progress(Stage("block", layer, depth), layer / depth)
            inputs.append(block(inputs[-1]))
    return inputs


def _backward(
    network: VisionTransformer,
    inputs: list[Float[Tensor, "1 tokens dim"]],
    target: int,
    progress: Progress,
) -> Gradients:
    """From the logit down to the first block; uses up ``inputs`` on the way."""
    depth = len(network.blocks)
    with torch.enable_grad():
        z = inputs.pop().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(network.classify(z)[0, target], z)
    found: list[tuple[Tensor, Tensor]] = []
    for layer in reversed(range(depth)):
        progress(Stage("gradient_block", layer, depth), 1 - (layer + 1) / depth)
        gradient, v, mixed = _through(network.blocks[layer], inputs.pop(), gradient)
        found.insert(0, (v, mixed))
    values, mixes = zip(*found, strict=True)
    return Gradients(target, values, mixes)


def _through(
    block: nn.Module, z: Float[Tensor, "1 tokens dim"], gradient: Float[Tensor, "1 tokens dim"]
) -> tuple[
    Float[Tensor, "1 tokens dim"],
    Float[Tensor, "heads tokens head_dim"],
    Float[Tensor, "heads tokens head_dim"],
]:
    """One block backward.

    Args:
        block: Runs once more, now with a graph.
        z: What it was given.
        gradient: With respect to what it put out.

    Returns:
        The gradient with respect to ``z``; v; the gradient with respect to the heads' outputs.
    """
    seen: list[Tensor] = []

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        seen.extend((v, F.scaled_dot_product_attention(q, k, v)))
        return seen[1]

    with torch.enable_grad():
        z = z.clone().requires_grad_()  # what inference mode made cannot take part in a graph
        out = block(z, attend)
        v, mixed = seen
        before, by_mixed = torch.autograd.grad(out, (z, mixed), gradient)
    # Copies: v is a part of what q and k lie in too.
    return before, v[0].detach().clone(memory_format=torch.contiguous_format), by_mixed[0]

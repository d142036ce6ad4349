"""The vector that each patch would have in the space of images, were it all that the head reads.

A model that was trained on images and texts has one vector an image, read from CLS or by a learned
query. Its patches have none of their own: what its last block puts out for them was never read, and
the attention of that block mixes into each what belongs to others, so that the naive map often says
the opposite of where a thing is. So the last block is left out but for what its attention adds:

    values       y_i = W_o v_i                      each patch looks at itself
    neighbours   y_i = W_o sum_j softmax_j(k_i k_j / sqrt(d) + omega_ij) v_j
                 omega_ij = exp(-|i - j|^2 / (2 * 5^2)) between patches, 0 with other tokens
    trained      the block as it is

and the head (its norm and projection, or its attention pooling) reads y_i alone.

Sources: Zhou, Loy and Dai, "Extract Free Dense Labels from CLIP" (MaskCLIP), ECCV 2022, arXiv
2112.01071, section 3.2 (values); Hajimiri, Ben Ayed and Dolz, "Pay Attention to Your Neighbours"
(NACLIP), WACV 2025, arXiv 2404.08181, equations 5 to 8 (neighbours; no residual, no MLP).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import torch
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.models.branches import watching
from vitviz.models.cost import FLOAT_BYTES
from vitviz.models.network import Bias, Network, softmax_attention
from vitviz.progress import Progress, Stage, part
from vitviz.shapes import Float
from vitviz.tracing.forward import move, run_forward
from vitviz.tracing.fused import row_slices

DensePath = Literal["values", "neighbours", "trained"]

SPREAD = 5.0
"""Of omega, in patches."""

TOGETHER_BYTES = 32 << 20
"""Of patches that the head reads at the same time."""


def dense_vectors(
    network: Network, image: Float[Tensor, "1 3 height width"], path: DensePath, progress: Progress,
    states: Sequence[Tensor] = (),
) -> Float[Tensor, "patches numbers"]:  # fmt: skip
    """What the head reads of each patch.

    Args:
        network: One whose layers have one sequence of tokens; is moved to the image's device.
        image: The model's input, normalised.
        path: How the last block is gone through.
        progress: Called before every block; may raise ``Cancelled``.
        states: What each block is given, and what the last one puts out, where that is known.

    Raises:
        VitvizError: The network does not say what its attention adds.
    """
    move(network, str(image.device))
    size = (image.shape[2], image.shape[3])
    outline = network.outline(size)
    known = list(states) or run_forward(network, image, part(progress, 0.0, 0.9))
    progress(Stage("block", outline.depth - 1, outline.depth), 0.9)
    prefix, grid = len(outline.prefix), outline.layers[-1].grid
    with torch.inference_mode():
        tokens = known[-1]
        if path != "trained":
            attend = _itself if path == "values" else _neighbours(prefix, grid)
            with watching() as said:
                network.steps(size)[-1](known[-2], attend)
            if "attention" not in said.added:
                raise VitvizError(
                    "This model does not say what the attention of its last block adds.",
                    "Choose the last block as it was trained.",
                )
            tokens = said.added["attention"]
        return _read(network, network.as_tokens(tokens)[0, prefix:].float(), prefix)


def _read(
    network: Network, patches: Float[Tensor, "patches width"], prefix: int
) -> Float[Tensor, "patches numbers"]:
    """Each patch in the place of every token that the head may read, as the logit lens does."""
    step = max(1, TOGETHER_BYTES // (FLOAT_BYTES * (prefix + 1) * patches.shape[1]))
    found = [network.classify(some[:, None].expand(-1, prefix + 1, -1)).float()
             for some in torch.split(patches, step)]  # fmt: skip
    return torch.cat(found)


def _itself(
    q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None,  # noqa: ARG001
    windows: Tensor | None = None,  # noqa: ARG001
) -> Tensor:  # fmt: skip
    """Every token looks at itself."""
    return v


def _neighbours(prefix: int, grid: tuple[int, int]) -> Callable[..., Tensor]:
    def attend(
        q: Tensor, k: Tensor, v: Tensor, bias: Bias | None = None,  # noqa: ARG001
        windows: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        if windows is not None:
            return softmax_attention(q, k, v, None, windows)
        rows, cols = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in grid),
                                    indexing="ij")  # fmt: skip
        places = torch.stack([rows.flatten(), cols.flatten()], 1).to(k.device)
        batch, heads, tokens, width = k.shape
        mixed = []
        for piece in row_slices(batch * heads, tokens, k.device.type, range(tokens)):
            logits = k[:, :, piece] @ k.mT * width**-0.5
            own = range(max(piece.start, prefix), piece.stop)
            if own:
                here = places[own.start - prefix : own.stop - prefix]
                near = torch.exp(-(torch.cdist(here, places) ** 2) / (2 * SPREAD**2))
                logits[:, :, own.start - piece.start :, prefix:] += near
            mixed.append(logits.softmax(-1) @ v)
        return torch.cat(mixed, 2)

    return attend

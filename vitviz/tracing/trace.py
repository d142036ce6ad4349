"""What a network did with one photo: enough to answer any question about attention.

A trace holds what grows with the number of tokens (q, k and one number a row), and derives what
grows with its square on demand: a few rows or columns at once, or all rows as a stream of blocks
in bounded memory. An array of layers x heads x tokens x tokens never exists.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.models.tokens import TokenLayout
from vitviz.models.vit.network import VisionTransformer
from vitviz.progress import Progress
from vitviz.shapes import Float32
from vitviz.tracing.fused import log_denominators, row_slices
from vitviz.tracing.gradients import Gradients, run_backward


@dataclass(frozen=True, eq=False)
class Trace:
    """One forward pass, remembered.

    Attention of one layer and head is ``A_ij = exp(q_i . k_j - lse_i)``, lse_i being the logarithm
    of row i's softmax denominator; row i is where token i looks, and sums to one. q and k carry
    that logarithm as one more number each, -lse_i and 1, so that ``A = exp(q k^T)`` is one
    product. Layers, heads and tokens count from 0.

    Args:
        layout: Which token is which.
        geometry: Where the patches lie on the photo.
        logits: The network's answer, read-only, on the CPU; None where it has no head.
        q: On the device; queries divided by sqrt(head_dim), then -lse, or 0 until it is known.
        k: On the device; keys, then 1.
        complete: Of each layer, whether its lse is known.
        forward_s: How long the network took, in seconds.
        image: What the network was given, read-only.
        network: What it was given to; None where whoever keeps the trace keeps the network
            elsewhere, and puts it in before asking for gradients.
        inputs: What each block was given, and what the last one put out, where that is little
            enough to keep (``cost.keeps_inputs``): gradients begin with it.
        known: The gradients asked for last, by their class.
    """

    layout: TokenLayout
    geometry: Geometry
    logits: Float32[np.ndarray, " classes"] | None
    q: Float32[Tensor, "layers heads tokens extended"]
    k: Float32[Tensor, "layers heads tokens extended"]
    complete: list[bool]
    forward_s: float = 0.0
    image: Float32[np.ndarray, "3 height width"] | None = None
    network: VisionTransformer | None = None
    inputs: tuple[Float32[Tensor, "1 tokens dim"], ...] = ()
    known: dict[int, Gradients] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        """Number of layers."""
        return self.q.shape[0]

    @property
    def heads(self) -> int:
        return self.q.shape[1]

    @property
    def tokens(self) -> int:
        return self.q.shape[2]

    @property
    def nbytes(self) -> int:
        """What it holds on to, in bytes."""
        arrays = sum(array.nbytes for array in (self.logits, self.image) if array is not None)
        gradients = sum(known.nbytes for known in list(self.known.values()))
        inputs = sum(tensor.nbytes for tensor in self.inputs)
        return self.q.nbytes + self.k.nbytes + arrays + inputs + gradients

    def rows(
        self, layer: int, queries: Sequence[int]
    ) -> Float32[np.ndarray, "heads queries tokens"]:
        """Where some tokens look, in one layer."""
        products = self.q[layer][:, list(queries)] @ self.k[layer].mT
        return _on_cpu(products.softmax(-1))

    def columns(self, layer: int, keys: Sequence[int]) -> Float32[np.ndarray, "heads tokens keys"]:
        """How much every token looks at some, in one layer."""
        self.complete_layer(layer)
        products = self.q[layer] @ self.k[layer][:, list(keys)].mT
        return _on_cpu(products.exp())

    def all_rows(self, query: int) -> Float32[np.ndarray, "layers heads tokens"]:
        """Where one token looks, in every layer and head."""
        products = self.k @ self.q[:, :, query].unsqueeze(-1)  # layers heads tokens 1
        return _on_cpu(products.squeeze(-1).softmax(-1))

    def all_columns(self, key: int) -> Float32[np.ndarray, "layers heads tokens"]:
        """How much every token looks at one, in every layer and head."""
        for layer in range(self.depth):
            self.complete_layer(layer)
        products = self.q @ self.k[:, :, key].unsqueeze(-1)  # layers heads tokens 1
        return _on_cpu(products.squeeze(-1).exp())

    def target(self, asked: int | None) -> int:
        """The class that is meant: the most probable one where none, or none there is, is asked.

        Raises:
            VitvizError: The model has no classes.
        """
        if self.logits is None:
            raise VitvizError(
                "This model has no classes: it was trained without labels.",
                "Choose a method that is not about a class, or a model with a classifier.",
            )
        if asked is not None and 0 <= asked < len(self.logits):
            return asked
        return int(self.logits.argmax())

    def gradients(self, target: int, progress: Progress) -> Gradients:
        """How the logit of a class depends on the attention; those asked for last are kept.

        Args:
            target: Index of the class.
            progress: Told before every block.

        Raises:
            NotEnoughMemory: Before starting, or when memory runs out in spite of the estimate.
        """
        if self.network is None or self.image is None:
            raise ValueError("this trace does not know its network")
        found = self.known.get(target)
        if found is None:
            image = torch.tensor(self.image[None], device=self.q.device)
            found = run_backward(self.network, image, target, progress, self.inputs)
            self.known.clear()  # while another thread may do the same
            self.known[target] = found
        return found

    def complete_layer(self, layer: int) -> None:
        """Makes sure that a layer's lse is known: the kernel gave it, or it is computed now."""
        if not self.complete[layer]:
            q = self.q[layer]
            q[..., -1] = -log_denominators(q[..., :-1], self.k[layer, ..., :-1])
            self.complete[layer] = True

    def room(self) -> Float32[Tensor, " numbers"]:
        """Memory that any block of ``row_blocks`` fits into.

        Whoever goes through many layers makes it once: getting fresh memory takes the system about
        as long as filling it with attention does.
        """
        (largest, *_) = row_slices(self.heads, self.tokens, self.q.device.type, range(self.tokens))
        return self.q.new_empty(self.heads * (largest.stop - largest.start) * self.tokens)

    def row_blocks(
        self,
        layer: int,
        *,
        heads: slice = slice(None),
        queries: range | None = None,
        room: Float32[Tensor, " numbers"] | None = None,
    ) -> Iterator[tuple[slice, Float32[Tensor, "heads block tokens"]]]:
        """All rows of one layer, a few at a time.

        Args:
            layer: From 0.
            heads: Which heads.
            queries: Which rows, a range without steps; None is all.
            room: Memory to work in, from ``room()``; made now where there is none.

        Yields:
            Which rows, and their attention, on the device. Each block lies where the last one
            did: use it (in place, if you like) before you ask for the next.
        """
        self.complete_layer(layer)
        q, k = self.q[layer, heads], self.k[layer, heads].mT
        asked = range(self.tokens) if queries is None else queries
        room = self.room() if room is None else room
        # As many rows at a time as if there were all heads: one head's blocks fit the room too.
        for rows in row_slices(self.heads, self.tokens, q.device.type, asked):
            shape = len(q), rows.stop - rows.start, self.tokens
            block = room[: math.prod(shape)].view(shape)
            yield rows, torch.bmm(q[:, rows], k, out=block).exp_()


def _on_cpu(values: Tensor) -> Float32[np.ndarray, "..."]:
    array: Float32[np.ndarray, "..."] = values.cpu().numpy()
    array.flags.writeable = False
    return array

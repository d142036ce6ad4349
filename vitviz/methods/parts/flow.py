"""A token's row of a product of one matrix a layer, without multiplying matrices.

    R_end = B_end ... B_start,    row = R_end[query],

B_l being some function of layer l's attention. A row vector goes down the layers,
``r <- r B_l``, from the last to the first, in row blocks. Rows that end at different layers go
down together, each joining at its own: all of them cost about what one does.

Where tokens look only at those of their own window, a layer's matrix is one small block a window:
row vectors are brought into the order of the windows and each block multiplies its own part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from vitviz.errors import VitvizError
from vitviz.maps.heat_map import Fusion, Head
from vitviz.methods.base import Parameter, ParameterValue, Question
from vitviz.methods.parts.discard import RowBlocks, discard_smallest
from vitviz.plurals import count_of
from vitviz.progress import Progress, Stage
from vitviz.shapes import Float, Float32

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.models.outline import Outline
    from vitviz.tracing.trace import Trace
    from vitviz.tracing.windows import Windows

FLOAT_BYTES = 4

SMALLEST = 2.0**-126
"""The smallest normal float32. What a row keeps below it is nothing: dividing by it overflows."""

Fuse = Callable[["Tensor"], "Tensor"]
"""Heads x block x tokens, free to be changed, to one non-negative block x tokens."""

Weights = Callable[[int, slice, slice], "Tensor"]
"""Layer, heads and rows, as ``Trace.window_blocks`` gives these, to what every entry of their
attention is multiplied by."""

FUSIONS: dict[Fusion, Fuse] = {
    "mean": lambda block: block.mean(0),
    "max": lambda block: block.amax(0),
    "min": lambda block: block.amin(0),
}

Push = Callable[..., "Tensor"]
"""Row vectors r (flows x tokens), non-zero only where there are rows, and ``blocks``, a layer's
fused matrix, to ``r B`` of that layer; both in the order of the layer's windows."""

START = Parameter(
    "start", "Start layer", 1,
    "The first layer that counts, from 1; earlier ones are left out.",
    bounds=(1, None), first_layer=True,
)  # fmt: skip

DISCARD = Parameter(
    "discard", "Discard ratio", 0.0,
    "Part of each layer's attention, the smallest values first, that is set to zero.",
    bounds=(0.0, 1.0),
)  # fmt: skip

RESIDUAL = Parameter(
    "residual", "Residual weight", 0.5,
    "Weight of the residual connection against attention; the paper has one half.",
    bounds=(0.0, 1.0),
)  # fmt: skip


def flow_down(
    layers: Layers, through: range, query: tuple[int, ...], push: Push
) -> Float[Tensor, "ends tokens"]:
    """The rows of ``query`` that end at each of some successive layers and start at the first;
    of a query of several tokens the mean of their rows.

    Each begins as the query alone, above the layer where it ends, and joins those that come from
    further up. Where patches were merged before a layer, each hands what it has to those it was
    merged of, in equal parts.
    """
    import torch

    trace = layers.trace
    flows: Tensor | None = None
    for place, layer in reversed(list(enumerate(through))):
        attention, own = trace.attention_of(layer), trace.tokens_in(layer, query)
        begin = torch.zeros(1, attention.tokens, device=trace.device)
        begin[0, list(own)] = 1 / len(own)
        flows = begin if flows is None else torch.cat([begin, flows])
        # At the last layer nothing but the query's own rows are needed yet.
        last = layer == through[-1]
        queries = range(own[0], own[-1] + 1) if last else range(attention.tokens)
        done = 1 - (place + 1) / len(through)
        blocks = layers.sparse(layer, queries, done)
        flows = in_windows(attention.windows, flows, partial(push, blocks=blocks))
        if place:
            flows = unmerged(flows, trace.outline, layer)
    assert flows is not None
    return flows


def unmerged(
    flows: Float[Tensor, "flows tokens"], outline: Outline, layer: int
) -> Float[Tensor, "flows tokens_before"]:
    """Row vectors over a layer's tokens, as ones over those of the layer before.

    A patch that was merged of two by two hands a quarter to each; at the edge, where it was merged
    of fewer and padding, an equal part to each that is there.
    """
    import torch

    here, before = outline.layers[layer], outline.layers[layer - 1]
    times, prefix = here.patch // before.patch, len(outline.prefix)
    if here.grid == before.grid:
        return flows
    shared = flows[:, prefix:].reshape(len(flows), *here.grid)
    for axis, side in ((1, before.grid[0]), (2, before.grid[1])):
        there = torch.arange(side, device=flows.device) // times
        shared = shared.index_select(axis, there) / there.bincount()[there].view(
            [-1 if a == axis else 1 for a in range(3)]
        )
    return torch.cat([flows[:, :prefix], shared.flatten(1)], dim=1)


def merged(
    values: Float32[np.ndarray, "rows tokens_before"], outline: Outline, layer: int
) -> Float32[np.ndarray, "rows tokens"]:
    """Numbers of the tokens of the layer before, as ones of a layer's: a patch that was merged has
    the sum of those that it was merged of.
    """
    here, before = outline.layers[layer], outline.layers[layer - 1]
    if here.grid == before.grid:
        return values
    times, prefix = here.patch // before.patch, len(outline.prefix)
    of_patches = values[:, prefix:].reshape(len(values), *before.grid)
    for axis, side in ((1, before.grid[0]), (2, before.grid[1])):
        of_patches = np.add.reduceat(of_patches, np.arange(0, side, times), axis=axis)
    found: Float32[np.ndarray, "rows tokens"] = np.concatenate(
        [values[:, :prefix], of_patches.reshape(len(values), -1)], axis=1
    )
    return found


def in_windows(
    windows: Windows | None,
    flows: Float[Tensor, "flows tokens"],
    push: Callable[[Tensor], Tensor],
) -> Float[Tensor, "flows tokens"]:
    """What ``push`` makes of row vectors in the order of a layer's windows."""
    return push(flows) if windows is None else windows.out_of(push(windows.into(flows)))


def add_product(
    pushed: Float[Tensor, "flows keys"],
    passing: Float[Tensor, "flows rows"],
    rows: slice,
    block: Float[Tensor, "rows own_keys"],
    alpha: float = 1.0,
) -> None:
    """Adds ``alpha passing @ block`` to ``pushed``.

    Args:
        pushed: Row vectors, as long as a layer has keys.
        passing: The part of row vectors over the block's rows.
        rows: Which rows these are.
        block: Over all keys; or whole windows, each over its own, one after another.
        alpha: A factor.
    """
    slots = block.shape[1]
    if slots == pushed.shape[1]:
        pushed.addmm_(passing, block, alpha=alpha)
        return
    own = passing.reshape(len(passing), -1, slots).transpose(0, 1) @ block.view(-1, slots, slots)
    pushed[:, rows] += alpha * own.transpose(0, 1).flatten(1)


def push_normalised(
    flows: Float[Tensor, "flows tokens"], blocks: RowBlocks, residual: float
) -> Float[Tensor, "flows tokens"]:
    """``flows @ B``: B is (1 - residual) F + residual I, every row divided by its sum.

    A row of B that keeps nothing stays where it is.

    Args:
        flows: Row vectors, non-zero only where ``blocks`` has rows.
        blocks: F, the fused attention, in row blocks.
        residual: Weight of the identity, 0..1.
    """
    pushed = flows.new_zeros(flows.shape)
    for rows, block in blocks:
        total = (1 - residual) * block.sum(1) + residual
        nothing = (total < SMALLEST).to(total.dtype)
        passing = flows[:, rows] / (total + nothing)
        add_product(pushed, passing, rows, block, 1 - residual)
        pushed[:, rows] += passing * (residual + nothing)
    return pushed


@dataclass(frozen=True)
class Layers:
    """Every layer's attention as one matrix, as ``Trace.window_blocks`` gives it: heads fused, and
    without its smallest entries.

    Args:
        trace: What the network did.
        head: The fusion, or the only head.
        fuse: Makes one matrix of all heads, or of the only one; nothing in it is negative.
        discard: Which part of all entries of a layer becomes zero; where there are windows, of all
            pairs of tokens that share one.
        name: Of the method, for ``progress``.
        progress: Told before every row block.
        room: Memory for one row block after another.
        weights: What the attention is multiplied by before heads are fused.
    """

    trace: Trace
    head: Head
    fuse: Fuse
    discard: float
    name: str
    progress: Progress
    room: Float[Tensor, " numbers"]
    weights: Weights | None = None

    def sparse(self, layer: int, queries: range, done: float) -> RowBlocks:
        """One layer in row blocks.

        Args:
            layer: From 0.
            queries: Which rows; where some entries go all rows come, since all are compared.
            done: How far the whole work is, 0..1.
        """
        attention = self.trace.attention_of(layer)
        windows, rows = attention.windows, range(attention.tokens)
        pairs = numbers = attention.tokens**2
        if windows is not None:  # padding's entries are 0, and go first
            pairs, numbers = windows.pairs, windows.positions * windows.slots
        count = int(self.discard * pairs)
        if count == 0:
            return self.fused(layer, queries, done)
        everything = partial(self.fused, layer, rows, done)
        return discard_smallest(everything, count + numbers - pairs, numbers * FLOAT_BYTES)

    def fused(self, layer: int, queries: range, done: float) -> RowBlocks:
        """One layer, heads fused into one."""
        heads = slice(None)
        if isinstance(self.head, int):
            heads = slice(self.head, self.head + 1)
        stage = Stage("method_layer", layer, self.trace.depth, self.name)
        self.progress(stage, done)
        blocks = self.trace.window_blocks(layer, heads=heads, queries=queries, room=self.room)
        for rows, block in blocks:
            if self.weights is not None:
                block.mul_(self.weights(layer, heads, rows))
            yield rows, self.fuse(block)
            self.progress(stage, done)


def head_of(question: Question, trace: Trace) -> Head:
    """The fusion or head that is meant; one that the model does not have becomes its last one."""
    return min(question.head, trace.heads - 1) if isinstance(question.head, int) else question.head


def fusion_of(head: Head) -> Fuse:
    """How heads are fused; one head alone is its own mean."""
    return FUSIONS["mean" if isinstance(head, int) else head]


def layers_from(settings: Mapping[str, ParameterValue], trace: Trace, title: str) -> range:
    """The layers from "start" on.

    Raises:
        VitvizError: The model has no such layer.
    """
    start = int(settings["start"]) - 1
    if not 0 <= start < trace.depth:
        raise VitvizError(
            f"{title} cannot start at layer {start + 1}: "
            f"this model has {count_of(trace.depth, 'layer')}.",
            "Choose an earlier start layer.",
        )
    return range(start, trace.depth)


def share(name: str, settings: Mapping[str, ParameterValue]) -> float:
    """A setting from 0 to 1.

    Raises:
        VitvizError: It is outside.
    """
    value = float(settings[name])
    if not 0 <= value <= 1:
        raise VitvizError(f"{name} is {value:g}: it is a share, from 0 to 1.", "")
    return value


def discarded(settings: Mapping[str, ParameterValue]) -> float:
    """The discard ratio.

    Raises:
        VitvizError: It is no share, or nothing is left.
    """
    value = share("discard", settings)
    if value == 1:
        raise VitvizError(
            "A discard ratio of 1 leaves nothing of the attention.", "Choose one below 1."
        )
    return value

"""Attention rollout: attention followed through the layers, residual connections included.

    A_hat_l = (1 - residual) fuse_h(A_l) + residual I, every row divided by its sum
    R_end   = A_hat_end ... A_hat_start,    map = R_end[query]

Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020, arXiv
2005.00928, with residual = 1/2 and the mean over heads. Maximum and minimum over heads, and the
discard ratio, are jacobgil/vit-explain's: of the fused tokens x tokens matrix the
``floor(discard * tokens^2)`` smallest entries become 0 before the residual is added.

Difference from the source: only one row of R is asked for, so no matrix is multiplied by another.
A row vector goes down the layers, ``r <- r A_hat_l``, from the last to the first, in row blocks.
Rollouts that end at different layers go down together, each joining at its own: all of them cost
about what one does.

Differences from vit-explain: each row is divided by its own sum (there column j is divided by the
sum of row j); no entry is protected from being discarded (there CLS -> CLS is, and the residual
gives part of it back anyway). A row that keeps nothing, which takes a residual of 0 (or of less
than float32 can tell from it), stays where it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from jaxtyping import Float

from vitviz.errors import VitvizError
from vitviz.methods.base import (
    Explanation,
    Fusion,
    Head,
    Method,
    Parameter,
    ParameterValue,
    Question,
)
from vitviz.methods.discard import KEPT_BYTES, RowBlocks, discard_smallest
from vitviz.tracing.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.tracing.trace import Trace

FLOAT_BYTES = 4

SMALLEST = 2.0**-126
"""The smallest normal float32. What a row keeps below it is nothing: dividing by it overflows."""

FUSIONS: dict[Fusion, Callable[[Tensor], Tensor]] = {
    "mean": lambda block: block.mean(0),
    "max": lambda block: block.amax(0),
    "min": lambda block: block.amin(0),
}
"""Heads x block x tokens to block x tokens."""


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The rollouts of one token that end at each layer from the start layer on.

    A head that the model does not have becomes its last one.

    Raises:
        VitvizError: A setting is out of its bounds.
        NotEnoughMemory: Memory ran out.
    """
    from vitviz.tracing.memory import refusing

    settings = ROLLOUT.settings(question.params)
    residual, discard = _share("residual", settings), _share("discard", settings)
    start = int(settings["start"]) - 1
    if not 0 <= start < trace.depth:
        raise VitvizError(
            f"Rollout cannot start at layer {start + 1}: this model has {trace.depth} layers.",
            "Choose an earlier start layer.",
        )
    head = min(question.head, trace.heads - 1) if isinstance(question.head, int) else question.head
    needed = min(trace.tokens**2 * FLOAT_BYTES, KEPT_BYTES)
    with refusing(needed, f"rollout over {trace.tokens:,} tokens", str(trace.q.device)):
        layers = _Layers(trace, head, discard, progress, trace.room())
        flows = _flow_down(layers, range(start, trace.depth), question.query, residual)
        values = flows.unsqueeze(1).cpu().numpy()
    values.flags.writeable = False
    return Explanation(values, tuple(range(start, trace.depth)), head, trace.layout, "rollout")


def _flow_down(
    layers: _Layers, through: range, query: int, residual: float
) -> Float[Tensor, "ends tokens"]:
    """The rollouts of ``query`` that end at each of some successive layers and start at the first.

    Each begins as the query alone, above the layer where it ends, and joins those that come from
    further up.
    """
    tokens = layers.trace.tokens
    flows = layers.trace.q.new_zeros(len(through), tokens)
    for place, layer in reversed(list(enumerate(through))):
        flows[place, query] = 1.0
        # At the last layer nothing but the query's own row is needed yet.
        last = layer == through[-1]
        queries = range(query, query + 1) if last else range(tokens)
        done = 1 - (place + 1) / len(through)
        flows[place:] = push(flows[place:], layers.sparse(layer, queries, done), residual)
    return flows


def push(
    flows: Float[Tensor, "flows tokens"], blocks: RowBlocks, residual: float
) -> Float[Tensor, "flows tokens"]:
    """``flows @ A_hat`` for one layer.

    Args:
        flows: Row vectors, non-zero only where ``blocks`` has rows.
        blocks: The fused attention, in row blocks.
        residual: Weight of the identity, 0..1.
    """
    pushed = flows.new_zeros(flows.shape)
    for rows, block in blocks:
        total = (1 - residual) * block.sum(1) + residual
        nothing = (total < SMALLEST).to(total.dtype)
        passing = flows[:, rows] / (total + nothing)
        pushed.addmm_(passing, block, alpha=1 - residual)
        pushed[:, rows] += passing * (residual + nothing)
    return pushed


@dataclass(frozen=True)
class _Layers:
    """Every layer's attention as rollout wants it: heads fused, and without its smallest entries.

    Args:
        trace: What the network did.
        head: The fusion, or the only head.
        discard: Which part of all entries of a layer becomes zero.
        progress: Told before every row block.
        room: Memory for one row block after another.
    """

    trace: Trace
    head: Head
    discard: float
    progress: Progress
    room: Float[Tensor, " numbers"]

    def sparse(self, layer: int, queries: range, done: float) -> RowBlocks:
        """One layer in row blocks.

        Args:
            layer: From 0.
            queries: Which rows; where some entries go all rows come, since all are compared.
            done: How far the whole work is, 0..1.
        """
        entries = self.trace.tokens**2
        count = int(self.discard * entries)
        if count == 0:
            return self.fused(layer, queries, done)
        everything = partial(self.fused, layer, range(self.trace.tokens), done)
        return discard_smallest(everything, count, entries * FLOAT_BYTES)

    def fused(self, layer: int, queries: range, done: float) -> RowBlocks:
        """One layer, heads fused into one: mean, max or min of each entry."""
        heads, fusion = slice(None), self.head
        if isinstance(fusion, int):
            heads, fusion = slice(fusion, fusion + 1), "mean"
        stage = f"rollout, layer {layer + 1} of {self.trace.depth}"
        self.progress(stage, done)
        blocks = self.trace.row_blocks(layer, heads=heads, queries=queries, room=self.room)
        for rows, block in blocks:
            yield rows, FUSIONS[fusion](block)
            self.progress(stage, done)


def _share(name: str, settings: dict[str, ParameterValue]) -> float:
    value = float(settings[name])
    if not 0 <= value <= 1:
        raise VitvizError(f"{name} is {value:g}: it is a share, from 0 to 1.", "")
    return value


ROLLOUT = Method(
    name="rollout",
    title="Attention rollout",
    source="Abnar and Zuidema 2020, arXiv 2005.00928",
    explain=explain,
    parameters=(
        Parameter(
            "discard", "Discard ratio", 0.0,
            "Part of each layer's attention, the smallest values first, that is set to zero.",
            bounds=(0.0, 1.0),
        ),
        Parameter(
            "residual", "Residual weight", 0.5,
            "Weight of the residual connection against attention; the paper has one half.",
            bounds=(0.0, 1.0),
        ),
        Parameter(
            "start", "Start layer", 1,
            "The first layer that counts, from 1; earlier ones are left out.",
            bounds=(1, None),
        ),
    ),
    fuses_first=True,
)  # fmt: skip

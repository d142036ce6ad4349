"""Attention flow: how much could flow from each part of the photo to the query through the layers.

    A_hat_l  = (1 - residual) fuse_h(A_l) + residual I
    map[j]   = greatest flow from the query down to part j, an edge of layer l from i to j carrying
               at most A_hat_l[i, j]

Rollout multiplies along every path and adds the paths up; flow asks for each path how much its
narrowest edge lets through. Exact flow over all patches is heavy, so patches are pooled into
squares first: of a square's rows the mean, of its columns the sum, which leaves every row a share
of one whole. All patches of a square have the square's value.

Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020, arXiv 2005.00928,
section 3, with the mean over heads and residual 1/2.

Difference from the source: squares of patches. Capacities are rounded to 2^-24, and the greatest
flow is found by scipy (Dinic's algorithm), which took 1 ms for each square where networkx took 145.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vitviz.errors import VitvizError
from vitviz.maps.heat_map import Explanation, Quantity, uniform
from vitviz.methods.base import Method, Parameter, Question
from vitviz.methods.parts.flow import RESIDUAL, START, fusion_of, head_of, layers_from, share
from vitviz.progress import Progress, Stage
from vitviz.shapes import Float64, Int

if TYPE_CHECKING:
    from vitviz.maps.heat_map import Head
    from vitviz.tracing.trace import Trace

ONE = 1 << 24
"""What stands for a capacity of 1: scipy's flows are whole numbers."""

SQUARES = Parameter(
    "squares", "Squares", 7, "How many squares of patches there are along the longer side.",
    bounds=(1, 16),
)  # fmt: skip


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The greatest flows from the query to every square, ending at each layer.

    A head that the model does not have becomes its last one.

    Raises:
        VitvizError: A setting is out of its bounds, or scipy is missing.
    """
    settings = ATTENTION_FLOW.settings(question.params)
    residual, head = share("residual", settings), head_of(question, trace)
    through = layers_from(settings, trace, "Attention flow")
    squares = squares_of(trace, int(settings["squares"]))
    count = int(squares.max()) + 1
    matrices = []
    for place, layer in enumerate(through):
        progress(Stage("method_layer", layer, trace.depth, "attention-flow"), place / count)
        mixed = (1 - residual) * pooled(trace, layer, head, squares)
        matrices.append(mixed + residual * np.eye(count))
    starts = np.bincount(squares[list(question.query)], minlength=count) / len(question.query)
    values = np.zeros((len(through), 1, trace.tokens), np.float32)
    for place, layer in enumerate(through):
        progress(Stage("method_layer", layer, trace.depth, "attention-flow"), place / len(through))
        flows = greatest_flows(matrices[: place + 1], starts)
        values[place, 0] = flows[squares]
    maps = uniform(values, through, trace.layout, trace.geometry)
    return Explanation(maps, head, Quantity("flow"), "through")


def squares_of(trace: Trace, along: int) -> Int[np.ndarray, " tokens"]:
    """Which square each token is in, from 0; every prefix token is one of its own."""
    from vitviz.probing.leave_out import blocks

    grid, prefix = trace.layout.grid, len(trace.layout.prefix)
    found = blocks(grid, -(-max(grid) // along))
    return np.concatenate([np.arange(prefix), prefix + found])


def pooled(
    trace: Trace, layer: int, head: Head, squares: Int[np.ndarray, " tokens"]
) -> Float64[np.ndarray, "squares squares"]:
    """A layer's attention between squares: the mean over the rows of one, the sum over columns."""
    import torch

    count = int(squares.max()) + 1
    where = torch.tensor(squares, device=trace.device)
    heads = slice(head, head + 1) if isinstance(head, int) else slice(None)
    total = torch.zeros(count, count, device=trace.device)
    fuse = fusion_of(head)
    for rows, block in trace.row_blocks(layer, heads=heads):
        one = fuse(block)
        columns = one.new_zeros(len(one), count).index_add_(1, where, one)
        total.index_add_(0, where[rows], columns)
    sizes = np.bincount(squares)[:, None]
    found: Float64[np.ndarray, "squares squares"] = total.double().cpu().numpy() / sizes
    return found


def greatest_flows(
    matrices: list[np.ndarray], starts: Float64[np.ndarray, " squares"]
) -> Float64[np.ndarray, " squares"]:
    """The greatest flow to each square of the first layer.

    Args:
        matrices: Capacities of each layer's edges, from those who look to those who are looked at,
            the first layer first.
        starts: What may set out from each square above the last layer.

    Raises:
        VitvizError: scipy is missing.
    """
    try:
        from scipy.sparse import csr_matrix
        from scipy.sparse.csgraph import maximum_flow
    except ImportError as error:
        raise VitvizError(
            "Attention flow needs scipy, which is not installed.", "Install it: pip install scipy."
        ) from error
    count, layers = len(starts), len(matrices)
    source = (layers + 1) * count
    looks, looked = (index.ravel() for index in np.indices((count, count)))
    edges = [
        (count * (layer + 1) + looks, count * layer + looked, matrix.ravel())
        for layer, matrix in enumerate(matrices)
    ]
    edges.append((np.full(count, source), count * layers + np.arange(count), starts))
    tails, heads, capacities = (np.concatenate(column) for column in zip(*edges, strict=True))
    whole = np.rint(capacities * ONE).astype(np.int32)
    graph = csr_matrix((whole, (tails, heads)), shape=(source + 1, source + 1))
    graph.eliminate_zeros()
    return np.array([maximum_flow(graph, source, sink).flow_value / ONE for sink in range(count)])


ATTENTION_FLOW = Method(
    name="attention-flow",
    title="Attention flow",
    source="Abnar and Zuidema 2020, arXiv 2005.00928",
    explain=explain,
    parameters=(SQUARES, RESIDUAL, START),
    heads="fused",
    needs=frozenset({"attention", "sequence"}),
)

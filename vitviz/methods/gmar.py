"""GMAR: rollout in which heads count by how much a class's logit depends on them.

    w_l[h]  = |dy/dA_l[h]| / sum over heads of the same,   |.| the sum of absolute values, or the
                                                           root of the sum of squares
    A_hat_l = (1 - residual) sum over h of w_l[h] A_l[h] + residual I
    R_end   = A_hat_end ... A_hat_start,    map = R_end[query]

y is the logit of one class (or how far it is above another's).

Source: Jo, Jang and Park, "GMAR: Gradient-Driven Multi-Head Attention Rollout for Vision
Transformer Interpretability", 2025, arXiv 2504.19414: both norms; their rollout has residual 1/2.

Differences from the source: the norms are made in blocks of rows, and one row of R alone. Through
windows and merging (Swin) it goes as rollout does; pairs that cannot look at each other have no
part in the norms.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity, uniform
from vitviz.methods.base import Method, Parameter, Question
from vitviz.methods.parts.flow import (
    RESIDUAL,
    START,
    Layers,
    flow_down,
    layers_from,
    push_normalised,
    share,
)
from vitviz.methods.parts.slopes import slopes_in_windows
from vitviz.progress import Progress, part
from vitviz.shapes import Float

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.tracing.attention import LayerAttention
    from vitviz.tracing.gradients import Gradients, LayerGradient
    from vitviz.tracing.trace import Trace

NORM = Parameter(
    "norm", "Norm", "L1",
    "How the gradient of a head's attention becomes its weight: the sum of absolute values (L1), "
    "or the root of the sum of squares (L2).",
    choices=("L1", "L2"),
)  # fmt: skip


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The rollouts of the query, for one class, that end at each layer.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes, or a setting is out of its bounds.
        NotEnoughMemory: The gradients would not fit.
    """
    settings = GMAR.settings(question.params)
    residual = share("residual", settings)
    through = layers_from(settings, trace, "GMAR")
    aim = trace.aim(question.target, question.contrast)
    gradients = trace.gradients(aim, part(progress, 0, 0.5))
    weights = {
        layer: head_weights(trace.attention_of(layer), gradients, layer, str(settings["norm"]))
        for layer in through
    }
    layers = Layers(
        trace, "mean", lambda block: block.sum(0), 0.0, "gmar", part(progress, 0.5, 1),
        trace.room(), lambda layer, heads, rows: weights[layer][heads, None, None],  # noqa: ARG005
    )  # fmt: skip
    push = partial(push_normalised, residual=residual)
    values = flow_down(layers, through, question.query, push).unsqueeze(1).cpu().numpy()
    first = through[0]
    maps = uniform(values, through, trace.outline.tokens(first), trace.geometry_of(first))
    quantity = Quantity("weighted rollout", "share")
    return Explanation(maps, "mean", quantity, "through", aim.target, aim.contrast)


def head_weights(
    attention: LayerAttention, gradients: Gradients, layer: int, norm: str
) -> Float[Tensor, " heads"]:
    """How much each head of a layer counts: they sum to one; alike, where nothing depends on any.

    Args:
        attention: Of the layer.
        gradients: Of the logit.
        layer: From 0.
        norm: "L1" or "L2".
    """
    of = gradients.layers[layer]
    assert of is not None
    heads = len(of.mixed)
    total = of.mixed.new_zeros(heads)
    for block in _slopes(attention, gradients, layer, of):
        total += (block.abs() if norm == "L1" else block.square()).sum((1, 2))
    lengths = total if norm == "L1" else total.sqrt()
    whole = lengths.sum()
    return lengths / whole if whole > 0 else lengths.new_full((heads,), 1 / heads)


def _slopes(
    attention: LayerAttention, gradients: Gradients, layer: int, of: LayerGradient
) -> Iterator[Float[Tensor, "heads rows keys"]]:
    """dy/dA of all pairs of a layer that look at each other, a few rows at a time."""
    from vitviz.tracing.fused import row_slices

    if of.windows is not None:
        yield from (slopes for _, slopes in slopes_in_windows(attention, of))
        return
    heads, tokens, _ = of.mixed.shape
    for rows in row_slices(heads, tokens, of.mixed.device.type, range(tokens)):
        yield gradients.rows(layer, slice(None), rows)


GMAR = Method(
    name="gmar",
    title="GMAR rollout",
    source="Jo, Jang and Park 2025, arXiv 2504.19414",
    explain=explain,
    parameters=(NORM, RESIDUAL, START),
    heads="mean",
    needs=frozenset({"attention", "gradients", "classes", "path"}),
)

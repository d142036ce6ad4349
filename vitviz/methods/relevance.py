"""Generic attention relevance: attention that a class's logit depends on, through the layers.

    A_bar_l = fuse_h((dy/dA_l * A_l)+)
    R_end   = (I + A_bar_end) ... (I + A_bar_start),    map = R_end[query]

y is the logit of one class (or how far it is above another's), ``*`` of entries, ``+`` what is
positive.

Source: Chefer, Gur and Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and
Encoder-Decoder Transformers", ICCV 2021, arXiv 2103.15679, equations 5 and 6, with the mean over
heads and all layers: ``R <- R + A_bar_l R`` from R = I is this product.

Differences from the source: only one row of R is asked for, so no matrix is multiplied by another
(``vitviz.methods.parts.flow``), and the gradients are made in row blocks
(``vitviz.tracing.gradients``): the numbers are the same. There R ends at the last layer; here a row
ends at each layer, y being the network's own logit for all of them. One head, or the maximum or
minimum over heads, may take the mean's place.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity, uniform
from vitviz.methods.base import Method, Question
from vitviz.methods.parts.discard import RowBlocks
from vitviz.methods.parts.flow import (
    START,
    Layers,
    add_product,
    flow_down,
    fusion_of,
    head_of,
    layers_from,
)
from vitviz.progress import Progress
from vitviz.shapes import Float

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The relevance to one token, for one class, of all others, ending at each layer.

    A head that the model does not have becomes its last one, and a class the most probable one.

    Raises:
        VitvizError: The model has no classes, or a setting is out of its bounds.
        NotEnoughMemory: The gradients would not fit.
    """
    through = layers_from(RELEVANCE.settings(question.params), trace, "Relevance")
    head, aim = head_of(question, trace), trace.aim(question.target, question.contrast)
    gradients, fusion = trace.gradients(aim, progress), fusion_of(head)
    layers = Layers(
        trace, head, lambda block: fusion(block.clamp_(min=0)), 0.0, "relevance", progress,
        trace.room(), partial(gradients.window_rows, room=trace.room()),
    )  # fmt: skip
    flows = flow_down(layers, through, question.query, push_added)
    values = flows.unsqueeze(1).cpu().numpy()
    first = through[0]
    maps = uniform(values, through, trace.outline.tokens(first), trace.geometry_of(first))
    quantity = Quantity("relevance")
    return Explanation(maps, head, quantity, "through", aim.target, aim.contrast)


def push_added(
    flows: Float[Tensor, "flows tokens"], blocks: RowBlocks
) -> Float[Tensor, "flows tokens"]:
    """``flows @ (I + A_bar)`` for one layer.

    Args:
        flows: Row vectors, non-zero only where ``blocks`` has rows.
        blocks: A_bar, in row blocks.
    """
    pushed = flows.clone()
    for rows, block in blocks:
        add_product(pushed, flows[:, rows], rows, block)
    return pushed


RELEVANCE = Method(
    name="relevance",
    title="Class relevance",
    source="Chefer, Gur and Wolf 2021, arXiv 2103.15679",
    explain=explain,
    parameters=(START,),
    heads="fused",
    needs=frozenset({"attention", "gradients", "classes", "path"}),
)

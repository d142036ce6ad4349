"""Gradient rollout: rollout of the attention that a class's logit depends on.

    F_l     = fuse_h(dy/dA_l * A_l)+
    A_hat_l = (1 - residual) F_l + residual I, every row divided by its sum
    R_end   = A_hat_end ... A_hat_start,    map = R_end[query]

y is the logit of one class (or how far it is above another's), ``*`` of entries, ``+`` what is
positive. F has the size of logits, far below one, so most of a row is the residual's.

Source: jacobgil/vit-explain, with the mean over heads and residual = 1/2; its discard ratio is
rollout's (``vitviz.methods.rollout``).

Differences from vit-explain: each layer's attention is weighted by its own gradient (there, the
gradients arrive from the last layer to the first and meet the attention of the first to the last);
the gradient is that of the attention (there, a hook on a dropout that does nothing is told of what
comes before it, the softmax, and gives the gradient of what goes into that); each row is divided by
its own sum (there column j is divided by the sum of row j); attention is made from q and k (there,
a network with fused attention gives none).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from vitviz.maps.heat_map import Explanation, Quantity, uniform
from vitviz.methods.base import Method, Question
from vitviz.methods.parts.discard import KEPT_BYTES
from vitviz.methods.parts.flow import (
    DISCARD,
    FLOAT_BYTES,
    RESIDUAL,
    START,
    Layers,
    discarded,
    flow_down,
    fusion_of,
    head_of,
    layers_from,
    push_normalised,
    share,
)
from vitviz.progress import Progress

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The gradient rollouts of one token, for one class, that end at each layer.

    A head that the model does not have becomes its last one, and a class the most probable one.

    Raises:
        VitvizError: The model has no classes, or a setting is out of its bounds.
        NotEnoughMemory: The gradients would not fit, or memory ran out.
    """
    from vitviz.tracing.memory import refusing

    settings = GRADIENT_ROLLOUT.settings(question.params)
    residual, discard = share("residual", settings), discarded(settings)
    through = layers_from(settings, trace, "Gradient rollout")
    head, aim = head_of(question, trace), trace.aim(question.target, question.contrast)
    gradients, fusion = trace.gradients(aim, progress), fusion_of(head)

    def fuse(block: Tensor) -> Tensor:
        # No zero may have a sign: discarding sorts the bits.
        return fusion(block).clamp_(min=0).abs_()

    needed = min(trace.tokens**2 * FLOAT_BYTES, KEPT_BYTES)
    with refusing(needed, f"gradient rollout over {trace.tokens:,} tokens", trace.device):
        layers = Layers(
            trace, head, fuse, discard, "gradient-rollout", progress, trace.room(),
            partial(gradients.window_rows, room=trace.room()),
        )  # fmt: skip
        push = partial(push_normalised, residual=residual)
        flows = flow_down(layers, through, question.query, push)
        values = flows.unsqueeze(1).cpu().numpy()
    first = through[0]
    maps = uniform(values, through, trace.outline.tokens(first), trace.geometry_of(first))
    quantity = Quantity("gradient rollout", "share")
    return Explanation(maps, head, quantity, "through", aim.target, aim.contrast)


GRADIENT_ROLLOUT = Method(
    name="gradient-rollout",
    title="Gradient rollout",
    source="jacobgil/vit-explain, after Abnar and Zuidema 2020",
    explain=explain,
    parameters=(DISCARD, RESIDUAL, START),
    heads="fused",
    needs=frozenset({"attention", "gradients", "classes", "path"}),
)

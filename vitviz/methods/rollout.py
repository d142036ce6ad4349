"""Attention rollout: attention followed through the layers, residual connections included.

    A_hat_l = (1 - residual) fuse_h(A_l) + residual I, every row divided by its sum
    R_end   = A_hat_end ... A_hat_start,    map = R_end[query]

Source: Abnar and Zuidema, "Quantifying Attention Flow in Transformers", ACL 2020, arXiv
2005.00928, with residual = 1/2 and the mean over heads. Maximum and minimum over heads, and the
discard ratio, are jacobgil/vit-explain's: of the fused tokens x tokens matrix the
``floor(discard * tokens^2)`` smallest entries become 0 before the residual is added.

Difference from the source: only one row of R is asked for, so no matrix is multiplied by another
(``vitviz.methods.parts.flow``).

Through windows and merging (Swin) nobody has published it; this is vitviz's own. A_l is then one
block for each window, its tokens where they lie on the photo, shifts and all; what they look at in
padding is left out, and each row divided by its own sum. Where patches merged before layer l, each
hands its part to those it was merged of, a quarter to each of four, in equal parts where at the
edge there are fewer. So R's rows sum to 1. A network without CLS is asked for the mean over its
last patches, which its class is read from. The discard ratio is of the pairs that share a window.

Differences from vit-explain: each row is divided by its own sum (there column j is divided by the
sum of row j); no entry is protected from being discarded (there CLS -> CLS is, and the residual
gives part of it back anyway). A row that keeps nothing, which takes a residual of 0 (or of less
than float32 can tell from it), stays where it is.
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
    from vitviz.tracing.trace import Trace


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The rollouts of one token that end at each layer from the start layer on.

    A head that the model does not have becomes its last one.

    Raises:
        VitvizError: A setting is out of its bounds.
        NotEnoughMemory: Memory ran out.
    """
    from vitviz.tracing.memory import refusing

    settings = ROLLOUT.settings(question.params)
    residual, discard = share("residual", settings), discarded(settings)
    through, head = layers_from(settings, trace, "Rollout"), head_of(question, trace)
    needed = min(trace.tokens**2 * FLOAT_BYTES, KEPT_BYTES)
    with refusing(needed, f"rollout over {trace.tokens:,} tokens", trace.device):
        room = trace.room()
        layers = Layers(trace, head, fusion_of(head), discard, "rollout", progress, room)
        push = partial(push_normalised, residual=residual)
        flows = flow_down(layers, through, question.query, push)
        values = flows.unsqueeze(1).cpu().numpy()
    first = through[0]
    maps = uniform(values, through, trace.outline.tokens(first), trace.geometry_of(first))
    return Explanation(maps, head, Quantity("rollout", "share"), "through")


ROLLOUT = Method(
    name="rollout",
    title="Attention rollout",
    source="Abnar and Zuidema 2020, arXiv 2005.00928",
    explain=explain,
    parameters=(DISCARD, RESIDUAL, START),
    heads="fused",
    needs=frozenset({"attention", "path"}),
)

"""LeGrad: how much a class, read from a layer, would gain from more attention in that layer.

    s_l    = head(pool(Z_l)) of one class (or how far it is above another)
    E_l[j] = mean over heads h and rows i of (ds_l/dA_l[h, i, j])+
    map_l  = E_first + ... + E_l

Z_l is what layer l puts out, A_l its attention; what is read of Z_l goes through the network's own
last norm and head. ``+`` is what is positive. The gradient stays within one layer, so nothing is
passed through those above it.

Source: Bousselham, Boggust, Chaybouti, Strobelt and Kuehne, "LeGrad: An Explainability Method for
Vision Transformers via Feature Formation Sensitivity", ICCV 2025, arXiv 2404.03214, section 3, and
their program (WalBouss/LeGrad): the mean over rows of CLS and patches, the last two layers.

Differences from the source: there Z_l is pooled by the mean over all tokens, CLS included, which no
head was trained on; that is the choice "all tokens" here, and "as trained" pools as the network
does. There the class is a text's; here one of the head's. Not scaled to 0..1, and not enlarged.
Rows of the gradient are made in blocks: no tokens x tokens matrix is held. Of a network in stages
(Swin) the head can read the layers of the last stage alone; pairs that cannot look at each other
have no gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vitviz.maps.heat_map import Explanation, Quantity
from vitviz.methods.base import Method, Parameter, Question
from vitviz.methods.parts.slopes import slopes_in_windows
from vitviz.progress import Progress
from vitviz.shapes import Float32

if TYPE_CHECKING:
    from vitviz.models.outline import Outline
    from vitviz.tracing.attention import LayerAttention
    from vitviz.tracing.gradients import LayerGradient
    from vitviz.tracing.trace import Trace

BLOCKS = Parameter(
    "blocks", "Last layers", 2,
    "How many of the last layers are added up; the authors' program takes two.",
    bounds=(1, None),
)  # fmt: skip

POOL = Parameter(
    "pool", "Read from", "as trained",
    "What the class is read from in each layer: what the model's head was trained on (CLS, the "
    "mean of the patches), or the mean of all tokens, as in the paper.",
    choices=("as trained", "all tokens"),
)  # fmt: skip


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """The sums over the last layers, up to each of them.

    A class that the model does not have becomes the most probable one; of more layers than the
    model has all are taken.

    Raises:
        VitvizError: The model has no classes.
        NotEnoughMemory: The gradients would not fit.
    """
    settings = LEGRAD.settings(question.params)
    aim = trace.aim(question.target, question.contrast)
    layers = range(max(readable(trace.outline), trace.depth - int(settings["blocks"])), trace.depth)
    total = np.zeros((1, trace.outline.tokens(trace.depth - 1).tokens), np.float32)
    by_layer = {}
    # The mean of all tokens is what a network without prefix tokens may have been trained on.
    trained = trace.outline.pool == "mean" and not trace.outline.prefix
    of_all = settings["pool"] == "all tokens" and not trained
    for layer, gradient in trace.layer_gradients(aim, layers, of_all, progress):
        if gradient is not None:
            own = trace.attention_of(layer)
            in_windows = gradient.windows is not None
            total = total + (
                _positive_in_windows(own, gradient) if in_windows else _positive(gradient)
            )
            by_layer[layer] = trace.maps(layer, total)
    quantity = Quantity("sensitivity to attention")
    return Explanation(by_layer, "mean", quantity, "through", aim.target, aim.contrast)


def readable(outline: Outline) -> int:
    """The first layer whose output the head can read: from there on all have the last one's grid
    and width.
    """
    last = outline.layers[-1]
    alike = [(one.grid, one.width) == (last.grid, last.width) for one in outline.layers]
    return outline.depth - alike[::-1].index(False) if False in alike else 0


def _positive(gradient: LayerGradient) -> Float32[np.ndarray, "1 tokens"]:
    """E_l."""
    from vitviz.tracing.fused import row_slices

    mixed, v = gradient.mixed, gradient.v.mT
    heads, tokens, _ = mixed.shape
    # Of most networks only CLS is read: nothing depends on the other rows of the last layer.
    rows = (mixed != 0).any(-1).any(0).nonzero()[:, 0]
    total = mixed.new_zeros(tokens)
    for piece in row_slices(heads, tokens, mixed.device.type, range(len(rows))):
        total += (mixed[:, rows[piece]] @ v).clamp_(min=0).sum((0, 1))
    found: Float32[np.ndarray, "1 tokens"] = (total / (heads * tokens))[None].cpu().numpy()
    return found


def _positive_in_windows(
    attention: LayerAttention, gradient: LayerGradient
) -> Float32[np.ndarray, "1 tokens"]:
    """E_l where tokens look at those of their own window: of other pairs there is no gradient."""
    windows = gradient.windows
    assert windows is not None
    total = gradient.mixed.new_zeros(windows.positions)
    for rows, slopes in slopes_in_windows(attention, gradient):
        # heads windows slots slots
        each = slopes.clamp_(min=0).view(len(slopes), -1, windows.slots, windows.slots)
        total[rows] = each.sum((0, 2)).flatten()
    mean = windows.out_of(total[None]) / (len(gradient.mixed) * windows.tokens)
    found: Float32[np.ndarray, "1 tokens"] = mean.cpu().numpy()
    return found


LEGRAD = Method(
    name="legrad",
    title="LeGrad",
    source="Bousselham et al. 2025, arXiv 2404.03214",
    explain=explain,
    parameters=(BLOCKS, POOL),
    heads="mean",
    needs=frozenset({"attention", "gradients", "classes", "path"}),
    about_token=False,
)

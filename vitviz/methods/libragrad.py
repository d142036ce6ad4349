"""Input times repaired gradient: what each patch adds to a class's logit, signed.

    R_l[i] = <z_l[i], dy/dz_l[i]>

z_l[i] is token i as layer l is given it, y the logit of one class (or how far it is above
another's). In the backward attention, the deviations of norms and the gates of activations are
held (``vitviz.tracing.repair``), which leaves y linear in z_l and in the biases of the layers from
l on. So at every layer

    y = sum over tokens i of R_l[i] + sum over those biases b of <b, dy/db>

and how far the sums are apart is said with the map: the completeness error. It says what was
*read*, given where the network looked.

Source: Mehri, Soleymani Baghshah and Pilehvar, "LibraGrad: Balancing Gradient Flow for Universally
Better Vision Transformer Attributions", CVPR 2025, arXiv 2411.16760 (Input x Grad on the repaired
gradient; written from the paper, whose repository has no licence).

Differences from the source: as in ``vitviz.tracing.repair``. The map "each layer" is shown by
layer. "Sum of layers" adds up R_1 to R_l; the paper's FullGrad+ adds the products of the biases,
too, which lie on the tokens where they are added.

In a network whose patches change from layer to layer, what layer l *puts out* is taken instead,
since that has the layer's own grid: at its last layer this is HiResCAM (Draelos and Carin 2020,
arXiv 2011.08891), where a mean and a linear head follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vitviz.errors import VitvizError
from vitviz.maps.heat_map import Completeness, Explanation, LayerMaps, Quantity, Span
from vitviz.methods.base import Method, Parameter, Question, whole_name
from vitviz.progress import Progress

if TYPE_CHECKING:
    from vitviz.tracing.relevance import Relevance
    from vitviz.tracing.trace import Trace

OF = Parameter(
    "of", "Of", "input",
    "The tokens that are asked about: those that the network begins with, those between the "
    "layers, or their sum over the layers.",
    choices=("input", "each layer", "sum of layers"),
)  # fmt: skip


def explain(trace: Trace, question: Question, progress: Progress) -> Explanation:
    """What the tokens add to the logit of one class.

    A class that the model does not have becomes the most probable one.

    Raises:
        VitvizError: The model has no classes, or its layers' maps cannot be added up.
        NotEnoughMemory: The gradients would not fit.
    """
    of = LIBRAGRAD.settings(question.params)["of"]
    one_sequence = "sequence" in trace.outline.gives
    if of == "sum of layers" and not one_sequence:
        raise VitvizError(
            "The maps of this model's layers cannot be added up: their patches differ.",
            "Choose “each layer” instead.",
        )
    aim = trace.aim(question.target, question.contrast)
    found = trace.relevance(aim, progress)
    behind = 0 if one_sequence else 1  # of a layer: what it is given, or what it puts out
    layers = range(1 if of == "input" and one_sequence else trace.depth)
    by_layer = {
        layer: trace.maps(layer, found.states[layer + behind].numpy()[None]) for layer in layers
    }
    sums: dict[int, Completeness] = {}
    if of == "sum of layers":
        by_layer = _added(trace, by_layer)
    else:
        name = whole_name(aim.contrast)
        sums = {layer: _sums(found, layer + behind, by_layer[layer], name) for layer in layers}
    span: Span = "layer"
    if of == "sum of layers":
        span = "through"
    elif len(by_layer) == 1:
        span = "network"
    quantity = Quantity("contribution to the logit", "signed")
    return Explanation(by_layer, "mean", quantity, span, aim.target, aim.contrast, sums)


def _added(trace: Trace, by_layer: dict[int, LayerMaps]) -> dict[int, LayerMaps]:
    """The sums of all layers up to each."""
    totals = np.cumsum([maps.values for maps in by_layer.values()], axis=0, dtype=np.float32)
    return {layer: trace.maps(layer, total) for layer, total in zip(by_layer, totals, strict=True)}


def _sums(found: Relevance, place: int, maps: LayerMaps, name: str) -> Completeness:
    """What the states at one place between the layers add up to, with the biases after it."""
    values, prefix = maps.values.astype(np.float64)[0], len(maps.tokens.prefix)
    return Completeness(
        found.whole, name, float(values[prefix:].sum()), float(values[:prefix].sum()),
        float(sum(found.biases[place:])),
    )  # fmt: skip


LIBRAGRAD = Method(
    name="libragrad",
    title="Input × repaired gradient",
    source="LibraGrad: Mehri et al. 2025, arXiv 2411.16760",
    explain=explain,
    parameters=(OF,),
    heads="none",
    needs=frozenset({"states", "gradients", "classes"}),
    about_token=False,
)

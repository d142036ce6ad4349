"""Sanity: a map beside those of another class, of other weights, of almost the same photo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from vitviz.engine.answers import Cell, Sanity, top_indices
from vitviz.engine.requests import ExplainRequest, SanityRequest
from vitviz.errors import VitvizError
from vitviz.maps.heat_map import Explanation
from vitviz.methods import METHODS
from vitviz.progress import Progress, Stage, part
from vitviz.shapes import Float32

if TYPE_CHECKING:  # torch is imported on the worker, never by importing this
    from vitviz.models.network import Network
    from vitviz.tracing.trace import Trace
    from vitviz.trust.sanity import Check

MOST_DRAWN = 12
"""Times that weights are drawn anew: deeper networks lose several blocks at a time."""

Explain = Callable[[ExplainRequest, "Trace", tuple[int, ...], Progress], tuple[Explanation, float]]
"""``engine.explain``."""


def tested(
    request: SanityRequest, cell: Cell, trace: Trace, explain: Explain, progress: Progress
) -> Sanity:
    """The answer to a request.

    Args:
        request: What was asked.
        cell: With the map.
        trace: Of the same photo and model, with its network.
        explain: Explains a trace.
        progress: Told how far it is; may raise ``Cancelled``.

    Raises:
        VitvizError: The method asks about no class, and other classes are asked for; or the model
            has no other.
    """
    tests = {
        "class": _classes,
        "weights down": _weights,
        "weights up": _weights,
        "photo": _photos,
    }
    return Sanity(request, tuple(tests[request.test](request, cell, trace, explain, progress)))


def _beside(request: SanityRequest, cell: Cell, other: Explanation, what: str) -> Check:
    from vitviz.trust.sanity import Check, compare

    own = cell.explanation.map(request.layer, request.head).values
    return Check(what, compare(own, other.map(request.layer, request.head).values))


def _classes(
    request: SanityRequest, cell: Cell, trace: Trace, explain: Explain, progress: Progress
) -> Sequence[Check]:
    from vitviz.trust.sanity import OTHER_CLASSES

    if not METHODS[request.explain.method].class_specific:
        raise VitvizError(
            "This method asks about no class: its map is the same for all of them.",
            "Choose a method about a class.",
        )
    about = (cell.target, cell.contrast)
    others = [c for c in top_indices(cell, OTHER_CLASSES + 2) if c not in about][:OTHER_CLASSES]
    if not others:
        raise VitvizError("This model has no other class.", "Choose another test.")
    found = []
    for number, target in enumerate(others):
        told = part(progress, number / len(others), (number + 1) / len(others))
        asked = replace(request.explain, target=target)
        explanation, _ = explain(asked, trace, cell.query_tokens, told)
        found.append(_beside(request, cell, explanation, cell.class_name(target)))
    return found


def _weights(
    request: SanityRequest, cell: Cell, trace: Trace, explain: Explain, progress: Progress
) -> Sequence[Check]:
    from vitviz.trust.sanity import copy_of, shuffle

    assert trace.network is not None
    assert trace.image is not None
    progress(Stage("method", name="weights"), 0.0)
    own = copy_of(trace.network)
    layers = range(trace.depth)
    order = list(layers if request.test == "weights up" else reversed(layers))
    drawn, found = np.array_split(order, min(MOST_DRAWN, len(order))), []
    gone = 0
    for number, some in enumerate(drawn):
        told = part(progress, number / len(drawn), (number + 1) / len(drawn))
        for layer in some:
            shuffle([own.blocks[int(layer)]], request.seed + int(layer))
        gone += len(some)
        first = layers[0] if request.test == "weights up" else trace.depth - gone
        name = f"blocks {first + 1} to {first + gone}" if gone > 1 else f"block {first + 1}"
        explanation = _explained(request, cell, trace, own, trace.image, explain, told)
        found.append(_beside(request, cell, explanation, name) if explanation else _none(name))
    return found


def _photos(
    request: SanityRequest, cell: Cell, trace: Trace, explain: Explain, progress: Progress
) -> Sequence[Check]:
    from vitviz.trust.sanity import compressed, moved

    assert trace.network is not None
    assert trace.image is not None
    changed = {
        "moved by a pixel": moved(trace.image),
        "compressed as JPEG": compressed(cell.input_pixels, cell.card.preprocessing),
    }
    found = []
    for number, (name, image) in enumerate(changed.items()):
        told = part(progress, number / 2, (number + 1) / 2)
        explanation = _explained(request, cell, trace, trace.network, image, explain, told)
        found.append(_beside(request, cell, explanation, name) if explanation else _none(name))
    return found


def _none(name: str) -> Check:
    from vitviz.trust.sanity import Check

    return Check(name, None)


def _explained(
    request: SanityRequest, cell: Cell, trace: Trace, network: Network,
    image: Float32[np.ndarray, "3 height width"], explain: Explain, progress: Progress,
) -> Explanation | None:  # fmt: skip
    """The same question about another network or input; None where its answer is no number.

    The class stays that of the map, even where another one has become the most probable.
    """
    from vitviz.errors import NotEnoughMemory
    from vitviz.tracing.run import run

    asked = replace(request.explain, target=cell.target)
    try:
        other = run(network, image, trace.geometry, device=trace.device,
                    progress=part(progress, 0.0, 0.5))  # fmt: skip
    except NotEnoughMemory:
        raise
    except VitvizError:
        return None
    return explain(asked, other, cell.query_tokens, part(progress, 0.5, 1.0))[0]

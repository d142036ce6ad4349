"""How a model comes to its answer, step by step: what is told of a photo that it has seen."""

from __future__ import annotations

import numpy as np

from vitviz.engine.seeing import (
    Sight,
    probabilities,
    require_given,
    shares_of,
)
from vitviz.engine.station_answers import (
    BlockSteps,
    FirstState,
    Lens,
    Parts,
    PatchRace,
    Readings,
    StationAnswer,
    WhatIf,
)
from vitviz.engine.station_requests import (
    BlockRequest,
    EmbeddingRequest,
    LensRequest,
    PartsRequest,
    ReadingsRequest,
    StationRequest,
    WhatIfRequest,
)
from vitviz.imaging.preprocess import displayed_input
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.progress import Progress
from vitviz.session.queries import query_tokens

BEST = 5
"""Classes that are shown where nobody chose some."""


def tell(request: StationRequest, sight: Sight, progress: Progress) -> StationAnswer:
    """Answers any of these requests.

    Args:
        request: What is asked.
        sight: The photo as the model saw it.
        progress: Told how far it is; may raise ``Cancelled``.

    Raises:
        VitvizError: The network does not give what is asked.
    """
    if isinstance(request, EmbeddingRequest):
        return first_state(request, sight)
    if isinstance(request, BlockRequest):
        return block_steps(request, sight, progress)
    if isinstance(request, PartsRequest):
        return parts(request, sight, progress)
    if isinstance(request, ReadingsRequest):
        return class_readings(request, sight, progress)
    if isinstance(request, WhatIfRequest):
        return what_if(request, sight, progress)
    return race(request, sight, progress)


def first_state(request: EmbeddingRequest, sight: Sight) -> FirstState:
    """How pixels become the first state."""
    from vitviz.tracing.stations import embedding

    trace = sight.trace
    return FirstState(request, embedding(trace), trace.outline.tokens(0), trace.geometry_of(0))


def block_steps(request: BlockRequest, sight: Sight, progress: Progress) -> BlockSteps:
    """What one layer does with one token."""
    from vitviz.tracing.stations import attention_steps, convolution_steps

    trace, outline = sight.trace, sight.trace.outline
    layer = range(outline.depth)[max(-outline.depth, min(request.layer, outline.depth - 1))]
    tokens, geometry = outline.tokens(layer), trace.geometry_of(layer)
    wanted = query_tokens(request.query, outline, trace.geometry)
    first = outline.tokens(0)
    rows, cols = first.grid
    chosen = wanted[0] if len(wanted) == 1 else first.index(rows // 2, cols // 2)
    token = outline.token_in(layer, chosen, trace.geometry)
    steps = attention_steps(trace, layer, token, progress)
    place, convolution = tokens.patch(token), None
    if steps is None and place is not None:
        convolution = convolution_steps(trace, layer, place, request.channel, progress)
    return BlockSteps(request, layer, token, steps, convolution, tokens, geometry)


def parts(request: PartsRequest, sight: Sight, progress: Progress) -> Parts:
    """How much the parts of each layer write into each token."""
    from vitviz.tracing.stations import layer_parts

    return Parts(request, tuple(layer_parts(sight.trace, progress)))


def class_readings(request: ReadingsRequest, sight: Sight, progress: Progress) -> Readings:
    """How the heads of a network come to the scores of some classes."""
    from vitviz.tracing.stations import readings

    trace = sight.trace
    require_given(trace.logits is not None, sight, "has no classes")
    assert trace.logits is not None
    count = len(trace.logits)
    classes = tuple(index for index in request.classes if 0 <= index < count)
    if not classes:
        classes = tuple((-trace.logits).argsort(kind="stable")[:BEST].tolist())
    shares = shares_of(trace.logits, sight.model.card)
    chosen = list(classes)
    return Readings(
        request, classes, readings(trace, classes, progress), trace.logits[chosen], shares[chosen]
    )  # fmt: skip


def what_if(request: WhatIfRequest, sight: Sight, progress: Progress) -> WhatIf:
    """What would be if patches lay elsewhere, or places did not count."""
    from vitviz.probing.rearranged import shuffled_order, with_order
    from vitviz.tracing.run import run

    trace, card = sight.trace, sight.model.card
    usual = probabilities(trace, card)
    network, image = trace.network, trace.image
    assert network is not None
    assert image is not None
    if request.unplaced:
        blind = network.unplaced()
        require_given(blind is not None, sight, "has no positions that could be left out")
        network = blind or network
    if request.shuffled:
        patch = card.preprocessing.patch
        count = (image.shape[1] // patch) * (image.shape[2] // patch)
        image = with_order(image, patch, shuffled_order(count, request.seed))
    if request.unplaced or request.shuffled:
        trace = run(network, image, trace.geometry, device=trace.device, progress=progress)
    method = METHODS["attention" if METHODS["attention"].fits(trace.outline) else "feature-norm"]
    question = Question(query_tokens("auto", trace.outline, trace.geometry), "of", "mean", {})
    explanation = method.explain(trace, question, progress)
    return WhatIf(
        request, probabilities(trace, card), usual, displayed_input(image, card.preprocessing),
        explanation, method.name,
    )  # fmt: skip


def race(request: LensRequest, sight: Sight, progress: Progress) -> Lens:
    """What the head would answer at each depth.

    Args:
        request: What is asked.
        sight: The photo as the model saw it.
        progress: Called before every block, and before every depth.

    Raises:
        VitvizError: The head cannot read what earlier layers put out.
    """
    from vitviz.tracing import lens

    trace, card = sight.trace, sight.model.card
    outline = trace.outline
    why = "has a head that can read its last layer alone"
    require_given(outline.reads_all_depths, sight, why if outline.classes else "has no classes")
    assert trace.network is not None
    network, prefix, target = trace.network, len(outline.prefix), trace.target(request.target)
    states = lens.depth_states(network, trace.input(), progress, trace.kept)
    logits = lens.class_race(network, states)
    shares = shares_of(logits, card)
    patches = None
    excluding = card.outputs in ("", "classes") and logits.shape[1] > 1
    if excluding and lens.has_patch_lens(states):
        readings = lens.patch_race(network, states, prefix, target, progress)
        patches = PatchRace(*(_stacked(part) for part in zip(*readings, strict=True)))
    return Lens(
        request, target, logits, shares, lens.decided_at(logits), patches, outline.tokens(0),
        trace.geometry,
    )  # fmt: skip


def _stacked(arrays: tuple[np.ndarray, ...]) -> np.ndarray:
    stacked = np.stack(arrays)
    stacked.flags.writeable = False
    return stacked

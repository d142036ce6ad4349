"""Answers to what only charts ask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from vitviz.engine.chart_answers import ChartAnswer, FirstFilters, LayerAlignment, Positions
from vitviz.engine.chart_requests import (
    ChartRequest,
    CkaRequest,
    FiltersRequest,
    PositionsRequest,
)
from vitviz.engine.requests import Request
from vitviz.engine.seeing import Sight, require_given
from vitviz.errors import VitvizError
from vitviz.probing.ablation import Ablation
from vitviz.progress import Progress, part

See = Callable[[Request, Progress], Sight]
"""Shows the photo of a request to its model."""


def chart_answer(request: ChartRequest, see: See, progress: Progress) -> ChartAnswer:
    """The answer to what only charts ask.

    Args:
        request: What is asked.
        see: Shows its photo to its model, or to another one.
        progress: Told how far it is; may raise ``Cancelled``.

    Raises:
        VitvizError: The model does not give what is asked.
    """
    if isinstance(request, CkaRequest):
        return _alignment(request, see, progress)
    sight = see(request, progress)
    if isinstance(request, FiltersRequest):
        return _filters(request, sight)
    return _positions(request, sight)


def _alignment(request: CkaRequest, see: See, progress: Progress) -> LayerAlignment:
    from vitviz.probing import cka

    end = 0.5 if request.other else 1.0
    sight = see(request, part(progress, 0.0, 0.5 * end))
    require_given("states" in sight.trace.outline.gives, sight, "gives no states of its layers")
    other = None
    if request.other:
        # What is taken from one model is not taken from the other, whose heads are others.
        asked = replace(request, model=request.other, other="", ablation=Ablation())
        other = see(asked, part(progress, 0.5, 0.75))
        require_given("states" in other.trace.outline.gives, other, "gives no states of its layers")
    beside = (other.trace.outline, other.trace.geometry) if other else None
    points = cka.places(sight.trace.outline, sight.trace.geometry, beside)
    if len(points) < cka.FEWEST_PLACES:
        raise VitvizError(
            f"Layers cannot be compared on {len(points)} places of a photo.",
            "Give the model the whole photo, or a finer grid.",
        )
    told = part(progress, 0.5 * end, end)
    first = cka.kernels(cka.layer_vectors(sight.trace, points, told))
    second = None
    if other is not None:
        told = part(progress, 0.75, 1.0)
        second = cka.kernels(cka.layer_vectors(other.trace, points, told))
    return LayerAlignment(
        request, cka.aligned(first, second), len(points), sight.trace.outline,
        other.trace.outline if other else None,
    )  # fmt: skip


def _filters(request: FiltersRequest, sight: Sight) -> FirstFilters:
    from vitviz.probing.weights import filter_components

    assert sight.trace.network is not None
    filters = sight.model.network.filters(sight.trace.geometry.input_size)
    require_given(filters is not None, sight, "does not say which filters it begins with")
    assert filters is not None
    return FirstFilters(request, filter_components(filters), len(filters.weight))


def _positions(request: PositionsRequest, sight: Sight) -> Positions:
    from vitviz.probing.weights import position_similarity

    outline, size = sight.trace.outline, sight.trace.geometry.input_size
    placing = sight.model.network.placing(size)
    within = () if placing is None else placing.within
    added = None if placing is None else placing.added
    instead = f": it has {' and '.join(within)} instead" if within else ""
    require_given(added is not None, sight, f"adds no position to its patches{instead}")
    assert added is not None
    similarity = position_similarity(added, len(outline.prefix), outline.layers[0].grid)
    return Positions(request, similarity, within)

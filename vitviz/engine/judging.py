"""Whether a map can be trusted, put together for one request."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

import numpy as np

from vitviz.engine.answers import Cell, Trust
from vitviz.engine.cache import Cache
from vitviz.engine.requests import TrustRequest
from vitviz.errors import VitvizError
from vitviz.maps.heat_map import HeatMap
from vitviz.models.outline import Outline
from vitviz.probing.removal import removals
from vitviz.progress import Progress, Stage, part
from vitviz.shapes import Bool, Float64

if TYPE_CHECKING:  # torch is imported on the worker, never by importing this
    from vitviz.probing.probe import Probe
    from vitviz.tracing.trace import Trace
    from vitviz.trust.references import References

BUDGET_BYTES = 32 << 20
"""Of what maps are compared with: hundreds of photos."""

OUTLIER_MADS = 6.0
"""A patch whose norm lies so many median absolute deviations above the median is an outlier."""

KNOWN_PART = 0.9
"""Of the work, what is the same for every map of a photo."""


def new_cache() -> Cache[Hashable, References]:
    """What is compared with, for photos looked at before."""
    return Cache(BUDGET_BYTES, lambda known: known.nbytes)


def forwards(outline: Outline, steps: int = 6, orders: int = 100) -> float:
    """What a judgement costs in forwards of the whole photo, when nothing is known before.

    Half of the tokens take at most half of the time, and on average half of them are gone.
    """
    groups, curves = 64, (8 + orders) * steps
    return groups + 12 + curves * (0.5 if removals(outline)[0] == "drop" else 1.0)


def require_classes(outline: Outline) -> None:
    """Refuses networks of which no answer can fall.

    Raises:
        VitvizError: It has no classes.
    """
    if "classes" not in outline.gives:
        raise VitvizError(
            "This model has no classes, so there is no answer that a map could be tested by.",
            "Choose a model with a classifier.",
        )


def judged(
    request: TrustRequest, cell: Cell, trace: Trace, key: Hashable,
    cache: Cache[Hashable, References], progress: Progress,
) -> Trust:  # fmt: skip
    """The answer to a request.

    Args:
        request: What was asked.
        cell: With the map.
        trace: Of the same photo and model, with its network.
        key: Of the trace.
        cache: Where what is the same for all maps is kept.
        progress: Told before each forward; may raise ``Cancelled``.

    Raises:
        VitvizError: The model has no classes, or the map puts patches in no order.
    """
    from vitviz.probing.probe import Probe
    from vitviz.trust.judgement import judge, require_judgeable
    from vitviz.trust.references import references

    require_classes(trace.outline)
    start = time.perf_counter()
    heat_map = cell.explanation.map(request.layer, request.head)
    require_judgeable(heat_map)
    target = trace.target(cell.target)
    probe = Probe.of(trace, heat_map.geometry, request.removal, seed=request.seed)
    ask = _asked(probe, target)
    of = (key, heat_map.geometry, probe.removal, target, request.steps, request.orders,
          request.seed)  # fmt: skip
    known = cache.get(
        of,
        lambda: references(
            ask, heat_map.geometry, cell.input_pixels, steps=request.steps, orders=request.orders,
            seed=request.seed, progress=part(progress, 0.0, KNOWN_PART),
        ),
        lambda: progress(Stage("waiting"), 0.0),
    )  # fmt: skip
    judgement = judge(ask, heat_map.values, known, part(progress, KNOWN_PART, 1.0))
    share, outliers = _on_outliers(heat_map, trace)
    return Trust(
        request, heat_map, judgement, target, cell.class_name(target), probe.removal, share,
        outliers, time.perf_counter() - start,
    )  # fmt: skip


def _asked(
    probe: Probe, target: int
) -> Callable[[Bool[np.ndarray, "sets patches"], Progress], Float64[np.ndarray, " sets"]]:
    """The probability of one class."""
    return lambda removed, progress: probe.probabilities(removed, target, progress)


def _on_outliers(heat_map: HeatMap, trace: Trace) -> tuple[float | None, int]:
    """The part of a map's positive sum that lies on outlier patches of its last layer, and how many
    there are: patches in which the network keeps what is not about them.

    Source: Darcet et al., "Vision Transformers Need Registers", ICLR 2024, arXiv 2309.16588.
    """
    tokens = trace.outline.tokens(trace.depth - 1)
    if "states" not in trace.outline.gives or tokens.grid != heat_map.geometry.grid:
        return None, 0
    norms = np.linalg.norm(trace.states(trace.depth - 1), axis=1)[len(tokens.prefix) :]
    deviation = np.abs(norms - np.median(norms))
    outlying = norms > np.median(norms) + OUTLIER_MADS * np.median(deviation)
    positive = heat_map.values.ravel().clip(min=0).astype(np.float64)
    total = float(positive.sum())
    return (float(positive[outlying].sum()) / total if total > 0 else None), int(outlying.sum())

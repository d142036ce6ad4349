"""Whether a map can be trusted, put together for one request."""

from __future__ import annotations

import time
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vitviz.engine.answers import Cell, Ranking, Trust
from vitviz.engine.cache import Cache
from vitviz.engine.requests import RankRequest, TrustRequest
from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import HeatMap
from vitviz.models.outline import Outline
from vitviz.probing.leave_out import Ask
from vitviz.probing.removal import Removal, removals
from vitviz.progress import Progress, Stage, part
from vitviz.shapes import UInt8

if TYPE_CHECKING:  # torch is imported on the worker, never by importing this
    from vitviz.probing.probe import Probe
    from vitviz.tracing.trace import Trace
    from vitviz.trust.references import References

BUDGET_BYTES = 32 << 20
"""Of what maps are compared with: hundreds of photos."""

About = tuple[int, int | None]
"""Index of a class whose probability is asked; among all, or against another one alone."""

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


@dataclass(frozen=True, eq=False)
class Judge:
    """Judges maps of one photo by one model.

    Args:
        trace: With its network.
        key: Of the trace.
        cache: Where what is the same for all maps is kept.
        request: How maps are judged.
    """

    trace: Trace
    key: Hashable
    cache: Cache[Hashable, References]
    request: TrustRequest | RankRequest

    def asked(self, geometry: Geometry, about: About) -> Ask:
        """The probability of a class without patches of a grid."""
        probe, (target, against) = self._probe(geometry), about
        return lambda removed, progress: probe.probabilities(removed, target, progress, against)

    def removal(self, geometry: Geometry) -> Removal:
        """How patches of a grid are removed."""
        return self._probe(geometry).removal

    def compared(
        self, geometry: Geometry, about: About, pixels: UInt8[np.ndarray, "height width 3"],
        progress: Progress,
    ) -> References:  # fmt: skip
        """What maps of a grid are compared with: known, or found out now."""
        from vitviz.trust.references import references

        request = self.request
        key = (self.key, geometry, self.removal(geometry), about, request.steps, request.orders,
               request.seed)  # fmt: skip
        return self.cache.get(
            key,
            lambda: references(
                self.asked(geometry, about), geometry, pixels, steps=request.steps,
                orders=request.orders, seed=request.seed, progress=progress,
            ),
            lambda: progress(Stage("waiting"), 0.0),
        )  # fmt: skip

    def _probe(self, geometry: Geometry) -> Probe:
        from vitviz.probing.probe import Probe

        return Probe.of(self.trace, geometry, self.request.removal, seed=self.request.seed)


def judged(judge_of: Judge, cell: Cell, progress: Progress) -> Trust:
    """Judges one map.

    Args:
        judge_of: Of the photo; its request is a ``TrustRequest``.
        cell: With the map.
        progress: Told before each forward; may raise ``Cancelled``.

    Raises:
        VitvizError: The model has no classes, or the map puts patches in no order.
    """
    from vitviz.trust.judgement import judge, require_judgeable

    request, trace = judge_of.request, judge_of.trace
    assert isinstance(request, TrustRequest)
    require_classes(trace.outline)
    start = time.perf_counter()
    heat_map = cell.explanation.map(request.layer, request.head)
    require_judgeable(heat_map)
    target, geometry = trace.target(cell.target), heat_map.geometry
    about = target, cell.contrast
    told = part(progress, 0.0, KNOWN_PART)
    known = judge_of.compared(geometry, about, cell.input_pixels, told)
    told = part(progress, KNOWN_PART, 1.0)
    judgement = judge(judge_of.asked(geometry, about), heat_map.values, known, told)
    share, outliers = _on_outliers(cell, heat_map)
    return Trust(
        request, heat_map, judgement, target, cell.class_name(target),
        "" if cell.contrast is None else cell.class_name(cell.contrast),
        judge_of.removal(geometry), share, outliers, time.perf_counter() - start,
    )  # fmt: skip


def ranking(judge_of: Judge, cells: Sequence[Cell], progress: Progress) -> Ranking:
    """Judges maps of several methods, and the baselines.

    All of them are judged by one class: the one that is asked about, else the most probable.

    Args:
        judge_of: Of the photo; its request is a ``RankRequest``.
        cells: With the maps, in the order of the request.
        progress: Told before each forward; may raise ``Cancelled``.

    Raises:
        VitvizError: The model has no classes, or the mask cannot be used.
    """
    from vitviz.trust.masks import read_mask
    from vitviz.trust.ranking import ranked

    request, trace = judge_of.request, judge_of.trace
    assert isinstance(request, RankRequest)
    require_classes(trace.outline)
    first = cells[0]
    # Methods about no class are asked about the class of those that are about one.
    of_class = next((cell for cell in cells if cell.target is not None), first)
    target, pixels = trace.target(of_class.target), first.input_pixels
    about: About = target, of_class.contrast
    mask = None
    if request.mask:
        name = Path(request.explains[0].photo.path).name
        mask = read_mask(Path(request.mask), first.geometry.photo_size, name, progress)
    maps = {cell.request.method: cell.explanation.map(-1, "mean") for cell in cells}
    rows = ranked(
        maps, lambda geometry: judge_of.asked(geometry, about),
        lambda geometry, told: judge_of.compared(geometry, about, pixels, told),
        pixels, mask, progress,
    )  # fmt: skip
    removal = judge_of.removal(next(iter(maps.values())).geometry)
    return Ranking(
        request, target, first.class_name(target), removal, rows,
        tuple(cell.method_s for cell in cells), first.forward_s,
    )  # fmt: skip


def _on_outliers(cell: Cell, heat_map: HeatMap) -> tuple[float | None, int]:
    """The part of a map's positive sum that lies on outlier patches of its own layer, and how many
    there are: patches in which the network keeps what is not about them.

    Source: Darcet et al., "Vision Transformers Need Registers", ICLR 2024, arXiv 2309.16588.
    """
    if heat_map.layer not in cell.explanation.outliers:
        return None, 0
    on = heat_map.outliers
    return (0.0, 0) if on is None else (on.share, on.count)

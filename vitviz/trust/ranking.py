"""Maps of several methods judged on one photo, beside maps that know nothing of the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import HeatMap, Quantity
from vitviz.probing.leave_out import Ask
from vitviz.progress import Progress, part, silent
from vitviz.shapes import Bool, Float64, UInt8
from vitviz.trust.baselines import centre, edges
from vitviz.trust.judgement import Judgement, judge, require_judgeable
from vitviz.trust.localisation import Localisation, localisation
from vitviz.trust.references import References

BASELINES = ("random", "centre", "edges", "bound")
"""Names of what is judged beside the methods; the last one is leave-one-out's own map,
which the normalised gain is measured by. No method has such a name."""


@dataclass(frozen=True, eq=False)
class Ranked:
    """One map on one photo.

    Args:
        name: Of the method, or one of ``BASELINES``.
        judgement: What was found.
        place: How it lies to the mask; None without a mask.
    """

    name: str
    judgement: Judgement
    place: Localisation | None


def ranked(
    maps: Mapping[str, HeatMap],
    asked: Callable[[Geometry], Ask],
    compared: Callable[[Geometry, Progress], References],
    pixels: UInt8[np.ndarray, "height width 3"],
    mask: Bool[np.ndarray, "photo_height photo_width"] | None = None,
    progress: Progress = silent,
) -> tuple[Ranked, ...]:
    """Judges maps, and the baselines on the grid of the first of them.

    A map that puts patches in no order is judged as one at random is: it says nothing.

    Args:
        maps: Of one photo, by the names of their methods; at least one.
        asked: The probability of the class without patches of a grid.
        compared: What maps of that grid are compared with.
        pixels: What the model was given.
        mask: Of the thing on the photo.
        progress: Told before each forward; may raise ``Cancelled``.
    """
    if set(maps) & set(BASELINES):
        raise ValueError(f"a method is called as a baseline: {', '.join(maps)}")
    (first, *_) = maps.values()
    known = compared(first.geometry, part(progress, 0.0, 0.7))
    rng = np.random.default_rng(known.seed + 1)
    grid = first.geometry.grid
    names = dict(
        zip(
            BASELINES,
            (rng.random(grid), centre(grid), edges(pixels, first.geometry), known.leave_one_out),
            strict=True,
        )
    )
    baselines = {
        name: HeatMap(values.astype(np.float32), first.geometry, Quantity(name, "signed"))
        for name, values in names.items()
    }
    found, both = [], {**maps, **baselines}
    for number, (name, heat_map) in enumerate(both.items()):
        told = part(progress, 0.7 + 0.3 * number / len(both), 0.7 + 0.3 * (number + 1) / len(both))
        values = _ordered(heat_map, rng)
        geometry = heat_map.geometry
        judgement = judge(asked(geometry), values, compared(geometry, told), told)
        place = None if mask is None else localisation(values, geometry, mask)
        found.append(Ranked(name, judgement, place))
    return tuple(found)


def _ordered(heat_map: HeatMap, rng: np.random.Generator) -> Float64[np.ndarray, "rows cols"]:
    try:
        require_judgeable(heat_map)
    except VitvizError:
        return rng.random(heat_map.geometry.grid)
    return heat_map.values.astype(np.float64)

"""Where two maps differ: the second minus the first, patch by patch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from vitviz.maps.agreement import ranks
from vitviz.maps.heat_map import HeatMap, Quantity
from vitviz.maps.resample import on_one_grid, patch_area
from vitviz.shapes import Bool, Float32, Float64

Basis = Literal["values", "shares", "ranks"]
"""What is subtracted: values as they are; each map's shares of its sum; or each map's ranks."""

SAME_AREA = 0.01
"""Patches whose areas differ by less than this share are taken as equally large."""


@dataclass(frozen=True, eq=False)
class Difference:
    """The second map minus the first.

    Args:
        heat_map: Signed: zero where they agree; NaN where either model saw nothing. It has the
            finer of the two grids, and the layer and head of the second.
        of_second: That was the second's grid (and photo); else the first's.
        scaling: What was subtracted.
    """

    heat_map: HeatMap
    of_second: bool
    scaling: Basis


def difference(first: HeatMap, second: HeatMap) -> Difference:
    """The second map minus the first, on the finer of their grids.

    Values are subtracted as they are where both have the same unit and patches of the same area.
    Otherwise a difference of values would say nothing: attention and rollout have different
    sizes, and a grid four times as fine has a quarter of the attention on each patch. Then each
    map is first divided by its sum over the patches that both models saw, which leaves percent;
    where a map has negative values, which have no such shares, ranks from 0 (least) to 1
    (greatest) are subtracted instead.

    Args:
        first: In natural units.
        second: In natural units; of another photo, relative places are compared.
    """
    both = on_one_grid(first.values, first.geometry, second.values, second.geometry)
    known = np.isfinite(both.first) & np.isfinite(both.second)
    areas = patch_area(first.geometry), patch_area(second.geometry)
    alike = first.unit == second.unit and abs(areas[0] / areas[1] - 1) < SAME_AREA
    scaling: Basis = "values"
    if not alike:
        scaling = "shares" if _has_shares(both.first, both.second, known) else "ranks"
    unit = {"values": first.unit, "shares": "% of its map", "ranks": "rank, 0 to 1"}[scaling]
    values = np.full(known.shape, np.nan, np.float32)
    one, other = both.first[known], both.second[known]
    values[known] = _scaled(other, scaling) - _scaled(one, scaling)
    values.flags.writeable = False
    quantity = Quantity(unit, "signed")
    found = HeatMap(values, both.geometry, quantity, second.layer, second.head)
    return Difference(found, both.of_second, scaling)


def _has_shares(
    first: Float32[np.ndarray, "rows cols"],
    second: Float32[np.ndarray, "rows cols"],
    known: Bool[np.ndarray, "rows cols"],
) -> bool:
    parts = [values[known].astype(np.float64) for values in (first, second)]
    return all(part.size and part.min() >= 0 and part.sum() > 0 for part in parts)


def _scaled(values: Float32[np.ndarray, " count"], scaling: Basis) -> Float64[np.ndarray, " count"]:
    wide: Float64[np.ndarray, " count"] = values.astype(np.float64)
    if scaling == "shares":
        wide *= 100 / wide.sum()
    if scaling == "ranks":
        return (ranks(wide) - 1) / max(len(wide) - 1, 1)
    return wide

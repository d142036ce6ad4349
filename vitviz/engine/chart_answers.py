"""What the engine answers to charts: frozen, and without a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vitviz.engine.chart_requests import CkaRequest, FiltersRequest, PositionsRequest
from vitviz.models.outline import Outline

if TYPE_CHECKING:  # torch is imported on the worker, never by importing this
    from vitviz.probing.cka import Alignment
    from vitviz.probing.weights import FilterComponents, PositionSimilarity


@dataclass(frozen=True, eq=False)
class LayerAlignment:
    """The answer to a ``CkaRequest``.

    Args:
        request: What was asked.
        sums: What the photo adds to the sums of CKA.
        places: How many places were compared.
        outline: Of the model.
        other: Of the other model; None where there is one.
    """

    request: CkaRequest
    sums: Alignment
    places: int
    outline: Outline
    other: Outline | None


@dataclass(frozen=True, eq=False)
class FirstFilters:
    """The answer to a ``FiltersRequest``.

    Args:
        request: What was asked.
        components: Of the filters.
        count: How many filters there are.
    """

    request: FiltersRequest
    components: FilterComponents
    count: int


@dataclass(frozen=True, eq=False)
class Positions:
    """The answer to a ``PositionsRequest``.

    Args:
        request: What was asked.
        similarity: Of positions with each other.
        within: What tells places apart beside it, for people.
    """

    request: PositionsRequest
    similarity: PositionSimilarity
    within: tuple[str, ...]


ChartAnswer = LayerAlignment | FirstFilters | Positions

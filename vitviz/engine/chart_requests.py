"""What charts ask beside series: one kind of request for each."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.engine.requests import Request


@dataclass(frozen=True)
class CkaRequest(Request):
    """How alike layers are on one photo; answered by ``LayerAlignment``.

    Args:
        other: Another model whose layers these are compared with: its id, or path of a checkpoint;
            "" compares the layers of one model with each other.
        device: As of ``ExplainRequest``.
    """

    other: str = ""
    device: str = "auto"


@dataclass(frozen=True)
class FiltersRequest(Request):
    """What the first filters are; answered by ``FirstFilters``. The photo gives the input's size.

    Args:
        device: As of ``ExplainRequest``.
    """

    device: str = "auto"


@dataclass(frozen=True)
class PositionsRequest(Request):
    """How alike positions are; answered by ``Positions``. The photo gives the input's size.

    Args:
        device: As of ``ExplainRequest``.
    """

    device: str = "auto"


ChartRequest = CkaRequest | FiltersRequest | PositionsRequest
"""What only charts ask."""

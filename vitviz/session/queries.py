"""Which tokens of a network a query means: the only place that decides it."""

from __future__ import annotations

from vitviz.imaging.geometry import Geometry
from vitviz.models.outline import Outline
from vitviz.session.state import Point, Query


def points_of(query: Query) -> tuple[Point, ...]:
    """The points (x, y) in photo pixels that a query is made of; none of one that has a name."""
    if isinstance(query, str):
        return ()
    if isinstance(query[0], tuple):
        return query
    return (query,)


def name_of(query: Query, outline: Outline) -> str:
    """What a query is called in a network: "cls", "reg1", "patches"; "" of points.

    "auto", and a prefix token that the network does not have, are its default
    (``Outline.default_query``).
    """
    if not isinstance(query, str):
        return ""
    return query if query in (*outline.prefix, "patches") else outline.default_query


def query_tokens(query: Query, outline: Outline, geometry: Geometry) -> tuple[int, ...]:
    """The tokens of the first layer that a query means, ascending, each once.

    A point outside what the model saw means the nearest patch.

    Args:
        query: Any.
        outline: Of the network.
        geometry: Of its first layer.
    """
    layout, name = outline.tokens(0), name_of(query, outline)
    if name == "patches":
        return layout.all_patches
    if name:
        return (layout.prefix.index(name),)
    patches = (geometry.nearest_patch(*point) for point in points_of(query))
    return tuple(sorted({layout.index(*patch) for patch in patches}))

"""Which tokens a query means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vitviz.imaging.geometry import Geometry
from vitviz.models.outline import LayerOutline, Outline, Pool
from vitviz.models.tokens import TokenLayout, runs
from vitviz.session.queries import name_of, query_tokens
from vitviz.session.state import Query

GEOMETRY = Geometry((40, 60), (20, 30), (0, 5), (20, 20), 4)
LAYOUT = TokenLayout(("cls", "dist"), (5, 5))
OUTLINE = Outline((LayerOutline("block 1", (5, 5), 4),), LAYOUT.prefix, 0, 0, frozenset())
"""The window covers x 10 to 50 of the photo and all of its height; a patch is 8 x 8 there."""


@pytest.mark.parametrize(
    ("query", "patch"),
    [
        ((10.0, 0.0), (0, 0)),
        ((17.9, 7.9), (0, 0)),
        ((18.0, 8.0), (1, 1)),
        ((49.9, 39.9), (4, 4)),
        ((2.0, 20.0), (2, 0)),  # left of what the model saw: the nearest patch
        ((58.0, 20.0), (2, 4)),
        ((-1e7, 1e7), (4, 0)),
    ],
)
def test_a_point_means_the_patch_over_it_or_the_nearest(
    query: tuple[float, float], patch: tuple[int, int]
) -> None:
    (token,) = query_tokens(query, OUTLINE, GEOMETRY)
    assert LAYOUT.patch(token) == patch
    if GEOMETRY.patch_at(*query) is not None:
        assert GEOMETRY.patch_at(*query) == patch


@pytest.mark.parametrize(
    ("query", "tokens"),
    [
        ("dist", (1,)),
        ("patches", tuple(range(2, 27))),
        ("auto", (0,)),
        ("reg1", (0,)),  # there is none
        (((17.0, 7.0), (12.0, 1.0), (26.0, 0.0)), (2, 4)),  # two are over one patch
    ],
)
def test_queries_by_name_and_of_several_points(query: Query, tokens: tuple[int, ...]) -> None:
    assert query_tokens(query, OUTLINE, GEOMETRY) == tokens


@pytest.mark.parametrize(
    ("pool", "prefix", "name"),
    [
        ("cls", ("cls", "reg1"), "cls"),
        ("cls+mean", ("cls", "reg1"), "cls"),
        ("mean", ("cls", "reg1"), "patches"),
        ("map", ("reg1", "reg2"), "patches"),
        ("", ("cls", "dist"), "cls"),
        ("", (), "patches"),
    ],
)
def test_what_is_asked_unless_somebody_says_otherwise(
    pool: Pool, prefix: tuple[str, ...], name: str
) -> None:
    """What the class is read from; a choice of one's own stays what it is."""
    outline = replace(OUTLINE, pool=pool, prefix=prefix)
    assert name_of("auto", outline) == outline.default_query == name
    assert name_of("dist", outline) == ("dist" if "dist" in prefix else name)
    assert name_of("patches", outline) == "patches"
    expected = outline.tokens(0).all_patches if name == "patches" else (0,)
    assert query_tokens("auto", outline, GEOMETRY) == expected


def test_places_in_layers_of_other_grids() -> None:
    """A coarser layer has the patches over the same places, each once, and all for all."""
    coarse = LayerOutline("stage 2", (3, 3), 8)
    outline = replace(OUTLINE, layers=(*OUTLINE.layers, coarse))
    first = outline.tokens(0)
    query = tuple(first.index(*patch) for patch in ((0, 0), (0, 1), (1, 1), (4, 4)))
    assert outline.tokens_in(0, query, GEOMETRY) == query
    assert outline.tokens_in(1, query, GEOMETRY) == (2, 10)
    assert outline.tokens_in(1, (1,), GEOMETRY) == (1,)
    assert outline.tokens_in(1, first.all_patches, GEOMETRY) == tuple(range(2, 11))


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [((3,), [(3, 4)]), ((1, 2, 5, 7, 8, 9), [(1, 3), (5, 6), (7, 10)]), ((), [])],
)
def test_indices_that_follow_each_other(
    tokens: tuple[int, ...], expected: list[tuple[int, int]]
) -> None:
    assert [(run.start, run.stop) for run in runs(tokens)] == expected

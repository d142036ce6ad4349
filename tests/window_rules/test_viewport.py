"""Pan and zoom as values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vitviz.gui.canvas.viewport import Area, Viewport, bounded, fitted

COORDINATE = st.floats(-5000, 5000)
SCALE = st.floats(0.01, 60)
VIEWPORTS = st.builds(Viewport, SCALE, COORDINATE, COORDINATE)
SIZES = st.tuples(st.integers(1, 8000), st.integers(1, 8000))


@given(VIEWPORTS, COORDINATE, COORDINATE)
def test_there_and_back(viewport: Viewport, x: float, y: float) -> None:
    assert viewport.to_photo(*viewport.to_widget(x, y)) == pytest.approx((x, y), abs=1e-3)


@given(VIEWPORTS, SCALE, COORDINATE, COORDINATE)
def test_zooming_keeps_the_point_under_the_pointer(
    viewport: Viewport, scale: float, x: float, y: float
) -> None:
    photo = viewport.to_photo(x, y)
    zoomed = viewport.scaled(scale, x, y)
    assert zoomed.scale == scale
    assert zoomed.to_widget(*photo) == pytest.approx((x, y), abs=1e-3)


@given(SIZES, st.integers(50, 3000), st.integers(50, 3000))
def test_a_fitted_photo_is_whole_and_central(
    size: tuple[int, int], width: int, height: int
) -> None:
    view = fitted(size, Area(10, 20, width, height))
    right, bottom = view.to_widget(size[1], size[0])
    assert view.left >= 10 - 1e-6
    assert view.top >= 20 - 1e-6
    assert right <= 10 + width + 1e-6
    assert bottom <= 20 + height + 1e-6
    assert view.left - 10 == pytest.approx(10 + width - right, abs=1e-6)
    touches = (view.left == pytest.approx(10), view.top == pytest.approx(20))
    assert any(touches)


@given(VIEWPORTS, SIZES)
def test_the_photo_cannot_be_lost(viewport: Viewport, size: tuple[int, int]) -> None:
    kept = viewport.kept_in(size, Area(0, 0, 800, 600))
    right, bottom = kept.to_widget(size[1], size[0])
    for start, end, room in ((kept.left, right, 800), (kept.top, bottom, 600)):
        if end - start <= room:
            assert -1e-6 <= start <= end <= room + 1e-6
        else:
            assert start <= room / 2 + 1e-6
            assert end >= room / 2 - 1e-6
    again = kept.kept_in(size, Area(0, 0, 800, 600))
    assert (again.left, again.top) == pytest.approx((kept.left, kept.top), abs=1e-6)


def test_zoom_has_ends_around_the_fit() -> None:
    assert bounded(1e-9, 0.2) == pytest.approx(0.1)
    assert bounded(1e9, 0.2) == 64.0
    assert bounded(0.7, 0.2) == 0.7
    assert bounded(90.0, 100.0) == 90.0

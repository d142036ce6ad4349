"""Maps over photos, against naive versions pixel by pixel."""

from __future__ import annotations

import math
import tracemalloc

import numpy as np
import pytest

from tests.explanations import explanation_of, map_of
from vitviz.imaging.geometry import Geometry
from vitviz.maps import interpolation, overlay, ranges
from vitviz.maps.colour import table
from vitviz.maps.heat_map import HeatMap, Quantity
from vitviz.maps.style import Style
from vitviz.models.tokens import TokenLayout

GRID = (3, 5)


def map_rgba(
    values: np.ndarray, lo: float, hi: float, style: Style, pixels_per_patch: int
) -> np.ndarray:
    """A map alone, as red, green, blue and alpha."""
    rows, cols = (
        (np.arange(count * pixels_per_patch) + 0.5) / pixels_per_patch for count in values.shape
    )
    steps = interpolation.steps(values, lo, hi, rows, cols, style.smooth, style.scaling)
    rgba = overlay.colours(style)[steps]
    if not np.isfinite(values).all():
        rgba[interpolation.missing(values, rows, cols) == 1] = 0
    return rgba


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(7).random(GRID, dtype=np.float32)


@pytest.fixture
def photo() -> np.ndarray:
    return np.random.default_rng(8).integers(0, 256, (37, 59, 3), dtype=np.uint8)


GEOMETRIES = {
    "squash": Geometry((37, 59), (24, 40), (0, 0), (24, 40), 8),
    "crop": Geometry((37, 59), (30, 48), (3, 4), (24, 40), 8),
    "pad": Geometry((37, 59), (24, 38), (0, -1), (24, 40), 8),
    "larger": Geometry((37, 59), (96, 160), (0, 0), (96, 160), 32),
}


def keys_kernel(distance: float) -> float:
    """Equation 15 of Keys (1981), written out."""
    s = abs(distance)
    if s < 1:
        return 1.5 * s**3 - 2.5 * s**2 + 1
    if s < 2:
        return -0.5 * s**3 + 2.5 * s**2 - 4 * s + 2
    return 0.0


def naive_cubic(values: np.ndarray, row: float, col: float) -> float:
    """The value at one position, edges repeated, clipped to the map's own extremes."""
    rows, cols = values.shape
    total = 0.0
    for i in range(-3, rows + 3):
        for j in range(-3, cols + 3):
            value = values[min(max(i, 0), rows - 1), min(max(j, 0), cols - 1)]
            total += value * keys_kernel(row - 0.5 - i) * keys_kernel(col - 0.5 - j)
    return float(min(max(total, values.min()), values.max()))


def naive_composite(
    photo: np.ndarray,
    values: np.ndarray,
    geometry: Geometry,
    style: Style,
    ends: tuple[float, float],
) -> np.ndarray:
    lo, hi = ends
    result = np.empty(photo.shape)
    for y in range(photo.shape[0]):
        for x in range(photo.shape[1]):
            pixel = photo[y, x].astype(float)
            input_x, input_y = geometry.to_input(x + 0.5, y + 0.5)
            row, col = input_y / geometry.patch, input_x / geometry.patch
            if not (0 <= row < values.shape[0] and 0 <= col < values.shape[1]):
                share = overlay.UNSEEN_SHARE
                result[y, x] = pixel * (1 - share) + overlay.UNSEEN_COLOUR * share
                continue
            if style.smooth:
                value = naive_cubic(values, row, col)
            else:
                value = float(values[math.floor(row), math.floor(col)])
            t = min(max((value - lo) / (hi - lo), 0.0), 1.0)
            step = math.floor(255 * t + 0.5)
            t = step / 255
            alpha = style.opacity * ((1 - (1 - t) ** 3) if style.fade else 1)
            result[y, x] = pixel * (1 - alpha) + table(style.colour_map)[step] * alpha
    return result


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_composite_agrees_with_going_pixel_by_pixel(
    photo: np.ndarray, values: np.ndarray, name: str, smooth: bool
) -> None:
    style = Style(smooth=smooth, opacity=0.8)
    ends = (0.1, 0.9)
    ours = overlay.composite(photo, values, GEOMETRIES[name], style, *ends)
    naive = naive_composite(photo, values, GEOMETRIES[name], style, ends)
    off = np.abs(ours - naive)
    # Smooth values on the border of two steps may fall to either; a step is a few grey levels.
    assert (off <= 1.5).mean() > 0.99
    assert off.max() < 8


def test_composite_is_the_same_in_any_bands(
    photo: np.ndarray, values: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = overlay.composite(photo, values, GEOMETRIES["crop"], Style(), 0.0, 1.0)
    monkeypatch.setattr(overlay, "BAND_PIXELS", 3 * photo.shape[1] + 1)
    np.testing.assert_array_equal(
        overlay.composite(photo, values, GEOMETRIES["crop"], Style(), 0.0, 1.0), whole
    )


def test_composite_needs_little_memory_beside_its_result(values: np.ndarray) -> None:
    photo = np.full((2000, 3000, 3), 100, np.uint8)
    geometry = Geometry((2000, 3000), (24, 40), (0, 0), (24, 40), 8)
    tracemalloc.start()
    result = overlay.composite(photo, values, geometry, Style(), 0.0, 1.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - result.nbytes < 45e6


def test_without_opacity_the_photo_is_untouched(photo: np.ndarray, values: np.ndarray) -> None:
    style = Style(opacity=0.0)
    same = overlay.composite(photo, values, GEOMETRIES["squash"], style, 0.0, 1.0)
    np.testing.assert_array_equal(same, photo)


def test_full_opacity_without_fade_is_the_colour_map(photo: np.ndarray) -> None:
    values = np.linspace(0, 1, 15, dtype=np.float32).reshape(GRID)
    style = Style(opacity=1.0, fade=False, smooth=False, colour_map="viridis")
    seen = overlay.composite(photo, values, GEOMETRIES["squash"], style, 0.0, 1.0)
    np.testing.assert_array_equal(seen[0, 0], table("viridis")[0])
    np.testing.assert_array_equal(seen[-1, -1], table("viridis")[255])


def test_what_is_not_finite_lets_the_photo_through(photo: np.ndarray, values: np.ndarray) -> None:
    values[1, 2] = np.nan
    values[0, 0] = np.inf
    style = Style(opacity=1.0, fade=False)
    seen = overlay.composite(photo, values, GEOMETRIES["squash"], style, 0.0, 1.0)
    assert (seen[15:22, 26:33] == photo[15:22, 26:33]).all()
    assert (seen[:10, :10] == photo[:10, :10]).all()
    assert (seen[30:, 50:] != photo[30:, 50:]).any(axis=2).all()
    rgba = map_rgba(values, 0.0, 1.0, style, 4)
    assert (rgba[4:8, 8:12] == 0).all()
    assert (rgba[8:, :, 3] == 255).all()


@pytest.mark.parametrize("smooth", [True, False])
def test_a_constant_map_has_one_colour(smooth: bool) -> None:
    values = np.full(GRID, 0.25, np.float32)
    style = Style(smooth=smooth, fade=False, opacity=1.0)
    rgba = map_rgba(values, 0.25, 0.25, style, 6)
    assert (rgba[..., :3] == table("inferno")[0]).all()


def test_nearest_maps_are_flat_patches(values: np.ndarray) -> None:
    style = Style(smooth=False, fade=False, opacity=1.0)
    rgba = map_rgba(values, 0.0, 1.0, style, 7)
    step = np.floor(values.astype(np.float64) * 255 + 0.5).astype(int)
    expected = table("inferno")[np.kron(step, np.ones((7, 7), int))]
    np.testing.assert_array_equal(rgba[..., :3], expected)


def test_smooth_maps_have_the_true_colour_at_patch_centres(values: np.ndarray) -> None:
    smooth = map_rgba(values, 0.0, 1.0, Style(smooth=True), 9)[4::9, 4::9]
    flat = map_rgba(values, 0.0, 1.0, Style(smooth=False), 9)[4::9, 4::9]
    assert np.abs(smooth.astype(int) - flat.astype(int)).max() <= 4


def test_smooth_maps_stay_between_their_own_extremes() -> None:
    values = np.zeros(GRID, np.float32)
    values[1, 2] = 0.5
    places = np.linspace(0.01, 2.99, 80), np.linspace(0.01, 4.99, 120)
    step = interpolation.steps(values, -0.5, 1.5, *places, True)
    assert step.min() == 64
    assert step.max() in (127, 128)


def test_weights_are_keys_kernel_and_sum_to_one() -> None:
    positions = np.linspace(0.0, 4.999, 53)
    ours = interpolation.weights(positions, 5)
    np.testing.assert_allclose(ours.sum(axis=1), 1, atol=1e-6)
    for position, row in zip(positions, ours, strict=True):
        naive = np.zeros(5)
        for i in range(-3, 8):
            naive[min(max(i, 0), 4)] += keys_kernel(position - 0.5 - i)
        np.testing.assert_allclose(row, naive, atol=1e-6)


def test_ranges() -> None:
    layout = TokenLayout(("cls", "dist"), GRID)
    every = np.random.default_rng(1).uniform(0.2, 0.4, (4, 3, 17)).astype(np.float32)
    every[..., :2] = 5.0  # prefix tokens are not shown, so they must not stretch the range
    maps = explanation_of(every, (0, 1, 2, 3), None, layout, "attention")
    shown = maps.map(1, 2)
    least, greatest = float(shown.values.min()), float(shown.values.max())
    assert ranges.value_range("each", shown, maps) == (least, greatest)
    assert ranges.value_range("zero", shown, maps) == (0.0, greatest)
    patches = every[..., 2:]
    assert ranges.value_range("shared", shown, maps) == (patches.min(), patches.max())
    assert ranges.value_range("shared", shown, None) == (least, greatest)
    assert ranges.value_range((0.0, 2.0), shown, maps) == (0.0, 2.0)


def test_ranges_leave_out_what_is_not_finite() -> None:
    values = np.array([[np.nan, 1, 2], [3, np.inf, -np.inf]], np.float32)
    assert ranges.value_range("each", map_of(values)) == (1.0, 3.0)
    assert ranges.value_range("each", map_of(values * np.nan)) == (0.0, 0.0)


def test_fade_goes_from_the_photo_to_the_opacity_and_never_back() -> None:
    alpha = overlay.alpha(Style(opacity=0.6)).astype(int)
    assert alpha[0] == 0
    assert alpha[-1] == 153
    assert (np.diff(alpha) >= 0).all()
    assert (overlay.alpha(Style(opacity=0.6, fade=False)) == 153).all()


def test_what_is_missing_lends_nothing_to_its_neighbours() -> None:
    """A map cut off at one side is drawn there as if it went on, not as if it fell to its least."""
    whole = np.full((4, 7), 5.0, np.float32)
    whole[2, 6] = -5
    cut = whole.copy()
    cut[:, :3] = np.nan
    ys, xs = np.linspace(0.1, 1.6, 9), np.linspace(3.05, 4.9, 11)
    expected = interpolation.steps(whole, -10.0, 10.0, ys, xs, smooth=True)
    np.testing.assert_array_equal(
        interpolation.steps(cut, -10.0, 10.0, ys, xs, smooth=True), expected
    )


def test_signed_values_have_zero_in_the_middle_and_two_hues() -> None:
    values = np.array([[-3, 1, 2], [0.5, np.nan, -1]], np.float32)
    signed = HeatMap(values, GEOMETRIES["squash"], Quantity("gradient", "signed"))
    for kind in ("each", "zero", "shared"):
        assert ranges.value_range(kind, signed) == (-3.0, 3.0)
    assert ranges.value_range((-1.0, 5.0), signed) == (-1.0, 5.0)
    how = ranges.look(Style(colour_map="viridis", scaling="log"), signed)
    assert (how.style.colour_map, how.style.scaling) == ("coolwarm", "linear")
    amount = HeatMap(values, GEOMETRIES["squash"], Quantity("attention"))
    assert ranges.look(Style(colour_map="viridis"), amount).style.colour_map == "viridis"


@pytest.mark.parametrize("smooth", [False, True])
def test_colours_are_laid_over_the_photo_as_they_are(photo: np.ndarray, smooth: bool) -> None:
    flat = np.broadcast_to(np.array([1.0, 0.5, 0.0], np.float32), (*GRID, 3)).copy()
    heat_map = HeatMap(flat, GEOMETRIES["crop"], Quantity("colour", "colours"))
    how = ranges.look(Style(opacity=0.25, smooth=smooth), heat_map)
    drawn = overlay.drawn(photo, heat_map, how).astype(int)
    seen = GEOMETRIES["crop"].seen
    inside = (
        slice(int(seen.top) + 1, int(seen.bottom)),
        slice(int(seen.left) + 1, int(seen.right)),
    )
    expected = photo[inside] + 0.25 * (np.array([255, 127.5, 0]) - photo[inside])
    assert np.abs(drawn[inside] - expected).max() <= 0.51
    dimmed = overlay.composite(photo, flat[..., 0], GEOMETRIES["crop"], Style(opacity=0), 0, 1)
    np.testing.assert_array_equal(drawn[0], dimmed[0])


def test_patches_that_the_input_cuts_off_are_drawn_up_to_its_edge() -> None:
    """Seven rows of input in patches of four: the second row of patches is three high."""
    geometry = Geometry((7, 10), (7, 10), (0, 0), (7, 10), 4)
    assert geometry.grid == (2, 3)
    assert geometry.patch_box(1, 2) == (8, 4, 10, 7)
    assert geometry.patch_at(9.5, 6.5) == (1, 2)
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = overlay.at_pixels(values, geometry, smooth=False)
    expected = np.repeat(np.repeat(values, 4, 0), 4, 1)[:7, :10]
    np.testing.assert_array_equal(found, expected)

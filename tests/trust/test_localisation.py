"""Maps beside masks, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.trust.baselines import centre, edges, patch_means
from vitviz.trust.localisation import covered, localisation

GEOMETRIES = {
    "cropped": Geometry((40, 70), (20, 35), (0, 7), (20, 20), 4),
    "padded": Geometry((40, 60), (20, 30), (-5, 0), (30, 30), 6),
    "patches cut off": Geometry((24, 40), (24, 40), (0, 0), (24, 40), 16),
    "squashed": Geometry((33, 47), (12, 20), (0, 0), (12, 20), 4),
}


def by_pixels(geometry: Geometry, fine: int = 4) -> np.ndarray:
    """The patch under each point of a fine grid over the photo; -1 where nothing was seen."""
    height, width = geometry.photo_size
    found = np.full((height * fine, width * fine), -1)
    for row in range(height * fine):
        for col in range(width * fine):
            patch = geometry.patch_at((col + 0.5) / fine, (row + 0.5) / fine)
            if patch is not None:
                found[row, col] = patch[0] * geometry.grid[1] + patch[1]
    return found


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_against_points_on_the_photo(geometry: Geometry) -> None:
    rng = np.random.default_rng(5)
    mask = np.zeros(geometry.photo_size, bool)
    mask[7:23, 9:31] = True
    values = np.round(rng.normal(size=geometry.grid), 1).astype(np.float32)  # with equal ones
    found = localisation(values, geometry, mask)
    place = by_pixels(geometry)
    seen = place >= 0
    truth, scores = mask.repeat(4, 0).repeat(4, 1)[seen], values.ravel()[place[seen]]
    positive = scores.clip(min=0)
    assert found.share == pytest.approx(truth.mean(), abs=0.01)
    assert found.energy == pytest.approx(positive[truth].sum() / positive.sum(), abs=0.01)
    marked = scores > scores.mean()
    assert found.overlap == pytest.approx((marked & truth).sum() / (marked | truth).sum(), abs=0.02)
    assert found.precision == pytest.approx(average_precision_score(truth, scores), abs=0.01)
    row, col = np.unravel_index(values.argmax(), values.shape)
    x, y = geometry.patch_box(int(row), int(col)).centre
    assert found.pointing == (9 <= x < 31 and 7 <= y < 23)


@pytest.mark.parametrize("geometry", GEOMETRIES.values(), ids=GEOMETRIES)
def test_areas_add_up_to_what_was_seen(geometry: Geometry) -> None:
    inside, area = covered(geometry, np.ones(geometry.photo_size, bool))
    np.testing.assert_allclose(inside, area, atol=1e-9)
    assert area.sum() == pytest.approx(geometry.seen.width * geometry.seen.height)


def test_a_map_without_positive_values_has_no_energy() -> None:
    geometry = GEOMETRIES["squashed"]
    mask = np.zeros((33, 47), bool)
    mask[:10] = True
    found = localisation(-np.ones((3, 5), np.float32), geometry, mask)
    assert found.energy is None
    assert found.precision == pytest.approx(found.share)


def test_masks_that_nobody_can_be_judged_by_are_refused() -> None:
    geometry = GEOMETRIES["cropped"]
    mask = np.zeros((40, 70), bool)
    mask[:, :10] = True  # left of the crop
    with pytest.raises(VitvizError, match="saw nothing of what is inside"):
        localisation(np.ones((5, 5), np.float32), geometry, mask)
    with pytest.raises(VitvizError, match="is inside this mask"):
        localisation(np.ones((5, 5), np.float32), geometry, ~mask)
    with pytest.raises(ValueError, match="a mask of"):
        localisation(np.ones((5, 5), np.float32), geometry, mask[1:])


def test_a_gaussian_in_the_middle() -> None:
    found = centre((3, 6))
    for row in range(3):
        for col in range(6):
            down, right = (row + 0.5) / 3 - 0.5, (col + 0.5) / 6 - 0.5
            expected = np.exp(-(down**2 + right**2) / (2 * 0.25**2))
            assert found[row, col] == pytest.approx(expected)


def test_edges_lie_where_the_photo_changes() -> None:
    pixels = np.zeros((12, 20, 3), np.uint8)
    pixels[:, 9:] = 255
    found = edges(pixels, Geometry((12, 20), (12, 20), (0, 0), (12, 20), 4))
    assert (found[:, 2] > 0).all()  # columns 8 to 11
    assert found[:, [0, 1, 3, 4]].sum() == pytest.approx(0)
    # Sobel's answer to a step of 255 is 4 x 255 in the two columns beside it.
    assert found[1, 2] == pytest.approx(4 * 255 * 2 / 4, rel=1e-3)


def test_means_of_patches_that_are_cut_off() -> None:
    pixels = np.arange(5 * 7, dtype=float).reshape(5, 7)
    found = patch_means(pixels, Geometry((5, 7), (5, 7), (0, 0), (5, 7), 4))
    expected = [[pixels[:4, :4].mean(), pixels[:4, 4:].mean()],
                [pixels[4:, :4].mean(), pixels[4:, 4:].mean()]]  # fmt: skip
    np.testing.assert_allclose(found, expected)

"""Masks from files, kind ones and others."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vitviz.errors import VitvizError
from vitviz.trust.masks import read_mask

SIZE = (20, 30)
SQUARE = [3, 5, 12, 5, 12, 15, 3, 15]


def coco(tmp_path: Path, data: Any) -> Path:
    path = tmp_path / "mask.json"
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def of_one(segmentation: Any) -> dict[str, Any]:
    return {"annotations": [{"segmentation": segmentation}]}


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_what_is_not_black_is_inside(tmp_path: Path, mode: str) -> None:
    expected = np.zeros(SIZE, bool)
    expected[4:9, 11:] = True
    image = Image.fromarray(expected.astype(np.uint8) * 255)
    if mode == "RGBA":
        image = Image.merge("RGBA", [Image.new("L", (30, 20), 255)] * 3 + [image])
    image.convert(mode).save(tmp_path / "mask.png")
    np.testing.assert_array_equal(read_mask(tmp_path / "mask.png", SIZE), expected)


def test_polygons_hold_the_pixels_whose_centres_they_do(tmp_path: Path) -> None:
    star = [15.0, 0.2, 19.3, 18.7, 2.1, 7.4, 27.9, 7.6, 9.9, 19.1]  # it crosses itself
    mask = read_mask(coco(tmp_path, of_one([SQUARE, star])), SIZE)
    expected = np.zeros(SIZE, bool)
    expected[5:15, 3:12] = True
    corners = list(zip(star[::2], star[1::2], strict=True))
    for row in range(20):
        for col in range(30):
            x, y, left = col + 0.5, row + 0.5, 0
            for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
                if min(y1, y2) <= y < max(y1, y2):
                    left += x1 + (y - y1) / (y2 - y1) * (x2 - x1) > x
            expected[row, col] |= left % 2 == 1
    np.testing.assert_array_equal(mask, expected)


def test_polygons_may_reach_past_the_photo(tmp_path: Path) -> None:
    mask = read_mask(coco(tmp_path, of_one([[-9, -9, 12, -9, 12, 99, -9, 99]])), SIZE)
    assert mask[:, :12].all()
    assert not mask[:, 12:].any()


def test_a_file_of_many_photos_is_asked_for_one(tmp_path: Path) -> None:
    images = [{"id": i, "file_name": f"x/{name}", "height": 20, "width": 30}
              for i, name in ((3, "a.jpg"), (7, "b.jpg"))]  # fmt: skip
    annotations = [{"image_id": 3, "segmentation": [[0, 0, 30, 0, 30, 3]]},
                   {"image_id": 7, "segmentation": [SQUARE]}]  # fmt: skip
    path = coco(tmp_path, {"images": images, "annotations": annotations, "info": {}})
    assert read_mask(path, SIZE, "b.jpg")[10, 8]
    assert not read_mask(path, SIZE, "a.jpg")[10, 8]
    with pytest.raises(VitvizError, match="no images of the photo's name"):
        read_mask(path, SIZE, "c.jpg")


def test_another_size_is_refused(tmp_path: Path) -> None:
    Image.new("L", (31, 20), 255).save(tmp_path / "mask.png")
    with pytest.raises(VitvizError, match="has 31 x 20 pixels, the photo has 30 x 20"):
        read_mask(tmp_path / "mask.png", SIZE)
    image = {"id": 1, "file_name": "a.jpg", "height": 20, "width": 31}
    path = coco(tmp_path, {"images": [image], **of_one([SQUARE])})
    with pytest.raises(VitvizError, match="has 31 x 20 pixels"):
        read_mask(path, SIZE)


@pytest.mark.parametrize("value", [0, 255])
def test_a_mask_of_nothing_or_everything_is_refused(tmp_path: Path, value: int) -> None:
    Image.new("L", (30, 20), value).save(tmp_path / "mask.png")
    with pytest.raises(VitvizError, match="is inside the mask"):
        read_mask(tmp_path / "mask.png", SIZE)


@pytest.mark.parametrize(
    "data",
    [
        "no json", "[]", "{}", '{"annotations": 3}', '{"annotations": [3]}',
        of_one([]), of_one([[1, 2, 3, 4]]), of_one([[1, 2, 3, 4, 5, 6, 7]]),
        of_one([[1, 2, 3, 4, 5, "x"]]), of_one([[1, 2, 3, 4, 5, True]]),
        of_one([[1, 2, 3, 4, 5, 1e300]]), of_one([[1, 2, 3, 4, 5, None]]), of_one([3]),
        of_one({"counts": [3, 4], "size": [20, 30]}), of_one("x"),
        '{"annotations": [{"segmentation": [[NaN, 1, 2, 3, 4, 5]]}]}',
        {"images": [{"height": "x", "width": 3}], **of_one([SQUARE])},
        {"images": [{"height": 20}], **of_one([SQUARE])},
        "[" * 100_000,
    ],
)  # fmt: skip
def test_files_that_hold_no_polygons_are_refused_in_words(tmp_path: Path, data: Any) -> None:
    with pytest.raises(VitvizError, match="no polygons as COCO writes them") as caught:
        read_mask(coco(tmp_path, data), SIZE)
    assert caught.value.hint


def test_polygons_that_would_take_minutes_are_refused_at_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    jagged = rng.integers(0, 5000, 40_000).tolist()
    start = time.process_time()
    with pytest.raises(VitvizError, match="minutes"):
        read_mask(coco(tmp_path, of_one([jagged] * 5)), (5000, 5000))
    assert time.process_time() - start < 20
    many = [[0, 0, 30, 0, 30, 4]] * 30_000
    with pytest.raises(VitvizError, match="too many"):
        read_mask(coco(tmp_path, of_one(many)), SIZE)


def test_what_is_no_file(tmp_path: Path) -> None:
    for name in ("gone.png", "gone.json"):
        with pytest.raises(VitvizError):
            read_mask(tmp_path / name, SIZE)
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(VitvizError):
        read_mask(tmp_path / "folder.json", SIZE)

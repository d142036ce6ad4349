"""Values in files: read back by others, they lie where the patches lie."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from tests.samples import request_for
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.errors import VitvizError
from vitviz.exporting.formats import suffixes
from vitviz.exporting.map_files import write_values
from vitviz.exporting.stamp import read
from vitviz.exporting.values import ValuesOptions, at_pixels, encode, maps, patch_boxes
from vitviz.maps.interpolation import steps
from vitviz.session.state import Session, View


@pytest.fixture
def cell(photo: Path, checkpoint: Path) -> Cell:
    """2 layers, 3 heads, 3 x 5 patches, CLS and two registers, on the middle of 60 x 40 pixels."""
    return Engine().answer(request_for(photo, checkpoint))


@pytest.fixture
def rollout(photo: Path, checkpoint: Path) -> Cell:
    return Engine().answer(request_for(photo, checkpoint, View("rollout", head="max")))


def test_every_map_is_each_layer_s_and_each_head_s(cell: Cell, rollout: Cell) -> None:
    found = maps(cell, View(), True)
    assert [(m.layer, m.head) for m in found] == [(i, h) for i in range(2) for h in range(3)]
    assert [(m.layer, m.head) for m in maps(rollout, View(), True)] == [(0, "max"), (1, "max")]
    (one,) = maps(cell, View(layer=0, head=2), False)
    np.testing.assert_array_equal(one.values, cell.explanation.values[0, 2, 3:].reshape(3, 5))


def test_boxes_are_the_geometry_s(cell: Cell) -> None:
    boxes = patch_boxes(cell.geometry)
    assert boxes.shape == (3, 5, 4)
    assert tuple(boxes[2, 1]) == cell.geometry.patch_box(2, 1)


def test_an_archive_has_values_and_geometry(cell: Cell) -> None:
    content = encode(cell, View(layer=0, head=1), ".npz", ValuesOptions())
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(
            arrays["values"], cell.explanation.values[0, 1, 3:].reshape(3, 5)
        )
        np.testing.assert_array_equal(arrays["prefix_values"], cell.explanation.values[0, 1, :3])
        assert arrays["prefix_tokens"].tolist() == ["cls", "reg1", "reg2"]
        assert (arrays["layers"].tolist(), arrays["heads"].tolist()) == ([1], [2])
        assert arrays["photo_size"].tolist() == [40, 60]
        assert arrays["grid"].tolist() == [3, 5]
        assert arrays["seen"].tolist() == list(cell.geometry.seen)
        np.testing.assert_array_equal(arrays["patch_boxes"], patch_boxes(cell.geometry))
        assert str(arrays["unit"]) == "attention"


def test_an_archive_of_everything(cell: Cell, rollout: Cell) -> None:
    with np.load(io.BytesIO(encode(cell, View(), ".npz", ValuesOptions(every=True)))) as arrays:
        assert arrays["values"].shape == (2, 3, 3, 5)
        assert arrays["values"].dtype == np.float32
        whole = np.concatenate([arrays["prefix_values"], arrays["values"].reshape(2, 3, 15)], 2)
        np.testing.assert_array_equal(whole, cell.explanation.values)
        assert (arrays["layers"].tolist(), arrays["heads"].tolist()) == ([1, 2], [1, 2, 3])
    with np.load(io.BytesIO(encode(rollout, View(), ".npz", ValuesOptions(every=True)))) as arrays:
        assert arrays["values"].shape == (2, 1, 3, 5)
        assert arrays["heads"].tolist() == ["max"]


def test_arrays_of_one_map_and_of_all(cell: Cell) -> None:
    one = np.load(io.BytesIO(encode(cell, View(layer=1, head="mean"), ".npy", ValuesOptions())))
    np.testing.assert_array_equal(one, cell.heat_map(View(layer=1)).values)
    every = np.load(io.BytesIO(encode(cell, View(), ".npy", ValuesOptions(every=True))))
    np.testing.assert_array_equal(every, cell.explanation.values[:, :, 3:].reshape(2, 3, 3, 5))


def test_a_table_gives_each_float_back(cell: Cell) -> None:
    text = encode(cell, View(layer=0), ".csv", ValuesOptions()).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == 15
    values = cell.heat_map(View(layer=0)).values
    for line in rows:
        row, col = int(line["row"]) - 1, int(line["column"]) - 1
        assert np.float32(line["value"]) == values[row, col]
        edges = [float(line[edge]) for edge in ("left", "top", "right", "bottom")]
        assert edges == pytest.approx(cell.geometry.patch_box(row, col))


def test_a_table_of_everything(cell: Cell, rollout: Cell) -> None:
    rows = list(
        csv.DictReader(io.StringIO(encode(cell, View(), ".csv", ValuesOptions(True)).decode()))
    )
    assert len(rows) == 2 * 3 * 15
    line = next(r for r in rows if (r["layer"], r["head"], r["row"], r["column"]) == tuple("2324"))
    assert np.float32(line["value"]) == cell.explanation.values[1, 2, 3 + 1 * 5 + 3]
    rows = list(
        csv.DictReader(io.StringIO(encode(rollout, View(), ".csv", ValuesOptions(True)).decode()))
    )
    assert {r["head"] for r in rows} == {"max"}


def test_a_tiff_has_a_page_a_map(cell: Cell) -> None:
    with tifffile.TiffFile(
        io.BytesIO(encode(cell, View(), ".tif", ValuesOptions(every=True)))
    ) as tiff:
        pages = np.stack([page.asarray() for page in tiff.pages])  # type: ignore[union-attr]
    assert pages.dtype == np.float32
    np.testing.assert_array_equal(pages, cell.explanation.values[:, :, 3:].reshape(6, 3, 5))


@pytest.mark.parametrize("smooth", [False, True])
def test_a_tiff_of_the_photo_s_pixels(cell: Cell, smooth: bool) -> None:
    wanted = ValuesOptions(resolution="photo", smooth=smooth)
    content = encode(cell, View(), ".tiff", wanted)
    with Image.open(io.BytesIO(content)) as image:
        assert (image.mode, image.size) == ("F", (60, 40))
        values = np.asarray(image)
    np.testing.assert_array_equal(values, at_pixels(cell.heat_map(View()).values,
                                                    cell.geometry, smooth))  # fmt: skip


def test_flat_pixels_have_their_patch_s_value(cell: Cell) -> None:
    values = cell.heat_map(View()).values
    dense = at_pixels(values, cell.geometry, smooth=False)
    for y in range(40):
        for x in range(60):
            patch = cell.geometry.patch_at(x + 0.5, y + 0.5)
            if patch is None:
                assert np.isnan(dense[y, x])
            else:
                assert dense[y, x] == values[patch]
    assert np.isnan(dense).any()


def test_smooth_pixels_are_those_that_are_drawn(cell: Cell) -> None:
    values, geometry = cell.heat_map(View()).values, cell.geometry
    dense = at_pixels(values, geometry, smooth=True)
    low, high = float(values.min()), float(values.max())
    seen = ~np.isnan(dense)
    rows, cols = seen.any(1).nonzero()[0], seen.any(0).nonzero()[0]
    places = [geometry.to_input(x + 0.5, y + 0.5) for x, y in zip(cols[:1], rows[:1], strict=True)]
    assert places
    row_positions = np.array([geometry.to_input(0, y + 0.5)[1] / geometry.patch for y in rows])
    col_positions = np.array([geometry.to_input(x + 0.5, 0)[0] / geometry.patch for x in cols])
    drawn = steps(values, low, high, row_positions, col_positions, smooth=True)
    expected = np.floor((dense[np.ix_(rows, cols)] - low) / (high - low) * 255 + 0.5)
    assert np.abs(drawn.astype(int) - expected).max() <= 1
    assert dense[seen].min() >= low
    assert dense[seen].max() <= high


@pytest.mark.parametrize("suffix", suffixes("values"))
def test_files_of_values_say_what_made_them(
    tmp_path: Path, cell: Cell, checkpoint: Path, suffix: str
) -> None:
    session = Session((cell.request.photo,), model=str(checkpoint), view=View(layer=0))
    path = tmp_path / f"values{suffix}"
    write_values(path, cell, session, ValuesOptions(every=True))
    made = read(path)
    assert made.kind == "values"
    assert made.settings == {"every": True, "resolution": "patches", "smooth": True}
    assert (made.maps[0].layer, made.maps[0].head) == (None, None)
    write_values(path, cell, session, ValuesOptions())
    assert (read(path).maps[0].layer, read(path).maps[0].head) == (1, "mean")


def test_the_photo_and_the_weights_are_never_written_over(
    cell: Cell, photo: Path, checkpoint: Path
) -> None:
    session = Session((cell.request.photo,), model=str(checkpoint))
    before = photo.read_bytes()
    in_photo_s_place = replace(cell, request=replace(
        cell.request, photo=replace(cell.request.photo, path=str(photo.with_suffix(".tiff")))
    ))  # fmt: skip
    with pytest.raises(VitvizError, match="made from"):
        write_values(photo.with_suffix(".tiff"), in_photo_s_place, session, ValuesOptions())
    assert photo.read_bytes() == before
    with pytest.raises(VitvizError, match="cannot be written as"):
        write_values(photo.with_suffix(".txt"), cell, session, ValuesOptions())


def test_colours_are_three_numbers_a_patch(photo: Path, checkpoint: Path) -> None:
    cell, view = Engine().answer(request_for(photo, checkpoint, View("pca"))), View("pca")
    shown = cell.heat_map(view).values
    assert shown.shape == (3, 5, 3)
    rows = list(csv.reader(io.StringIO(encode(cell, view, ".csv", ValuesOptions()).decode())))
    assert rows[0][-3:] == ["red", "green", "blue"]
    read_back = np.array([row[-3:] for row in rows[1:]], np.float32).reshape(3, 5, 3)
    np.testing.assert_array_equal(read_back, shown)
    with tifffile.TiffFile(io.BytesIO(encode(cell, view, ".tiff", ValuesOptions()))) as pages:
        np.testing.assert_array_equal(np.stack([p.asarray() for p in pages.pages], -1), shown)
    with np.load(io.BytesIO(encode(cell, view, ".npz", ValuesOptions(every=True)))) as arrays:
        np.testing.assert_array_equal(arrays["values"][-1, 0], shown)
        assert arrays["prefix_values"].shape == (2, 1, 3, 3)

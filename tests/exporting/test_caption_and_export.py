"""What a map says of itself, and what is in the files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.explanations import explanation_of
from tests.models.networks import SMALL
from tests.samples import names_in, request_for
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.engine.photos import PhotoCache
from vitviz.errors import VitvizError
from vitviz.exporting.formats import suffixes
from vitviz.exporting.map_files import encode_image, write_map
from vitviz.exporting.provenance import facts, to_json
from vitviz.exporting.provenance import session_of as session_from
from vitviz.exporting.stamp import read
from vitviz.imaging.photo import Photo
from vitviz.maps.heat_map import Quantity
from vitviz.maps.overlay import composite
from vitviz.maps.ranges import value_range
from vitviz.maps.style import Style
from vitviz.models.tokens import TokenLayout
from vitviz.session.state import Session, View
from vitviz.wording.caption import caption
from vitviz.wording.description import describe_map


@pytest.fixture
def cell(photo: Path, checkpoint: Path) -> Cell:
    """With an explanation made by hand: layer l, head h, token t has the value l + h/10 + t/100."""
    answered = Engine().answer(request_for(photo, checkpoint))
    layer, head, token = np.mgrid[:3, :3, :17]
    values = (layer + head / 10 + token / 100).astype(np.float32)
    layout = TokenLayout(("cls", "dist"), (3, 5))
    explanation = explanation_of(
        values, (0, 1, 2), None, layout, "attention", geometry=answered.geometry
    )
    config = replace(SMALL, depth=3, prefix=("cls", "dist"), positioned_prefix=2)
    return replace(answered, explanation=explanation, card=replace(answered.card, config=config))


@pytest.fixture
def opened(cell: Cell) -> Photo:
    return PhotoCache().get(cell.request.photo, cell.request.background)


def session_of(cell: Cell, view: View, style: Style | None = None) -> Session:
    request = cell.request
    return Session(
        (request.photo,), model=request.model, view=view, style=style or Style(),
    )  # fmt: skip


def test_a_map_that_is_zero_everywhere_says_so(cell: Cell) -> None:
    assert "0 everywhere" not in caption(describe_map(cell, View()))
    zero = replace(cell.explanation.by_layer[2], values=np.zeros((3, 17), np.float32))
    by_layer = {**cell.explanation.by_layer, 2: zero}
    nothing = replace(cell, explanation=replace(cell.explanation, by_layer=by_layer))
    assert caption(describe_map(nothing, View())).endswith(" · 0 everywhere")
    assert "0 everywhere" not in caption(describe_map(nothing, View(layer=0)))


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (View(), "Attention of CLS · layer 3 · mean of 3 heads"
         " · 210.0 % on CLS, not shown · 211.0 % on DIST, not shown"),
        (View(layer=0, head=1), "Attention of CLS · layer 1 · head 2"
         " · 10.0 % on CLS, not shown · 11.0 % on DIST, not shown"),
        (View(layer=1, head="max"), "Attention of CLS · layer 2 · max of 3 heads"),
        (View(layer=1, head=9), "Attention of CLS · layer 2 · head 3"
         " · 120.0 % on CLS, not shown · 121.0 % on DIST, not shown"),
    ],
)  # fmt: skip
def test_captions_of_attention(cell: Cell, view: View, words: str) -> None:
    assert caption(describe_map(cell, view)) == words


def test_captions_of_attention_to_a_patch_have_no_shares(cell: Cell) -> None:
    cell = replace(
        cell, query_tokens=(2 + 1 * 5 + 4,), request=replace(cell.request, direction="to"),
        explanation=replace(cell.explanation, quantity=Quantity("attention")),
    )  # fmt: skip
    words = "Attention to row 2, column 5 · layer 3 · mean of 3 heads"
    assert caption(describe_map(cell, View())) == words


def test_captions_about_a_class_name_it(cell: Cell) -> None:
    explanation = replace(
        cell.explanation, quantity=Quantity("relevance"), span="through", target=5
    )
    cell = replace(cell, request=replace(cell.request, method="relevance"), explanation=explanation)
    assert caption(describe_map(cell, View("relevance"))) == (
        "Class relevance of CLS for “class 5” · layers 1 to 3 · mean of 3 heads"
    )
    known = replace(cell, card=replace(cell.card, names=tuple("abcdefg")))
    assert caption(describe_map(known, View("relevance"))).startswith(
        "Class relevance of CLS for “f” ·"
    )


def test_captions_of_rollout_say_their_layers_and_settings(cell: Cell) -> None:
    request = replace(
        cell.request, method="rollout", head="min", params=(("discard", 0.9), ("start", 2))
    )
    values, layout = cell.explanation.values[1:, :1] / 100, TokenLayout(("cls", "dist"), (3, 5))
    explanation = explanation_of(values, (1, 2), "min", layout, "rollout", span="through")
    cell = replace(cell, request=request, explanation=explanation)
    end = "discard 0.9 · {} % on CLS, not shown · {} % on DIST, not shown"
    assert caption(describe_map(cell, View("rollout"))) == (
        "Attention rollout of CLS · layers 2 to 3 · min of 3 heads · " + end.format(2.0, 2.0)
    )
    assert caption(describe_map(cell, View("rollout", layer=0))) == (
        "Attention rollout of CLS · layer 2 · min of 3 heads · " + end.format("1.0", "1.0")
    )


def test_a_picture_is_the_photo_at_its_size_with_the_map_and_the_caption(
    tmp_path: Path, cell: Cell, opened: Photo
) -> None:
    style, view = Style(smooth=False), View(layer=1)
    write_map(tmp_path / "map.png", opened, cell, session_of(cell, view, style))
    heat_map = cell.heat_map(view)
    ends = value_range(style.range, heat_map, cell.explanation)
    expected = composite(opened.pixels, heat_map.values, cell.geometry, style, *ends)
    with Image.open(tmp_path / "map.png") as image:
        assert image.size == (60, 40)
        np.testing.assert_array_equal(np.asarray(image), expected)
        assert image.text == {  # type: ignore[attr-defined]
            "Description": caption(describe_map(cell, view)), "Software": "vitviz",
            "vitviz": to_json(read(tmp_path / "map.png")),
        }  # fmt: skip


def test_raw_values_are_the_map_itself(tmp_path: Path, cell: Cell, opened: Photo) -> None:
    view = View(layer=0, head=2)
    write_map(tmp_path / "map.NPY", opened, cell, session_of(cell, view))
    values = np.load(tmp_path / "map.NPY", allow_pickle=False)
    assert values.dtype == np.float32
    np.testing.assert_array_equal(values, cell.heat_map(view).values)


@pytest.mark.parametrize("suffix", suffixes("map"))
def test_every_kind_of_picture_has_the_photo_s_size(
    tmp_path: Path, cell: Cell, opened: Photo, suffix: str
) -> None:
    path = tmp_path / f"map{suffix}"
    write_map(path, opened, cell, session_of(cell, View()))
    with Image.open(path) as image:
        assert image.size == (60, 40)
        assert image.mode == "RGB"
        if suffix in (".jpg", ".jpeg"):
            comments = [data for name, data in image.applist if name == "COM"]  # type: ignore[attr-defined]
            assert caption(describe_map(cell, View())).encode() in comments


@pytest.mark.parametrize("name", ["map.gif", "map", "map.png.exe"])
def test_unknown_suffixes_are_refused(tmp_path: Path, cell: Cell, opened: Photo, name: str) -> None:
    with pytest.raises(VitvizError, match="cannot be written as") as caught:
        write_map(tmp_path / name, opened, cell, session_of(cell, View()))
    assert ".png" in caught.value.hint
    assert names_in(tmp_path) == ["photo.png"]


def test_a_photo_that_the_map_is_not_of_is_refused(
    tmp_path: Path, cell: Cell, opened: Photo
) -> None:
    with pytest.raises(VitvizError, match=r"photo\.png is no longer the photo"):
        write_map(tmp_path / "map.png", replace(opened, sha256="0"), cell, session_of(cell, View()))


def test_a_jpeg_cannot_be_as_long_as_a_png() -> None:
    pixels = np.zeros((2, 70_000, 3), np.uint8)
    with pytest.raises(VitvizError, match="70000 x 2 pixels"):
        encode_image(pixels, Path("map.jpg"), "")
    assert encode_image(pixels, Path("map.png"), "")


@pytest.mark.parametrize(
    ("share", "view", "words"),
    [
        (0.5, View(layer=0, head=0), "outlined: the 5 patches that hold 50 % of the map"),
        (0.01, View(layer=0, head=0), "outlined: the patch that holds 1 % of the map"),
    ],
)
def test_a_line_around_patches_is_told(cell: Cell, share: float, view: View, words: str) -> None:
    """Patches of head 1 in layer 1 have 0.02, 0.03 ... 0.16: the last 5 hold 0.7 of the 1.35."""
    told = caption(describe_map(cell, view, Style(outlined=share)))
    assert told == f"{caption(describe_map(cell, view))} · {words}"
    assert caption(describe_map(cell, view, Style())) == caption(describe_map(cell, view))


def test_a_line_says_when_it_is_of_positive_values_or_when_there_is_none(cell: Cell) -> None:
    layer = cell.explanation.by_layer[2]
    for values, words in (
        (np.linspace(-1, 1, 17), "outlined: the 4 patches that hold 60 % of the positive values of "
         "the map"),
        (np.zeros(17), "nothing outlined: no patch is above 0"),
    ):  # fmt: skip
        known = replace(layer, values=np.tile(values.astype(np.float32), (3, 1)))
        by_layer = {**cell.explanation.by_layer, 2: known}
        other = replace(cell, explanation=replace(cell.explanation, by_layer=by_layer))
        assert caption(describe_map(other, View(), Style(outlined=0.6))).endswith(f" · {words}")


def test_a_file_with_a_line_says_so_and_leads_back_to_it(
    tmp_path: Path, cell: Cell, opened: Photo
) -> None:
    session = session_of(cell, View(layer=1), Style(outlined=0.6))
    write_map(tmp_path / "plain.png", opened, cell, session_of(cell, View(layer=1)))
    write_map(tmp_path / "map.png", opened, cell, session)
    known = read(tmp_path / "map.png")
    assert "patches that hold 60 % of the map" in known.maps[0].caption
    assert session_from(known).style == session.style
    with Image.open(tmp_path / "map.png") as one, Image.open(tmp_path / "plain.png") as other:
        assert "hold 60 %" in one.text["Description"]  # type: ignore[attr-defined]
        assert (np.asarray(one) != np.asarray(other)).any()
    write_map(tmp_path / "map.npz", opened, cell, session)
    assert "outlined" not in read(tmp_path / "map.npz").maps[0].caption, "a file of values has none"


def with_outliers(cell: Cell) -> Cell:
    """Patches 3 and 14 of 15 are outliers in every layer."""
    mask = np.zeros(15, bool)
    mask[[3, 14]] = True
    explanation = replace(cell.explanation, outliers=dict.fromkeys(range(3), mask))
    return replace(cell, explanation=explanation)


def test_files_without_outliers_say_so(tmp_path: Path, cell: Cell, opened: Photo) -> None:
    cell = with_outliers(cell)
    view = View(layer=0, head=0, outliers="exclude")
    session = session_of(cell, view)
    words = "left out, hatched: 2 outlier patches, which hold 15.6 % of this map"
    write_map(tmp_path / "map.png", opened, cell, session)
    known = read(tmp_path / "map.png")
    assert known.maps[0].caption.endswith(f" · {words}")
    assert session_from(known).view.outliers == "exclude"
    assert known.settings["range"] == pytest.approx([0.02, 0.15])
    write_map(tmp_path / "map.csv", opened, cell, session)
    lines = (tmp_path / "map.csv").read_text().splitlines()
    assert [("nan" in line) for line in lines[-15:]] == [i in (3, 14) for i in range(15)]
    assert words in facts(cell, view).caption
    assert "left out" not in facts(cell, view, every_map=True).caption, "those files have all"


def test_the_maps_of_a_choice_are_the_same_object(cell: Cell) -> None:
    cell, left_out = with_outliers(cell), View(outliers="exclude")
    assert cell.explained(View()) is cell.explanation
    assert cell.explained(left_out) is cell.explained(replace(left_out, layer=1))
    assert cell.explained(left_out).map(0, 0).known == 13

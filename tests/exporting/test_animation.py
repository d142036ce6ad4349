"""What moves in an animation, and what does not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.samples import NOBODY, names_in, of_class, request_for, save_photo
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.errors import Cancelled, VitvizError
from vitviz.exporting.animation import (
    Animation,
    alongs,
    ends,
    frames,
    heading,
    narrowed,
    shots,
    write_animation,
)
from vitviz.exporting.stamp import read
from vitviz.imaging.photo import Photo
from vitviz.maps.overlay import composite
from vitviz.maps.style import Style
from vitviz.progress import Stage
from vitviz.session.state import Session, View


class Look:
    """A photo, and who answers for it."""

    def __init__(self, photo: Path, checkpoint: Path) -> None:
        self.engine, self.path, self.checkpoint = Engine(), photo, checkpoint

    def at(self, view: View) -> tuple[Photo, Cell, Session]:
        request = request_for(self.path, self.checkpoint, view)
        cell = self.engine.answer(request)
        session = Session((request.photo,), model=str(self.checkpoint), view=view)
        return self.engine.photos.get(request.photo, request.background), cell, session


@pytest.fixture
def look(photo: Path, checkpoint: Path) -> Look:
    return Look(photo, checkpoint)


def never(*_: object) -> Cell:
    raise AssertionError("nothing has to be computed for this")


def test_layers_and_heads_are_in_the_answer_already(look: Look) -> None:
    _, cell, session = look.at(View(layer=1, head=2))
    by_layer = shots(cell, session.view, "layers", never)
    assert [(view.layer, view.head) for _, view in by_layer] == [(0, 2), (1, 2)]
    by_head = shots(cell, session.view, "heads", never)
    assert [(view.layer, view.head) for _, view in by_head] == [(1, 0), (1, 1), (1, 2)]


def test_heads_that_are_fused_first_are_asked_for(look: Look) -> None:
    _, cell, session = look.at(View("rollout"))
    found = shots(cell, session.view, "heads", look.engine.answer)
    assert [of_head.request.head for of_head, _ in found] == [0, 1, 2]
    for head, (of_head, view) in enumerate(found):
        alone = look.engine.answer(replace(cell.request, head=head))
        np.testing.assert_array_equal(of_head.heat_map(view).values, alone.heat_map(view).values)


def test_depth_keeps_the_first_layer(look: Look) -> None:
    assert alongs("attention") == ("layers", "heads")
    assert alongs("rollout") == ("depth", "heads")
    _, cell, session = look.at(View("rollout"))
    found = shots(cell, session.view, "depth", never)
    assert [heading(of, view, "depth") for of, view in found] == [
        "Layer 1 of 2", "Layers 1 to 2 of 2"
    ]  # fmt: skip


def test_all_frames_have_one_range_of_colours(look: Look) -> None:
    photo, cell, session = look.at(View())
    shown = shots(cell, session.view, "layers", never)
    values = [cell.heat_map(view).values for _, view in shown]
    low, high = float(min(v.min() for v in values)), float(max(v.max() for v in values))
    assert ends(shown, Style()) == pytest.approx((low, high))
    assert ends(shown, Style(range="zero")) == pytest.approx((0, high))
    assert ends(shown, Style(range=(0.0, 3.0))) == (0.0, 3.0)
    bare = Animation(words=False, bar=False)
    for pixels, of_layer in zip(
        frames(photo, shown, Style(), bare), values, strict=True
    ):  # fmt: skip
        expected = composite(photo.pixels, of_layer, cell.geometry, Style(), low, high)
        np.testing.assert_array_equal(pixels, expected)


def test_the_map_stands_in_its_frame_with_bar_and_words(look: Look) -> None:
    photo, cell, session = look.at(View())
    shown = shots(cell, session.view, "layers", never)
    bare = list(frames(photo, shown, Style(), Animation(words=False, bar=False)))
    framed = list(frames(photo, shown, Style(), Animation()))
    assert len({frame.shape for frame in framed}) == 1
    height, width = photo.size
    places = [
        (y, x)
        for y in range(framed[0].shape[0] - height + 1)
        for x in range(framed[0].shape[1] - width + 1)
        if (framed[0][y : y + height, x : x + width] == bare[0]).all()
    ]
    assert len(places) == 1
    (y, x) = places[0]
    np.testing.assert_array_equal(framed[1][y : y + height, x : x + width], bare[1])
    # The bar is the same in all of them; the heading is not.
    np.testing.assert_array_equal(
        framed[0][y : y + height, x + width :], framed[1][y : y + height, x + width :]
    )
    assert (framed[0][:y] != framed[1][:y]).any()


def test_a_large_photo_becomes_narrower_and_its_map_stays_in_place(
    tmp_path: Path, checkpoint: Path
) -> None:
    look = Look(save_photo(tmp_path / "large.png", 3, (300, 501)), checkpoint)
    photo, cell, session = look.at(View())
    (frame, _) = frames(photo, shots(cell, session.view, "layers", never), Style(opacity=1),
                        Animation(width=167, words=False, bar=False))  # fmt: skip
    assert frame.shape == (100, 167, 3)
    assert narrowed(photo.pixels, 501) is photo.pixels
    low, high = ends(shots(cell, session.view, "layers", never), Style())
    whole = composite(photo.pixels, cell.heat_map(View(layer=0)).values, cell.geometry,
                      Style(opacity=1), low, high)  # fmt: skip
    small = np.asarray(Image.fromarray(whole).resize((167, 100), Image.Resampling.BOX))
    assert np.abs(frame.astype(int) - small).mean() < 12


@pytest.mark.parametrize("suffix", [".gif", ".apng", ".mp4"])
def test_a_file_says_what_made_it(tmp_path: Path, look: Look, suffix: str) -> None:
    if suffix == ".mp4":
        pytest.importorskip("av")
    photo, cell, session = look.at(View())
    out = tmp_path / f"film{suffix}"
    write_animation(out, photo, cell, session, Animation(), look.engine.answer)
    made = read(out)
    assert made.kind == "animation"
    assert [one.layer for one in made.maps] == [1, 2]
    assert made.settings["along"] == "layers"
    assert made.settings["range"] == list(ends(shots(cell, View(), "layers", never), Style()))


def test_letters_that_no_font_has_are_named(tmp_path: Path, photo: Path, checkpoint: Path) -> None:
    look = Look(photo, of_class(checkpoint, f"cat {NOBODY}"))
    arguments = (tmp_path / "film.gif", *look.at(View("relevance", target=0)))
    assert write_animation(*arguments, Animation("depth"), look.engine.answer) == NOBODY
    assert write_animation(*arguments, Animation("depth", words=False), look.engine.answer) == ""


def test_a_cancelled_one_leaves_nothing(tmp_path: Path, look: Look) -> None:
    photo, cell, session = look.at(View("rollout"))
    asked: list[Stage] = []

    def progress(stage: Stage, fraction: float) -> None:
        asked.append(stage)
        if len(asked) == stop:
            raise Cancelled

    stop, out = 0, tmp_path / "film.gif"
    arguments = (out, photo, cell, session, Animation("heads"), look.engine.answer, progress)
    write_animation(*arguments)
    asked.clear()  # the engine remembers the heads now
    write_animation(*arguments)
    last = len(asked)
    out.write_bytes(b"old")
    for stop in range(1, last + 1):  # noqa: B007 (progress looks at it)
        asked.clear()
        with pytest.raises(Cancelled):
            write_animation(*arguments)
    assert out.read_bytes() == b"old"
    assert names_in(tmp_path) == ["film.gif", "photo.png"]


@pytest.mark.parametrize(
    ("name", "along", "words"),
    [
        ("film.webm", "layers", "cannot be written as .webm"),
        ("film", "layers", "a file without suffix"),
        ("film.gif", "depth", "does not move along depth"),
        ("photo.png", "layers", "made from"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, look: Look, name: str, along: str, words: str
) -> None:
    photo, cell, session = look.at(View())
    before = (tmp_path / "photo.png").read_bytes()
    with pytest.raises(VitvizError, match=words):
        write_animation(tmp_path / name, photo, cell, session, Animation(along), never)  # type: ignore[arg-type]
    assert names_in(tmp_path) == ["photo.png"]
    assert (tmp_path / "photo.png").read_bytes() == before


def test_another_photo_is_refused(tmp_path: Path, look: Look) -> None:
    photo, cell, session = look.at(View())
    with pytest.raises(VitvizError, match="no longer the photo"):
        write_animation(
            tmp_path / "film.gif", replace(photo, sha256="0"), cell, session, Animation(), never
        )

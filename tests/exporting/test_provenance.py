"""What is said of where a file comes from, and what is not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.samples import save_photo
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.errors import SessionError, VitvizError
from vitviz.exporting.provenance import (
    MAX_CHARACTERS,
    Provenance,
    facts,
    from_json,
    provenance_of,
    session_of,
    to_json,
)
from vitviz.session.state import Compare, Pane, PhotoRef, Session, View
from vitviz.wording.names import query_name


@pytest.fixture
def session(photo: Path, checkpoint: Path) -> Session:
    """Two photos open, the second never looked at."""
    other = save_photo(photo.with_name("private.png"), 2)
    view = View("rollout", params=(("discard", 0.5),), layer=1, head="min", query=(41.0, 22.0))
    refs = (PhotoRef(str(photo)), PhotoRef(str(other)))
    return Session(refs, model=str(checkpoint), view=view)


@pytest.fixture
def cell(session: Session) -> Cell:
    return Engine().answer(plan(session, "cpu")[0])


@pytest.fixture
def made(session: Session, cell: Cell) -> Provenance:
    return provenance_of("map", session, [(cell, session.view)], {"range": [0.0, 0.5]})


def test_it_says_all_that_the_map_depends_on(
    made: Provenance, cell: Cell, photo: Path, checkpoint: Path
) -> None:
    (one,) = made.maps
    assert one.photo.name == "photo.png"
    assert one.photo.sha256 == hashlib.sha256(photo.read_bytes()).hexdigest()
    assert one.photo.size == (40, 60)
    assert one.model.sha256 == hashlib.sha256(checkpoint.read_bytes()).hexdigest()
    assert one.model.bytes == checkpoint.stat().st_size
    assert one.input.resized_size == cell.geometry.resized_size
    assert one.input.seen == tuple(cell.geometry.seen)
    assert one.input.grid == (3, 5)
    assert (one.input.mean, one.input.std) == ((0.5,) * 3, (0.5,) * 3)
    assert one.parameters == {"discard": 0.5, "residual": 0.5, "start": 1}
    assert (one.layer, one.head, one.direction) == (2, "min", "of")
    assert one.query == query_name(cell.layout, cell.query_tokens)
    assert one.query_point == (41.0, 22.0)
    assert (one.device, one.precision, one.unit) == ("cpu", "float32", "rollout")
    assert {"Python", "torch", "numpy", "pillow", "system"} <= made.libraries.keys()


def test_the_formula_in_its_documentation_places_every_patch(made: Provenance, cell: Cell) -> None:
    given, (height, width) = made.maps[0].input, made.maps[0].photo.size
    for row in range(3):
        for col in range(5):
            box = cell.geometry.patch_box(row, col)
            left = (given.window_origin[1] + col * given.patch) * width / given.resized_size[1]
            top = (given.window_origin[0] + row * given.patch) * height / given.resized_size[0]
            assert (box.left, box.top) == pytest.approx((left, top))


def test_it_is_the_same_text_each_time_and_comes_back(made: Provenance, session: Session) -> None:
    text = to_json(made)
    assert text.isascii()
    assert from_json(text) == made
    assert to_json(from_json(text)) == text
    again = Engine().answer(plan(session, "cpu")[0])
    assert to_json(provenance_of("map", session, [(again, session.view)], made.settings)) == text


def test_no_folder_and_no_other_photo_is_told(made: Provenance, photo: Path) -> None:
    text = to_json(made)
    assert "private.png" not in text
    assert json.dumps(str(photo.parent))[1:-1] not in text
    assert session_of(made).photos == (PhotoRef("photo.png"),)
    assert session_of(made).model == "small.safetensors"


def test_folders_are_told_where_that_is_wanted(session: Session, cell: Cell) -> None:
    made = provenance_of("map", session, [(cell, session.view)], full_paths=True)
    assert session_of(made).photos == session.photos[:1]
    assert session_of(made).model == session.model
    assert made.maps[0].photo.name == "photo.png"


def test_photos_of_the_same_name_are_told_apart(
    session: Session, photo: Path, checkpoint: Path
) -> None:
    folder = photo.parent / "elsewhere"
    folder.mkdir()
    twin = PhotoRef(str(save_photo(folder / photo.name, 3)))
    panes = (session.pane, replace(session.pane, photo=twin))
    session = replace(
        session, photos=(session.photos[0], twin), tab="compare", compare=Compare(panes[1:])
    )
    engine = Engine()
    cells = [engine.answer(request) for request in plan(session, "cpu")]
    made = provenance_of("figure", session, [(cell, session.view) for cell in cells])
    names = [ref.path for ref in session_of(made).photos]
    assert names == ["photo.png", "2/photo.png"]
    assert made.files["photo.png"] != made.files["2/photo.png"]
    assert session_of(made).panes[1].photo == PhotoRef("2/photo.png")


def test_panes_of_other_photos_stay_at_home(session: Session, cell: Cell) -> None:
    private = Pane(session.photos[1], session.model, session.input, session.view)
    compare = Compare((private, replace(session.pane, view=View(layer=0))), focus=1, pair=(0, 2))
    session = replace(session, compare=compare)
    told = session_of(provenance_of("map", session, [(cell, session.view)]))
    assert len(told.panes) == 2
    assert told.compare.focus == 0
    assert told.compare.pair == (0, 1)


def test_a_file_of_all_maps_names_no_layer(session: Session) -> None:
    session = replace(session, view=View(layer=1, head=2))
    cell = Engine().answer(plan(session, "cpu")[0])
    every = facts(cell, session.view, every_map=True)
    assert (every.layer, every.head) == (None, None)
    one = facts(cell, session.view)
    assert (one.layer, one.head) == (2, 3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"vitviz_provenance": 3}, "reads versions up to 2"),
        ({"vitviz_provenance": True}, "no version"),
        ({"kind": 7}, "kind"),
        ({"maps": {}}, "maps"),
        ({"libraries": {"torch": 2}}, "libraries.torch"),
        ({"extra": 1}, 'does not know: "extra"'),
    ],
)
def test_what_is_not_as_it_should_be_is_refused(
    made: Provenance, change: dict[str, object], words: str
) -> None:
    with pytest.raises(VitvizError, match=words):
        from_json(json.dumps(json.loads(to_json(made)) | change))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", '{"vitviz_provenance": 1}', "[" * 100_000, '{"a": NaN}',
             " " * (MAX_CHARACTERS + 1)]
)  # fmt: skip
def test_nonsense_is_refused(text: str) -> None:
    with pytest.raises(VitvizError):
        from_json(text)


def test_numbers_inside_are_checked_too(made: Provenance) -> None:
    value = json.loads(to_json(made))
    value["maps"][0]["input"]["seen"][2] = "far"
    with pytest.raises(VitvizError, match=r"maps\[0\].input.seen\[2\]"):
        from_json(json.dumps(value))


def test_a_session_that_makes_no_sense_is_refused_when_it_is_wanted(made: Provenance) -> None:
    value = json.loads(to_json(made))
    value["session"]["view"]["method"] = "crystal ball"
    damaged = from_json(json.dumps(value))
    with pytest.raises(SessionError):
        session_of(damaged)
    with pytest.raises(SessionError):
        session_of(replace(damaged, session={}))


def test_one_of_version_1_is_still_read(made: Provenance) -> None:
    data = json.loads(to_json(made)) | {"vitviz_provenance": 1}
    for one in data["maps"]:
        del one["contrast"]
    assert from_json(json.dumps(data)) == made

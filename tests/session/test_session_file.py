"""Session files on disk, and what is said about those that are none."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.samples import names_in
from vitviz.errors import SessionError, VitvizError
from vitviz.probing.ablation import Ablation, Registers
from vitviz.session import session_file
from vitviz.session.state import Compare, Pane, PhotoRef, Query, Session, View

SESSION = Session((PhotoRef("bear.jpg"),), model="vitviz-small-v0")


def test_a_saved_session_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "choices.vitviz"
    session_file.save(SESSION, path)
    session_file.save(replace(SESSION, tab="heads"), path)
    assert session_file.read(path) == replace(SESSION, tab="heads")
    assert names_in(tmp_path) == ["choices.vitviz"]


def test_a_later_version_says_so() -> None:
    known = session_file.VERSION
    text = session_file.to_json(SESSION).replace(f'"vitviz": {known}', f'"vitviz": {known + 1}')
    words = f"version {known + 1}; this vitviz reads versions up to {known}"
    with pytest.raises(SessionError, match=words) as caught:
        session_file.from_json(text)
    assert "newer" in caught.value.hint


@pytest.mark.parametrize("version", ["true", "0", '"1"', "1.0", "null"])
def test_a_version_that_is_none_means_no_session(version: str) -> None:
    text = session_file.to_json(SESSION).replace(
        f'"vitviz": {session_file.VERSION}', f'"vitviz": {version}'
    )
    with pytest.raises(SessionError, match="not a vitviz session"):
        session_file.from_json(text)


def test_what_is_missing_is_named() -> None:
    data = json.loads(session_file.to_json(SESSION))
    del data["view"]["head"]
    with pytest.raises(SessionError, match=r'damaged \("view.head" is missing\)'):
        session_file.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["[" * 100_000, "", "null", "[]", "{}", '{"vitviz": 1}'])
def test_other_json_is_refused(text: str) -> None:
    with pytest.raises(SessionError):
        session_file.from_json(text)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"extra": 1}, 'does not know: "extra"'),
        (
            {"tab": "nowhere"},
            '"tab" must be one of "look", "heads", "patches", "compare", "masked", "how"',
        ),
        ({"selected": True}, '"selected" must be a whole number'),
        ({"selected": 1}, '"selected" must be at most 0, the last of the photos, not 1'),
        ({"background": [255, 256, 0]}, r'"background[1]" must be a whole number from 0 to 255'),
        ({"photos": [{"path": "a\0", "frame": 0, "allow_large": False}]}, '"photos[0].path" must'),
        ({"photos": [0] * (1 << 20)}, '"photos[0]" must be an object, not 0'),
        ({"photos": [0] * ((1 << 20) + 1)}, '"photos" must be a list of at most 1,048,576'),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_field_that_is_wrong_is_named(change: dict[str, object], said: str) -> None:
    text = json.dumps(json.loads(session_file.to_json(SESSION)) | change)
    with pytest.raises(SessionError, match=re.escape(said)) as caught:
        session_file.from_json(text)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("view", {"method": "crystal ball"}, "There is no method “crystal ball”"),
        ("view", {"params": [["discard", 2]]}, "“2” is not a value of discard"),
        ("view", {"params": [["discard", 0.5], ["discard", 0.6]]}, "has one name twice"),
        ("view", {"query": "cls "}, '"view.query" must be auto, patches, cls, dist, reg1'),
        ("view", {"query": [1e8, 0]}, '"view.query[0]" must be a number from -1e+07 to 1e+07'),
        ("view", {"query": [[1, 2], [3, 1e8]]}, '"view.query[1][1]" must be a number from -1e+07'),
        ("view", {"query": []}, '"view.query" must be a list of'),
        ("style", {"opacity": 1.5}, '"style.opacity" must be a number from 0 to 1, not 1.5'),
        ("style", {"colour_map": "coolwarm"}, '"style.colour_map" must be one for a single map'),
        ("style", {"range": [0, 1e400]}, '"style.range[1]" must be a finite number'),
        ("figure", {"dpi": 4}, '"figure.dpi" must be a whole number from 50 to 1,200, not 4'),
        (
            "compare",
            {"focus": 1},
            '"compare.focus" must be at most 0, the last',
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_field_inside_that_is_wrong_is_named(
    part: str, change: dict[str, object], said: str
) -> None:
    data = json.loads(session_file.to_json(replace(SESSION, view=View("rollout"))))
    data[part] |= change
    with pytest.raises(SessionError, match=re.escape(said)):
        session_file.from_json(json.dumps(data))


def test_two_fields_of_one_name_are_refused() -> None:
    text = session_file.to_json(SESSION).replace('"tab"', '"tab": "look",\n "tab"')
    with pytest.raises(SessionError, match='two fields "tab"'):
        session_file.from_json(text)


def test_a_file_that_is_too_large_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.vitviz"
    with path.open("wb") as file:
        file.truncate(session_file.MAX_BYTES + 1)
    with pytest.raises(SessionError, match="too large"):
        session_file.read(path)


def test_a_binary_file_is_no_session(tmp_path: Path) -> None:
    path = tmp_path / "binary.vitviz"
    path.write_bytes(bytes(range(256)))
    with pytest.raises(SessionError, match=r"binary\.vitviz is not a vitviz session"):
        session_file.read(path)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(SessionError, match=r"none\.vitviz cannot be read: No such file"):
        session_file.read(tmp_path / "none.vitviz")
    with pytest.raises(SessionError, match="is not a file"):
        session_file.read(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.vitviz")
    with pytest.raises(SessionError, match="is not a file"):
        session_file.read(tmp_path / "pipe.vitviz")


def test_a_session_that_cannot_be_saved_says_where(tmp_path: Path) -> None:
    with pytest.raises(VitvizError, match="could not be written"):
        session_file.save(SESSION, tmp_path / "no folder" / "choices.vitviz")


FIRST = """{
 "vitviz": 1,
 "photos": [{"path": "bear.jpg", "frame": 0, "allow_large": false}],
 "selected": 0, "model": "vitviz-small-v0", "input": {"mode": "as trained", "fineness": 1},
 "view": {"method": "rollout", "params": [["discard", 0.5]], "layer": -1, "head": "mean",
  "query": [3.0, 4.0], "direction": "of"},
 "style": {"colour_map": "viridis", "opacity": 0.6, "fade": true, "range": "each",
  "smooth": false, "grid": true},
 "tab": "heads", "background": [255, 255, 255]
}"""
"""As the first version wrote it."""


def test_the_first_version_is_still_read() -> None:
    session = session_file.from_json(FIRST)
    assert (session.photos, session.tab) == (SESSION.photos, "heads")
    assert session.view == View("rollout", (("discard", 0.5),), query=(3.0, 4.0))
    assert (session.style.opacity, session.style.scaling) == (0.6, "linear")
    assert session.compare == Compare()
    assert session_file.from_json(session_file.to_json(session)) == session


def test_the_second_version_has_all_that_the_first_had_not() -> None:
    for name in ("compare", "figure", "mask"):
        data = json.loads(session_file.to_json(SESSION))
        del data[name]
        with pytest.raises(SessionError, match=f'"{name}" is missing'):
            session_file.from_json(json.dumps(data))


def test_all_panes_come_back_on_photos_that_are_open() -> None:
    bear, wolf = SESSION.photos[0], PhotoRef("wolf.jpg")
    others = (Pane(wolf, "a"), Pane(bear, "b", view=View("rollout", target=7)))
    compare = Compare(others, 1, False, True, "wipe", (2, 0))
    session = replace(SESSION, photos=(bear, wolf), compare=compare)
    assert session_file.from_json(session_file.to_json(session)) == session
    for broken in (
        replace(session, photos=(bear,)),
        replace(session, compare=replace(compare, others=(Pane(None, "a"),))),
        replace(session, compare=replace(compare, focus=3)),
        replace(session, compare=replace(compare, others=others * 3)),
    ):
        with pytest.raises(SessionError, match="damaged"):
            session_file.from_json(session_file.to_json(broken))


@pytest.mark.parametrize("query", ["cls", "dist", (3.0, 4.5)])
def test_queries_of_version_2_are_what_they_were(query: Query) -> None:
    session = replace(SESSION, view=replace(SESSION.view, query=query))
    beside = Pane(session.photo, "other", view=View(query="reg1"))
    session = replace(session, compare=Compare((beside,)))
    data = json.loads(session_file.to_json(session)) | {"vitviz": 2}
    del data["mask"], data["view"]["contrast"], data["compare"]["others"][0]["view"]["contrast"]
    assert session_file.from_json(json.dumps(data)) == session


def test_a_session_without_a_mask_is_one_of_version_3() -> None:
    data = json.loads(session_file.to_json(SESSION))
    data["vitviz"] = 3
    del data["mask"], data["view"]["contrast"]
    assert session_file.from_json(json.dumps(data)) == SESSION


@pytest.mark.parametrize("version", [2, 3])
def test_sessions_from_before_ablations_have_none(version: int) -> None:
    others = (Pane(SESSION.photo, "b", view=View("rollout")),)
    session = replace(SESSION, compare=Compare(others))
    data = json.loads(session_file.to_json(session))
    data["vitviz"] = version
    for view in (data["view"], data["compare"]["others"][0]["view"]):
        del view["ablation"]
    assert session_file.from_json(json.dumps(data)) == session


def test_an_ablation_comes_back() -> None:
    ablation = Ablation(((0, 2), (3, 1)), "mean", ((1.5, 2.0, 17.25, 18.0),))
    session = replace(SESSION, view=replace(SESSION.view, ablation=ablation))
    assert session_file.from_json(session_file.to_json(session)) == session


@pytest.mark.parametrize("version", [5, 6, 7])
def test_sessions_from_before_registers_have_none(version: int) -> None:
    ablation = Ablation(((0, 2),))
    others = (Pane(SESSION.photo, "b", view=View("rollout", ablation=ablation)),)
    session = replace(SESSION, compare=Compare(others))
    data = json.loads(session_file.to_json(session)) | {"vitviz": version}
    for view in (data["view"], data["compare"]["others"][0]["view"]):
        del view["ablation"]["registers"]
    assert session_file.from_json(json.dumps(data)) == session


def test_registers_come_back() -> None:
    registers = Registers(((1, 70), (3, 5)), "ab" * 32, 7.5, 3)
    session = replace(SESSION, view=replace(SESSION.view, ablation=Ablation(registers=registers)))
    assert session_file.from_json(session_file.to_json(session)) == session
    broken = session_file.to_json(session).replace("7.5", "-1")
    with pytest.raises(SessionError, match=r"ablation\.registers\.bound"):
        session_file.from_json(broken)


@pytest.mark.parametrize("version", [1, 2, 5])
def test_sessions_from_before_lines_around_patches_draw_none(version: int) -> None:
    if version == 1:
        assert session_file.from_json(FIRST).style.outlined == 0
        return
    data = json.loads(session_file.to_json(SESSION)) | {"vitviz": version}
    del data["style"]["outlined"], data["view"]["outliers"]
    assert session_file.from_json(json.dumps(data)) == SESSION


def test_a_line_around_patches_comes_back() -> None:
    session = replace(SESSION, style=replace(SESSION.style, outlined=0.625))
    assert session_file.from_json(session_file.to_json(session)) == session
    broken = session_file.to_json(session).replace("0.625", "1.5")
    with pytest.raises(SessionError, match=r"style\.outlined"):
        session_file.from_json(broken)


def test_photos_that_a_map_refers_to_come_back_and_older_sessions_have_none() -> None:
    view = replace(
        SESSION.view, reference=(PhotoRef("/photos/a.jpg"), PhotoRef("/photos/b.gif", 2))
    )
    session = replace(SESSION, view=view)
    assert session_file.from_json(session_file.to_json(session)) == session
    assert {"/photos/a.jpg", "/photos/b.gif"} <= session.files
    data = json.loads(session_file.to_json(session)) | {"vitviz": 6}
    del data["view"]["reference"]
    assert session_file.from_json(json.dumps(data)).view.reference == ()


def test_what_is_done_with_outliers_comes_back_in_every_pane() -> None:
    others = (Pane(SESSION.photo, "b", view=View("rollout", outliers="highlight")),)
    view = replace(SESSION.view, outliers="exclude")
    session = replace(SESSION, view=view, compare=Compare(others))
    assert session_file.from_json(session_file.to_json(session)) == session
    data = json.loads(session_file.to_json(session)) | {"vitviz": 5}
    for one in (data["view"], data["compare"]["others"][0]["view"]):
        del one["outliers"]
    read = session_file.from_json(json.dumps(data))
    assert [pane.view.outliers for pane in read.panes] == ["show", "show"]


def test_as_many_photos_as_a_session_can_hold_come_back_and_more_are_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refs = tuple(PhotoRef(f"/photos/{number}.jpg") for number in range(40))
    path, longest = tmp_path / "many.vitviz", len(session_file.to_json(Session(refs)))
    monkeypatch.setattr(session_file, "MAX_BYTES", longest)
    session_file.save(Session(refs), path)
    assert session_file.read(path).photos == refs
    with pytest.raises(SessionError, match="41 photos are more than"):
        session_file.save(Session((*refs, PhotoRef("/one/more.jpg"))), path)
    assert session_file.read(path).photos == refs, "what was there stays"


def test_a_file_has_a_line_for_each_value() -> None:
    lines = session_file.to_json(Session((PhotoRef("/photos/1.jpg"),))).splitlines()
    assert '"frame": 0,' in lines

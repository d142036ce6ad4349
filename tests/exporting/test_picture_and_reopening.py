"""What is copied, and the way back from a file to the state that made it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.samples import NOBODY, of_class, save_photo
from vitviz.engine.answers import Cell
from vitviz.engine.engine import Engine
from vitviz.engine.plan import plan
from vitviz.exporting.clipboard import figure_picture, picture, values_text
from vitviz.exporting.figure_files import PaneMap
from vitviz.exporting.map_files import write_map
from vitviz.exporting.provenance import Disclosure
from vitviz.exporting.reopen import reopen
from vitviz.exporting.stamp import read
from vitviz.maps.overlay import composite
from vitviz.maps.style import Style
from vitviz.session.finding import last_part
from vitviz.session.state import Compare, PhotoRef, Session, View


class Panes:
    """Two photos of different sizes, at two layers."""

    def __init__(self, folder: Path, checkpoint: Path, view: View | None = None) -> None:
        self.engine = Engine()
        refs = (
            PhotoRef(str(save_photo(folder / "one.png", 1, (40, 60)))),
            PhotoRef(str(save_photo(folder / "two.png", 2, (90, 70)))),
        )
        session = Session(refs, model=str(checkpoint), view=view or View(layer=0))
        other = replace(session.pane, photo=refs[1], view=view or View(layer=1))
        self.session = replace(session, tab="compare", compare=Compare((other,)))
        self.cells = [self.engine.answer(request) for request in plan(self.session, "cpu")]

    def photo(self, cell: Cell):
        return self.engine.photos.get(cell.request.photo, cell.request.background)

    @property
    def shown(self) -> list[PaneMap]:
        pairs = zip(self.cells, self.session.panes, strict=True)
        return [PaneMap(pane, cell, self.photo(cell)) for cell, pane in pairs]


@pytest.fixture
def panes(tmp_path: Path, checkpoint: Path) -> Panes:
    return Panes(tmp_path, checkpoint)


def places_of(small: np.ndarray, whole: np.ndarray) -> list[tuple[int, int]]:
    height, width = small.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(whole[..., 0], (height, width))
    found = (windows == small[..., 0]).all((2, 3)).nonzero()
    return list(zip(*(axis.tolist() for axis in found), strict=True))


def test_one_picture_has_the_photo_at_its_full_size(panes: Panes) -> None:
    one = panes.shown[0]
    copied = picture([one], Style(), shared=False).pixels
    values = one.cell.heat_map(one.pane.view).values
    low, high = float(values.min()), float(values.max())
    expected = composite(one.photo.pixels, values, one.cell.geometry, Style(), low, high)
    assert len(places_of(expected, copied)) == 1


def test_a_picture_of_panes_has_each_with_the_range_it_has(panes: Panes) -> None:
    shown = panes.shown
    maps = [one.cell.heat_map(one.pane.view).values for one in shown]
    for shared in (False, True):
        whole = picture(shown, Style(), shared).pixels
        each = [(float(m.min()), float(m.max())) for m in maps]
        together = (min(low for low, _ in each), max(high for _, high in each))
        tall = shown[1]
        ends = together if shared else each[1]
        expected = composite(tall.photo.pixels, maps[1], tall.cell.geometry, Style(), *ends)
        assert len(places_of(expected, whole)) == 1, "the photo with the longest side is as it is"


def test_a_copy_names_the_letters_that_no_font_has(tmp_path: Path, checkpoint: Path) -> None:
    for name, missing in (("cat", ""), (f"cat {NOBODY}", NOBODY)):
        panes = Panes(tmp_path, of_class(checkpoint, name), View("relevance", target=0))
        for shown in (panes.shown[:1], panes.shown):
            assert picture(shown, Style(), shared=False).missing == missing
        assert figure_picture(panes.session, "compare", panes.engine, "cpu").missing == missing


def test_values_for_a_spreadsheet(panes: Panes) -> None:
    heat_map = panes.cells[0].heat_map(View(layer=0))
    lines = values_text(heat_map, "\t").splitlines()
    again = np.array([line.split("\t") for line in lines], np.float32)
    np.testing.assert_array_equal(again, heat_map.values)
    assert values_text(heat_map, ",").count(",") == 3 * 4


@pytest.fixture
def exported(panes: Panes, tmp_path: Path) -> Path:
    folder = tmp_path / "figures"
    folder.mkdir()
    session = replace(panes.session, tab="look")
    write_map(folder / "map.png", panes.photo(panes.cells[0]), panes.cells[0], session)
    return folder / "map.png"


def test_photos_are_found_beside_the_file(exported: Path, tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / "one.png").rename(exported.with_name("one.png"))
    copy = exported.with_name(checkpoint.name)
    copy.write_bytes(checkpoint.read_bytes())
    found = reopen(read(exported), exported)
    assert found.session.photos == (PhotoRef(str(exported.with_name("one.png"))),)
    assert found.session.model == str(copy)
    assert (found.problems, found.missing, found.model_missing) == ((), (), "")
    assert found.session.view == View(layer=0)


def test_photos_are_found_among_those_known(
    exported: Path, tmp_path: Path, checkpoint: Path
) -> None:
    wrong = save_photo(exported.with_name("one.png"), 99)
    known = [tmp_path / "two.png", tmp_path / "one.png", checkpoint]
    found = reopen(read(exported), exported, known)
    assert found.session.photos == (PhotoRef(str(tmp_path / "one.png")),), "by its SHA-256"
    assert wrong.is_file()
    assert found.problems == ()


def test_a_photo_that_changed_is_used_and_told(exported: Path, checkpoint: Path) -> None:
    save_photo(exported.with_name("one.png"), 99)
    found = reopen(read(exported), exported, [checkpoint])
    assert found.session.photos == (PhotoRef(str(exported.with_name("one.png"))),)
    (problem,) = found.problems
    assert "one.png is not the file that it was" in problem


def test_what_is_nowhere_is_told(exported: Path) -> None:
    found = reopen(read(exported), exported)
    assert found.missing == ("one.png",)
    assert found.model_missing == "small.safetensors"
    assert len(found.problems) == 2
    assert "put it beside map.png" in found.problems[0]


def test_full_paths_lead_there_at_once(panes: Panes, tmp_path: Path) -> None:
    out = tmp_path / "map.png"
    session = replace(panes.session, tab="look")
    photo = panes.photo(panes.cells[0])
    write_map(out, photo, panes.cells[0], session, Disclosure(full_paths=True))
    found = reopen(read(out), Path("elsewhere") / "map.png")
    assert found.session.photos == panes.session.photos[:1]
    assert found.session.model == panes.session.model
    assert found.problems == ()


@pytest.mark.parametrize(
    ("name", "last"),
    [("a/b.png", "b.png"), ("C:\\Users\\me\\b.png", "b.png"), ("\\\\server\\share\\b.png", "b.png"),
     ("../../../etc/passwd", "passwd"), ("b.png", "b.png")],
)  # fmt: skip
def test_folders_of_any_system_are_taken_off(name: str, last: str) -> None:
    assert last_part(name) == last


def test_a_path_of_another_computer_is_not_asked_for(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = read(exported)
    for name in ("\\\\server\\share\\one.png", "//server/share/one.png"):
        there = {**made.session, "photos": [{**made.session["photos"][0], "path": name}]}
        asked: list[str] = []
        monkeypatch.setattr(
            "vitviz.exporting.reopen.is_file",
            lambda path, asked=asked: asked.append(str(path)),
        )
        reopen(replace(made, session=there), exported)
        assert asked
        assert not any("server" in path for path in asked)
        monkeypatch.undo()

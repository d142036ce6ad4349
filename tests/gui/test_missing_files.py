"""Photos and checkpoints that were moved: they keep their places, and are found again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from vitviz.gui import known_files
from vitviz.gui.settings import Settings
from vitviz.gui.window import Window
from vitviz.session import session_file
from vitviz.session.panes import add_pane
from vitviz.session.state import Session

from .conftest import Driver, draw


@pytest.fixture
def paper(ui: Driver, photos: list[Path], tmp_path: Path) -> Path:
    """A saved session: three photos, two panes on different ones."""
    pane = replace(ui.session.pane, photo=ui.session.photos[1])
    ui.window.store.set(replace(add_pane(ui.session, pane), tab="compare"))
    ui.until(lambda: all(state.cell is not None for state in ui.window.scene.panes))
    path = tmp_path / "paper.vitviz"
    ui.window.documents.sessions._save_to(path)
    ui.until(lambda: not ui.window.jobs.is_busy)
    return path


def move_away(photos: list[Path], *numbers: int) -> Path:
    """Moves photos to a folder below another one, the first one under another name."""
    folder = photos[0].parent.parent / "elsewhere" / "deep"
    folder.mkdir(parents=True)
    for number in numbers:
        name = "renamed.png" if number == numbers[0] else photos[number].name
        photos[number].replace(folder / name)
    return folder.parent


def reopened(make_window: Callable[..., Window], qtbot: QtBot, path: Path) -> Driver:
    again = Driver(make_window(reopen=False), qtbot)
    again.window.begin([path])
    again.until(lambda: again.window.documents.sessions.path == path)
    return again


def test_what_is_missing_keeps_its_place_and_saving_changes_nothing(
    ui: Driver, paper: Path, photos: list[Path], make_window: Callable[..., Window], qtbot: QtBot
) -> None:
    saved, content = ui.session, paper.read_bytes()
    ui.window.close()
    move_away(photos, 1, 2)
    again = reopened(make_window, qtbot, paper)
    assert again.session == saved
    errors = [state.error for state in again.window.scene.panes]
    assert errors[0] is None
    assert "photo1.png is missing" in str(errors[1])
    assert "Not found: 2 photos (photo1.png, photo2.png)" in again.message
    assert again.window.windowTitle().startswith("paper.vitviz[*] – ")
    assert not again.window.isWindowModified()
    again.do("file.save")
    again.until(lambda: not again.window.jobs.is_busy)
    assert paper.read_bytes() == content


def test_one_folder_found_repairs_the_rest(
    ui: Driver, paper: Path, photos: list[Path], make_window: Callable[..., Window],
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ui.window.close()
    folder = move_away(photos, 1, 2)
    again = reopened(make_window, qtbot, paper)
    pane = again.compare.panes[1]
    again.until(lambda: pane.problem.isVisible())
    assert pane.problem.button.text() == "Locate…"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    qtbot.mouseClick(pane.problem.button, Qt.MouseButton.LeftButton)
    again.until(lambda: all(state.cell is not None for state in again.window.scene.panes))
    assert again.photo_names() == ["photo0.png", "renamed.png", "photo2.png"]
    assert not again.message
    assert again.window.isWindowModified()


def test_what_is_put_back_is_there_again(
    ui: Driver, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ui.window.service.photos.keep((), ())  # a photo that is in memory is shown without its file
    photos[1].replace(photos[1].with_suffix(".away"))
    ui.press("go.next_photo")
    ui.until(lambda: ui.message)
    assert ui.session.photo.path == str(photos[1])
    assert ui.window.canvas.photo is None
    assert ui.look.problem.isVisible()
    photos[1].with_suffix(".away").replace(photos[1])
    threads = list[str]()
    is_file = known_files.is_file
    monkeypatch.setattr(
        known_files, "is_file",
        lambda name: threads.append(threading.current_thread().name) or is_file(name),
    )  # fmt: skip
    ui.window.documents.locating.look_again()
    ui.until(lambda: not ui.window.files.missing)
    assert threads == ["vitviz-opening"], "a disk may not answer"
    ui.settle()
    assert not ui.message
    assert ui.look.problem.isHidden()


def test_a_missing_checkpoint_is_not_replaced_in_silence(ui: Driver, tmp_path: Path) -> None:
    path = tmp_path / "gone.vitviz"
    model = str(tmp_path / "deit.pth")
    session_file.save(replace(ui.session, model=model), path)
    before = ui.session.model
    ui.window.documents.add([path])
    ui.until(lambda: "the checkpoint deit.pth" in ui.message)
    assert ui.session.model == model
    assert ui.window.controller.shown_cell is None
    ui.answer_banner(next(b.text() for b in ui.window.banner.buttons if b.text()[:4] == "Use "))
    ui.settle()
    assert ui.session.model == before
    assert not ui.message
    ui.do("edit.undo")
    ui.until(lambda: "the checkpoint deit.pth" in ui.message)


def test_two_messages_are_both_there(ui: Driver, tmp_path: Path) -> None:
    """One did not take the place of the other a second later."""
    session_file.save(replace(ui.session, model=str(tmp_path / "deit.pth")), tmp_path / "a.vitviz")
    ui.window.documents.add([tmp_path / "a.vitviz", tmp_path / "never.png"])
    ui.until(lambda: "deit.pth" in ui.message)
    assert "never.png" in ui.message
    assert len(ui.window.banner.messages) == 2


def test_a_message_goes_with_the_next_step_once_it_was_read(ui: Driver) -> None:
    now = [0.0]
    ui.window.banner.clock = lambda: now[0]
    ui.window.banner.say("The clipboard holds no picture.")
    ui.press("go.previous_layer")
    assert ui.message, "nobody has read it yet"
    now[0] = 5.0
    ui.press("go.previous_layer")
    assert not ui.message


def test_saving_asks_where_something_was_lost(ui: Driver, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n cut")
    path = tmp_path / "paper.vitviz"
    photos = (*ui.session.photos, replace(ui.session.photos[0], path=str(broken)))
    session_file.save(replace(ui.session, photos=photos), path)
    content = path.read_bytes()
    ui.window.documents.add([path])
    ui.until(lambda: "broken.png" in ui.message and len(ui.photo_names()) == 3)
    ui.settle()
    assert ui.window.isWindowModified()
    ui.do("file.save")
    assert path.read_bytes() == content
    assert "would lose it: broken.png" in ui.message
    ui.answer_banner("Save Without")
    ui.settle()
    assert len(session_file.read(path).photos) == 3


def test_a_session_opened_by_mistake_is_not_overwritten(ui: Driver, tmp_path: Path) -> None:
    """After undo, Save must not write what is open over the file that was opened by mistake."""
    path = tmp_path / "other.vitviz"
    session_file.save(replace(ui.session, photos=ui.session.photos[1:]), path)
    ui.window.documents.add([path])
    ui.settle()
    ui.do("edit.undo")
    assert ui.window.documents.sessions.path is None
    assert ui.window.windowTitle() == "photo0.png – vitviz"
    ui.do("edit.redo")
    assert ui.window.documents.sessions.path == path


def test_many_photos_do_not_flood_the_recent_ones(
    ui: Driver, photos: list[Path], settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "many").mkdir()
    many = [draw(tmp_path / "many" / f"{i}.png", 40, 30, seed=i) for i in range(20)]
    ui.window.documents.add(many)
    ui.settle()
    recent = ui.window.settings.recent("photos")
    assert set(map(str, photos)) < set(recent)
    assert len(recent) == 4
    assert ui.window.settings.recent("folders")[0] == str(tmp_path / "many")


def test_a_figure_finds_its_photo_in_a_recent_folder(
    ui: Driver, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not by the list of recent photos, and not under its old name."""
    out = tmp_path / "out"
    out.mkdir()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out / "map.png"), ""))
    ui.do("file.save_map")
    ui.until(lambda: (out / "map.png").is_file() and not ui.window.jobs.is_busy)
    ui.do("file.close_all")
    below = photos[0].parent / "below"
    below.mkdir()
    photos[0].replace(below / "other name.png")
    ui.window.documents.sessions.open_state(out / "map.png")
    ui.settle()
    assert ui.session.photo.path == str(below / "other name.png")
    assert not ui.message


def test_a_figure_whose_photo_is_nowhere_keeps_its_panes(
    ui: Driver, paper: Path, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    out = tmp_path / "out" / "map.png"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(out), ""))
    ui.do("file.save_map")
    ui.until(lambda: out.is_file() and not ui.window.jobs.is_busy)
    before = ui.session
    ui.window.store.set(replace(Session(model=before.model), photos=before.photos[:1]))
    kept = photos[1].read_bytes()
    photos[1].unlink()
    ui.window.documents.sessions.open_state(out)
    ui.until(lambda: "Not found: the photo photo1.png" in ui.message)
    assert ui.photo_names() == ["photo1.png"]
    assert ui.session.view == before.view
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / "anything.png").write_bytes(kept)
    ui.window.documents.locating.look_in(tmp_path / "found")
    ui.settle()
    assert ui.photo_names() == ["anything.png"]

"""Sessions, maps and preferences that outlive the window."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from vitviz.gui.window import Window
from vitviz.methods import METHODS
from vitviz.session import session_file
from vitviz.session.last import LastSession
from vitviz.session.state import Compare

from .conftest import Driver


def chosen(ui: Driver) -> None:
    """Some choices of every kind."""
    ui.press("go.next_photo")
    ui.settle()
    ui.click_patch(4, 6)
    ui.settle()
    ui.window.panels.method.method.setCurrentIndex(list(METHODS).index("rollout"))
    ui.settle()
    ui.window.panels.method.controls["discard"].setValue(0.5)
    ui.window.panels.appearance.range.setCurrentIndex(3)
    ui.press("go.previous_layer")
    ui.settle()


def test_saving_and_opening_a_session(
    ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(ui)
    saved = ui.session
    path = tmp_path / "mine.vitviz"
    # The user does not type the suffix.
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "mine"), ""))
    ui.press("file.save")
    ui.settle()
    assert path.is_file()
    ui.do("file.close_all")
    ui.press("view.heads")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(path), ""))
    ui.press("file.session")
    ui.settle()
    assert ui.session == saved
    assert ui.cell.patches_of_query(0) == ((4, 6),)
    assert ui.window.panels.method.controls["discard"].value() == 0.5
    ui.press("go.previous_layer")
    ui.press("file.save")
    ui.settle()
    assert json.loads(path.read_text(encoding="utf-8"))["view"]["layer"] == ui.session.view.layer
    assert not ui.message
    assert str(path) in ui.window.settings.recent("sessions")


def test_the_next_start_goes_on(
    ui: Driver, make_window: Callable[..., Window], qtbot: QtBot
) -> None:
    chosen(ui)
    session = ui.session
    ui.window.close()
    again = Driver(make_window(), qtbot)
    again.begin([])
    assert again.session == session
    assert again.cell.request == ui.requests[-1]
    assert not again.window.store.can_undo
    assert not again.message


def test_the_next_start_names_what_is_gone(
    ui: Driver, photos: list[Path], make_window: Callable[..., Window], qtbot: QtBot
) -> None:
    ui.window.close()
    photos[0].unlink()
    again = Driver(make_window(), qtbot)
    again.window.begin([])
    again.until(lambda: again.message)
    assert again.photo_names() == ["photo0.png", "photo1.png", "photo2.png"]
    assert "Not found: the photo photo0.png" in again.message
    assert "photo1.png" not in again.message


def ended_while_starting(folder: Path, times: int) -> None:
    """What starts leave that something in the last session ended."""
    for _ in range(times):
        LastSession(folder).count_start()


def test_the_third_start_after_two_that_failed_is_a_clean_one(
    ui: Driver, make_window: Callable[..., Window], qtbot: QtBot
) -> None:
    session, folder = ui.session, ui.window.settings.folder
    ui.window.close()
    kept = ui.window.settings.last_session.read_bytes()
    ended_while_starting(folder, 2)
    again = Driver(make_window(), qtbot)
    again.begin([])
    assert again.window.windowTitle() == "panda.jpg – vitviz"
    assert "ended 2 times in a row" in again.message
    (aside,) = folder.glob("last-*.vitviz")
    assert str(aside) in again.message
    assert aside.read_bytes() == kept
    again.answer_banner("Open It")
    again.settle()
    assert again.session == session
    # Once all that was asked for is there, this start went well.
    qtbot.waitUntil(lambda: not (folder / "starts-without-end").exists(), timeout=20_000)
    assert LastSession(folder).count_start() == 0


def test_a_start_after_one_that_failed_goes_on_as_ever(
    ui: Driver, make_window: Callable[..., Window], qtbot: QtBot
) -> None:
    session, folder = ui.session, ui.window.settings.folder
    ui.window.close()
    ended_while_starting(folder, 1)
    again = Driver(make_window(), qtbot)
    again.begin([])
    assert (again.session, again.message) == (session, "")


def test_a_clean_start_that_is_closed_loses_nothing(
    ui: Driver, make_window: Callable[..., Window], qtbot: QtBot
) -> None:
    folder = ui.window.settings.folder
    ui.window.close()
    ended_while_starting(folder, 2)
    again = Driver(make_window(), qtbot)
    again.begin([])
    again.answer_banner("Start Anew")
    assert not again.message
    again.window.close()
    (aside,) = folder.glob("last-*.vitviz")
    assert [Path(ref.path).name for ref in session_file.read(aside).photos] == ui.photo_names()


def test_a_next_start_that_should_begin_anew(
    ui: Driver, make_window: Callable[..., Window], qtbot: QtBot
) -> None:
    ui.window.close()
    again = Driver(make_window(reopen=False), qtbot)
    again.begin([])
    assert again.window.windowTitle() == "panda.jpg – vitviz"


def test_what_is_no_session(ui: Driver, tmp_path: Path) -> None:
    path = tmp_path / "odd.vitviz"
    before = ui.session
    for content in ("", "{}", '{"vitviz": 99}', '{"vitviz": 1, "photos": 3}'):
        path.write_text(content, encoding="utf-8")
        ui.window.banner.dismiss()
        ui.window.documents.add([path])
        ui.settle()
        assert ui.message, content
        assert "unexpected" not in ui.message
        assert ui.session == before
        path.replace(ui.window.settings.last_session)


def test_a_damaged_last_session_is_left_alone(empty: Driver) -> None:
    last = empty.window.settings.last_session
    last.parent.mkdir(parents=True, exist_ok=True)
    last.write_text('{"vitviz": 1, "selected": "no"}', encoding="utf-8")
    empty.begin([])
    assert empty.window.windowTitle() == "panda.jpg – vitviz"


def test_a_session_is_written_on_another_thread_and_closing_loses_none(
    ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sessions, threads = ui.window.documents.sessions, list[str]()
    begun, go_on, save = threading.Event(), threading.Event(), session_file.save

    def held(*arguments: object) -> None:
        threads.append(threading.current_thread().name)
        begun.set()
        assert go_on.wait(60)
        save(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(session_file, "save", held)
    for name in ("one", "two"):
        path = tmp_path / f"{name}.vitviz"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, path=path: (str(path), ""))
        ui.do("file.save_as")
    assert begun.wait(60)
    assert sessions.path is None, "not before it is written"
    ui.press("go.previous_layer")
    go_on.set()
    ui.until(lambda: not ui.window.jobs.is_busy)
    assert sessions.path == tmp_path / "two.vitviz"
    assert sessions.is_changed
    assert session_file.read(tmp_path / "one.vitviz") == session_file.read(sessions.path)
    assert threading.current_thread().name not in threads
    ui.press("file.save")
    ui.window.close()
    assert session_file.read(tmp_path / "two.vitviz") == ui.session


def test_what_is_saved_while_another_session_opens_is_not_its_home(
    ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_file.save(replace(ui.session, tab="heads"), tmp_path / "other.vitviz")
    mine = tmp_path / "mine.vitviz"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(mine), ""))
    before = ui.session
    ui.window.documents.sessions.read(tmp_path / "other.vitviz")
    ui.do("file.save_as")
    ui.until(lambda: not ui.window.jobs.is_busy)
    assert session_file.read(mine) == before
    assert ui.window.documents.sessions.path == tmp_path / "other.vitviz"
    assert not ui.window.documents.sessions.is_changed


def test_a_place_that_cannot_be_written(
    ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "no such folder" / "x"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (f"{target}.vitviz", ""))
    ui.press("file.save")
    ui.until(lambda: "could not be written" in ui.message)
    ui.window.banner.dismiss()
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (f"{target}.png", ""))
    ui.press("file.save_map")
    ui.until(lambda: "could not be written" in ui.message)
    asked: list[int] = []
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (asked.append(1) or "", ""))
    ui.press("file.save")
    assert asked, "where it could not be written is not where the session lives"


def test_saving_maps(ui: Driver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offered: list[str] = []

    def save_as(name: str, kind: str = "") -> None:
        def dialog(parent: object, title: str, suggested: str, kinds: str) -> tuple[str, str]:
            offered.append(suggested)
            return str(tmp_path / name), kind

        monkeypatch.setattr(QFileDialog, "getSaveFileName", dialog)
        ui.press("file.save_map")

    save_as("map")
    ui.until(lambda: "Saved map.png" in ui.window.status.state.text())
    with Image.open(tmp_path / "map.png") as image:
        assert image.size == (90, 60)
        assert image.text["Description"] == ui.look.caption.text()
    save_as("raw", "Raw values (*.npy)")
    ui.until(lambda: "Saved raw.npy" in ui.window.status.state.text())
    values = np.load(tmp_path / "raw.npy")
    assert (values == ui.cell.heat_map(ui.session.view).values).all()
    assert Path(offered[0]).name == "photo0-attention-layer12.png"
    save_as("map.webm")
    ui.until(lambda: ".webm" in ui.message)


def test_preferences_are_kept(ui: Driver, make_window: Callable[..., Window], qtbot: QtBot) -> None:
    ui.press("view.follow")
    ui.window.close()
    again = make_window()
    assert again.preferences.follow_cursor
    assert again.actions_by_id["view.follow"].isChecked()


def test_preferences_that_make_no_sense(settings, make_window: Callable[..., Window]) -> None:
    settings.folder.mkdir(parents=True)
    (settings.folder / "vitviz.ini").write_text(
        "[preferences]\ntheme=pink\nmax_pixels=many\nfollow_cursor=perhaps\n"
        "[window]\ngeometry=7\ndocks=@ByteArray(nonsense)\n[recent]\nphotos=1\n",
        encoding="utf-8",
    )
    window = make_window()
    assert window.preferences.theme in ("light", "dark", "system")
    assert window.preferences.max_pixels >= 1_000_000
    assert all(dock.isVisible() for dock in window.panels.docks)


def test_a_session_with_the_model_of_another_version(ui: Driver, tmp_path: Path) -> None:
    of_now = ui.session.model
    others = tuple(replace(ui.session.pane, model=name) for name in ("other-v0", of_now))
    path = tmp_path / "old.vitviz"
    session = replace(ui.session, model="small-v0", compare=Compare(others=others))
    session_file.save(session, path)
    ui.window.documents.sessions.open_state(path)
    ui.settle()
    assert {pane.model for pane in ui.session.panes} == {of_now}
    assert f"no model called other-v0, small-v0: {of_now} takes" in ui.message
    assert ui.cell.card.id == of_now

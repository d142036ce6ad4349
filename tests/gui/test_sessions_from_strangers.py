"""Sessions that name what cannot be looked at, what must not be, and what is not there."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QImage, QPixmap
from pytestqt.qtbot import QtBot

from tests.samples import names_in
from vitviz.gui.known_files import KnownFiles
from vitviz.gui.settings import Settings
from vitviz.gui.threads.jobs import Job
from vitviz.gui.window import Window
from vitviz.session import session_file
from vitviz.session.last import LastSession
from vitviz.session.pasted import KEPT_S
from vitviz.session.state import Compare, PhotoRef, Session

from .conftest import Driver

FAR = (r"\\evil.example\share\a.png", "//evil.example/share/b.png", "/net/evil.example/c.png",
       "CON", r"C:\photos\NUL.png", "file://evil.example/d.png", "/dev/zero")  # fmt: skip

LONG = f"/home/someone/{'a' * 300}.png"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Names that the system was asked about, however."""
    seen: list[str] = []
    for name in ("stat", "lstat", "open", "scandir", "readlink"):
        ask = getattr(os, name)

        def noted(path: object = ".", *args: object, ask: object = ask, **kw: object) -> object:
            if isinstance(path, str | Path):
                seen.append(os.fspath(path))
            return ask(path, *args, **kw)  # type: ignore[operator]

        monkeypatch.setattr(os, name, noted)
    yield seen
    monkeypatch.undo()


def far_in(asked: list[str]) -> list[str]:
    return [name for name in asked if "evil" in name or name in FAR]


def test_a_photo_that_cannot_be_asked_for_is_missing(
    ui: Driver, photos: list[Path], tmp_path: Path
) -> None:
    path = tmp_path / "odd.vitviz"
    names = (LONG, f"{'x/' * 3000}y.png", "\udcff.png", str(photos[1]))
    session_file.save(replace(ui.session, photos=tuple(map(PhotoRef, names)), selected=3), path)
    ui.window.documents.add([path])
    ui.settle()
    assert [ref.path for ref in ui.session.photos] == list(names)
    assert ui.window.files.missing.keys() == set(names[:3])
    assert "Not found: 3 photos" in ui.message


def test_what_is_elsewhere_is_named_and_not_touched(
    ui: Driver, photos: list[Path], tmp_path: Path, asked: list[str]
) -> None:
    path = tmp_path / "far.vitviz"
    refs = tuple(PhotoRef(name) for name in (*FAR, str(photos[1])))
    other = replace(ui.session.pane, photo=refs[-1], model="//evil.example/share/y.pth")
    session = replace(ui.session, photos=refs, selected=1, model="//evil.example/share/x.pth",
                      compare=Compare(others=(other,)))  # fmt: skip
    session_file.save(session, path)
    ui.window.documents.add([path])
    ui.until(lambda: ui.message)
    assert ui.session == session
    assert all(state.error is not None for state in ui.window.scene.panes)
    assert far_in(asked) == []
    assert "//evil.example/share/b.png" in ui.message
    ui.answer_banner("Leave Them")
    ui.do("file.save")
    ui.window.close()
    assert far_in(asked) == []


def test_what_is_elsewhere_is_looked_at_when_the_user_says_so(
    ui: Driver, photos: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vitviz import paths

    share = tmp_path / "photos" / "photo1.png"
    far_folder = f"{tmp_path}/"
    monkeypatch.setattr(paths, "DEVICE_FOLDERS", (far_folder.rstrip("/").casefold(),))
    path = tmp_path / "far.vitviz"
    session_file.save(replace(ui.session, photos=(PhotoRef(str(share)),), selected=0), path)
    ui.window.documents.add([path])
    ui.until(lambda: ui.message)
    assert ui.window.controller.opened is None
    ui.answer_banner("Look There")
    ui.settle()
    assert ui.photo_names() == ["photo1.png"]


def test_recent_files_elsewhere_are_asked_about(
    ui: Driver, settings: Settings, asked: list[str]
) -> None:
    window = ui.window
    window.settings.add_recent("photos", FAR[0])
    window.settings.add_recent("sessions", LONG)
    window.recent_menu.aboutToShow.emit()
    entry = next(a for a in window.recent_menu.actions() if "evil.example" in a.text())
    entry.trigger()
    assert FAR[0] in ui.message
    assert far_in(asked) == []
    ui.answer_banner("Leave It")
    assert far_in(asked) == []
    entry.trigger()
    ui.answer_banner("Open It")
    ui.until(lambda: far_in(asked))


def test_names_from_the_command_line_and_drops(ui: Driver) -> None:
    before = ui.session
    ui.window.documents.add([Path("x" * 5000), Path("y" * 300 + ".vitviz"), Path("z\0.png")])
    ui.until(lambda: not ui.window.service.is_busy and ui.session == before)
    assert "unexpected" not in ui.message


def test_two_refusals_at_once_are_both_said(ui: Driver, tmp_path: Path) -> None:
    for name in ("one.vitviz", "two.vitviz"):
        (tmp_path / name).write_text("{}", encoding="utf-8")
    (tmp_path / "empty").mkdir()
    ui.window.documents.add([tmp_path / "one.vitviz", tmp_path / "empty"])
    ui.settle()
    assert "is not a vitviz session" in ui.message
    assert "no photos in empty" in ui.message


# The start


def start(make_window: Callable[..., Window], qtbot: QtBot) -> Driver:
    driver = Driver(make_window(), qtbot)
    driver.begin([])
    return driver


def test_a_start_with_a_session_that_cannot_be_asked_about(
    make_window: Callable[..., Window], qtbot: QtBot, settings: Settings, photos: list[Path]
) -> None:
    refs = (PhotoRef(LONG), PhotoRef(FAR[1]), PhotoRef(str(photos[0])))
    last = Session(refs, selected=2, model=FAR[0])
    LastSession(settings.folder).keep(last)
    for _ in range(4):
        again = Driver(make_window(), qtbot)
        again.window.begin([])
        again.until(lambda: again.window.controller.opened is not None)  # noqa: B023
        assert again.session == last
        again.window.close()
    assert LastSession(settings.folder).read() == last


@pytest.mark.parametrize("content", [b"", b"\x00" * 50, b'{"vitviz": 99}', b"[" * 90_000])
def test_a_start_with_an_unreadable_session_keeps_it(
    make_window: Callable[..., Window], qtbot: QtBot, settings: Settings, content: bytes
) -> None:
    settings.folder.mkdir(parents=True)
    settings.last_session.write_bytes(content)
    ui = start(make_window, qtbot)
    assert ui.photo_names()
    aside = next(path for path in settings.folder.glob("last-*.vitviz"))
    assert str(aside) in ui.message
    ui.window.close()
    assert aside.read_bytes() == content
    assert session_file.read(settings.last_session).photos


def test_a_start_survives_what_nobody_expected(
    make_window: Callable[..., Window], qtbot: QtBot, settings: Settings, photos: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    last = Session((PhotoRef(str(photos[0])),), model="vitviz-small-v1")
    LastSession(settings.folder).keep(last)
    window = make_window()

    def broken(*_: object) -> None:
        raise RuntimeError("nobody expected this")

    monkeypatch.setattr(window.documents.sessions, "known_here", broken)
    ui = Driver(window, qtbot)
    ui.begin([])
    assert len(ui.photo_names()) > 1
    assert "nobody expected this" in ui.message
    window.close()
    aside = next(path for path in settings.folder.glob("last-*.vitviz"))
    assert session_file.read(aside) == last


@pytest.fixture
def slow_look(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """What is missing of a session is not known until this is set."""
    may_go_on, look = threading.Event(), KnownFiles.missing_of

    def slow(files: KnownFiles, *about: Any) -> object:
        assert may_go_on.wait(30)
        return look(files, *about)

    monkeypatch.setattr(KnownFiles, "missing_of", slow)
    yield may_go_on
    may_go_on.set()


@pytest.fixture
def last(settings: Settings, photos: list[Path]) -> Session:
    """Of last time: one photo."""
    session = Session((PhotoRef(str(photos[0])),), model="vitviz-small-v1")
    LastSession(settings.folder).keep(session)
    return session


def test_the_window_is_not_held_by_last_time_s_session(
    make_window: Callable[..., Window], settings: Settings, last: Session,
    slow_look: threading.Event,
) -> None:  # fmt: skip
    window = make_window()
    window.begin([])
    assert window.job_view.isVisible()
    assert "last time" in window.job_view.title.text()
    window.close()
    slow_look.set()
    assert LastSession(settings.folder).read() == last, "a window without it does not replace it"


def test_what_is_opened_meanwhile_is_opened_beside_last_time_s_session(
    make_window: Callable[..., Window], qtbot: QtBot, photos: list[Path], last: Session,
    slow_look: threading.Event,
) -> None:  # fmt: skip
    ui = Driver(make_window(), qtbot)
    ui.window.begin([])
    ui.window.documents.add([photos[1]])
    slow_look.set()
    ui.settle()
    assert ui.photo_names() == ["photo0.png", "photo1.png"]
    assert ui.session.selected == 1


def test_who_does_not_wait_for_last_time_s_session_can_open_it_later(
    make_window: Callable[..., Window], qtbot: QtBot, settings: Settings, last: Session,
    slow_look: threading.Event,
) -> None:  # fmt: skip
    ui = Driver(make_window(), qtbot)
    ui.window.begin([])
    ui.window.jobs.cancel()
    slow_look.set()
    ui.settle()
    assert "panda.jpg" in ui.photo_names(), "the samples, as without it"
    aside = next(path for path in settings.folder.glob("last-*.vitviz"))
    assert str(aside) in ui.message
    ui.answer_banner("Open It")
    ui.settle()
    assert ui.photo_names() == ["photo0.png"]
    ui.window.close()
    assert session_file.read(aside) == last


def test_a_session_does_not_wait_for_an_export_and_photos_wait_for_a_session(
    ui: Driver, photos: list[Path], tmp_path: Path
) -> None:
    path, may_go_on = tmp_path / "one.vitviz", threading.Event()
    session_file.save(replace(ui.session, photos=ui.session.photos[:1], selected=0), path)
    ui.window.jobs.begin(Job("Exporting", lambda _: may_go_on.wait(30)))
    ui.window.documents.add([path, photos[2]])
    ui.until(lambda: ui.photo_names() == ["photo0.png", "photo2.png"])
    may_go_on.set()


def test_a_window_closed_before_it_began_loses_nothing(
    make_window: Callable[..., Window], settings: Settings, photos: list[Path]
) -> None:
    last = Session((PhotoRef(str(photos[0])),), model="vitviz-small-v1")
    LastSession(settings.folder).keep(last)
    make_window().close()
    assert LastSession(settings.folder).read() == last
    assert [name for name in names_in(settings.folder) if name.startswith("last")] == [
        "last.vitviz"
    ]


def test_the_last_three_are_kept(
    make_window: Callable[..., Window], qtbot: QtBot, settings: Settings, photos: list[Path]
) -> None:
    for name in photos:
        driver = Driver(make_window(), qtbot)
        driver.begin([name])
        driver.window.close()
    kept = [settings.folder / f"last{part}.vitviz" for part in ("", ".1", ".2")]
    names = [Path(session_file.read(path).photos[0].path) for path in kept]
    assert names == photos[::-1]


# Private, and not piling up


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_nobody_else_may_look(ui: Driver) -> None:
    image = QImage(9, 5, QImage.Format.Format_RGB32)
    image.fill(200)
    data = QMimeData()
    data.setImageData(image)
    ui.window.documents.paste(data)
    ui.until(lambda: not ui.window.jobs.is_busy)
    ui.settle()
    folder = ui.window.settings.folder
    ui.window.settings.remember("figure", ".pdf")
    ui.window.close()
    for path in (folder, *folder.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    assert {"vitviz.ini", "last.vitviz", "pasted"} <= set(names_in(folder))


def test_a_pixmap_can_be_pasted_and_a_picture_without_pixels_cannot(ui: Driver) -> None:
    data = QMimeData()
    pixmap = QPixmap(11, 7)
    pixmap.fill(0xFF2211)
    data.setImageData(pixmap)
    ui.window.documents.paste(data)
    ui.until(lambda: not ui.window.jobs.is_busy)
    ui.settle()
    assert ui.photo_names()[-1].startswith("pasted-")
    pasted = names_in(ui.window.settings.pasted)
    nothing = QMimeData()
    nothing.setImageData(QImage())
    ui.window.documents.paste(nothing)
    assert "no pixels" in ui.message or "no photo" in ui.message
    assert names_in(ui.window.settings.pasted) == pasted


def test_pasted_pictures_that_nothing_names_go(
    make_window: Callable[..., Window], qtbot: QtBot, settings: Settings, photos: list[Path],
    tmp_path: Path,
) -> None:  # fmt: skip
    folder = settings.pasted
    folder.mkdir(parents=True)
    names = {what: folder / f"pasted-{number:012x}.png" for number, what in enumerate(
        ("old", "new", "last", "recent", "in a recent session", "saved once"))}  # fmt: skip
    for what, path in names.items():
        path.write_bytes(photos[0].read_bytes())
        if what != "new":
            os.utime(path, ns=(0, path.stat().st_mtime_ns - (KEPT_S + 9) * 10**9))
    mine = folder / "mine.png"
    mine.write_bytes(b"")
    os.utime(mine, (1, 1))
    LastSession(settings.folder).keep(Session((PhotoRef(str(names["last"])),)))
    settings.add_recent("photos", str(names["recent"]))
    saved = tmp_path / "saved.vitviz"
    session_file.save(Session((PhotoRef(str(names["in a recent session"])),)), saved)
    settings.add_recent("sessions", str(saved))
    settings.keep_pictures(Session((PhotoRef(str(names["saved once"])),)))
    settings._settings.sync()
    driver = Driver(make_window(), qtbot)
    driver.begin([photos[0]])
    left = {what for what, path in names.items() if path.exists()}
    assert left == names.keys() - {"old"}
    assert mine.exists()


@pytest.mark.shared
@pytest.mark.parametrize("name", ["unc.vitviz", "long_name.vitviz"])
def test_attacks(ui: Driver, shared: Path, asked: list[str], name: str) -> None:
    ui.window.documents.add([shared / "data" / "attacks" / name])
    ui.until(lambda: ui.message)
    assert ui.window.controller.opened is None
    assert "Not found" in ui.message or "not opened" in ui.message
    assert far_in(asked) == []

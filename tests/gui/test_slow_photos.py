"""Photos that are slow to decode, and what else cannot be interrupted, do not hold the window."""

from __future__ import annotations

import io
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.gui.conftest import Driver
from vitviz.gui.threads import desk
from vitviz.gui.window import Window
from vitviz.imaging import child


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A photo whose decoding takes longer than a test may, in a small file."""
    buffer = io.BytesIO()
    Image.new("L", (4000, 3000), 90).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data.rindex(b"\xff\xda")
    path = tmp_path / "slow.jpg"
    path.write_bytes(data[:-2] + data[last:-2] * 300 + data[-2:])
    return path


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """Those that were begun."""
    begun: list[subprocess.Popen[bytes]] = []
    begin = subprocess.Popen

    def remembered(*args: object, **options: object) -> subprocess.Popen[bytes]:
        begun.append(begin(*args, **options))  # type: ignore[call-overload]
        return begun[-1]

    monkeypatch.setattr(child.subprocess, "Popen", remembered)
    return begun


def test_closing_the_window_ends_what_decodes(
    ui: Driver, slow: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    ui.window.documents.add([slow])
    ui.until(lambda: children)
    ui.window.close()
    for thread in threading.enumerate():
        if thread.name == "vitviz-photo-child":
            thread.join()
    assert [one.poll() is None for one in children] == [False] * len(children)


def test_closing_a_slow_photo_ends_its_decoding(
    ui: Driver, slow: Path, children: list[subprocess.Popen[bytes]]
) -> None:
    before = ui.photo_names()
    ui.window.documents.add([slow])
    ui.until(lambda: children)
    ui.press("file.close")
    ui.until(lambda: all(one.poll() is not None for one in children))
    ui.settle()
    assert ui.photo_names() == before


@pytest.fixture
def blocked(
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[threading.Event, threading.Event]]:
    """Opening photos blocks, as on a dead network mount: set once it does; ends it when set."""
    goes_on, reached = threading.Event(), threading.Event()

    def block(*args: object, **options: object) -> None:
        reached.set()
        goes_on.wait()
        raise OSError("the mount came back")

    monkeypatch.setattr("vitviz.engine.photos.load", block)
    yield reached, goes_on
    goes_on.set()


def test_the_window_closes_although_a_thread_cannot_be_ended(
    blocked: tuple[threading.Event, threading.Event],
    make_window: Callable[..., Window],
    photos: list[Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vitviz.gui.window.CLOSING_S", 0.05)
    window = make_window()
    window.documents.add(photos[:1])
    reached, goes_on = blocked
    assert reached.wait(60)
    assert window.close()
    left = [thread for thread in threading.enumerate() if thread.name.startswith("vitviz")]
    assert left
    ends: list[int] = []
    monkeypatch.setattr(desk.os, "_exit", ends.append)
    desk.end_threads(3)
    assert ends == [3], "Python would take down what the thread uses"
    goes_on.set()
    for thread in left:
        thread.join()


def test_a_program_without_threads_ends_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk.os, "_exit", lambda code: pytest.fail("not needed"))
    desk.end_threads(0)

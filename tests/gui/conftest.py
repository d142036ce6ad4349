"""A window that runs for real, with the bundled model, on small photos made here."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog
from pytestqt.qtbot import QtBot

from vitviz.engine import engine as session_engine
from vitviz.engine.engine import Engine
from vitviz.engine.requests import ExplainRequest
from vitviz.gui import app as gui_app
from vitviz.gui.settings import Preferences, Settings
from vitviz.gui.views.compare.view import CompareView
from vitviz.gui.views.heads.view import HeadsView
from vitviz.gui.views.look import LookView
from vitviz.gui.views.patches.view import PatchesView
from vitviz.gui.window import FIRST_SIZE, Window
from vitviz.models.loading import load_model

from .finetune_runs import Pretended

WAIT_MS = 60_000


@pytest.fixture(scope="session")
def qapp() -> QApplication:
    """The program's own application, so that the tests see what a user sees."""
    return gui_app.application(["vitviz"])


@pytest.fixture(scope="session")
def _one_model() -> Callable[..., object]:
    """Each model is loaded once for all windows of a run."""
    return functools.lru_cache(maxsize=4)(lambda model, device: load_model(model, device))


@pytest.fixture(autouse=True)
def _models_are_loaded_once(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = request.getfixturevalue("_one_model")
    bundled = "vitviz-small"

    def load(model: str, device: str, progress: object, said: object = None) -> object:
        if str(model).startswith(bundled):
            return once(model, device)
        return load_model(model, device, progress, said)  # type: ignore[arg-type]

    monkeypatch.setattr(session_engine, "load_model", load)


@pytest.fixture(scope="session")
def _remembered() -> Engine:
    """Whose traces and explanations all windows of a run share: most look at the same photos.

    A test that is about work being done lets go of them first (``engine.forget``).
    """
    return Engine()


@pytest.fixture(autouse=True)
def _maps_are_not_tested_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes hundreds of forwards; tests that are about it ask for it."""
    monkeypatch.setattr("vitviz.gui.trust.watch.MOST_AUTOMATIC", -1.0)


@pytest.fixture(autouse=True)
def _answers_are_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes some hundredths of a second for each window; tests that are about it ask for it."""
    monkeypatch.setattr("vitviz.gui.window.REMEMBERING_S", -1.0)


def draw(path: Path, width: int, height: int, seed: int = 0) -> Path:
    """A photo of smooth colours, its size as given; never the same for two seeds."""
    small = np.random.default_rng(seed).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Three photos, none of them square."""
    folder = tmp_path / "photos"
    folder.mkdir()
    sizes = ((90, 60), (64, 100), (120, 50))
    return [
        draw(folder / f"photo{i}.png", width, height, seed=i)
        for i, (width, height) in enumerate(sizes)
    ]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "settings")


def timers_left(window: Window) -> list[QTimer]:
    return [timer for timer in window.findChildren(QTimer) if timer.isActive()]


def threads_left() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("vitviz")]


@pytest.fixture
def make_window(
    qtbot: QtBot, settings: Settings, _remembered: Engine
) -> Iterator[Callable[..., Window]]:
    """Makes windows on the same settings; each is closed, and must leave nothing running."""
    made: list[Window] = []

    def make(**preferences: object) -> Window:
        if preferences:
            settings.set_preferences(replace(Preferences(), **preferences))  # type: ignore[arg-type]
        window = Window(Settings(settings.folder), FIRST_SIZE)
        made.append(window)
        engine = window.service.engine
        engine._traces, engine._explanations = _remembered._traces, _remembered._explanations
        window.show()
        qtbot.waitExposed(window)
        return window

    yield make
    for window in made:
        if not window.close():  # it asks once where that pauses a training
            window.close()
    qtbot.waitUntil(lambda: threads_left() == [], timeout=WAIT_MS)  # a closed dialog's, too
    for window in made:
        qtbot.waitUntil(lambda window=window: not timers_left(window), timeout=5000)
        window.deleteLater()
    # What Qt still has to say about a window that goes is part of the test.
    QApplication.sendPostedEvents(None, 0)
    QApplication.processEvents()


class Driver:
    """A window and the hands of its user.

    Args:
        window: Shown, with or without photos.
        qtbot: Waits.
    """

    def __init__(self, window: Window, qtbot: QtBot) -> None:
        self.window = window
        self.qtbot = qtbot
        self.requests: list[ExplainRequest] = []
        answer = window.service.engine.answer

        def watched(request: ExplainRequest, progress: object) -> object:
            self.requests.append(request)
            return answer(request, progress)  # type: ignore[arg-type]

        window.service.engine.answer = watched  # type: ignore[method-assign,assignment]

    def begin(self, paths: list[Path]) -> None:
        self.window.begin(paths)
        self.settle()

    @property
    def is_settled(self) -> bool:
        """What is chosen is what is shown."""
        session, shown = self.window.store.session, self.window.controller.shown_cell
        if self.window.jobs.is_busy:
            return False
        if session.photo is None:
            return shown is None and not self.window.service.is_busy
        return (
            shown is not None
            and shown.request.photo == session.photo
            and not self.window.service.is_busy
        )

    def settle(self) -> None:
        self.qtbot.waitUntil(lambda: self.is_settled, timeout=WAIT_MS)

    def until(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=WAIT_MS)

    @property
    def look(self) -> LookView:
        return self.window.views.view("look")

    @property
    def heads(self) -> HeadsView:
        return self.window.views.view("heads")

    @property
    def patches(self) -> PatchesView:
        return self.window.views.view("patches")

    @property
    def compare(self) -> CompareView:
        return self.window.views.view("compare")

    @property
    def session(self):
        return self.window.store.session

    @property
    def cell(self):
        cell = self.window.controller.shown_cell
        assert cell is not None
        return cell

    @property
    def message(self) -> str:
        """All that the banner says, or ""."""
        return self.window.banner.words

    def press(self, name: str) -> None:
        """The command's own shortcut, typed on the canvas."""
        action = self.window.actions_by_id[name]
        combination = action.shortcut()[0]
        self.qtbot.keyClick(self.window.canvas, combination.key(), combination.keyboardModifiers())

    def do(self, name: str) -> None:
        """The command, chosen in the menu."""
        self.window.actions_by_id[name].trigger()

    def answer_banner(self, title: str) -> None:
        button = next(b for b in self.window.banner.buttons if b.text() == title)
        self.qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    def patch_point(self, row: int, col: int) -> QPoint:
        """The middle of a patch, in canvas pixels."""
        box = self.cell.geometry.patch_box(row, col)
        x, y = self.window.canvas.viewport.to_widget(*box.centre)
        return QPointF(x, y).toPoint()

    def click_patch(self, row: int, col: int) -> None:
        self.qtbot.mouseClick(
            self.window.canvas, Qt.MouseButton.LeftButton, pos=self.patch_point(row, col)
        )

    def hover_patch(self, row: int, col: int) -> None:
        self.move_to(self.patch_point(row, col))

    def move_to(self, point: QPoint) -> None:
        """Moves the pointer over the canvas."""
        canvas, none = self.window.canvas, Qt.MouseButton.NoButton
        at, everywhere = QPointF(point), QPointF(canvas.mapToGlobal(point))
        keys = Qt.KeyboardModifier.NoModifier
        # QTest.mouseMove moves the real cursor, which a screenless platform does not have.
        event = QMouseEvent(QEvent.Type.MouseMove, at, everywhere, none, none, keys)
        QApplication.sendEvent(canvas, event)

    def photo_names(self) -> list[str]:
        return [Path(ref.path).name for ref in self.session.photos]

    def wait_for_timers(self) -> None:
        self.until(lambda: not timers_left(self.window))


@pytest.fixture
def empty(make_window: Callable[..., Window], qtbot: QtBot) -> Driver:
    """A window that has not begun: no photos, no model."""
    return Driver(make_window(), qtbot)


@pytest.fixture
def ui(empty: Driver, photos: list[Path]) -> Driver:
    """A window on three photos, the first one shown with its map."""
    empty.begin(photos)
    return empty


def clock_of(driver: Driver) -> Callable[[float], None]:
    """Takes over the clock that decides which changes are one undo step; call it to move on."""
    now = [time.monotonic()]
    driver.window.store.clock = lambda: now[0]

    def move_on(seconds: float) -> None:
        now[0] += seconds

    return move_on


@pytest.fixture
def dialogs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Dialogs answer themselves with Cancel; their kinds in the order they were opened.

    The file dialogs answer with nothing chosen.
    """
    seen: list[str] = []

    def cancelled(dialog: QDialog) -> QDialog.DialogCode:
        seen.append(type(dialog).__name__)
        return QDialog.DialogCode.Rejected

    monkeypatch.setattr(QDialog, "exec", cancelled)
    for name in ("getOpenFileName", "getOpenFileNames", "getSaveFileName"):
        empty: object = [] if name.endswith("Names") else ""
        monkeypatch.setattr(QFileDialog, name, lambda *_, empty=empty: (empty, ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "")
    return seen


@pytest.fixture
def compare_view(qtbot: QtBot) -> CompareView:
    """The Compare view alone, without a window around it."""
    widget = CompareView()
    qtbot.addWidget(widget)
    widget.resize(1100, 760)
    widget.show()
    return widget


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Two classes, six photos each."""
    folder = tmp_path / "animals"
    for label, name in enumerate(("cats", "dogs")):
        (folder / name).mkdir(parents=True)
        for number in range(6):
            draw(folder / name / f"{number}.png", 40, 28, seed=10 * label + number)
    return folder


@pytest.fixture
def pretended(monkeypatch: pytest.MonkeyPatch) -> Pretended:
    """Fine-tunings do as they are told."""
    return Pretended(monkeypatch)

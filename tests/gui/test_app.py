"""The window is there before any work begins."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from vitviz.gui.app import FirstPaint


class Shown(QMainWindow):
    """As much of the window as ``FirstPaint`` needs."""

    def __init__(self) -> None:
        super().__init__()
        self.canvas = QWidget()
        self.setCentralWidget(self.canvas)


class Paints(QObject):
    """Counts the paint events of a widget."""

    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.Paint
        return False


def test_work_begins_once_and_after_the_first_paint(qtbot: QtBot) -> None:
    window, paints, seen = Shown(), Paints(), []
    qtbot.addWidget(window)
    window.canvas.installEventFilter(paints)
    first = FirstPaint(window)  # type: ignore[arg-type]
    first.done.connect(lambda: seen.append(paints.count))
    assert seen == []
    with qtbot.waitSignal(first.done):
        window.show()
    window.canvas.repaint()
    assert seen == [1]


def test_a_window_that_is_never_painted_begins_all_the_same(qtbot: QtBot, monkeypatch) -> None:
    monkeypatch.setattr(FirstPaint, "WAIT_MS", 1)
    window = Shown()
    qtbot.addWidget(window)
    with qtbot.waitSignal(FirstPaint(window).done):  # type: ignore[arg-type]
        pass
    assert not window.isVisible()

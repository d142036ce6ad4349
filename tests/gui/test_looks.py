"""How it looks: popups of completers, marks of the pointer, menus that say what is on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QMouseEvent, QPalette
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from vitviz.gui import theme
from vitviz.gui.canvas.canvas import Canvas
from vitviz.gui.views.compare.links import Links
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.load import from_pixels
from vitviz.maps.style import Style

from .conftest import Driver
from .test_dialogs import contrast


@pytest.mark.parametrize("name", ["light", "dark"])
def test_what_completes_a_path_can_be_read(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path, name: theme.Theme
) -> None:
    """Its list is a window of its own: what is not painted there is black."""
    theme.apply(qapp, name)
    for number in range(3):
        (tmp_path / f"abc{number}.png").write_bytes(b"")
    dialog = QFileDialog(None, "Open", str(tmp_path))
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitExposed(dialog)
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    line.setFocus()
    qtbot.waitUntil(line.hasFocus)
    qtbot.keyClicks(line, "abc")
    popup = line.completer().popup()
    qtbot.waitUntil(popup.isVisible)
    pixels = popup.grab().toImage()
    ground = pixels.pixelColor(popup.width() - 20, popup.height() // 2).name()
    text = popup.palette().color(QPalette.ColorRole.Text).name()
    assert contrast(text, ground) >= 7
    popup.hide()


GEOMETRY = Geometry((60, 90), (48, 80), (0, 0), (48, 80), 16)


def canvas(qtbot: QtBot, seed: int) -> Canvas:
    widget = Canvas()
    qtbot.addWidget(widget)
    widget.resize(300, 220)
    pixels = np.random.default_rng(seed).integers(0, 255, (60, 90, 3), dtype=np.uint8)
    widget.set_photo(from_pixels(pixels))
    widget.show_map(None, GEOMETRY, (0.0, 1.0), Style())
    widget.show()
    qtbot.waitExposed(widget)
    return widget


def move(widget: Canvas, x: float, y: float) -> None:
    at, none = QPointF(x, y), Qt.MouseButton.NoButton
    keys = Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(widget, QEnterEvent(at, at, at))
    QApplication.sendEvent(widget, QMouseEvent(QEvent.Type.MouseMove, at, at, none, none, keys))


def test_no_pane_keeps_a_mark_once_the_pointer_has_left(qtbot: QtBot) -> None:
    """Also where the pane under the pointer got another photo meanwhile."""
    first, second = canvas(qtbot, 0), canvas(qtbot, 1)
    links = Links()
    links.set_canvases((first, second))
    move(first, 150, 110)
    assert second.cursor_patch is not None
    first.set_photo(from_pixels(np.zeros((60, 90, 3), np.uint8)))
    QApplication.sendEvent(first, QEvent(QEvent.Type.Leave))
    assert (first.cursor_patch, second.cursor_patch) == (None, None)


def test_a_pane_that_goes_leaves_no_mark_in_others(qtbot: QtBot) -> None:
    first, second = canvas(qtbot, 0), canvas(qtbot, 1)
    links = Links()
    links.set_canvases((first, second))
    move(first, 150, 110)
    assert second.cursor_patch is not None
    links.set_canvases((second,))
    assert second.cursor_patch is None


def test_the_menu_shows_which_view_is_open(ui: Driver) -> None:
    def checked() -> list[str]:
        names = ("look", "heads", "patches", "compare")
        return [name for name in names if ui.window.actions_by_id[f"view.{name}"].isChecked()]

    assert checked() == ["look"]
    ui.do("view.heads")
    ui.settle()
    assert checked() == ["heads"]
    ui.do("view.heads")
    assert checked() == ["heads"], "choosing it again changes nothing"

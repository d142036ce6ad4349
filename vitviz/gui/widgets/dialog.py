"""Dialogs that open within the screen."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QDialog

FRAME = QSize(16, 48)
"""Room for what the desktop draws around a window, in pixels."""

RESIZED = Qt.WidgetAttribute.WA_Resized

ENDLESS = QSize(16_000, 16_000)


def room_on(screen: QScreen) -> QSize:
    """How large a window can be that is seen whole; without limit where there is no real screen."""
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return ENDLESS
    return screen.availableSize() - FRAME


class Dialog(QDialog):
    """A dialog that opens no larger than the screen has room for.

    A small laptop whose desktop is enlarged by a quarter has 1093 x 614 pixels: buttons below its
    edge could not be pressed.
    """

    def setVisible(self, visible: bool) -> None:
        # Qt itself finds a size for those that have none, of two thirds of the screen at most.
        if visible and not self.isVisible() and self.testAttribute(RESIZED):
            fitting = self.size().boundedTo(room_on(self.screen()))
            if fitting != self.size():
                self.resize(fitting)
        super().setVisible(visible)

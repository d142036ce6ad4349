"""Dialogs that open within the screen."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QDialog

FRAME = QSize(16, 48)
"""Room for what the desktop draws around a window, in pixels."""

RESIZED = Qt.WidgetAttribute.WA_Resized


def room_on(screen: QScreen) -> QSize:
    """How large a window can be that is seen whole, in pixels."""
    return screen.availableSize() - FRAME


def has_edges() -> bool:
    """Whether what is beyond the screen's edge is lost; a picture of a dialog is taken without."""
    return QGuiApplication.platformName() not in ("offscreen", "minimal")


class Dialog(QDialog):
    """A dialog that opens no larger than the screen has room for.

    A small laptop whose desktop is enlarged by a quarter has 1093 x 614 pixels: buttons below its
    edge could not be pressed.
    """

    def setVisible(self, visible: bool) -> None:
        # Qt itself finds a size for those that have none, of two thirds of the screen at most.
        if visible and not self.isVisible() and self.testAttribute(RESIZED) and has_edges():
            fitting = self.size().boundedTo(room_on(self.screen()))
            if fitting != self.size():
                self.resize(fitting)
        super().setVisible(visible)

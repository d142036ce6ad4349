"""How large the photo is shown: told in the status bar, and chosen there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPointF
from PySide6.QtWidgets import QMenu, QToolButton

from vitviz.gui.canvas.canvas import Canvas

ZOOMS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class ZoomButton(QToolButton):
    """Says the zoom of the canvas in use; its menu has others.

    Args:
        canvas: The one in use.
    """

    def __init__(self, canvas: Callable[[], Canvas]) -> None:
        super().__init__()
        self._canvas = canvas
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setObjectName("flat")
        self.setAccessibleName("Zoom")
        self.setToolTip("Zoom: Ctrl and + or -, the wheel over the photo; F fits it")
        menu = QMenu(self)
        menu.addAction("Fit").triggered.connect(self._fit)
        menu.addSeparator()
        for zoom in ZOOMS:
            action = menu.addAction(f"{100 * zoom:.0f} %")
            action.triggered.connect(partial(self._zoom, zoom))
        self.setMenu(menu)
        self.show_zoom()

    def show_zoom(self, *_: object) -> None:
        """Shows the zoom as it is now."""
        canvas = self._canvas()
        there = canvas.photo is not None
        self.setText(f"{'Fit · ' if canvas.is_fitted else ''}{100 * canvas.zoom:.0f} %")
        self.setVisible(there)

    def _fit(self) -> None:
        self._canvas().fit()
        self.show_zoom()

    def _zoom(self, zoom: float, *_: object) -> None:
        canvas = self._canvas()
        canvas.zoom_to(zoom, QPointF(canvas.rect().center()))
        self.show_zoom()

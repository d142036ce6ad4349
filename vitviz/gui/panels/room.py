"""Room for the photo: panels fold away where the window is narrow, and all of them when asked."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPalette
from PySide6.QtWidgets import QDockWidget, QMainWindow, QToolBar, QToolButton

from vitviz.gui.widgets.text import set_tooltip

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea

NARROW = {LEFT: 1000, RIGHT: 820}
"""Below this width of the window, in pixels, the panels of a side fold away."""


class PanelRoom(QObject):
    """Which panels there is room for, with a rail at each side that opens those that are closed.

    Args:
        window: That the docks belong to.
        docks: All of them.

    Signals:
        cleared_changed(): The deck was cleared, or is not any more.
    """

    cleared_changed = Signal()

    def __init__(self, window: QMainWindow, docks: Iterable[QDockWidget]) -> None:
        super().__init__(window)
        self._window = window
        self._docks = list(docks)
        self._narrow: frozenset[Qt.DockWidgetArea] = frozenset()
        self._folded: dict[Qt.DockWidgetArea, list[QDockWidget]] = {}
        self._away: list[QDockWidget] | None = None
        self.rails = {LEFT: Rail("left"), RIGHT: Rail("right")}
        for side, area in ((LEFT, Qt.ToolBarArea.LeftToolBarArea),
                           (RIGHT, Qt.ToolBarArea.RightToolBarArea)):  # fmt: skip
            window.addToolBar(area, self.rails[side])
        for dock in self._docks:
            dock.visibilityChanged.connect(self._show_rails)
            dock.dockLocationChanged.connect(self._show_rails)
        self._show_rails()

    def end(self) -> None:
        """Does not follow the docks any more: they go after the window that they belong to."""
        for dock in self._docks:
            dock.visibilityChanged.disconnect(self._show_rails)
            dock.dockLocationChanged.disconnect(self._show_rails)
        self._docks = []

    @property
    def is_cleared(self) -> bool:
        """All panels are hidden."""
        return self._away is not None

    def fit(self) -> None:
        """Folds panels away once the window has become too narrow for them, and out again."""
        width = self._window.width()
        narrow = frozenset(side for side, least in NARROW.items() if width < least)
        if narrow == self._narrow or self.is_cleared:
            return
        for side in narrow - self._narrow:
            there = [dock for dock in self._of(side) if not dock.isHidden()]
            self._folded[side] = there
            _set_shown(there, False)
        for side in self._narrow - narrow:
            _set_shown(self._folded.pop(side, []), True)
        self._narrow = narrow
        self._show_rails()

    def set_cleared(self, cleared: bool) -> None:
        """Hides all panels, or shows those that were there."""
        if cleared == self.is_cleared:
            return
        if cleared:
            self._away = [dock for dock in self._docks if not dock.isHidden()]
            _set_shown(self._away, False)
        else:
            back, self._away = self._away or [], None
            _set_shown(back, True)
            self.fit()
        self._show_rails()
        self.cleared_changed.emit()

    def release(self) -> None:
        """Shows what is folded away, as it has to be remembered."""
        self.set_cleared(False)
        for docks in self._folded.values():
            _set_shown(docks, True)
        self._folded, self._narrow = {}, frozenset()

    def _of(self, side: Qt.DockWidgetArea) -> list[QDockWidget]:
        return [
            dock for dock in self._docks
            if self._window.dockWidgetArea(dock) == side and not dock.isFloating()
        ]  # fmt: skip

    def _show_rails(self) -> None:
        for side, rail in self.rails.items():
            docks = [] if self.is_cleared else self._of(side)
            rail.show_docks(docks if any(dock.isHidden() for dock in docks) else [])


class Rail(QToolBar):
    """A strip at a side of the window with a button for each panel of that side.

    Args:
        side: "left" or "right".
    """

    def __init__(self, side: str) -> None:
        super().__init__(f"Panels at the {side}")
        self.setObjectName(f"rail.{side}")
        self.setProperty("rail", True)
        self.setMovable(False)
        self.setFloatable(False)
        self.toggleViewAction().setVisible(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self._shown: list[QDockWidget] = []
        self.hide()

    def show_docks(self, docks: list[QDockWidget]) -> None:
        """Has a button for each; hidden where there is none."""
        if docks != self._shown:
            self._shown = docks
            self.clear()
            for dock in docks:
                button = RailButton(dock)
                self.addWidget(button)
        self.setVisible(bool(docks))

    @property
    def buttons(self) -> list[RailButton]:
        return [one for one in self.findChildren(RailButton) if not one.isHidden()]


class RailButton(QToolButton):
    """Opens and closes a panel; its name stands upright.

    Args:
        dock: The panel's.
    """

    PAD = 10

    def __init__(self, dock: QDockWidget) -> None:
        super().__init__()
        self.setDefaultAction(dock.toggleViewAction())
        set_tooltip(self, f"Open or close the {dock.windowTitle()} panel")
        self.setAccessibleName(f"{dock.windowTitle()} panel")

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        return QSize(metrics.height() + 10,
                     metrics.horizontalAdvance(self.text()) + 2 * self.PAD)  # fmt: skip

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        palette, role = self.palette(), QPalette.ColorRole
        lit = self.isChecked() or self.underMouse() or self.hasFocus()
        if lit:
            painter.setPen(palette.color(role.Highlight) if self.hasFocus() else Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(role.Button))
            painter.drawRoundedRect(self.rect().adjusted(2, 1, -3, -2), 4, 4)
        painter.setPen(palette.color(role.Text if lit else role.PlaceholderText))
        painter.translate(0, self.height())
        painter.rotate(-90)
        painter.drawText(
            0, 0, self.height(), self.width(), Qt.AlignmentFlag.AlignCenter, self.text()
        )
        painter.end()


def _set_shown(docks: Iterable[QDockWidget], shown: bool) -> None:
    for dock in docks:
        dock.setVisible(shown)

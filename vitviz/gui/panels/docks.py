"""The panels around the photo, and the docks they are in."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer
from PySide6.QtGui import QColor
from PySide6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QScrollArea,
    QToolButton,
    QWidget,
)

from vitviz.gui import theme
from vitviz.gui.panels.appearance import AppearancePanel
from vitviz.gui.panels.layers import LayersPanel
from vitviz.gui.panels.method import MethodPanel
from vitviz.gui.panels.model import ModelPanel
from vitviz.gui.panels.photos import PhotosPanel
from vitviz.gui.panels.predictions import PredictionsPanel
from vitviz.gui.panels.room import PanelRoom
from vitviz.gui.scene import Part
from vitviz.gui.widgets.text import PlainLabel, set_tooltip

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea

MOST_FOR_LAYERS = 0.25
"""Of the window's height."""

SMALLER = 6
"""Pixels less than they were given last: the user made the layers smaller."""

LAYOUT_VERSION = 2
"""Saved layouts of another version are not restored."""


class PanelDocks:
    """The panels and their docks, which the user may move, float, close and reset.

    Args:
        window: The main window they are docked to.
    """

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
        self._headings: list[Heading] = []
        self._layers_given = 0
        self.photos = PhotosPanel()
        self.model = ModelPanel()
        self.method = MethodPanel()
        self.appearance = AppearancePanel()
        self.predictions = PredictionsPanel()
        self.layers = LayersPanel()
        self.docks = [
            self._dock("Photos", self.photos, LEFT),
            self._dock("Model", scrolling(self.model), LEFT),
            self._dock("Method", scrolling(self.method), RIGHT),
            self._dock("Appearance", scrolling(self.appearance), RIGHT),
            self._dock("Predictions", scrolling(self.predictions), RIGHT),
            self._dock("Layers", self.layers, BOTTOM),
        ]
        self.plus = flat("Open photos", "Open photos (Ctrl+O); drop files and folders anywhere")
        self.plus.clicked.connect(self.photos.open_requested)
        self._headings[0].add(self.plus)
        self._later = QTimer(window)  # the layout that this belongs to is still being made
        self._later.setSingleShot(True)
        self._later.setInterval(0)
        self._later.timeout.connect(self._fit_layers)
        self.layers.filling_changed.connect(lambda _: self._later.start())
        self.room = PanelRoom(window, self.docks)
        # The side panels reach from top to bottom; the filmstrip stands under the photo.
        for corner, area in (
            (Qt.Corner.BottomLeftCorner, LEFT),
            (Qt.Corner.BottomRightCorner, RIGHT),
        ):
            window.setCorner(corner, area)

    def _dock(self, title: str, widget: QWidget, area: Qt.DockWidgetArea) -> QDockWidget:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(f"panel.{title.lower()}")
        dock.setWidget(widget)
        if area == BOTTOM:
            dock.setTitleBarWidget(QWidget())
        else:
            heading = Heading(title)
            heading.closing.clicked.connect(dock.close)
            dock.setTitleBarWidget(heading)
            self._headings.append(heading)
        self._window.addDockWidget(area, dock)
        return dock

    @property
    def all(self) -> tuple[Part, ...]:
        """The panels, in the order they are shown."""
        return (self.photos, self.model, self.method, self.appearance, self.predictions,
                self.layers)  # fmt: skip

    def set_colours(self, colour: QColor, quiet: QColor) -> None:
        """Draws the symbols in these colours."""
        self.layers.set_icons(theme.icon("play", colour), theme.icon("pause", colour))
        self.photos.foot.set_icon(theme.icon("list", colour))
        self.plus.setIcon(theme.icon("plus", colour))
        for heading in self._headings:
            heading.closing.setIcon(theme.icon("close", quiet))

    def menu(self) -> QMenu:
        """View > Panels."""
        menu = QMenu()
        for dock in self.docks:
            menu.addAction(dock.toggleViewAction())
        return menu

    def reveal(self, panel: QWidget) -> None:
        """Opens the dock that a panel is in, if it is closed."""
        for dock in self.docks:
            if dock.isAncestorOf(panel):
                dock.show()
                dock.raise_()

    def reset(self) -> None:
        """Puts every panel back where it was at the first start."""
        self.room.release()
        for dock, area in zip(self.docks, (LEFT, LEFT, RIGHT, RIGHT, RIGHT, BOTTOM), strict=True):
            dock.setFloating(False)
            self._window.addDockWidget(area, dock)
            dock.show()
        photos, model, method, appearance, predictions, _ = self.docks
        self._window.splitDockWidget(photos, model, Qt.Orientation.Vertical)
        self._window.splitDockWidget(method, appearance, Qt.Orientation.Vertical)
        self._window.splitDockWidget(appearance, predictions, Qt.Orientation.Vertical)
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        width = self._window.width()  # small windows leave more of it to the photo
        self._window.resizeDocks(
            [photos, method], [min(244, width // 5), min(276, width // 4)], horizontal
        )
        self._window.resizeDocks([photos, model], [420, 330], vertical)
        self._window.resizeDocks([method, appearance, predictions], [266, 294, 225], vertical)
        self._layers_given = 0
        self._fit_layers()
        self.room.fit()

    def _fit_layers(self) -> None:
        """Gives the layers the height that they fill, within reason; the rest is the photo's."""
        if self.layers.height() < self._layers_given - SMALLER:  # as the user wants it
            return
        height = min(self.layers.filling, round(MOST_FOR_LAYERS * self._window.height()))
        self._layers_given = height if self._window.isVisible() else 0
        self._window.resizeDocks([self.docks[-1]], [height], Qt.Orientation.Vertical)

    def restore(self, state: QByteArray) -> None:
        """Puts every panel where it was; the first layout where nothing was saved."""
        if state.isEmpty() or not self._window.restoreState(state, LAYOUT_VERSION):
            self.reset()
        self.room.fit()

    def state(self) -> QByteArray:
        self.room.release()
        return self._window.saveState(LAYOUT_VERSION)


class Heading(QWidget):
    """A quiet title to drag a panel by, and a button that closes the panel.

    Args:
        title: Of the panel.
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setObjectName("heading")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._title = PlainLabel(title)
        self.closing = flat(f"Close the {title} panel", f"Close; View > Panels > {title} opens it")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(12, 5, 8, 3)
        self._row.setSpacing(2)
        self._row.addWidget(self._title, 1)
        self._row.addWidget(self.closing)

    def add(self, button: QToolButton) -> None:
        """Puts a button of the panel's before the one that closes it."""
        self._row.insertWidget(self._row.count() - 1, button)


def flat(name: str, tip: str) -> QToolButton:
    """A small button that is nothing but its symbol."""
    button = QToolButton()
    button.setObjectName("flat")
    button.setIconSize(QSize(14, 14))
    button.setAccessibleName(name)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    set_tooltip(button, tip)
    return button


class Scrolling(QScrollArea):
    """Scrolls up and down only, so it is never narrower than what is in it."""

    def minimumSizeHint(self) -> QSize:
        inside = self.widget()
        width = inside.minimumSizeHint().width() if inside is not None else 0
        return QSize(width + self.verticalScrollBar().sizeHint().width(), 60)


def scrolling(widget: QWidget) -> QScrollArea:
    """The widget as wide as there is room, scrolling when there is too little height."""
    area = Scrolling()
    area.setWidget(widget)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    return area

"""Where everything stands: the bar at the top and the panels around the photo."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QByteArray, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMenu,
    QMenuBar,
    QPushButton,
    QScrollArea,
    QToolButton,
    QWidget,
)

from vitviz.gui.panels.appearance import AppearancePanel
from vitviz.gui.panels.layers import LayersPanel
from vitviz.gui.panels.method import MethodPanel
from vitviz.gui.panels.model import ModelPanel
from vitviz.gui.panels.photos import PhotosPanel
from vitviz.gui.panels.predictions import PredictionsPanel
from vitviz.gui.scene import Part, Scene
from vitviz.gui.views.view import ViewKind
from vitviz.gui.widgets.drops import dropped
from vitviz.gui.widgets.text import PlainLabel

LEFT = Qt.DockWidgetArea.LeftDockWidgetArea
RIGHT = Qt.DockWidgetArea.RightDockWidgetArea
BOTTOM = Qt.DockWidgetArea.BottomDockWidgetArea

LAYOUT_VERSION = 1
"""Saved layouts of another version are not restored."""


OPEN_MS = 350
"""How long something is dragged over a view's button before the view opens."""


class Tab(QToolButton):
    """A view's button that opens it when something is dragged over it: it can be dropped there."""

    def __init__(self) -> None:
        super().__init__()
        self.setAcceptDrops(True)
        self._over = QTimer(self)
        self._over.setSingleShot(True)
        self._over.setInterval(OPEN_MS)
        self._over.timeout.connect(self.click)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if dropped(event.mimeData()) is not None:
            event.acceptProposedAction()
            if not self.isChecked():
                self._over.start()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._over.stop()

    def dropEvent(self, event: QDropEvent) -> None:
        self._over.stop()  # dropped too early: nothing is where it was meant to go


class TopBar(QWidget):
    """Menus at the left, the views in the middle, undo, redo and exports at the right.

    Signals:
        tab_chosen(str): The user chose this view.
    """

    tab_chosen = Signal(str)

    def __init__(self, menus: QMenuBar, views: Sequence[ViewKind],
                 undo: QAction, redo: QAction, exports: Sequence[QAction]) -> None:  # fmt: skip
        super().__init__()
        self.setObjectName("topBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._names = [kind.name for kind in views]
        self._group = QButtonGroup(self)
        box = QFrame()
        box.setObjectName("tabs")
        inside = QHBoxLayout(box)
        inside.setContentsMargins(3, 3, 3, 3)
        inside.setSpacing(2)
        for index, kind in enumerate(views):
            button = Tab() if kind.opens_for_drags else QToolButton()
            title = kind.title.replace("&", "")
            button.setText(title)
            button.setCheckable(True)
            button.setAccessibleName(f"{title} view")
            self._group.addButton(button, index)
            inside.addWidget(button)
        self._group.idClicked.connect(self._clicked)
        self.export = QPushButton("Export")
        self.export.setObjectName("export")
        self.export.setProperty("primary", True)
        menu = QMenu(self.export)
        menu.addActions(exports)
        self.export.setMenu(menu)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 5, 12, 5)
        layout.setSpacing(6)
        layout.addWidget(menus, 1, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(box)
        right = QHBoxLayout()
        right.addStretch(1)
        for action in (undo, redo):
            button = QToolButton()
            button.setDefaultAction(action)
            button.setIconSize(QSize(18, 18))
            right.addWidget(button)
        right.addWidget(self.export)
        layout.addLayout(right, 1)

    def show_scene(self, scene: Scene) -> None:
        """Marks the open view; there is something to export, or not."""
        self._group.button(self._names.index(scene.session.tab)).setChecked(True)
        self.export.setEnabled(scene.cell is not None)

    def _clicked(self, index: int) -> None:
        self.tab_chosen.emit(self._names[index])


class Panels:
    """The panels and their docks, which the user may move, float, close and reset.

    Args:
        window: The main window they are docked to.
    """

    def __init__(self, window: QMainWindow) -> None:
        self._window = window
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
        dock.setTitleBarWidget(heading(title) if area != BOTTOM else QWidget())
        self._window.addDockWidget(area, dock)
        return dock

    @property
    def all(self) -> tuple[Part, ...]:
        """The panels, in the order they are shown."""
        return (self.photos, self.model, self.method, self.appearance, self.predictions,
                self.layers)  # fmt: skip

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
        for dock, area in zip(self.docks, (LEFT, LEFT, RIGHT, RIGHT, RIGHT, BOTTOM), strict=True):
            dock.setFloating(False)
            self._window.addDockWidget(area, dock)
            dock.show()
        photos, model, method, appearance, predictions, layers = self.docks
        self._window.splitDockWidget(photos, model, Qt.Orientation.Vertical)
        self._window.splitDockWidget(method, appearance, Qt.Orientation.Vertical)
        self._window.splitDockWidget(appearance, predictions, Qt.Orientation.Vertical)
        horizontal, vertical = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        width = self._window.width()  # small windows leave more of it to the photo
        self._window.resizeDocks(
            [photos, method], [min(244, width // 5), min(276, width // 4)], horizontal
        )
        self._window.resizeDocks([photos, model], [420, 330], vertical)
        self._window.resizeDocks([method, appearance, predictions], [310, 250, 225], vertical)
        self._window.resizeDocks([layers], [150], vertical)

    def restore(self, state: QByteArray) -> None:
        """Puts every panel where it was; the first layout where nothing was saved."""
        if state.isEmpty() or not self._window.restoreState(state, LAYOUT_VERSION):
            self.reset()

    def state(self) -> QByteArray:
        return self._window.saveState(LAYOUT_VERSION)


def heading(title: str) -> PlainLabel:
    """A quiet title to drag a panel by; the View menu closes and opens panels."""
    label = PlainLabel(title)
    label.setObjectName("heading")
    label.setIndent(0)
    return label


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

"""The bar at the top: menus, views, undo, redo and exports."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import (
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QMenu,
    QMenuBar,
    QPushButton,
    QToolButton,
    QWidget,
)

from vitviz.gui.scene import Scene
from vitviz.gui.views.view import ViewKind
from vitviz.gui.widgets import drops

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
        if drops.dropped(event.mimeData()) is not None:
            drops.accept(event)
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

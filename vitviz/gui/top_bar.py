"""The bar at the top: menus, views, undo, redo and exports."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
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
        self.switch = QToolButton()
        self.switch.setObjectName("flat")
        self.switch.setAccessibleName("View")
        self.switch.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._view_menu = QMenu(self.switch)
        for index, kind in enumerate(views):
            action = self._view_menu.addAction(kind.title)
            action.triggered.connect(partial(self._clicked, index))
        self.switch.setMenu(self._view_menu)
        self.switch.hide()
        self._box, self._menus = box, menus
        self._right = QWidget()
        right = QHBoxLayout(self._right)
        right.setContentsMargins(0, 0, 0, 0)
        right.addStretch(1)
        for action in (undo, redo):
            button = QToolButton()
            button.setDefaultAction(action)
            button.setIconSize(QSize(18, 18))
            right.addWidget(button)
        right.addWidget(self.export)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 5, 12, 5)
        layout.setSpacing(6)
        layout.addWidget(menus, 1, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(box)
        layout.addWidget(self.switch)
        layout.addWidget(self._right, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """All menus can be read: where it is narrow, the views are in a menu of their own."""
        menus = self._menus.sizeHint().width()
        beside = self._right.minimumSizeHint().width() + 30
        views = self._box.sizeHint().width()
        folded = self.width() < menus + views + beside
        self._box.setVisible(not folded)
        self.switch.setVisible(folded)
        # Equal parts at both sides would put the views in the middle, and cut the menus.
        room = self.width() - beside - (self.switch.sizeHint().width() if folded else views)
        self._menus.setMinimumWidth(max(0, min(menus, room)))

    def minimumSizeHint(self) -> QSize:
        least = self._right.minimumSizeHint().width() + self.switch.sizeHint().width() + 90
        return QSize(least, super().minimumSizeHint().height())

    def show_scene(self, scene: Scene) -> None:
        """Marks the open view; there is something to export, or not."""
        chosen = self._group.button(self._names.index(scene.session.tab))
        chosen.setChecked(True)
        count = len(scene.session.panes)
        compare = self._group.button(self._names.index("compare"))
        title = f"Compare {count}" if count > 1 else "Compare"
        if compare.text() != title:
            compare.setText(title)
            self._fit()
        if self.switch.text() != chosen.text():
            self.switch.setText(chosen.text())
        self.export.setEnabled(scene.cell is not None and not scene.cell.recalled)

    def _clicked(self, index: int, *_: object) -> None:
        self.tab_chosen.emit(self._names[index])

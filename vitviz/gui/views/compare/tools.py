"""The quiet row above the panes of the Compare view."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QFrame,
    QHBoxLayout,
    QSizePolicy,
    QToolButton,
    QWidget,
)

from vitviz.gui.widgets.form import Choice
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.session.state import MOST_PANES, Arrangement, Compare
from vitviz.wording.headings import letter

ARRANGEMENTS: dict[Arrangement, str] = {
    "panes": "Panes",
    "difference": "Difference",
    "wipe": "Wipe",
}

PAIR_WORDS: dict[Arrangement, tuple[str, str]] = {
    "panes": ("Agreement with", ""),
    "difference": ("", "minus"),
    "wipe": ("", "beside"),
}
"""Before the first chooser, and between both."""

BETWEEN = 14
"""Widget pixels between groups of tools."""


class CompareTools(QWidget):
    """Adding and splitting, linking and sharing, the arrangement and its pair.

    Signals:
        add_requested(): One more pane.
        split_requested(): Several, along something.
        linked_chosen(bool): Zoom, pan, cursor and query go with each other.
        shared_chosen(bool): One range of colours.
        arrangement_chosen(str): "panes", "difference" or "wipe".
        pair_chosen(int, int): Which two panes a difference (second minus first), a wipe, and the
            numbers of agreement are about.
    """

    add_requested = Signal()
    split_requested = Signal()
    linked_chosen = Signal(bool)
    shared_chosen = Signal(bool)
    arrangement_chosen = Signal(str)
    pair_chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tools")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.add = tool("Add pane", "A copy of the current pane, to change one thing in it")
        self.split = tool(
            "Split along…", "Panes for several layers, heads, methods, models, photos"
        )
        self.linked = tool("Link", "Zoom, pan, cursor and query go together in all panes", True)
        self.shared = tool("Shared range", "One range of colours for all panes of a unit", True)
        self._arrangements = QButtonGroup(self)
        self.before, self.between = PlainLabel(), PlainLabel()
        self.first, self.second = Choice("First of the pair"), Choice("Second of the pair")
        self._several = [self.linked, self.shared]
        self._compare, self._count = Compare(), 0
        self._arrange()
        self.add.clicked.connect(self.add_requested)
        self.split.clicked.connect(self.split_requested)
        self.linked.clicked.connect(self.linked_chosen)
        self.shared.clicked.connect(self.shared_chosen)
        self._arrangements.idClicked.connect(self._arrangement_clicked)
        self.first.activated.connect(self._pair_clicked)
        self.second.activated.connect(self._pair_clicked)

    def _arrange(self) -> None:
        self._left, self._right = QWidget(), QWidget()
        left, right = QHBoxLayout(self._left), QHBoxLayout(self._right)
        for layout in (left, right):
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(4)
        for button in (self.add, self.split):
            left.addWidget(button)
        left.addSpacing(BETWEEN)
        for button in (self.linked, self.shared):
            left.addWidget(button)
        left.addStretch(1)
        right.addStretch(1)
        for label in (self.before, self.between):
            label.setProperty("quiet", True)
        for choice in (self.first, self.second):
            choice.setMinimumWidth(54)
            choice.setMinimumContentsLength(1)
            choice.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._pair = [self.before, self.first, self.between, self.second]
        for widget in self._pair:
            right.addWidget(widget)
        right.addSpacing(BETWEEN)
        self._switch = self._make_switch()
        right.addWidget(self._switch)
        self._layout = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._layout.setContentsMargins(8, 5, 8, 5)
        self._layout.setSpacing(5)
        self._layout.addWidget(self._left)
        self._layout.addWidget(self._right)

    def _make_switch(self) -> QFrame:
        box = QFrame()
        box.setObjectName("switch")
        inside = QHBoxLayout(box)
        inside.setContentsMargins(2, 2, 2, 2)
        inside.setSpacing(2)
        for index, title in enumerate(ARRANGEMENTS.values()):
            button = tool(title, "", True)
            self._arrangements.addButton(button, index)
            inside.addWidget(button)
        return box

    def show_compare(self, compare: Compare, count: int, pair: tuple[int, int]) -> None:
        """Shows the choices.

        Args:
            compare: Of the session.
            count: Of panes.
            pair: Which two are compared.
        """
        self._compare, self._count = compare, count
        several = count > 1
        for button in self._several:
            button.setVisible(several)
        self._switch.setVisible(several)
        self.add.setEnabled(count < MOST_PANES)
        self.linked.setChecked(compare.linked)
        self.shared.setChecked(compare.shared)
        index = list(ARRANGEMENTS).index(compare.arrangement)
        self._arrangements.button(index).setChecked(True)
        self._show_pair(compare.arrangement, count, pair)
        self._turn()

    def _show_pair(self, arrangement: Arrangement, count: int, pair: tuple[int, int]) -> None:
        """A difference is written as it is read: b minus a."""
        letters = [(letter(index), index) for index in range(count)]
        shown = pair[::-1] if arrangement == "difference" else pair
        before, between = PAIR_WORDS[arrangement]
        for label, words in ((self.before, before), (self.between, between)):
            label.setText(words)
            label.setVisible(count > 1 and bool(words))
        for choice, index in zip((self.first, self.second), shown, strict=True):
            if choice.count() != count:
                choice.set_pairs(letters)
            choice.show_value(index)
        self.first.setVisible(count > 1)
        self.second.setVisible(count > 1 and arrangement != "panes")

    @Slot(int)
    def _arrangement_clicked(self, index: int) -> None:
        self.arrangement_chosen.emit(get_args(Arrangement)[index])

    @Slot()
    def _pair_clicked(self) -> None:
        first, second = self.first.value, self.second.value
        assert isinstance(first, int)
        assert isinstance(second, int)
        if first == second:  # the one that was not touched gives way
            moved = self.sender()
            other = next(i for i in range(self._count) if i != first)
            first, second = (first, other) if moved is self.first else (other, second)
        pair = (second, first) if self._compare.arrangement == "difference" else (first, second)
        self.pair_chosen.emit(*pair)

    # One row, or two where it is narrow

    def _turn(self) -> None:
        needed = self._left.sizeHint().width() + self._right.sizeHint().width() + 40
        across = QBoxLayout.Direction.LeftToRight
        down = QBoxLayout.Direction.TopToBottom
        self._layout.setDirection(across if needed <= self.width() else down)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._turn()

    def minimumSizeHint(self) -> QSize:
        hints = self._left.minimumSizeHint(), self._right.minimumSizeHint()
        return QSize(max(hint.width() for hint in hints) + 16, super().minimumSizeHint().height())


def tool(title: str, tip: str, checkable: bool = False) -> QToolButton:
    """A flat button with words."""
    button = QToolButton()
    button.setText(title)
    set_tooltip(button, tip)
    button.setCheckable(checkable)
    return button

"""The few widgets that panels are made of."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

MARGIN = 12
"""Between a panel's edge and what is in it, in pixels."""

LEAST_CHOICE = 96
"""Least width of a combo box, in pixels; longer titles are cut, and whole in its list."""

LEAST_NUMBER = 72
"""Least width of a box for numbers, in pixels."""

LABEL_WIDTH = 92
"""Of the labels at the left, so that all panels share one edge."""


class Choice(QComboBox):
    """A combo box of (title, value) pairs that ignores the wheel, so that scrolling a panel never
    changes what is shown.
    """

    def __init__(self, name: str, pairs: Sequence[tuple[str, object]] = ()) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(LEAST_CHOICE)
        self.setMinimumContentsLength(6)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        # Values stay on this side: Qt would turn a tuple into a list on the way through QVariant.
        self._values: list[object] = []
        self.set_pairs(pairs)

    def set_pairs(self, pairs: Sequence[tuple[str, object]]) -> None:
        """Replaces all entries; emits nothing."""
        blocked = self.blockSignals(True)
        self.clear()
        self._values = [value for _, value in pairs]
        self.addItems([title for title, _ in pairs])
        self.blockSignals(blocked)

    @property
    def value(self) -> object:
        return self._values[self.currentIndex()] if self.currentIndex() >= 0 else None

    def show_value(self, value: object) -> None:
        """Selects the entry with this value, if there is one; emits nothing."""
        blocked = self.blockSignals(True)
        self.setCurrentIndex(self._values.index(value) if value in self._values else -1)
        self.blockSignals(blocked)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()


class Number(QDoubleSpinBox):
    """A number that ignores the wheel unless it has the focus."""

    def __init__(self, name: str, low: float, high: float, decimals: int) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setRange(low, high)
        self.setDecimals(decimals)
        # Of itself it would be as wide as its longest number.
        self.setMinimumWidth(LEAST_NUMBER)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setSingleStep(10.0 ** -min(decimals, 2) * 5 if decimals else 1)
        self.setKeyboardTracking(False)
        self.lineEdit().setTextMargins(6, 0, 0, 0)  # where a style sheet's padding does not reach
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_value(self, value: float) -> None:
        blocked = self.blockSignals(True)
        self.setValue(value)
        self.blockSignals(blocked)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class Whole(QSpinBox):
    """A whole number that ignores the wheel unless it has the focus."""

    def __init__(self, name: str, low: int, high: int) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setRange(low, high)
        self.setKeyboardTracking(False)
        self.lineEdit().setTextMargins(6, 0, 0, 0)  # where a style sheet's padding does not reach
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_value(self, value: int) -> None:
        blocked = self.blockSignals(True)
        self.setValue(value)
        self.blockSignals(blocked)

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def quiet(text: str = "") -> QLabel:
    """A label for what may be overlooked."""
    label = QLabel(text)
    label.setProperty("quiet", True)
    label.setWordWrap(True)
    return label


def form() -> QFormLayout:
    """Rows of a label and a control, with the panels' margins."""
    layout = QFormLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setHorizontalSpacing(8)
    layout.setVerticalSpacing(7)
    layout.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    layout.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    return layout


def row(layout: QFormLayout, title: str, field: QWidget, tip: str = "") -> QLabel:
    """Adds a row; returns its label."""
    label = QLabel(title)
    label.setMinimumSize(LABEL_WIDTH, field.sizeHint().height())
    label.setBuddy(field)
    label.setToolTip(tip)
    field.setToolTip(tip)
    layout.addRow(label, field)
    return label


def column(widget: QWidget, spacing: int = 8) -> QVBoxLayout:
    """A panel's outer layout."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(MARGIN, 2, MARGIN, MARGIN)
    layout.setSpacing(spacing)
    return layout

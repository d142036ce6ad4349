"""The few widgets that panels are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt
from PySide6.QtGui import QPaintEvent, QStandardItemModel
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLineEdit,
    QSizePolicy,
    QSpinBox,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QVBoxLayout,
    QWidget,
)

from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.plain_text import shown_text

MARGIN = 12
"""Between a panel's edge and what is in it, in pixels."""

LEAST_CHOICE = 96
"""Least width of a combo box, in pixels; longer titles are cut, and whole in its list."""

ICON_GAP = 4
"""Between a combo box's icon and its title, in pixels, as Qt's styles have it."""

LEAST_NUMBER = 72
"""Least width of a box for numbers, in pixels."""

LABEL_WIDTH = 92
"""Of the labels at the left, so that all panels share one edge."""


class WheelGuard(QObject):
    """Keeps the wheel from controls without the focus: scrolling a panel must change nothing."""

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        wheel = event.type() == QEvent.Type.Wheel
        if wheel and isinstance(watched, QWidget) and not watched.hasFocus():
            event.ignore()  # the panel scrolls instead
            return True
        return False


def guard(control: QWidget, name: str, least_width: int) -> None:
    """What all controls of a panel share: a name, as much width as there is, a guarded wheel."""
    control.setAccessibleName(name)
    control.setMinimumWidth(least_width)
    control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
    control.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    control.installEventFilter(WheelGuard(control))


class Choice(QComboBox):
    """A combo box of (title, value) pairs."""

    def __init__(self, name: str, pairs: Sequence[tuple[str, object]] = ()) -> None:
        super().__init__()
        guard(self, name, LEAST_CHOICE)
        self.setMinimumContentsLength(6)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        # Values stay on this side: Qt would turn a tuple into a list on the way through QVariant.
        self._values: list[object] = []
        self.set_pairs(pairs)

    def set_pairs(self, pairs: Sequence[tuple[str, object]]) -> None:
        """Replaces all entries; emits nothing."""
        with QSignalBlocker(self):
            self.clear()
            self._values = [value for _, value in pairs]
            self.addItems([shown_text(title) for title, _ in pairs])

    @property
    def value(self) -> object:
        return self._values[self.currentIndex()] if self.currentIndex() >= 0 else None

    def show_value(self, value: object) -> None:
        """Selects the entry with this value, if there is one; emits nothing."""
        with QSignalBlocker(self):
            self.setCurrentIndex(self._values.index(value) if value in self._values else -1)

    def set_refusals(self, reasons: Mapping[object, str]) -> None:
        """Entries that cannot be chosen.

        Args:
            reasons: Why not, by value, for their tooltips; all others can be.
        """
        model = self.model()
        assert isinstance(model, QStandardItemModel)
        for row, value in enumerate(self._values):
            why = reasons.get(value, "")
            model.item(row).setEnabled(not why)
            set_tooltip(model.item(row), f"{why[0].upper()}{why[1:]}" if why else "")

    def paintEvent(self, event: QPaintEvent) -> None:
        """As any combo box, but a title that does not fit ends in an ellipsis."""
        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        box = QStyle.ComplexControl.CC_ComboBox
        painter.drawComplexControl(box, option)
        field = QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(box, option, field, self).width()
        if not option.currentIcon.isNull():
            room -= option.iconSize.width() + ICON_GAP
        option.currentText = self.fontMetrics().elidedText(
            option.currentText, Qt.TextElideMode.ElideRight, room
        )
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)


class Number(QDoubleSpinBox):
    """A number."""

    def __init__(self, name: str, low: float, high: float, decimals: int) -> None:
        super().__init__()
        guard(self, name, LEAST_NUMBER)
        self.setKeyboardTracking(False)
        self.lineEdit().setTextMargins(6, 0, 0, 0)  # where a style sheet's padding does not reach
        self.setRange(low, high)
        self.setDecimals(decimals)
        self.setSingleStep(10.0 ** -min(decimals, 2) * 5 if decimals else 1)

    def show_value(self, value: float) -> None:
        """Shows a number; emits nothing."""
        with QSignalBlocker(self):
            self.setValue(value)


class WholeNumber(QSpinBox):
    """A whole number."""

    def __init__(self, name: str, low: int, high: int) -> None:
        super().__init__()
        guard(self, name, LEAST_NUMBER)
        self.setKeyboardTracking(False)
        self.lineEdit().setTextMargins(6, 0, 0, 0)  # where a style sheet's padding does not reach
        self.setRange(low, high)

    def show_value(self, value: int) -> None:
        """Shows a number; emits nothing."""
        with QSignalBlocker(self):
            self.setValue(value)


class TextLine(QLineEdit):
    """One line of text; what is typed counts once it is finished."""

    def __init__(self, name: str, most: int = 500) -> None:
        super().__init__()
        guard(self, name, LEAST_CHOICE)
        self.setMaxLength(most)

    def show_value(self, value: str) -> None:
        """Shows a text, unless one is being typed; emits nothing."""
        if not (self.hasFocus() and self.isModified()):
            with QSignalBlocker(self):
                self.setText(shown_text(value))


def quiet(text: str = "") -> PlainLabel:
    """A label for what may be overlooked."""
    label = PlainLabel(text)
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


def row(layout: QFormLayout, title: str, field: QWidget, tip: str = "") -> PlainLabel:
    """Adds a row; returns its label."""
    label = PlainLabel(title)
    label.setMinimumSize(LABEL_WIDTH, field.sizeHint().height())
    label.setBuddy(field)
    set_tooltip(label, tip)
    set_tooltip(field, tip)
    layout.addRow(label, field)
    return label


def column(widget: QWidget, spacing: int = 8) -> QVBoxLayout:
    """A panel's outer layout."""
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(MARGIN, 2, MARGIN, MARGIN)
    layout.setSpacing(spacing)
    return layout

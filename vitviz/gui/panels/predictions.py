"""What the model says the photo is, and which class the map is about."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLineEdit, QScrollArea, QSizePolicy, QWidget

from vitviz.engine.answers import Cell, top_indices, top_of_each_head
from vitviz.gui.scene import Scene
from vitviz.gui.widgets.form import Choice, column, form, quiet, row
from vitviz.gui.widgets.text import set_tooltip
from vitviz.models.outline import NO_CLASSES
from vitviz.plain_text import shown_text
from vitviz.session.state import Session
from vitviz.wording.numbers import percent, score

TOP = 5

HINT = (
    "\n\nClick a class to see where it is read from; Shift+click another one to see why not that."
)

SWITCHING_HINT = (
    "\n\nClick a class to see what speaks for it: the map turns to a method that asks about one."
)


def heads_words(cell: Cell) -> str:
    """What each head says alone, where the answer is the mean of several."""
    each = [f"{token}: {name}, {percent(p)}" for token, name, p in top_of_each_head(cell)]
    return "The mean of {} heads. {}.".format(len(each), "; ".join(each)) if each else ""


class ProbabilityBars(QWidget):
    """Names, percentages and bars; long names are cut, and whole in the tool tip.

    Signals:
        chosen(int): The user chose this row.
        set_against(int): They chose it as what the map's class is set against.
        left_upwards(): The user went up from the first row.
    """

    chosen = Signal(int)
    set_against = Signal(int)
    left_upwards = Signal()

    BAR = 4
    GAP = 12
    """Between one row's bar and the next row's name, in pixels."""
    INSET = 6
    """How far a row's ground reaches beyond what is in it, in pixels."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[tuple[str, float]] = []
        self.outputs = "classes"
        self.current: int | None = None
        self.choosable = False
        self._hovered: int | None = None
        self.marked: int | None = None  # what Enter would take
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        self.setAccessibleName("Predictions")

    def set_rows(
        self,
        rows: list[tuple[str, float]],
        current: int | None = None,
        choosable: bool = False,
        hint: str = HINT,
    ) -> None:
        """Shows other rows.

        Args:
            rows: Names and probabilities, 0..1.
            current: The row that the map is about.
            choosable: Rows can be chosen.
            hint: What the tooltip says of that.
        """
        rows = [(shown_text(name), share) for name, share in rows]
        self.rows, self.current, self.choosable = rows, current, choosable
        if self.marked is not None and self.marked >= len(rows):
            self.marked = len(rows) - 1 if rows else None
        self.setFocusPolicy(
            Qt.FocusPolicy.StrongFocus if choosable and rows else Qt.FocusPolicy.NoFocus
        )
        if choosable:
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        else:
            self.unsetCursor()
        words = "\n".join(f"{name}: {score(p, self.outputs)}" for name, p in rows)
        set_tooltip(self, words + (hint if choosable and rows else ""))
        self.setAccessibleDescription(words)
        self.updateGeometry()
        self.update()

    @property
    def row_height(self) -> int:
        return QFontMetrics(self.font()).height() + self.BAR + self.GAP

    def row_at(self, y: float) -> int | None:
        """The row at this height, in widget pixels."""
        row = int(y // self.row_height)
        return row if 0 <= row < len(self.rows) else None

    def sizeHint(self) -> QSize:
        return QSize(180, max(1, len(self.rows)) * self.row_height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = self.row_at(event.position().y())
        if self.choosable and row is not None and event.button() == Qt.MouseButton.LeftButton:
            against = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            (self.set_against if against else self.chosen).emit(row)
        else:
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._set_hovered(self.row_at(event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        self._set_hovered(None)

    def _set_hovered(self, row: int | None) -> None:
        if row != self._hovered:
            self._hovered = row
            self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is None or not self.choosable:
            super().keyPressEvent(event)
        else:
            self.step(step)

    def step(self, step: int) -> None:
        """Chooses the row so many further; the first one where none is chosen yet."""
        if not self.choosable or not self.rows:
            return
        row = 0 if self.current is None else self.current + step
        if row < 0:
            self.left_upwards.emit()
        elif row < len(self.rows):
            self.chosen.emit(row)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for index in range(len(self.rows)):
            self._paint_ground(painter, index)
            self._paint_row(painter, index)
        painter.end()

    def _paint_ground(self, painter: QPainter, index: int) -> None:
        """What tells that a row is chosen, or would be."""
        current = index == self.current
        marked = index == self.marked
        if not self.choosable or not (current or marked or index == self._hovered):
            return
        colours = self.palette()
        ground = QRectF(0, index * self.row_height, self.width(), self.row_height - 2)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.button())
        if marked or (current and self.hasFocus()):
            painter.setPen(colours.highlight().color())
        painter.drawRoundedRect(ground.adjusted(0.5, 0.5, -0.5, -0.5), 5, 5)

    def _paint_row(self, painter: QPainter, index: int) -> None:
        name, probability = self.rows[index]
        metrics, colours = painter.fontMetrics(), self.palette()
        inset = self.INSET
        left, width = inset, self.width() - 2 * inset
        top = index * self.row_height + (self.GAP - 4) // 2
        # Without a choice the first is what the photo is said to be.
        strong = index == (0 if self.current is None else self.current)
        share = score(probability, self.outputs)
        room = width - metrics.horizontalAdvance(share) - 10
        line = QRectF(left, top, width, metrics.height())
        painter.setPen(colours.text().color() if strong else colours.placeholderText().color())
        cut = metrics.elidedText(name, Qt.TextElideMode.ElideRight, room)
        painter.drawText(line, Qt.AlignmentFlag.AlignLeft, cut)
        painter.drawText(line, Qt.AlignmentFlag.AlignRight, share)
        bar = QRectF(left, top + metrics.height() + 2, width, self.BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colours.mid())
        painter.drawRoundedRect(bar, 2, 2)
        part = 0.0 if self.outputs == "values" else probability
        bar.setWidth(max(self.BAR, width * part))
        painter.setBrush(colours.highlight() if strong else colours.placeholderText())
        painter.drawRoundedRect(bar, 2, 2)


class Search(QLineEdit):
    """Words to look for.

    Signals:
        stepped(int): The user goes on to the next (1) or the one before (-1) of what was found.
    """

    stepped = Signal(int)

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setPlaceholderText(title)
        self.setAccessibleName(title.rstrip("…"))
        self.setClearButtonEnabled(True)

    def event(self, event: QEvent) -> bool:
        override = event.type() == QEvent.Type.ShortcutOverride
        if override and isinstance(event, QKeyEvent) and self._clears(event):
            event.accept()  # else the key is a command of the window
            return True
        return super().event(event)

    def _clears(self, event: QKeyEvent) -> bool:
        return event.key() == Qt.Key.Key_Escape and bool(self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if self._clears(event):
            self.clear()
        elif event.key() in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.stepped.emit(1 if event.key() == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)


class PredictionsPanel(QWidget):
    """The most probable classes of the photo shown; where the method asks about a class, also
    which one, and a way to any other.

    Signals:
        chosen(object target): The user chose the class with this index, or with None the most
            probable one, whichever that is.
        set_against(object contrast): They chose the class that this one is set against, or none.
    """

    chosen = Signal(object)
    set_against = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = column(self)
        self.search = Search("Find a class…")
        self.bars = ProbabilityBars()
        self.contrast = Choice("And not")
        self._not = form()
        row(self._not, "And not", self.contrast,
            "A second class: the map shows what speaks for the first and not for it")  # fmt: skip
        self.note = quiet()
        layout.addWidget(self.search)
        layout.addWidget(self.bars)
        layout.addLayout(self._not)
        layout.addWidget(self.note)
        layout.addStretch(1)
        self._scene = Scene(Session())
        self._indices: list[int] = []
        self._in_sight: int | None = None
        self.search.textChanged.connect(self._look_for)
        self.search.returnPressed.connect(self._marked_chosen)
        self.search.stepped.connect(self._mark)
        self.bars.chosen.connect(self._row_chosen)
        self.bars.set_against.connect(self._row_set_against)
        self.contrast.currentIndexChanged.connect(
            lambda: self.set_against.emit(self.contrast.value)
        )
        self.bars.left_upwards.connect(self.search.setFocus)
        self.show_scene(self._scene)

    def show_scene(self, scene: Scene) -> None:
        """Shows an answer, and which class is chosen, if its method asks about one."""
        self._scene = scene
        if not scene.may_ask_class:
            self.search.clear()
        self._refresh()

    def step(self, step: int) -> None:
        """Chooses the class so many rows further down."""
        self.bars.step(step)

    def _refresh(self) -> None:
        cell, about = self._scene.cell, self._scene.asks_class
        self._indices = self._found(cell) if cell else []
        rows = []
        if cell is not None and cell.probabilities is not None:
            rows = [(cell.class_name(i), float(cell.probabilities[i])) for i in self._indices]
            self.bars.outputs = cell.outputs
        target = self._target(cell) if about and cell else None
        current = self._indices.index(target) if target in self._indices else None
        can_ask = self._scene.may_ask_class
        self.search.setEnabled(can_ask)
        self.bars.set_rows(rows, current, can_ask, HINT if about else SWITCHING_HINT)
        self.bars.setVisible(bool(rows))
        self._show_contrast(cell if about else None, target)
        self._keep_in_sight(current)
        words = self._words(cell)
        self.note.setText(words)
        self.note.setVisible(bool(words))

    def _show_contrast(self, cell: Cell | None, target: int | None) -> None:
        """The classes that this one can be set against: the most probable, and the one chosen."""
        pairs: list[tuple[str, object]] = [("—", None)]
        chosen = None
        if cell is not None:
            others = [index for index in top_indices(cell, TOP) if index != target]
            chosen = self._scene.session.view.contrast
            if chosen is not None and chosen >= cell.outline.classes:
                chosen = None
            if chosen is not None and chosen not in others:
                others.append(chosen)
            pairs += [(cell.class_name(index), index) for index in others]
        self.contrast.set_pairs(pairs)
        self.contrast.show_value(chosen)
        self._not.setRowVisible(self.contrast, len(pairs) > 1)

    def _row_set_against(self, place: int) -> None:
        index = self._indices[place]  # before what was looked for is cleared
        self.search.clear()
        self.set_against.emit(index)

    def _keep_in_sight(self, row: int | None) -> None:
        """Scrolls the row of the class into sight when another one was chosen."""
        chosen = None if row is None else self._indices[row]
        if row is None or chosen == self._in_sight:
            return
        self._in_sight = chosen
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None:
            height = self.bars.row_height
            area.ensureVisible(0, self.bars.y() + row * height + height // 2, 0, height)

    def _found(self, cell: Cell) -> list[int]:
        """The most probable classes with the words looked for; with none, the chosen one too."""
        wanted = self.search.text().strip().casefold()
        if wanted:
            everything = top_indices(cell, cell.outline.classes)
            return [i for i in everything if wanted in cell.class_name(i).casefold()][:TOP]
        best = top_indices(cell, TOP)
        target = self._target(cell) if self._scene.asks_class else None
        return best if target is None or target in best else [*best[: TOP - 1], target]

    def _target(self, cell: Cell) -> int | None:
        """The class chosen; the most probable one where the model has no such class."""
        target = self._scene.session.view.target
        if target is None or cell.probabilities is None or target >= len(cell.probabilities):
            return next(iter(top_indices(cell, 1)), None)
        return target

    def _words(self, cell: Cell | None) -> str:
        if cell is None:
            return "Nothing yet."
        if cell.probabilities is None:
            return f"This model has no classes: {NO_CLASSES}."
        if not self._indices:
            return "No class is called so."
        if self.search.text().strip() and (target := self._target(cell)) is not None:
            return f"Until Enter takes another, the map is of {cell.class_name(target)}."
        heads = heads_words(cell)
        if cell.card.class_names:
            return heads
        return f"The names of this model's classes are not known. {heads}".rstrip()

    def _row_chosen(self, row: int) -> None:
        assert self._scene.cell is not None
        index = self._indices[row]
        # The first prediction stays the first prediction, also of the next photo, but a class
        # that was looked for is meant by its name.
        is_best = index == top_indices(self._scene.cell, 1)[0] and not self.search.text()
        self.search.clear()
        self.chosen.emit(None if is_best else index)

    def _look_for(self) -> None:
        self.bars.marked = 0 if self.search.text().strip() else None
        self._refresh()

    def _mark(self, step: int) -> None:
        """Another of the rows is the one that Enter takes."""
        if not self._indices:
            return
        before = self.bars.marked if self.bars.marked is not None else self.bars.current
        row = 0 if before is None else before + step
        self.bars.marked = min(max(row, 0), len(self._indices) - 1)
        self.bars.update()

    def _marked_chosen(self) -> None:
        row = self.bars.marked
        if row is not None and row < len(self._indices):
            self._row_chosen(row)

"""A chart as a widget: the number under the pointer says what it is, and opens on the photo."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from vitviz.figures.chart import Chart, Matrix, Plot, Target, Tiles
from vitviz.gui.canvas import marks
from vitviz.gui.canvas.colour_bar import bar_width
from vitviz.gui.canvas.patch_note import Note, paint_message, paint_note
from vitviz.gui.charts import matrix as matrices
from vitviz.gui.charts.matrix import MatrixPainter, paint_tiles, tile_boxes
from vitviz.gui.charts.plot import PlotPainter, in_order, nearest, plot_box, point_at

Place = tuple[int, int]
"""A number: line and place of a plot, row and column of a matrix, 0 and number of a picture."""

AROUND = 16.0


class ChartWidget(QWidget):
    """Shows one chart.

    The arrow keys go from number to number, Enter opens the one that is marked.

    Signals:
        opened(int, object): Layer and head, or None, of a number that was clicked.
        pointed(str): What the number under the pointer, or at the keyboard, is; "".
    """

    opened = Signal(int, object)
    pointed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chart: Chart | None = None
        self._message = ("", "")
        self._place: Place | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Chart")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(260, 180)

    @property
    def chart(self) -> Chart | None:
        """What is shown."""
        return self._chart

    @property
    def place(self) -> Place | None:
        """The number that is marked."""
        return self._place

    def show_chart(self, chart: Chart | None, message: tuple[str, str] = ("", "")) -> None:
        """Shows a chart, or a message in its place."""
        same = chart is not None and self._chart is not None and chart.name == self._chart.name
        self._chart, self._message = chart, message
        if not same or not self._is_there(self._place):
            self._mark(None)
        words = f"{chart.title}. {chart.caption}" if chart else " ".join(message)
        self.setAccessibleDescription(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(720, 420)

    # What is where

    @property
    def _room(self) -> QRectF:
        return QRectF(self.rect()).adjusted(AROUND, AROUND - 4, -AROUND, -4)

    @property
    def _metrics(self) -> QFontMetricsF:
        return QFontMetricsF(marks.small(self.font()))

    def _matrix_box(self, matrix: Matrix) -> QRectF:
        bar = bar_width(matrices.bar_of_matrix(matrix), self._metrics, self._room.height())
        return matrices.matrix_box(matrix, self._room, self._metrics, bar)

    def places(self) -> Sequence[Place]:
        """Every number, in the order of the arrow keys."""
        form = self._chart.form if self._chart else None
        if isinstance(form, Plot):
            return in_order(form)
        if isinstance(form, Matrix):
            rows, columns = form.values.shape
            return [(row, column) for row in range(rows) for column in range(columns)
                    if form.values[row, column] == form.values[row, column]]  # fmt: skip
        return [(0, number) for number in range(len(form.images))] if form else []

    def box_of(self, place: Place) -> QRectF:
        """Where a number lies on the widget."""
        assert self._chart is not None
        form = self._chart.form
        if isinstance(form, Plot):
            box, line = plot_box(form, self._room, self._metrics, "right"), form.lines[place[0]]
            at = point_at(form, box, line.xs[place[1]], line.ys[place[1]])
            return QRectF(at.x() - 5, at.y() - 5, 10, 10)
        if isinstance(form, Matrix):
            return matrices.cell_box(form, self._matrix_box(form), *place)
        return tile_boxes(form, self._room)[place[1]]

    def _at(self, event: QMouseEvent) -> Place | None:
        form, where = self._chart.form if self._chart else None, event.position()
        if isinstance(form, Plot):
            return nearest(form, plot_box(form, self._room, self._metrics, "right"), where)
        if isinstance(form, Matrix):
            return matrices.cell_at(form, self._matrix_box(form), where)
        boxes = tile_boxes(form, self._room) if isinstance(form, Tiles) else []
        return next(((0, n) for n, box in enumerate(boxes) if box.contains(where)), None)

    def words_of(self, place: Place) -> str:
        """What a number is: "layer 3, head 2: 71.4 pixels"."""
        assert self._chart is not None
        form = self._chart.form
        if isinstance(form, Plot):
            labels = form.lines[place[0]].labels
            return labels[place[1]] if labels else ""
        if isinstance(form, Matrix):
            return f"{form.label(*place)}: {form.values[place]:.3g} {form.unit}"
        return form.labels[place[1]]

    def target_of(self, place: Place) -> Target | None:
        """What opens when a number is clicked."""
        form = self._chart.form if self._chart else None
        if isinstance(form, Plot):
            targets = form.lines[place[0]].targets
            return targets[place[1]] if targets else None
        if isinstance(form, Matrix) and form.targets is not None:
            return form.targets[place[0]][place[1]]
        return None

    # What the user does

    def _is_there(self, place: Place | None) -> bool:
        return place is None or place in self.places()

    def _mark(self, place: Place | None) -> None:
        if place != self._place:
            self._place = place
            self.pointed.emit("" if place is None or self._chart is None else self.words_of(place))
            opens = place is not None and self.target_of(place) is not None
            self.setCursor(
                Qt.CursorShape.PointingHandCursor if opens else Qt.CursorShape.ArrowCursor
            )
            self.update()

    def _open(self) -> None:
        if self._place is not None and (target := self.target_of(self._place)) is not None:
            self.opened.emit(*target)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._mark(self._at(event))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._mark(self._at(event))
        if event.button() == Qt.MouseButton.LeftButton:
            self._open()

    def leaveEvent(self, event: QEvent) -> None:
        self._mark(None)
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Right: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
        key, places = Qt.Key(event.key()), self.places()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._open()
        elif key in steps and places:
            step = steps[key]
            form = self._chart.form if self._chart else None
            if key in (Qt.Key.Key_Down, Qt.Key.Key_Up) and not isinstance(form, Plot):
                step *= form.columns if isinstance(form, Tiles) else form.values.shape[1]  # type: ignore[union-attr]
            at = places.index(self._place) + step if self._place in places else 0
            self._mark(places[min(max(at, 0), len(places) - 1)])
        else:
            super().keyPressEvent(event)

    # Drawing

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._chart is None:
            if any(self._message):
                area = QRectF(self.rect())
                paint_message(painter, area, *self._message, self.palette(), on_ground=False)
            painter.end()
            return
        painter.setFont(marks.small(self.font()))
        self.paint_chart(painter, self._room)
        if self._place is not None:
            words = self.words_of(self._place)
            if words:
                title, _, rest = words.partition(": ")
                note = Note(title, (((rest, True),),) if rest else ())
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                paint_note(painter, note, self.box_of(self._place),
                           QRectF(self.rect()).adjusted(4, 4, -4, -4), self.palette())  # fmt: skip
        painter.end()

    def paint_chart(self, painter: QPainter, room: QRectF) -> None:
        """The chart, and what is marked in it."""
        assert self._chart is not None
        form = self._chart.form
        if isinstance(form, Plot):
            plot = PlotPainter(painter, form, room, self.palette())
            plot.paint()
            if self._place is not None:
                plot.mark(*self._place)
        elif isinstance(form, Matrix):
            matrix = MatrixPainter(painter, form, room, self.palette())
            matrix.paint()
            if self._place is not None:
                matrix.mark(*self._place)
        else:
            paint_tiles(painter, form, room)
            if self._place is not None:
                box = tile_boxes(form, room)[self._place[1]]
                marks.frame(painter, box.adjusted(-2, -2, 2, 2), self.palette().highlight().color(),
                            2, 2)  # fmt: skip

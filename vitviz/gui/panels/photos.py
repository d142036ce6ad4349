"""The open photos: as many as there are, found by their names, sorted, as tiles or as a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSlider,
    QStackedLayout,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from vitviz.engine.predicting import Prediction, predicted
from vitviz.engine.requests import ExplainRequest
from vitviz.gui.panels.photo_list import PhotoList
from vitviz.gui.panels.photo_model import PhotoModel
from vitviz.gui.panels.photo_order import Order, Value, arranged
from vitviz.gui.panels.photo_tiles import LEAST_TILE, MOST_TILE
from vitviz.gui.scene import Scene
from vitviz.gui.threads.service import Preview
from vitviz.gui.widgets.form import MARGIN, quiet
from vitviz.gui.widgets.text import PlainLabel, menu_text, set_tooltip
from vitviz.plurals import count_of
from vitviz.session.state import PhotoRef
from vitviz.wording.numbers import percent

FIRST_TILE = 104
"""Width of a tile, in pixels, before the user has chosen one: two beside each other."""

MOST_COLUMNS = 60
"""Of a table, in the menu."""


class PhotosPanel(QWidget):
    """The open photos, of which one is shown; several can be chosen together.

    Signals:
        selected(int): The user chose the photo at this index of the session's.
        close_requested(tuple[PhotoRef, ...]): The user wants these closed (Delete).
        previews_wanted(tuple[PhotoRef, ...]): These have no preview yet, the most urgent first;
            others need none any more.
        chosen_changed(): Others are chosen together.
        open_requested(): The user wants to open photos,
        folder_requested(): or all of a folder,
        table_requested(): or a table that says something of each,
        predictions_requested(): or the model to say what is on each.
    """

    selected = Signal(int)
    close_requested = Signal(object)
    previews_wanted = Signal(object)
    chosen_changed = Signal()
    open_requested = Signal()
    folder_requested = Signal()
    table_requested = Signal()
    predictions_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.list = PhotoList()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Filter")
        self.search.setAccessibleName("Filter photos by name or predicted class")
        set_tooltip(self.search, "Only photos whose name or predicted class has these words")
        self.search.setClearButtonEnabled(True)
        self.sort = SortButton()
        self.foot = Foot()
        self.empty = EmptyPanel()
        self._refs: tuple[PhotoRef, ...] = ()
        self._photo: PhotoRef | None = None
        self._background: object = None
        self._stale: set[PhotoRef] = set()  # their previews are on another background
        self._asked: object = None  # of whom the predictions are
        self._predictions: dict[PhotoRef, Prediction] = {}
        self._answered: dict[PhotoRef, ExplainRequest] = {}
        self._table: Mapping[str, Mapping[str, Value]] = {}
        self._build()
        self._connect()
        self.show_layout(FIRST_TILE, as_rows=False)

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(MARGIN, 2, MARGIN - 4, 4)
        head.setSpacing(4)
        head.addWidget(self.search, 1)
        head.addWidget(self.sort)
        browser = QWidget()
        layout = QVBoxLayout(browser)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        inside = QHBoxLayout()
        inside.setContentsMargins(MARGIN - 6, 0, 0, 0)
        inside.addWidget(self.list)
        layout.addLayout(inside, 1)
        layout.addWidget(self.foot)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.empty)
        self._pages.addWidget(browser)
        self.setFocusProxy(self.list)

    def _connect(self) -> None:
        self.list.row_chosen.connect(self._row_chosen)
        self.list.several_chosen.connect(self._several_chosen)
        self.list.close_requested.connect(self._close_chosen)
        self.list.near_changed.connect(self._want_previews)
        self.list.tile_chosen.connect(self.foot.slider.setValue)
        self.search.textChanged.connect(self._arrange)
        self.sort.chosen.connect(self._arrange)
        self.sort.table_requested.connect(self.table_requested)
        self.sort.predictions_requested.connect(self.predictions_requested)
        self.foot.chosen.connect(self._layout_chosen)
        self.empty.open.clicked.connect(self.open_requested)
        self.empty.folder.clicked.connect(self.folder_requested)

    @property
    def photos(self) -> PhotoModel:
        """The rows that are shown."""
        return self.list.photos

    @property
    def row(self) -> int:
        """Of the chosen photo among those that are shown; -1 without one."""
        return self.list.row

    @property
    def chosen(self) -> tuple[PhotoRef, ...]:
        """All that are chosen together."""
        return self.list.chosen

    @property
    def tile(self) -> int:
        """About how wide tiles are, in pixels."""
        return self.foot.slider.value()

    @property
    def as_rows(self) -> bool:
        return self.foot.rows.isChecked()

    def show_layout(self, tile: int, *, as_rows: bool) -> None:
        """Draws tiles of about this width, or rows."""
        self.foot.show_layout(tile, as_rows=as_rows)
        self.list.arrange(self.tile, as_rows=as_rows)

    def show_scene(self, scene: Scene) -> None:
        """Shows the open photos; those whose preview is known at once."""
        session = scene.session
        self._pages.setCurrentIndex(1 if session.photos else 0)
        if session.background != self._background:
            self._background = session.background
            self._stale = {ref for ref in self._refs if self.preview(ref) is not None}
            self.list.request_previews()
        self._photo = session.photo
        if self.photos.set_missing(scene.missing.keys()):
            self.list.request_previews()
        self._note_predictions(scene)
        if session.photos is not self._refs:
            self._refs = session.photos
            self._arrange()
        else:
            self.list.show_row(self._row_of(session.photo))
            self._say_count()

    def show_preview(self, preview: Preview) -> None:
        """Fills in a photo's thumbnail."""
        self._stale.discard(preview.ref)
        self.photos.set_preview(preview)

    def preview(self, ref: PhotoRef) -> Preview | None:
        return self.photos.preview(ref)

    def neighbour(self, step: int) -> int | None:
        """Index of the photo so many places after the shown one, as they are shown; None past the
        ends.
        """
        shown, row = self.photos.refs, self.list.row
        at = row + step if row >= 0 else 0
        return self._index_of(shown[at]) if 0 <= at < len(shown) else None

    # What is known of photos

    def show_table(self, table: Mapping[str, Mapping[str, Value]], column: str) -> None:
        """Lets photos be sorted by the columns of a table.

        Args:
            table: Values by the path of the photo, by column.
            column: What it is sorted by now.
        """
        self._table = table
        self.sort.show_columns(list(table), column)
        self._arrange()

    def show_predictions(self, found: Mapping[PhotoRef, Prediction]) -> None:
        """Says below photos what the model says of them, and sorts them by it."""
        for ref, prediction in found.items():
            self._predict(ref, prediction)
        self._arrange()

    @property
    def unpredicted(self) -> tuple[PhotoRef, ...]:
        """The photos of which the model has said nothing yet."""
        return tuple(ref for ref in self._refs if ref not in self._predictions)

    def _predict(self, ref: PhotoRef, prediction: Prediction) -> None:
        self._predictions[ref] = prediction
        words = f"{prediction.label} {percent(prediction.probability)}"
        self.photos.set_label(ref, words)

    def _note_predictions(self, scene: Scene) -> None:
        """Keeps what the shown cells say of their photos; forgets what another model said."""
        session = scene.session
        asked = session.model, session.input
        if asked != self._asked:
            self._asked = asked
            self._predictions, self._answered = {}, {}
            self.photos.forget_labels()
        for state in scene.panes:
            cell = state.cell
            if cell is None or (cell.request.model, cell.request.input) != asked:
                continue
            request = cell.request
            if request.ablation or self._answered.get(request.photo) is request:
                continue
            self._answered[request.photo] = request
            if (found := predicted(cell.probabilities, cell.card)) is not None:
                self._predict(request.photo, found)

    # What the user does

    def _row_chosen(self, row: int) -> None:
        self.selected.emit(self._index_of(self.photos.refs[row]))

    def _several_chosen(self) -> None:
        self._say_count()
        self.chosen_changed.emit()

    def _close_chosen(self) -> None:
        self.close_requested.emit(self.list.chosen)

    def _layout_chosen(self) -> None:
        self.list.arrange(self.tile, as_rows=self.as_rows)

    def _arrange(self) -> None:
        """Shows the photos that are wanted, in the order that is wanted."""
        order = self.sort.order
        shown = arranged(
            self._refs, self.search.text(), order, self._predictions,
            self._table.get(order.column, {}),
        )  # fmt: skip
        with self.list.silence():
            if shown is not self.photos.refs:
                self.photos.set_refs(shown)
                self.list.request_previews()
            self.list.show_row(self._row_of(self._photo))
        if not self.sort.is_plain and self.list.row >= 0:
            self.list.scrollTo(self.list.currentIndex())
        self._say_count()

    def _say_count(self) -> None:
        open, shown, chosen = len(self._refs), len(self.photos.refs), len(self.list.chosen)
        words = count_of(open, "photo")
        if chosen > 1:
            words = f"{chosen:,} of {words}"
        elif shown < open:
            words = f"{shown:,} of {words}"
        self.foot.count.setText(words)

    def _want_previews(self) -> None:
        if self.list.isHidden():
            return
        near = self.list.refs_in_sight()
        chosen = [self._photo] if self._photo is not None else []
        self.photos.keep_only({*near, *chosen})
        wanted = [ref for ref in dict.fromkeys((*near, *chosen))
                  if ref in self._stale or self.preview(ref) is None]  # fmt: skip
        self.previews_wanted.emit(tuple(wanted))

    def _row_of(self, ref: PhotoRef | None) -> int:
        return -1 if ref is None else self.photos.row_of(ref)

    def _index_of(self, ref: PhotoRef) -> int:
        if self.photos.refs is self._refs:
            return self.photos.row_of(ref)
        return self._refs.index(ref)


class EmptyPanel(QWidget):
    """What stands in the panel while no photo is open: how to open some."""

    def __init__(self) -> None:
        super().__init__()
        words = quiet("No photos are open. Drop some here, or")
        self.open, self.folder = QPushButton("Open Photos…"), QPushButton("Open Folder…")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 4, MARGIN, MARGIN)
        layout.addWidget(words)
        layout.addWidget(self.open)
        layout.addWidget(self.folder)
        layout.addStretch(1)


class SortButton(QToolButton):
    """How the list is sorted, as a menu.

    Signals:
        chosen(): Something else was chosen.
        table_requested(): A table is wanted whose columns can be sorted by.
        predictions_requested(): The model is to say what is on each photo.
    """

    chosen = Signal()
    table_requested = Signal()
    predictions_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("flat")
        self.setText("Sort")
        self.setAccessibleName("Sort photos")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.order = Order()
        self._columns: list[str] = []
        self._menu = QMenu(self)
        self.setMenu(self._menu)
        self._fill()

    @property
    def is_plain(self) -> bool:
        """The photos stand as they were opened."""
        return self.order == Order()

    def show_columns(self, columns: Sequence[str], column: str) -> None:
        """Offers the columns of a table, and sorts by one."""
        self._columns = list(columns)[:MOST_COLUMNS]
        self.order = replace(self.order, by="column", column=column)
        self._fill()

    def _fill(self) -> None:
        self._menu.clear()
        group = QActionGroup(self._menu)
        for title, order in (
            ("As &Opened", Order()), ("&Name", Order("name")),
            ("&Prediction", Order("prediction")),
        ):  # fmt: skip
            self._entry(group, title, order)
        if self._columns:
            self._menu.addSection("Columns of the table")
        for column in self._columns:
            self._entry(group, menu_text(column, 40), Order("column", column=column))
        self._menu.addSeparator()
        backwards = self._menu.addAction("&Backwards")
        backwards.setCheckable(True)
        backwards.setChecked(self.order.backwards)
        backwards.triggered.connect(self._turn)
        self._menu.addSeparator()
        self._menu.addAction("Ask the &Model about All").triggered.connect(
            self.predictions_requested
        )
        self._menu.addAction("By a &Table…").triggered.connect(self.table_requested)
        words = {"opened": "as they were opened", "name": "by name",
                 "prediction": "by prediction", "column": f"by {self.order.column}"}  # fmt: skip
        turned = ", backwards" if self.order.backwards else ""
        set_tooltip(self, f"Sorted {words[self.order.by]}{turned}")
        self.setText("Sort" if self.is_plain else "Sorted")

    def _entry(self, group: QActionGroup, title: str, order: Order) -> None:
        action: QAction = self._menu.addAction(title)
        action.setCheckable(True)
        action.setChecked(replace(self.order, backwards=False) == order)
        group.addAction(action)
        action.triggered.connect(self._choosing(order))

    def _choosing(self, order: Order) -> Callable[[], None]:
        def choose() -> None:
            self._take(replace(order, backwards=self.order.backwards))

        return choose

    def _turn(self) -> None:
        self._take(replace(self.order, backwards=not self.order.backwards))

    def _take(self, order: Order) -> None:
        self.order = order
        self._fill()
        self.chosen.emit()


class Foot(QWidget):
    """How many photos there are, and how they are drawn.

    Signals:
        chosen(): The user wants them drawn in another way.
    """

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.count = PlainLabel()
        self.count.setProperty("quiet", True)
        self.count.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.rows = QToolButton()
        self.rows.setObjectName("flat")
        self.rows.setCheckable(True)
        self.rows.setIconSize(QSize(16, 16))
        self.rows.setAccessibleName("As a list")
        set_tooltip(self.rows, "As a list, or as tiles")
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(LEAST_TILE, MOST_TILE)
        self.slider.setPageStep(40)
        self.slider.setFixedWidth(72)
        self.slider.setAccessibleName("Size of the thumbnails")
        set_tooltip(self.slider, "Size of the thumbnails (Ctrl+wheel over them)")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(MARGIN, 3, MARGIN, 6)
        layout.setSpacing(6)
        layout.addWidget(self.count, 1)
        layout.addWidget(self.rows)
        layout.addWidget(self.slider)
        self.slider.valueChanged.connect(self.chosen)
        self.rows.toggled.connect(self._turned)

    def set_icon(self, icon: QIcon) -> None:
        self.rows.setIcon(icon)

    def show_layout(self, tile: int, *, as_rows: bool) -> None:
        """Shows a choice; emits nothing."""
        with QSignalBlocker(self):
            self.slider.setValue(tile)
            self.rows.setChecked(as_rows)

    def _turned(self, as_rows: bool) -> None:
        self.slider.setEnabled(not as_rows)
        self.chosen.emit()

"""The Charts view: one chart of the model, on the current photo, all open ones, or a folder."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from vitviz.charts.gathering import ChartQuestion, Gathered, question
from vitviz.charts.kinds import ChartKind
from vitviz.charts.table import CHARTS
from vitviz.errors import VitvizError
from vitviz.figures.chart import Chart
from vitviz.gui.charts.widget import ChartWidget
from vitviz.gui.scene import Scene
from vitviz.gui.views.view import NOTHING, ViewWidget
from vitviz.gui.widgets.form import Choice
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.models.loading import bundled
from vitviz.session.state import ChartChoice, Session

KEPT = 48
"""Charts that are there at once when they are wanted again."""

FOLDER = "folder"
"""The choice that asks for one."""

Photos = Literal["current", "open"]


class ChartsView(ViewWidget):
    """A chart, what it is of, and how it leaves the program.

    Signals:
        wanted(object): A ``ChartQuestion`` that is to be answered; None takes it back.
        chosen(ChartChoice): The user chose another chart, or other photos.
        folder_wanted(): The user wants to choose a folder.
        opened(int, object): Layer and head, or None, of the number that was clicked.
        saved(object): A ``Gathered`` chart that is to be saved.
    """

    wanted = Signal(object)
    chosen = Signal(object)
    folder_wanted = Signal()
    opened = Signal(int, object)
    saved = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = Session()
        self._device = "auto"
        self._folder = self._other = ""
        self._question: ChartQuestion | None = None
        self._known: OrderedDict[ChartQuestion, Gathered | BaseException] = OrderedDict()
        self._partly: Chart | None = None
        self._fraction = 0.0
        self.kind = Choice("Chart", [(kind.title, kind.name) for kind in CHARTS.values()])
        self.photos = Choice("Photos")
        self.other = Choice("Compared with")
        self.save = QPushButton("Save…")
        self.widget = ChartWidget()
        self.caption, self.help = _words(), _words(quiet=True)
        self._arrange()
        self.kind.currentIndexChanged.connect(self._on_kind)
        self.photos.currentIndexChanged.connect(self._on_photos)
        self.other.currentIndexChanged.connect(self._on_other)
        self.save.clicked.connect(self._save)
        self.widget.opened.connect(self.opened)

    def _arrange(self) -> None:
        set_tooltip(self.save, "As a figure for print (PDF, SVG, PNG), or its numbers (CSV)")
        set_tooltip(self.photos, "Numbers are means over these photos")
        set_tooltip(self.other, "Another model, on the same places of the same photos")
        top = QHBoxLayout()
        top.setContentsMargins(16, 8, 16, 4)
        top.setSpacing(8)
        for title, control, width in (
            ("", self.kind, 190), ("of", self.photos, 130), ("with", self.other, 100)
        ):  # fmt: skip
            if title:
                label = PlainLabel(title)
                label.setProperty("quiet", True)
                top.addWidget(label)
                if control is self.other:
                    self._with = label
            control.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            control.setMinimumWidth(width)
            control.setMaximumWidth(width + 60)
            top.addWidget(control, width)
        top.addStretch(1)
        top.addWidget(self.save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.widget, 1)
        layout.addWidget(self.caption)
        layout.addWidget(self.help)
        self.setFocusProxy(self.widget)
        self.setAutoFillBackground(True)
        self.setBackgroundRole(QPalette.ColorRole.Base)

    def on_turned_to(self) -> None:
        self.widget.setFocus()

    # What is shown

    def show_scene(self, scene: Scene) -> None:
        """Shows the chart that is chosen, and asks for it where it is not known."""
        session = self._session = scene.session
        self._device = scene.preferences.device
        kind = self._kind
        self.kind.show_value(kind.name)
        self._show_photos(session)
        self._show_models(session, kind)
        outline = scene.card.outline if scene.card is not None else None
        misfits = {} if outline is None else {k.name: k.misfit(outline) for k in CHARTS.values()}
        self.kind.set_refusals({name: why for name, why in misfits.items() if why})
        asked = None
        if session.photo is not None and session.model and session.tab == "charts":
            asked = self._asked(session, kind)
        if asked != self._question:
            self._question, self._partly, self._fraction = asked, None, 0.0
            if asked is None or asked not in self._known:
                self.wanted.emit(asked)
        self._show()

    @property
    def _kind(self) -> ChartKind:
        return CHARTS.get(self._session.chart.name) or next(iter(CHARTS.values()))

    def _asked(self, session: Session, kind: ChartKind) -> ChartQuestion:
        assert session.photo is not None
        photos = session.photos if session.chart.photos == "open" else (session.photo,)
        return question(kind, session, photos, self._other, self._device, self._folder)

    def _show_photos(self, session: Session) -> None:
        pairs: list[tuple[str, object]] = [("this photo", "current")]
        if len(session.photos) > 1:
            pairs.append((f"all {len(session.photos)} open photos", "open"))
        if self._folder:
            pairs.append((f"folder {Path(self._folder).name}", self._folder))
        pairs.append(("a folder…", FOLDER))
        self.photos.set_pairs(pairs)
        self.photos.show_value(self._folder or session.chart.photos)
        self.photos.setEnabled(self._kind.of_photos)

    def _show_models(self, session: Session, kind: ChartKind) -> None:
        names = [card.id for card in bundled()] + [pane.model for pane in session.panes]
        titles = {card.id: card.title for card in bundled()}
        pairs: list[tuple[str, object]] = [("itself", "")]
        pairs += [(titles.get(name) or Path(name).stem, name)
                  for name in dict.fromkeys(names) if name and name != session.model]  # fmt: skip
        self.other.set_pairs(pairs)
        if self._other not in [value for _, value in pairs]:
            self._other = ""
        self.other.show_value(self._other)
        self.other.setVisible(kind.compares)
        self._with.setVisible(kind.compares)

    def _show(self) -> None:
        found = self._known.get(self._question) if self._question is not None else None
        self.save.setEnabled(isinstance(found, Gathered))
        self.help.setText(f"{self._kind.help}. {self._kind.source}.")
        if isinstance(found, Gathered):
            left_out = f" · {len(found.refused)} left out" if found.refused else ""
            self._say(found.chart, f"{found.chart.caption}{left_out}")
        elif isinstance(found, VitvizError):
            self.widget.show_chart(None, (found.message, found.hint))
            self.caption.setText("")
        elif found is not None:
            self.widget.show_chart(None, ("The chart could not be made", str(found)))
            self.caption.setText("")
        elif self._question is None:
            self.widget.show_chart(None, NOTHING)
            self.caption.setText("")
        elif self._partly is not None:
            self._say(self._partly, f"{self._partly.caption} · {100 * self._fraction:.0f} %…")
        else:
            self.widget.show_chart(None, (f"Measuring… {100 * self._fraction:.0f} %", ""))
            self.caption.setText("")

    def _say(self, chart: Chart, words: str) -> None:
        self.widget.show_chart(chart)
        self.caption.setText(f"{chart.title} · {words}")

    # What comes back

    @Slot(object, object)
    def show_answer(self, asked: ChartQuestion, found: Gathered) -> None:
        """The chart that was wanted."""
        self._keep(asked, found)

    @Slot(object, object)
    def show_failure(self, asked: ChartQuestion, error: BaseException) -> None:
        """There is none."""
        self._keep(asked, error)

    def _keep(self, asked: ChartQuestion, outcome: Gathered | BaseException) -> None:
        self._known[asked] = outcome
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        if asked == self._question:
            self._show()

    @Slot(object, object)
    def show_growth(self, asked: ChartQuestion, chart: Chart) -> None:
        """It as far as it has got."""
        if asked == self._question:
            self._partly = chart
            self._show()

    @Slot(object, float)
    def show_progress(self, asked: ChartQuestion, fraction: float) -> None:
        """How far that is."""
        if asked == self._question:
            self._fraction = fraction
            self._show()

    # What the user does

    def set_folder(self, folder: str) -> None:
        """Takes means over the photos of a folder; "" over those that are open."""
        self._folder = folder
        self._ask_again()

    def _ask_again(self) -> None:
        """Asks for what this view alone remembers."""
        self.chosen.emit(replace(self._session.chart))

    def _on_kind(self) -> None:
        self.chosen.emit(replace(self._session.chart, name=str(self.kind.value)))

    def _on_photos(self) -> None:
        value = self.photos.value
        if value == FOLDER:
            self.photos.show_value(self._folder or self._session.chart.photos)
            self.folder_wanted.emit()
        elif value in ("current", "open"):
            self._folder = ""
            photos: Photos = "open" if value == "open" else "current"
            self.chosen.emit(ChartChoice(self._session.chart.name, photos))

    def _on_other(self) -> None:
        self._other = str(self.other.value)
        self._ask_again()

    def _save(self) -> None:
        found = self._known.get(self._question) if self._question is not None else None
        if isinstance(found, Gathered):
            self.saved.emit(found)


def _words(*, quiet: bool = False) -> PlainLabel:
    label = PlainLabel()
    label.setProperty("quiet", quiet)
    label.setContentsMargins(20, 2, 20, 8 if quiet else 2)
    label.setWordWrap(True)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label

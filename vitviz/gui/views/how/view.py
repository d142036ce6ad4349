"""How It Sees: the strip of stations, the one that is open, and the way from one to the next."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from vitviz.engine.requests import Request
from vitviz.engine.station_answers import FirstState, Lens
from vitviz.engine.station_requests import EmbeddingRequest, LensRequest
from vitviz.errors import Cancelled
from vitviz.gui.motion import is_reduced
from vitviz.gui.scene import Scene
from vitviz.gui.views.how.pointer import Pointer
from vitviz.gui.views.how.station import Station
from vitviz.gui.views.how.strip import Strip
from vitviz.gui.views.how.subject import Facts, Subject, subject_of
from vitviz.gui.views.how.tour import Step, Tour, tour_of
from vitviz.gui.views.how.words import STOPS, Stop, heading
from vitviz.gui.views.view import NOTHING, ViewWidget
from vitviz.gui.widgets.text import PlainLabel, set_tooltip


def _story() -> Station:
    from vitviz.gui.views.how.stations.story import StoryStation

    return StoryStation()


def _cut() -> Station:
    from vitviz.gui.views.how.stations.cut import CutStation

    return CutStation()


def _place() -> Station:
    from vitviz.gui.views.how.stations.place import PlaceStation

    return PlaceStation()


def _blocks() -> Station:
    from vitviz.gui.views.how.stations.blocks import BlocksStation

    return BlocksStation()


def _read() -> Station:
    from vitviz.gui.views.how.stations.read import ReadStation

    return ReadStation()


MAKE: dict[Stop, Callable[[], Station]] = {
    "story": _story, "cut": _cut, "place": _place, "blocks": _blocks, "read": _read,
}  # fmt: skip
"""The stations, each made when it is first opened."""


class HowView(ViewWidget):
    """The model's way from the photo to its answer, to be walked.

    Signals:
        wanted(tuple): What it needs to know, the most urgent first.
        patch_chosen(int): A patch of the first layer, row by row.
        token_chosen(str): A prefix token.
        layer_chosen(int): From 0.
        head_chosen(int): From 0.
        target_chosen(int): Index of a class.
        contrast_chosen(int): Index of the class that it is set against.
        brushed(object, bool): The box of a patch on the photo, and whether it goes.
        head_switched(int, int): Layer and head, from 0.
        whole_requested(): Everything that was taken away is to come back.
        did(str): Something that a tour may have asked for was done.
    """

    wanted = Signal(object)
    patch_chosen = Signal(int)
    token_chosen = Signal(str)
    layer_chosen = Signal(int)
    head_chosen = Signal(int)
    target_chosen = Signal(int)
    contrast_chosen = Signal(int)
    brushed = Signal(object, bool)
    head_switched = Signal(int, int)
    whole_requested = Signal()
    did = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.facts = Facts()
        self.stop: Stop = "story"
        self._subject: Subject | None = None
        self._asked: tuple[Request, ...] = ()
        self._still = False
        self._made: dict[Stop, Station] = {}
        self.strip = Strip()
        self.strip.opened.connect(self.open_stop)
        self.pages = QStackedWidget()
        self.message = PlainLabel()
        self.message.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.message.setWordWrap(True)
        self.pages.addWidget(self.message)
        self.back, self.next = QPushButton("‹ Back"), QPushButton("Next ›")
        self.next.setProperty("primary", True)
        self.back.clicked.connect(self.go_back)
        self.next.clicked.connect(self.go_on)
        self.tour: Tour | None = None
        self.pointer = Pointer(self)
        self.did.connect(self._on_did)
        self.tour_button = QPushButton("Take the Tour")
        self.tour_button.clicked.connect(self.toggle_tour)
        self.skip = QPushButton("Skip")
        set_tooltip(self.skip, "Goes on without doing this")
        self.skip.clicked.connect(self._on_skip)
        self.where = PlainLabel()
        self.where.setWordWrap(True)
        self.where.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._arrange()

    def _arrange(self) -> None:
        self.footer = QWidget()
        self.footer.setObjectName("howFooter")
        row = QHBoxLayout(self.footer)
        row.setContentsMargins(20, 6, 20, 8)
        row.setSpacing(10)
        row.addWidget(self.back)
        row.addWidget(self.where, 1)
        row.addWidget(self.skip)
        row.addWidget(self.tour_button)
        row.addWidget(self.next)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        above = QVBoxLayout()
        above.setContentsMargins(14, 8, 14, 0)
        above.addWidget(self.strip)
        layout.addLayout(above)
        layout.addWidget(self.pages, 1)
        layout.addWidget(self.footer)

    def station(self, stop: Stop) -> Station:
        """A station, made when it is first asked for."""
        if stop not in self._made:
            station = MAKE[stop]()
            self._made[stop] = station
            area = QScrollArea()
            area.setWidget(station)
            area.setWidgetResizable(True)
            area.setFrameShape(QFrame.Shape.NoFrame)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.pages.addWidget(area)
            self._connect(station)
        return self._made[stop]

    def _connect(self, station: Station) -> None:
        for name in ("patch_chosen", "layer_chosen", "head_chosen", "target_chosen", "brushed",
                     "contrast_chosen", "head_switched", "whole_requested", "did"):  # fmt: skip
            getattr(station, name).connect(getattr(self, name))
        if hasattr(station, "token_chosen"):
            station.token_chosen.connect(self.token_chosen)
        station.changed.connect(self._show)
        station.opened.connect(self.open_stop)

    # The way

    @Slot(str)
    def open_stop(self, stop: Stop) -> None:
        """Opens a station in its place."""
        if stop == self.stop and stop in self._made:
            return
        self.stop = stop
        self._show()
        station = self.station(stop)
        page = self.pages.currentWidget()
        if isinstance(page, QScrollArea):
            page.verticalScrollBar().setValue(0)
        begin = getattr(station, "begin", None)
        if begin is not None and self._subject is not None:
            station.still = self._still  # type: ignore[attr-defined]
            begin()
        self.did.emit(f"opened {stop}")

    def go_on(self) -> None:
        """To the next station."""
        self._step(1)

    def go_back(self) -> None:
        """To the one before."""
        self._step(-1)

    def go_up(self) -> bool:
        """From a station back to the whole story; whether there was one to leave."""
        if self.stop == "story":
            return False
        self.open_stop("story")
        self.strip.setFocus()
        return True

    def _step(self, by: int) -> None:
        at = STOPS.index(self.stop) + by
        if 0 <= at < len(STOPS):
            self.open_stop(STOPS[at])

    @property
    def subject(self) -> Subject | None:
        """What it is about; None while there is nothing."""
        return self._subject

    # The tour

    def toggle_tour(self) -> None:
        """Begins the tour, or ends it."""
        if self.tour is not None or self._subject is None:
            self.tour = None
        else:
            self.tour = tour_of(self._subject)
            self.open_stop("story")
        self._show()

    @Slot(str)
    def _on_did(self, what: str) -> None:
        if self.tour is not None:
            self.tour = self.tour.after(what)
            self._show_tour()

    def _on_skip(self) -> None:
        if self.tour is not None and (step := self.tour.step) is not None:
            self.tour = self.tour.skipped()
            if step.done.startswith("opened"):
                self.open_stop(step.stop)
            self._show_tour()

    def _show_tour(self) -> None:
        """What is to be done now, and where."""
        tour, step = self.tour, self.tour.step if self.tour is not None else None
        self.skip.setVisible(step is not None)
        self.tour_button.setText("Take the Tour" if tour is None else "End the Tour")
        if tour is None or self._subject is None:
            self.pointer.point_at(None)
            return
        if step is None:
            self.where.setText("That is the whole way. Try other photos, and other models.")
            self.pointer.point_at(None)
            return
        self.where.setText(f"{tour.at + 1} of {len(tour.steps)}: {step.words}")
        self.pointer.point_at(self._target(step))

    def _target(self, step: Step) -> QWidget:
        """The control that does a step; the strip where that is in another station."""
        if step.target == ".next":
            before = STOPS[STOPS.index(step.stop) - 1]
            return self.next if self.stop == before else self.strip
        if self.stop != step.stop:
            return self.strip
        found: object = self.station(step.stop)
        for name in step.target.split("."):
            found = getattr(found, name)
        assert isinstance(found, QWidget)
        return found

    # What is shown

    def show_scene(self, scene: Scene) -> None:
        """Shows the station that is open for what the window is about."""
        self._subject = subject_of(scene)
        self._still = is_reduced(scene.preferences)
        self._show()

    def _show(self) -> None:
        subject = self._subject
        if subject is None:
            self.message.setText("\n".join(NOTHING))
            self.pages.setCurrentWidget(self.message)
            self.strip.show_subject(None, self.stop, None, None)
            self.pointer.point_at(None)
            self.footer.setEnabled(False)
            return
        self.footer.setEnabled(True)
        station = self.station(self.stop)
        for index in range(self.pages.count()):
            page = self.pages.widget(index)
            if isinstance(page, QScrollArea) and page.widget() is station:
                self.pages.setCurrentIndex(index)
        station.show_subject(subject, self.facts)
        first = self.facts.last(subject.ask(EmbeddingRequest), subject)
        lens = None
        wanted: list[Request] = [*station.wants(subject), subject.ask(EmbeddingRequest)]
        if subject.outline.reads_all_depths:
            asked = subject.ask(LensRequest, target=subject.session.view.target)
            lens = self.facts.last(asked, subject)
            wanted.append(asked)
        self.strip.show_subject(
            subject, self.stop, first if isinstance(first, FirstState) else None,
            lens if isinstance(lens, Lens) else None,
        )  # fmt: skip
        self._show_way(subject)
        missing = self.facts.missing(tuple(dict.fromkeys(wanted)))
        if missing != self._asked:
            self._asked = missing
            self.wanted.emit(missing)

    def _show_way(self, subject: Subject) -> None:
        at = STOPS.index(self.stop)
        self.back.setEnabled(at > 0)
        self.next.setEnabled(at + 1 < len(STOPS))
        coming = (
            heading(STOPS[at + 1], subject.kind, subject.has_classes).short
            if at + 1 < len(STOPS)
            else ""
        )
        self.where.setText(f"Next: {coming.lower()}" if coming else "The end of the story")
        self._show_tour()

    @Slot(object, object)
    def show_answer(self, request: Request, answer: object) -> None:
        """Takes what was asked, or the exception that came in its place."""
        if isinstance(answer, Cancelled):
            return
        self.facts.add(request, answer)
        self._asked = tuple(one for one in self._asked if one != request)
        if self.isVisible():
            self._show()

    def forget(self) -> None:
        """Lets go of all answers."""
        self.facts.clear()
        self._asked = ()

    def on_turned_to(self) -> None:
        self.strip.setFocus()

"""The Trust panel: curves, numbers, tests and a mask, of the map that the window shows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from vitviz.engine.answers import Sanity
from vitviz.engine.requests import SanityRequest, Test, TrustRequest
from vitviz.errors import VitvizError
from vitviz.gui.scene import Scene, TrustState
from vitviz.gui.threads.desk import Desk
from vitviz.gui.threads.service import Service
from vitviz.gui.trust.chart import TrustChart
from vitviz.gui.widgets.form import Choice, quiet
from vitviz.gui.widgets.text import PlainLabel, set_tooltip
from vitviz.imaging.geometry import Geometry
from vitviz.methods import METHODS
from vitviz.probing.removal import removals
from vitviz.progress import Progress, Stage
from vitviz.shapes import Bool
from vitviz.trust.localisation import localisation
from vitviz.wording.names import capitalised
from vitviz.wording.trust import (
    REMOVALS,
    TESTS,
    place_words,
    sanity_words,
    state_words,
    trust_caption,
    trust_numbers,
)

MOST_NUMBERS = 12
"""Rows of numbers there is room for."""


class TrustDialog(QDialog):
    """Stays open beside the window and follows its map.

    Signals:
        asked(TrustRequest): The user wants a judgement that is not made by itself.
        removal_chosen(str): They want patches to be removed in another way.
        mask_wanted(): They want to open a mask.
        table_wanted(Trust): They want its numbers in a file.

    Args:
        service: Its engine makes the tests.
        parent: The window.
    """

    asked = Signal(object)
    removal_chosen = Signal(str)
    mask_wanted = Signal()
    table_wanted = Signal(object)

    def __init__(self, service: Service, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Trust")
        self._service = service
        self._state = TrustState()
        self._photo, self._mask_name = "", ""
        self._mask: Bool[np.ndarray, "height width"] | None = None
        self._outcomes: dict[SanityRequest, Sanity | BaseException] = {}
        self._desk = Desk(self._answer, "vitviz-tests", parent=self)
        self._desk.answered.connect(self._on_answer)
        self._desk.failed.connect(self._on_answer)
        self._desk.progressed.connect(self._on_progress)
        self._desk.idle.connect(self._show_tests)
        self._make()
        self._arrange()
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)  # Enter does not run whatever comes first
        self.resize(720, 640)

    def _make(self) -> None:
        self.line = PlainLabel()
        self.line.setWordWrap(True)
        self.line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.line.setMinimumHeight(2 * self.line.fontMetrics().lineSpacing() + 2)
        self.line.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.begin = QPushButton("Test This Map")
        self.begin.setProperty("primary", True)
        self.begin.clicked.connect(self._begin)
        self.chart = TrustChart()
        self.removal = Choice("How patches are removed")
        self.removal.setMinimumContentsLength(24)
        self.removal.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        set_tooltip(self.removal, "Dropped tokens leave a Vision Transformer as it is; painted "
                    "patches are something it never saw")  # fmt: skip
        self.removal.currentIndexChanged.connect(self._removal_chosen)
        self.titles = [PlainLabel() for _ in range(MOST_NUMBERS)]
        self.values = [PlainLabel() for _ in range(MOST_NUMBERS)]
        self.tests: dict[Test, QPushButton] = {}
        self.results: dict[Test, QLabel] = {}
        for test, (title, tip) in TESTS.items():
            button = QPushButton(title)
            set_tooltip(button, tip)
            button.clicked.connect(partial(self._run, test))
            self.tests[test], self.results[test] = button, quiet()
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        self.bar.setMaximumHeight(6)
        self.cancel = QPushButton("Cancel")
        self.cancel.clicked.connect(self._cancel)
        self.open_mask = QPushButton("Open Mask…")
        set_tooltip(self.open_mask, "A picture of the photo's size, black outside the thing; or "
                    "polygons as COCO writes them")  # fmt: skip
        self.open_mask.clicked.connect(self.mask_wanted)
        self.place = quiet()
        self.caption = quiet()
        self.caption.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.save = QPushButton("Save Table…")
        self.save.clicked.connect(self._save)

    def _arrange(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 14, 18, 14)
        layout.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(self.line, 1)
        head.addWidget(self.begin, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(head)
        layout.addWidget(self.chart, 1)
        numbers = QGridLayout()
        numbers.setHorizontalSpacing(10)
        numbers.setVerticalSpacing(3)
        half = MOST_NUMBERS // 2
        for index, (title, value) in enumerate(zip(self.titles, self.values, strict=True)):
            title.setProperty("quiet", True)
            value.setAlignment(Qt.AlignmentFlag.AlignRight)
            numbers.addWidget(title, index % half, 3 * (index // half))
            numbers.addWidget(value, index % half, 3 * (index // half) + 1)
        numbers.setColumnMinimumWidth(2, 24)
        numbers.setColumnStretch(0, 1)
        numbers.setColumnStretch(3, 1)
        layout.addLayout(numbers)
        tests = QGridLayout()
        tests.setHorizontalSpacing(10)
        tests.setVerticalSpacing(5)
        for row, test in enumerate(self.tests):
            tests.addWidget(self.tests[test], row, 0)
            tests.addWidget(self.results[test], row, 1)
        tests.addWidget(self.open_mask, len(self.tests), 0)
        tests.addWidget(self.place, len(self.tests), 1)
        tests.setColumnStretch(1, 1)
        layout.addLayout(tests)
        work = QHBoxLayout()
        work.addWidget(self.bar, 1)
        work.addWidget(self.cancel)
        layout.addLayout(work)
        foot = QHBoxLayout()
        foot.addWidget(self.caption, 1)
        foot.addWidget(self.removal)
        foot.addWidget(self.save)
        layout.addLayout(foot)

    # What is shown

    def show_scene(self, scene: Scene) -> None:
        """Follows the window's map."""
        photo = scene.opened.photo.sha256 if scene.opened is not None else ""
        if photo != self._photo:
            self._photo, self._mask, self._mask_name = photo, None, ""
        old, self._state = self._state, scene.trust_state
        if scene.cell is not None:
            ways = removals(scene.cell.outline)
            self.removal.set_pairs([(capitalised(REMOVALS[way]), way) for way in ways])
            request = self._state.request
            self.removal.show_value(request.removal if request is not None else ways[0])
        if old.request != self._state.request:
            self._desk.ask(())  # tests of another map
        self._show()

    def show_mask(self, mask: Bool[np.ndarray, "height width"], path: Path) -> None:
        """Compares maps of this photo with a mask from now on."""
        self._mask, self._mask_name = mask, path.name
        self._show()

    def _show(self) -> None:
        state, trust = self._state, self._state.trust
        words = state_words(state.phase, trust, state.problem, state.fraction, state.expected_s)
        if state.problem is not None and isinstance(state.problem, VitvizError):
            words = f"{words} {state.problem.hint}"
        self.line.setText(words or "Waiting for the map to stand still.")
        self.begin.setVisible(state.phase in ("offered", "none"))
        self.begin.setEnabled(state.request is not None)
        self.begin.setText("Try Again" if state.phase == "none" else "Test This Map")
        self.chart.show_trust(trust)
        rows: Sequence[tuple[str, str, str]] = trust_numbers(trust) if trust is not None else ()
        for index, (title, value) in enumerate(zip(self.titles, self.values, strict=True)):
            words_ = rows[index] if index < len(rows) else ("", "", "")
            title.setText(words_[0])
            value.setText(words_[1])
            set_tooltip(title, words_[2])
            set_tooltip(value, words_[2])
        self.caption.setText(trust_caption(trust) if trust is not None else "")
        self.save.setEnabled(trust is not None)
        self._show_tests()
        self._show_place()

    @Slot()
    def _show_tests(self) -> None:
        running = self._desk.is_busy
        self.bar.setVisible(True)
        self.bar.setEnabled(running)
        self.cancel.setEnabled(running)
        if not running:
            self.bar.setValue(0)
        request = self._state.request
        for test, button in self.tests.items():
            asks_class = request is not None and METHODS[request.explain.method].class_specific
            button.setEnabled(request is not None and (test != "class" or asks_class))
            outcome = self._outcomes.get(_sanity_of(request, test)) if request else None
            self.results[test].setText(sanity_words(test, outcome))

    def _show_place(self) -> None:
        trust = self._state.trust
        if self._mask is None:
            self.place.setText("How the map lies to a mask of the thing")
            return
        if trust is None:
            self.place.setText(self._mask_name)
            return
        try:
            place = localisation(trust.heat_map.values, trust.heat_map.geometry, self._mask)
        except VitvizError as error:
            self.place.setText(error.message)
            return
        self.place.setText(place_words(place, self._mask_name))

    @property
    def geometry_of_map(self) -> Geometry | None:
        """Of the map that was judged, for masks."""
        return self._state.trust.heat_map.geometry if self._state.trust is not None else None

    # What the user does

    @Slot()
    def _removal_chosen(self) -> None:
        self.removal_chosen.emit(str(self.removal.value))

    @Slot()
    def _begin(self) -> None:
        if self._state.request is not None:
            self.asked.emit(self._state.request)

    @Slot()
    def _save(self) -> None:
        if self._state.trust is not None:
            self.table_wanted.emit(self._state.trust)

    def _run(self, test: Test) -> None:
        request = self._state.request
        if request is None:
            return
        asked = _sanity_of(request, test)
        if isinstance(self._outcomes.get(asked), Sanity):
            return
        self._outcomes.pop(asked, None)
        self._desk.add(asked)
        self._show_tests()

    @Slot()
    def _cancel(self) -> None:
        self._desk.ask(())
        self._show_tests()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._desk.ask(())
        super().closeEvent(event)

    def close_desk(self, timeout_s: float) -> None:
        """Ends its thread, and waits so long for it."""
        self._desk.close(timeout_s)

    # Tests

    def _answer(self, request: SanityRequest, progress: Progress) -> Sanity:
        return self._service.engine.answer(request, progress)

    @Slot(object, object)
    def _on_answer(self, request: SanityRequest, outcome: Sanity | BaseException) -> None:
        self._outcomes[request] = outcome
        self._show_tests()

    @Slot(object, object, float)
    def _on_progress(self, request: SanityRequest, stage: Stage, fraction: float) -> None:
        self.bar.setValue(round(1000 * fraction))


def _sanity_of(request: TrustRequest, test: Test) -> SanityRequest:
    return SanityRequest(request.explain, test, request.layer, request.head)

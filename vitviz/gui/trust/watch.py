"""Asks whether the maps that are shown can be trusted, once they stand still."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from vitviz.engine.answers import Cell, Trust
from vitviz.engine.judging import forwards, require_classes
from vitviz.engine.requests import TrustRequest
from vitviz.errors import VitvizError
from vitviz.gui.scene import PaneState, Phase, TrustState
from vitviz.gui.threads.desk import CLOSING_S, Desk, step_back
from vitviz.gui.threads.service import Service
from vitviz.maps.heat_map import HeatMap
from vitviz.models.torch_import import import_torch
from vitviz.probing.removal import Removal, removals
from vitviz.progress import Progress, Stage
from vitviz.session.state import Session
from vitviz.trust.judgement import require_judgeable
from vitviz.trust.orders import STEPS

STILL_MS = 800
"""How long a map is looked at before it is asked about: who flicks through layers asks nothing."""

MOST_AUTOMATIC = 2e13
"""Floating-point operations: what would take more is only asked when somebody wants it. A ViT-B at
its own input takes 1.3e13, a minute or two of two cores. Not seconds: they depend on what else this
computer does."""

ORDERS = 100
"""Drawn at random: 97 of them can be spoken of."""

KEPT = 200
"""Answers that are kept; the numbers that they share count once."""

SHOWN_EVERY_S = 0.25

NICE = 5
"""Of the thread that tests: other work of this computer goes first, and leaves it a quarter of a
core. At 15 it would get a thirtieth, stand still for minutes, and hold up maps that need what it is
at."""


class TrustWatch(QObject):
    """Keeps the lines under the maps in step with what is shown.

    It has a thread of its own, and stands aside between two forwards while the engine has a map to
    make: no map waits for it longer than one forward.

    Signals:
        changed(): A line changed: draw again.

    Args:
        service: Its engine is asked.
    """

    changed = Signal()

    def __init__(self, service: Service, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._service = service
        self._desk = Desk(self._answer, "vitviz-trust", parent=self)
        self._desk.answered.connect(self._on_answer)
        self._desk.failed.connect(self._on_failure)
        self._desk.progressed.connect(self._on_progress)
        self._known: OrderedDict[TrustRequest, Trust | BaseException] = OrderedDict()
        self._asked_for: set[TrustRequest] = set()
        self._fraction: dict[TrustRequest, float] = {}
        self._wanted: tuple[TrustRequest, ...] = ()
        self._forwards: dict[Hashable, float] = {}
        self._removal: Removal | None = None
        self._told_at = 0.0
        self._still = QTimer(self)
        self._still.setSingleShot(True)
        self._still.setInterval(STILL_MS)
        self._still.timeout.connect(self._ask)

    def states(
        self, session: Session, panes: tuple[PaneState, ...], *, on: bool
    ) -> tuple[TrustState, ...]:
        """What is known of each pane's map; wants what is not known yet of those to be seen.

        Args:
            session: What is shown.
            panes: Each pane.
            on: Lines are wanted at all.
        """
        shown = range(len(panes)) if session.tab == "compare" else (session.compare.focus,)
        states = tuple(self._state(pane, on=on) for pane in panes)
        current = session.compare.focus
        order = sorted(shown, key=lambda index: index != current)
        self._want(
            tuple(
                state.request for state in (states[index] for index in order)
                if state.phase in ("waiting", "working") and state.request is not None
            )
        )  # fmt: skip
        return states

    def set_removal(self, removal: Removal) -> None:
        """Removes patches in another way from now on, where the model allows it."""
        self._removal = removal
        self.changed.emit()

    def ask_now(self, request: TrustRequest) -> None:
        """Asks although it will take long, or failed before."""
        self._asked_for.add(request)
        if isinstance(self._known.get(request), BaseException):
            del self._known[request]
        self.changed.emit()

    def forget(self) -> None:
        """Asks for everything anew."""
        self._known.clear()

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Ends its thread, and waits so long for it."""
        self._still.stop()
        self.blockSignals(True)
        self._desk.close(timeout_s)

    def _state(self, pane: PaneState, *, on: bool) -> TrustState:
        cell = pane.cell
        if not on or cell is None or pane.busy or pane.error is not None:
            return TrustState()
        if (partly := _left_out(cell.heat_map(pane.pane.view))) is not None:
            return TrustState("none", problem=partly)
        request = request_of_map(pane, cell, self._removal)
        known = self._known.get(request)
        if isinstance(known, Trust):
            self._known.move_to_end(request)
            return TrustState("done", request, known)
        problem = known if isinstance(known, BaseException) else _problem(cell)
        if problem is not None:
            return TrustState("none", request, None, problem)
        needed = forwards(cell.outline)
        expected_s = needed * self._fastest_forward(cell)
        flops = needed * cell.card.cost_at(cell.geometry.input_size).flops
        if flops > MOST_AUTOMATIC and request not in self._asked_for:
            return TrustState("offered", request, expected_s=expected_s)
        fraction = self._fraction.get(request)
        phase: Phase = "waiting" if fraction is None else "working"
        return TrustState(phase, request, fraction=fraction or 0.0, expected_s=expected_s)

    def _fastest_forward(self, cell: Cell) -> float:
        """In seconds: the first ones of a model are slow, and so are those of a busy computer."""
        key = cell.card.id, cell.geometry.input_size, cell.device
        self._forwards[key] = min(cell.forward_s, self._forwards.get(key, cell.forward_s))
        return self._forwards[key]

    def _want(self, requests: tuple[TrustRequest, ...]) -> None:
        if requests == self._wanted:
            return
        self._wanted = requests
        self._fraction = {r: f for r, f in self._fraction.items() if r in requests}
        # What is not wanted any more ends at once; what is new has to stand still first.
        self._desk.ask([request for request in requests if request in self._fraction])
        if requests:
            self._still.start()
        else:
            self._still.stop()

    @Slot()
    def _ask(self) -> None:
        self._desk.ask(self._wanted)

    def _answer(self, request: TrustRequest, progress: Progress) -> Trust:
        progress(Stage("loading_torch"), 0.0)
        import_torch()
        step_back(NICE)
        return self._service.engine.answer(request, self._service.aside(progress))

    def _keep(self, request: TrustRequest, outcome: Trust | BaseException) -> None:
        self._known[request] = outcome
        self._fraction.pop(request, None)
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        self.changed.emit()

    @Slot(object, object)
    def _on_answer(self, request: TrustRequest, trust: Trust) -> None:
        self._keep(request, trust)

    @Slot(object, object)
    def _on_failure(self, request: TrustRequest, error: BaseException) -> None:
        self._keep(request, error)

    @Slot(object, object, float)
    def _on_progress(self, request: TrustRequest, stage: Stage, fraction: float) -> None:
        self._fraction[request] = fraction
        if time.monotonic() - self._told_at > SHOWN_EVERY_S:
            self._told_at = time.monotonic()
            self.changed.emit()


def request_of_map(pane: PaneState, cell: Cell, removal: Removal | None = None) -> TrustRequest:
    """What is asked of the map that a pane shows.

    Args:
        pane: The pane.
        cell: Its answer.
        removal: How patches are to be removed; the model's own first way where it does not allow
            this one.
    """
    heat_map, allowed = cell.heat_map(pane.pane.view), removals(cell.outline)
    return TrustRequest(
        cell.request, heat_map.layer, heat_map.head, removal if removal in allowed else allowed[0],
        STEPS, ORDERS,
    )  # fmt: skip


def _left_out(heat_map: HeatMap) -> BaseException | None:
    """Why a map without its outlier patches is not judged; None of a whole one."""
    if heat_map.outliers is None or heat_map.outliers.choice != "exclude":
        return None
    try:
        require_judgeable(heat_map)
    except VitvizError as error:
        return error
    return None


def _problem(cell: Cell) -> BaseException | None:
    """Why there can be no answer; known without asking."""
    try:
        require_classes(cell.outline)
    except VitvizError as error:
        return error
    return None

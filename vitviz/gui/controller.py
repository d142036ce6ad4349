"""Keeps what is computed in step with what is chosen."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from vitviz.engine.answers import Cell
from vitviz.engine.plan import request_of
from vitviz.engine.requests import ExplainRequest
from vitviz.errors import Cancelled, MethodMisfit, PhotoError
from vitviz.gui.known_files import KnownFiles
from vitviz.gui.last_answers import LastAnswer, carried, is_of
from vitviz.gui.open_photos import Background, OpenPhotos
from vitviz.gui.scene import PaneState
from vitviz.gui.store import Store
from vitviz.gui.threads.service import OpenPhoto, Service
from vitviz.imaging.photo import Photo
from vitviz.methods import METHODS
from vitviz.models.card import ModelCard
from vitviz.models.loading import bundled
from vitviz.progress import Stage
from vitviz.session.panes import for_model, with_query, without_point
from vitviz.session.state import Pane, PhotoRef, Query, Session, with_panes

log = logging.getLogger(__name__)


PLAIN = "attention"
"""The method whose maps come with the forward."""


class Controller(QObject):
    """Asks the service what the session needs, and holds what came back, for every pane.

    Signals:
        refreshed(): An opened photo, a cell or a choice changed: draw again.
        progressed(Stage, float fraction): Where the most urgent work is.
        panes_progressed(): Some pane's work went on.
        previewed(Preview): A thumbnail is ready.
        model_ready(ModelCard): The current pane shows another model's answer.
        photos_refused(dict): Photos could not be opened and were taken out; why, by their
            ``PhotoRef``.
        refused(BaseException): Work failed; the choices that worked last are back.
        device_changed(str): Models run there again, since they do not where the user chose.
    """

    refreshed = Signal()
    progressed = Signal(object, float)
    panes_progressed = Signal()
    previewed = Signal(object)
    model_ready = Signal(object)
    photos_refused = Signal(object)
    refused = Signal(object)
    device_changed = Signal(str)

    def __init__(
        self, store: Store, service: Service, files: KnownFiles, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._files = files
        self.store = store
        self.service = service
        self.device = "auto"
        self.photos = OpenPhotos(store, service, files, lambda: self._shown_last.pane, self)
        self._shown: tuple[LastAnswer, ...] = (LastAnswer(),)
        self._requests: tuple[ExplainRequest | None, ...] = (None,)
        self._first: ExplainRequest | None = None
        self._outcomes: dict[ExplainRequest, Cell | BaseException] = {}
        self._stages: dict[ExplainRequest, tuple[Stage, float]] = {}
        self._hover: tuple[Query, int] | None = None
        self._card: ModelCard | None = None
        self._good_device = "auto"
        store.changed.connect(self._on_session)
        service.recalled.connect(self._on_recalled)
        files.changed.connect(self._on_files)
        service.answered.connect(self._on_answer)
        service.failed.connect(self._on_failure)
        service.progressed.connect(self._on_progress)
        self.photos.opened.connect(self._on_opened)
        self.photos.previewed.connect(self.previewed)
        self.photos.refused.connect(self.photos_refused)

    @property
    def opened(self) -> OpenPhoto | None:
        """The current pane's photo; the one before while a new one is still being opened."""
        return self.photos.current

    @property
    def _shown_last(self) -> LastAnswer:
        return self._shown[self.store.session.compare.focus]

    @property
    def cell(self) -> Cell | None:
        """The current pane's last answer."""
        return self._shown_last.cell

    @property
    def shown_cell(self) -> Cell | None:
        """The current pane's last answer, if it belongs to the photo on the canvas."""
        cell = self.cell
        missing = self._files.problem(self.store.session.pane)
        return cell if is_of(cell, self.opened) and missing is None else None

    @property
    def pane_states(self) -> tuple[PaneState, ...]:
        """Every pane of the Compare view, as far as it has got."""
        session = self.store.session
        return tuple(
            self._state(pane, request, shown, session.background)
            for pane, request, shown in zip(session.panes, self._requests, self._shown, strict=True)
        )

    @property
    def answers(self) -> tuple[tuple[Cell, Photo], ...]:
        """What the panes to be seen show by now, each with its photo, the current pane's first."""
        session = self.store.session
        shown = self.pane_states
        focus = shown[session.compare.focus]
        ready = {
            state.cell.request: (state.cell, state.opened.photo)
            for state in (focus, *(shown if session.tab == "compare" else ()))
            if state.cell is not None and state.opened is not None and not state.busy
        }
        return tuple(ready.values())

    def set_device(self, device: str) -> None:
        """Runs models elsewhere from now on."""
        if device != self.device:
            self.device = device
            self._ask()

    @property
    def hovered(self) -> Query | None:
        """The query that the current pane shows without its being chosen."""
        focus = self.store.session.compare.focus
        return self._hover[0] if self._hover is not None and self._hover[1] == focus else None

    def hover(self, query: Query | None, pane: int | None = None) -> None:
        """Shows the map of another query without choosing it; None goes back.

        Args:
            query: In the Compare view, linked panes go with it.
            pane: Whose query; None is the current one.
        """
        at = self.store.session.compare.focus if pane is None else pane
        hover = None if query is None else (query, at)
        if hover != self._hover:
            self._hover = hover
            self._ask()

    def want_previews(self, refs: Sequence[PhotoRef]) -> None:
        """Asks for the thumbnails of these photos, the most urgent first, and of no others."""
        there = [ref for ref in refs if ref.path not in self._files.missing]
        self.service.preview(there, self.store.session.background)

    def retry(self, pane: int | None = None) -> None:
        """Asks again for what failed or was cancelled, in one pane or in all."""
        self.service.ask(self._asked())  # what is asked again has to be taken back first
        for request in self._requests if pane is None else self._requests[pane : pane + 1]:
            if request is not None and isinstance(self._outcomes.get(request), BaseException):
                del self._outcomes[request]
        self._ask()
        self.refreshed.emit()

    def renew(self) -> None:
        """Asks for everything anew: what the answers depend on has changed, and no request says
        so (what the user says of a model's file).
        """
        self.service.ask(())
        self._outcomes.clear()
        self._stages.clear()
        self._ask()
        self.refreshed.emit()

    def cancel(self) -> None:
        """Drops running work; the choices that worked last come back."""
        for request in self._asked():
            self._outcomes[request] = Cancelled()
        self.service.ask(())
        self._hover = None
        self._fall_back(None)
        self._ask()
        self.refreshed.emit()

    # What is shown

    def _state(
        self, pane: Pane, request: ExplainRequest | None, shown: LastAnswer, background: Background
    ) -> PaneState:
        opened = self.photos.of(pane, background)
        cell = shown.cell
        if not is_of(cell, opened) or self._files.problem(pane):
            cell = None
        outcome = self._outcomes.get(request) if request is not None else None
        error = outcome if isinstance(outcome, BaseException) else self._files.problem(pane)
        busy = error is None and request is not None and (opened is None or outcome is None)
        stage, fraction = self._stages.get(request, (None, 0.0)) if request else (None, 0.0)
        return PaneState(pane, opened, cell, error, busy, stage, fraction)

    @Slot(object, object)
    def _on_session(self, new: Session, old: Session) -> None:
        self._shown = carried(self._shown, old.panes, new.panes)
        if new.photo is None:
            self._shown = (LastAnswer(),) * len(new.panes)
        self.photos.show(new, old)
        self._ask()
        if old.tab == "compare" != new.tab:
            self.retry(new.compare.focus)  # only the Compare view can show that it failed
        self.refreshed.emit()

    @Slot()
    def _on_files(self) -> None:
        """Files are there that were missing, or are missing."""
        session = self.store.session
        self.photos.show(session, session)
        self._ask()
        self.refreshed.emit()

    @Slot(object)
    def _on_opened(self, opened: OpenPhoto) -> None:
        self.refreshed.emit()

    # Maps

    def _ask(self) -> None:
        """Wants an answer for each pane to be seen that has none yet."""
        session = self.store.session
        panes: tuple[Pane, ...] = session.panes
        if self._hover is not None:
            query, at = self._hover
            linked = session.tab == "compare" and session.compare.linked
            panes = with_query(panes, min(at, len(panes) - 1), query, self.photos.sizes, linked)
        self._requests = tuple(
            None if self._files.problem(pane) else request_of(pane, session.background, self.device)
            for pane in panes
        )
        self._first = self._plain(panes[session.compare.focus])
        now = {*self._requests, self._first}
        self._outcomes = {r: outcome for r, outcome in self._outcomes.items() if r in now}
        self._stages = {r: stage for r, stage in self._stages.items() if r in now}
        for index, request in enumerate(self._requests):
            outcome = self._outcomes.get(request) if request is not None else None
            if isinstance(outcome, Cell):
                self._show(index, outcome)
        self.service.ask(self._asked())

    def _plain(self, pane: Pane) -> ExplainRequest | None:
        """What is asked for beside a map of a class, where there is nothing to see yet: plain
        attention, which comes with model and predictions as soon as there is one forward.
        """
        cell = self.shown_cell
        seen = cell is not None and (cell.request.model, cell.request.input) == (
            pane.model, pane.input
        )  # fmt: skip
        asked = self._requests[self.store.session.compare.focus]
        if asked is None or seen or not METHODS[pane.view.method].class_specific:
            return None
        view = replace(pane.view, method=PLAIN, params=(), target=None, contrast=None)
        view = replace(view, reference=())
        return request_of(replace(pane, view=view), self.store.session.background, self.device)

    def _asked(self) -> tuple[ExplainRequest, ...]:
        """The requests that are to be answered, each once, the current pane's first."""
        session = self.store.session
        focus = session.compare.focus
        visible = self._requests if session.tab == "compare" else ()
        wanted = dict.fromkeys((self._first, self._requests[focus], *visible))
        return tuple(r for r in wanted if r is not None and r not in self._outcomes)

    def _show(self, index: int, cell: Cell) -> None:
        session = self.store.session
        self._files.learn(cell.request.model, cell.card.sha256)
        shown = list(self._shown)
        shown[index] = LastAnswer(cell, session.panes[index])
        self._shown = tuple(shown)
        if index == session.compare.focus:
            self._good_device = self.device
            self._tell_model()

    def _tell_model(self) -> None:
        """Says so, where the current pane has another model's answer."""
        cell = self.cell
        if cell is not None and cell.card != self._card:
            self._card = cell.card
            self.model_ready.emit(cell.card)

    @Slot(object)
    def _on_recalled(self, cell: Cell) -> None:
        """Shows what was answered last time until the live answer comes: nothing is known to work
        by that, so it is no choice to fall back to.
        """
        shown = list(self._shown)
        for index, request in enumerate(self._requests):
            if request == cell.request and request not in self._outcomes:
                shown[index] = LastAnswer(cell)
        self._shown = tuple(shown)
        self._tell_model()
        self.refreshed.emit()

    def _show_meanwhile(self, cell: Cell) -> None:
        """Shows plain attention until the map that was asked for comes; that is no choice to fall
        back to.
        """
        focus = self.store.session.compare.focus
        if self._requests[focus] not in self._outcomes:
            shown = list(self._shown)
            shown[focus] = LastAnswer(cell)
            self._shown = tuple(shown)
            self._tell_model()

    @Slot(object)
    def _on_answer(self, cell: Cell) -> None:
        self._outcomes[cell.request] = cell
        self._stages.pop(cell.request, None)
        if cell.request == self._first:
            self._show_meanwhile(cell)
        for index, request in enumerate(self._requests):
            if request == cell.request:
                self._show(index, cell)
        self.refreshed.emit()

    @Slot(object, object, float)
    def _on_progress(self, request: ExplainRequest, stage: Stage, fraction: float) -> None:
        self._stages[request] = stage, fraction
        urgent = next((r for r in self._asked() if r in self._stages), None)
        if request == urgent:
            self.progressed.emit(stage, fraction)
        self.panes_progressed.emit()

    @Slot(object, object)
    def _on_failure(self, request: ExplainRequest, error: BaseException) -> None:
        self._outcomes[request] = error
        self._stages.pop(request, None)
        if request == self._first and request not in self._requests:
            return  # what was asked for says why
        current = self.store.session.compare.focus
        if not isinstance(error, PhotoError | MethodMisfit):  # which are said elsewhere
            log.warning("work failed", exc_info=error)
        if isinstance(error, MethodMisfit) and self._turn_to_another_method(request, error):
            return
        if request == self._requests[current] and not isinstance(error, PhotoError):
            if self.store.session.tab != "compare" or self._can_fall_back:
                self.refused.emit(error)
            if self._can_fall_back:
                self._fall_back(request)
        self.refreshed.emit()

    def _turn_to_another_method(self, request: ExplainRequest, error: MethodMisfit) -> bool:
        """Gives panes whose new model does not fit their method one that it does; False where that
        is not what happened.
        """
        session, shown = self.store.session, self._shown
        panes = list(session.panes)
        for index, asked in enumerate(self._requests):
            last = shown[index].pane
            if asked != request or (last is not None and last.model == request.model):
                continue
            if not error.fitting:
                break
            view = replace(panes[index].view, params=(), target=None, contrast=None)
            panes[index] = replace(panes[index], view=replace(view, method=error.fitting[0]))
        if tuple(panes) == session.panes:
            return False
        self.refused.emit(error)
        self.store.amend(with_panes(session, tuple(panes), session.compare.focus))
        return True

    @property
    def _can_fall_back(self) -> bool:
        """The current pane had an answer before, or is the only one."""
        session = self.store.session
        return self._shown_last.pane is not None or not session.compare.others

    def _fall_back(self, failed: ExplainRequest | None) -> None:
        """Goes back to the model, input and view that gave the last cell, else to the bundled
        model; when it cannot have been any of these, to the device.
        """
        self._hover = None
        session = self.store.session
        good = self._shown_last.pane
        if good is None:
            if session.compare.others:
                return
            back = replace(session, model=bundled()[0].id, view=for_model(session.view))
        else:
            view = replace(good.view, layer=session.view.layer)
            if good.photo != session.photo:
                view = without_point(view)
            back = replace(session, model=good.model, input=good.input, view=view)
        if failed is not None and failed == request_of(back.pane, back.background, self.device):
            if self.device == self._good_device:
                return
            self.device = self._good_device
            self.device_changed.emit(self.device)
        self.store.amend(back)
        if failed is not None:
            self._ask()

"""Keeps what is computed in step with what is chosen."""

from __future__ import annotations

import logging
from dataclasses import replace

from PySide6.QtCore import QObject, Signal, Slot

from vitviz.errors import PhotoError
from vitviz.gui.service import Opened, Preview, Service
from vitviz.gui.store import Store
from vitviz.models.card import ModelCard
from vitviz.models.loading import bundled
from vitviz.session.engine import Cell
from vitviz.session.plan import Request, plan
from vitviz.session.state import PhotoRef, Query, Session

log = logging.getLogger(__name__)


class Controller(QObject):
    """Asks the service what the session needs, and holds what came back.

    Signals:
        refreshed(): The opened photo, the cell or a choice changed: draw again.
        previewed(Preview): A thumbnail is ready.
        model_ready(ModelCard): A model answered for the first time.
        photo_refused(PhotoRef, BaseException): A photo could not be opened and was taken out.
        refused(BaseException): Work failed; the choices that worked last are back.
        device_changed(str): Models run there again, since they do not where the user chose.
    """

    refreshed = Signal()
    previewed = Signal(object)
    model_ready = Signal(object)
    photo_refused = Signal(object, object)
    refused = Signal(object)
    device_changed = Signal(str)

    def __init__(self, store: Store, service: Service, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.store = store
        self.service = service
        self.device = "auto"
        self.cell: Cell | None = None
        self.opened: Opened | None = None
        self._asked: Request | None = None
        self._opening: PhotoRef | None = None
        self._hover: Query | None = None
        self._previewed: set[PhotoRef] = set()
        self._card: ModelCard | None = None
        self._asked_in: Session = store.session
        self._good: Session | None = None
        self._good_device = "auto"
        self._frames: dict[str, int] = {}
        self._visited: list[PhotoRef] = []
        store.changed.connect(self._on_session)
        service.answered.connect(self._on_answer)
        service.failed.connect(self._on_failure)
        service.opened.connect(self._on_opened)
        service.open_failed.connect(self._on_photo_failure)
        service.previewed.connect(self._on_preview)
        service.preview_failed.connect(self._on_photo_failure)

    @property
    def shown_cell(self) -> Cell | None:
        """The cell, if it belongs to the photo on the canvas."""
        if self.cell is None or self.opened is None or self.cell.request.photo != self.opened.ref:
            return None
        return self.cell

    def set_device(self, device: str) -> None:
        """Runs models elsewhere from now on."""
        if device != self.device:
            self.device = device
            self._ask()

    def hover(self, query: Query | None) -> None:
        """Shows the map of another query without choosing it; None goes back."""
        if query != self._hover:
            self._hover = query
            self._ask()

    def retry(self) -> None:
        """Asks again for what failed or was cancelled."""
        self._asked = None
        self._ask()

    def cancel(self) -> None:
        """Drops running work; the choices that worked last come back."""
        self.service.cancel()
        if self._hover is not None:
            self.hover(None)
        self._fall_back(None)

    @Slot(object, object)
    def _on_session(self, new: Session, old: Session) -> None:
        if new.background != old.background:
            self._previewed.clear()
            self._opening = None
        self._visited = [ref for ref in self._visited if ref in new.photos]
        for ref in new.photos:
            if ref not in self._previewed:
                self._previewed.add(ref)
                self.service.preview(ref, new.background)
        self._open(new)
        self._ask()
        self.refreshed.emit()

    def _open(self, session: Session) -> None:
        if session.photo is None:
            self.opened, self.cell, self._opening = None, None, None
            self.service.cancel_opening()
        elif session.photo != self._opening:
            self._opening = session.photo
            self.service.open(session.photo, session.background)

    def _ask(self) -> None:
        session = self._asked_in = self.store.session
        if self._hover is not None:
            session = replace(session, view=replace(session.view, query=self._hover))
        requests = plan(session, self.device)
        if not requests:
            self._asked = None
            self.service.cancel()
        elif requests[0] != self._asked:
            self._asked = requests[0]
            self.service.ask(requests[0])

    @Slot(object)
    def _on_answer(self, cell: Cell) -> None:
        self.cell = cell
        self._good, self._good_device = self._asked_in, self.device
        if cell.card != self._card:
            self._card = cell.card
            self.model_ready.emit(cell.card)
        self.refreshed.emit()

    @Slot(object, object)
    def _on_failure(self, request: Request, error: BaseException) -> None:
        if not isinstance(error, PhotoError):  # the opener says that one
            log.warning("work failed", exc_info=error)
            self.refused.emit(error)
            self._fall_back(request)

    def _fall_back(self, failed: Request | None) -> None:
        """Goes back to the model, input and view that gave the last cell, else to the bundled
        model; when it cannot have been any of these, to the device.
        """
        self._hover = None
        session = self.store.session
        if self._good is None:
            back = replace(session, model=bundled()[0].id)
        else:
            good = self._good.view
            view = replace(session.view, method=good.method, params=good.params, query=good.query,
                           direction=good.direction, head=good.head)  # fmt: skip
            back = replace(session, model=self._good.model, input=self._good.input, view=view)
        if failed is not None and plan(back, self.device)[:1] == (failed,):
            if self.device == self._good_device:
                return
            self.device = self._good_device
            self.device_changed.emit(self.device)
        self.store.amend(back)
        if failed is not None:
            self._ask()

    @Slot(object)
    def _on_opened(self, opened: Opened) -> None:
        self.opened = opened
        self._frames[opened.ref.path] = opened.ref.frame
        self._visited = [ref for ref in self._visited if ref != opened.ref] + [opened.ref]
        self._on_preview(
            Preview(opened.ref, opened.thumbnail, opened.photo.size, opened.photo.frames,
                    opened.photo.notes)
        )  # fmt: skip
        self.refreshed.emit()

    @Slot(object)
    def _on_preview(self, preview: Preview) -> None:
        self.previewed.emit(preview)

    @Slot(object, object)
    def _on_photo_failure(self, ref: PhotoRef, error: BaseException) -> None:
        session = self.store.session
        if ref not in session.photos:
            return
        self._previewed.discard(ref)
        good_frame = self._frames.get(ref.path, ref.frame)
        if good_frame != ref.frame:
            before = replace(ref, frame=good_frame)
            photos = tuple(before if known == ref else known for known in session.photos)
            self.store.amend(replace(session, photos=photos))
            self.photo_refused.emit(ref, error)
            return
        left = tuple(known for known in session.photos if known != ref)
        selected = session.photo
        if selected == ref:  # back to what was looked at before
            earlier = [known for known in self._visited if known in left]
            selected = earlier[-1] if earlier else None
        index = left.index(selected) if selected in left else 0
        self.store.amend(replace(session, photos=left, selected=index))
        self.photo_refused.emit(ref, error)

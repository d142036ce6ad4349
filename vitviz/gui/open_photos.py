"""The photos that are shown: opened when a pane needs them, let go when none does any more."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from vitviz.gui.known_files import KnownFiles
from vitviz.gui.store import Store
from vitviz.gui.threads.service import Kept, OpenPhoto, Preview, Service
from vitviz.session.panes import without_photos
from vitviz.session.state import Pane, PhotoRef, Session

Background = tuple[int, int, int]

PAUSE_MS = 200
"""From one time that photos are taken out to the next: each time the whole list is made anew, and
there may be thousands."""


class OpenPhotos(QObject):
    """Asks the service for photos, and holds those that panes show.

    Args:
        store: Where the choices are; loses what cannot be opened.
        service: Opens them.
        files: Know which are missing: those are not opened, and stay.
        answered: What the current pane showed last.
        parent: In Qt's sense.

    Signals:
        opened(OpenPhoto): One is there.
        previewed(Preview): A thumbnail is ready.
        refused(dict): Some could not be opened and were taken out; why, by their ``PhotoRef``.
    """

    opened = Signal(object)
    previewed = Signal(object)
    refused = Signal(object)

    def __init__(
        self, store: Store, service: Service, files: KnownFiles,
        answered: Callable[[], Pane | None], parent: QObject | None = None,
    ) -> None:  # fmt: skip
        super().__init__(parent)
        self._store = store
        self._service = service
        self._files = files
        self._answered = answered
        self.current: OpenPhoto | None = None
        self._photos: dict[tuple[PhotoRef, Background], OpenPhoto] = {}
        self._frames: dict[str, int] = {}
        self._visited: list[PhotoRef] = []
        self._looked_at: frozenset[PhotoRef] = frozenset()
        self._failed: dict[PhotoRef, BaseException] = {}
        self._pause = QTimer(self, singleShot=True, interval=PAUSE_MS)
        self._pause.timeout.connect(self._take_out)
        service.opened.connect(self._on_opened)
        service.open_failed.connect(self._on_failure)
        service.previewed.connect(self.previewed)
        service.preview_failed.connect(self._on_failure)

    @property
    def sizes(self) -> dict[PhotoRef, tuple[int, int]]:
        """Height and width of the photos that are open."""
        return {opened.ref: opened.photo.size for opened in self._photos.values()}

    def of(self, pane: Pane, background: Background) -> OpenPhoto | None:
        """A pane's photo; None until it is open."""
        return self._photos.get((pane.photo, background)) if pane.photo else None

    def show(self, new: Session, old: Session) -> None:
        """Opens what is shown now, the current pane's photo first; lets go of what no pane has."""
        if new.photos is not old.photos:
            there = set(new.photos)
            self._visited = [ref for ref in self._visited if ref in there]
        shown = frozenset(pane.photo for pane in new.panes if pane.photo is not None)
        if new.photos is not old.photos or shown != self._looked_at:
            self._looked_at = shown
            self._service.keep(Kept(new.photos, shown))
        background = new.background
        has = {(pane.photo, background) for pane in new.panes}
        self._photos = {key: opened for key, opened in self._photos.items() if key in has}
        wanted = [
            pane.photo for pane in seen_panes(new)
            if pane.photo is not None and pane.photo.path not in self._files.missing
        ]  # fmt: skip
        self._service.open(
            [ref for ref in dict.fromkeys(wanted) if (ref, background) not in self._photos],
            background,
        )
        if new.photo is None or new.photo.path in self._files.missing:
            self.current = None
        elif (new.photo, background) in self._photos:
            self._look_at(self._photos[new.photo, background])

    def _look_at(self, opened: OpenPhoto) -> None:
        """Makes it the current pane's photo."""
        self.current = opened
        self._visited = [ref for ref in self._visited if ref != opened.ref] + [opened.ref]

    @Slot(object)
    def _on_opened(self, opened: OpenPhoto) -> None:
        session = self._store.session
        self._photos[opened.ref, session.background] = opened
        self._frames[opened.ref.path] = opened.ref.frame
        self._files.learn(opened.ref.path, opened.photo.sha256)
        if opened.ref == session.photo:
            self._look_at(opened)
        self.previewed.emit(
            Preview(opened.ref, opened.thumbnail, opened.photo.size, opened.photo.frames,
                    opened.photo.notes)
        )  # fmt: skip
        self.opened.emit(opened)

    @Slot(object, object)
    def _on_failure(self, ref: PhotoRef, error: BaseException) -> None:
        self._failed[ref] = error
        if not self._pause.isActive():
            self._take_out()

    @Slot()
    def _take_out(self) -> None:
        """Takes out what could not be opened since the last time."""
        session, failed, self._failed = self._store.session, self._failed, {}
        there = {ref: failed[ref] for ref in session.photos if ref in failed} if failed else {}
        if not there:
            return
        self._pause.start()
        gone = self._files.note_gone({ref.path for ref in there})
        refused = {ref: error for ref, error in there.items() if ref.path not in gone}
        if not refused:
            return
        good = {ref: self._frames.get(ref.path, ref.frame) for ref in refused}
        out = frozenset(ref for ref, frame in good.items() if frame == ref.frame)
        back = session
        for ref in refused.keys() - out:
            back = with_photo(back, ref, replace(ref, frame=good[ref]))
        if back.photo in out and (before := self._photo_before(back, out)) is not None:
            back = replace(back, selected=back.photos.index(before))
        self._store.amend(without_photos(back, out))
        self.refused.emit(refused)

    def _photo_before(self, session: Session, out: Collection[PhotoRef]) -> PhotoRef | None:
        """The photo that the current pane showed last, of those that stay."""
        last = self._answered()
        seen = [last.photo] if last is not None and last.photo is not None else []
        if not session.compare.others:
            seen = [*self._visited, *seen]
        there = [ref for ref in seen if ref in session.photos and ref not in out]
        return there[-1] if there else None


def seen_panes(session: Session) -> tuple[Pane, ...]:
    """The panes to be seen, the current one first."""
    return (session.pane, *(session.compare.others if session.tab == "compare" else ()))


def with_photo(session: Session, old: PhotoRef, new: PhotoRef) -> Session:
    """The session with another photo in one's place, in the list and in every pane."""
    photos = tuple(new if ref == old else ref for ref in session.photos)
    others = tuple(
        replace(pane, photo=new) if pane.photo == old else pane for pane in session.compare.others
    )
    return replace(session, photos=photos, compare=replace(session.compare, others=others))

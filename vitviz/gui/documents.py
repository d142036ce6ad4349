"""Opening photos, folders, models and pasted pictures, and whatever else is dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from PySide6.QtCore import QBuffer, QIODevice, QMimeData, QObject
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QWidget

from vitviz.errors import VitvizError
from vitviz.gui.found import (
    CHECKPOINTS,
    Found,
    Kind,
    are_many,
    look_through,
)
from vitviz.gui.known_files import KnownFiles
from vitviz.gui.locating import Locating
from vitviz.gui.refusals import PhotoRefusals
from vitviz.gui.session_files import SessionFiles
from vitviz.gui.settings import Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.jobs import Job, Jobs
from vitviz.gui.widgets.ask_files import ask_file, ask_files, ask_folder
from vitviz.gui.widgets.banner import Banner
from vitviz.imaging.load import EXTENSIONS
from vitviz.imaging.samples import sample_photos
from vitviz.models.loading import bundled
from vitviz.paths import absolute, is_elsewhere
from vitviz.progress import Progress
from vitviz.session import pasted
from vitviz.session.panes import for_model, view_on_another
from vitviz.session.state import Pane, PhotoRef, Session

PHOTO_FILTER = f"Photos ({' '.join(f'*{suffix}' for suffix in EXTENSIONS)});;All files (*)"
MODEL_FILTER = f"Checkpoints ({' '.join(f'*{suffix}' for suffix in CHECKPOINTS)});;All files (*)"
FEW_PHOTOS = 3
"""Opened at once, each is one of the recent photos."""

PNG_QUALITY = 80
"""Qt's word for how little it compresses: four times as fast as by default, a quarter larger."""


class Documents(QObject):
    """Everything that turns files into choices; ``sessions`` has the way back.

    Args:
        store: Where the choices are.
        settings: Where recent files are remembered.
        banner: Where failures are said.
        jobs: Look through files that may be large; they say their failures themselves.
        files: Find out which files of a session are there.
        window: Parent of the file dialogs.
    """

    def __init__(
        self, store: Store, settings: Settings, banner: Banner, jobs: Jobs, files: KnownFiles,
        window: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(window)
        self._jobs = jobs
        self.store = store
        self.settings = settings
        self.banner = banner
        self._window = window
        self.refusals = PhotoRefusals(store, settings, banner)
        self.locating = Locating(store, settings, banner, jobs, files, window)
        self.sessions = SessionFiles(
            store, settings, banner, jobs, files, self.refusals, self.locating, window
        )

    def add(self, names: Sequence[Path | str], then: Callable[[], None] = lambda: None) -> None:
        """Opens whatever is there: photos, folders of photos, a session, a checkpoint.

        Args:
            names: Of files and folders.
            then: Called once that is done, or was cancelled; it takes a while where there are
                many.
        """
        self.look_through(names, self.open_found, lambda: self._in_turn(then, always=True))

    def look_through(
        self,
        names: Sequence[Path | str],
        then: Callable[[Found], None],
        after: Callable[[], None] = lambda: None,
    ) -> None:
        """Finds out what files are: a few at once, many and folders on another thread.

        Args:
            names: Of files and folders.
            then: Called with what they are.
            after: Called after that, and where it was cancelled.
        """
        self.banner.clear()
        if not are_many(names):
            then(look_through(names))
            after()
            return
        title = f"Looking at {len(names):,} files" if len(names) > 1 else "Looking into a folder"
        look = partial(look_through, names)
        self._jobs.begin(
            Job(title, look, lambda found: then(cast("Found", found)), after, opens=True)
        )

    def _in_turn(self, step: Callable[[], None], *, always: bool = False) -> None:
        """Does something once the sessions before it are there, which take the place of all else.

        Args:
            step: Does it.
            always: Also where they are cancelled.
        """
        if not self._jobs.is_opening:
            step()
            return
        then, after = (None, step) if always else (lambda _: step(), None)
        self._jobs.begin(Job("Opening files", lambda _: None, then, after, opens=True))

    def open_found(self, found: Found) -> None:
        """Opens what is behind some names, and says at once what of it cannot be opened."""
        for kind, path in found.others:
            self._in_turn(partial(self._open_other, kind, path))
        if found.photos:
            self._in_turn(partial(self._add_refs, found.photos))
        self._say_refused(found.refused)

    def _open_other(self, kind: Kind, path: Path) -> None:
        if kind == "session":
            self.sessions.read(path)
        elif kind == "export":
            self.sessions.reopen(path)
        else:
            self.use_model(str(path))

    def _say_refused(self, refused: Sequence[VitvizError]) -> None:
        """Says all that was refused at once: one message would take the place of another."""
        if refused:
            said = [" ".join(filter(None, (error.message, error.hint))) for error in refused]
            more = f" And {len(said) - 6:,} more." if len(said) > 6 else ""
            self.banner.say("\n".join(dict.fromkeys(said[:6])) + more)

    def open_recent(self, path: str) -> None:
        """Opens what was opened before; asks first where that would ask another computer."""
        if not is_elsewhere(path):
            self.add([path])
            return
        self.banner.say(
            f"{path} is on another computer, or is no file. Open it?",
            (("Open It", lambda: self.add([path])), ("Leave It", lambda: None)),
        )

    def add_photos(self, paths: Sequence[Path]) -> None:
        """Adds photos and selects the first of them; those open already are not added again."""
        refs = [PhotoRef(str(absolute(path))) for path in paths]
        self._add_refs(tuple(dict.fromkeys(refs)))

    def _add_refs(self, refs: Sequence[PhotoRef]) -> None:
        session, first = self._with_photos(self.store.session, refs)
        view = view_on_another(session.view, session.photo)
        self.store.set(replace(session, selected=session.photos.index(first), view=view))

    def show_photo(self, path: Path, session: Session) -> None:
        """Shows a photo with other choices, opened where it is not; one step to undo."""
        session, ref = self._with_photos(session, (PhotoRef(str(absolute(path))),))
        self.store.set(replace(session, selected=session.photos.index(ref)))

    def for_pane(self, session: Session, pane: Pane, found: Found) -> tuple[Session, Pane]:
        """What files make of a pane, and the session with the photos among them.

        A checkpoint becomes its model, the first photo its photo.
        """
        for kind, path in found.others:
            if kind == "model":
                pane = replace(pane, model=str(path), view=for_model(pane.view))
            else:
                self._open_other(kind, path)
        self._say_refused(found.refused)
        if found.photos:
            session, first = self._with_photos(session, found.photos)
            pane = replace(pane, photo=first, view=view_on_another(pane.view, pane.photo))
        return session, pane

    def _with_photos(self, session: Session, refs: Sequence[PhotoRef]) -> tuple[Session, PhotoRef]:
        """The session with these photos open, each given once, and the first of them."""
        known = {ref.path: ref for ref in session.photos}
        new = tuple(ref for ref in refs if ref.path not in known)
        self.refusals.begin()
        self._remember([ref.path for ref in refs])
        first = known.get(refs[0].path, refs[0])
        return replace(session, photos=session.photos + new), first

    def _remember(self, names: Sequence[str]) -> None:
        """Remembers a few photos, and the folders of many: one drop must not drive all others out
        of the list.
        """
        for name in reversed(names if len(names) <= FEW_PHOTOS else names[:1]):
            self.settings.add_recent("photos", name)
        folders = dict.fromkeys(str(Path(name).parent) for name in names)
        for folder in [*folders][:FEW_PHOTOS]:
            if folder != str(self.settings.pasted):
                self.settings.add_recent("folders", folder)

    def choose_photos(self) -> None:
        names = ask_files(self._window, "photos", "Open photos", PHOTO_FILTER)
        if names:
            self.add([Path(name) for name in names])

    def choose_folder(self) -> None:
        name = ask_folder(self._window, "photos", "Open a folder of photos")
        if name:
            self.add([Path(name)])

    def choose_model(self) -> None:
        name = ask_file(self._window, "models", "Open a checkpoint", MODEL_FILTER)
        if name:
            self.use_model(name)

    def add_samples(self) -> None:
        """Opens the photos that come with the program."""
        self.add_photos(list(sample_photos()))

    def use_model(self, model: str) -> None:
        """Chooses a bundled model by id, or a checkpoint by path.

        The class chosen stays where both are known to have the same classes: another model's
        class of the same number is another class.
        """
        session = self.store.session
        alike = classes_of(model) == classes_of(session.model)
        view = (
            for_model(session.view, same_classes=alike) if model != session.model else session.view
        )
        self.store.set(replace(session, model=model, view=view))

    def paste(self, data: QMimeData | None, whence: str = "The clipboard") -> None:
        """Opens what the clipboard or a drop holds: files, or a picture.

        Args:
            data: None where the system gives no access to its clipboard.
            whence: What it came from, for people.
        """
        data = QMimeData() if data is None else data
        files = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
        if files:
            self.add(files)
        elif data.hasImage():
            found = data.imageData()
            self._paste_image(found.toImage() if isinstance(found, QPixmap) else QImage(found))
        else:
            self.banner.say(f"{whence} holds no picture. Copy or drop a picture, or a file.")

    def _paste_image(self, image: QImage) -> None:
        if image.isNull():
            self.banner.say("The picture that was copied has no pixels. Copy it again.")
            return
        folder = self.settings.pasted

        def then(path: object) -> None:
            self.add_photos([cast("Path", path)])

        def work(_: Progress) -> Path:
            return keep_picture(image, folder)

        self._jobs.begin(Job("Keeping the picture", work, then, opens=True))


def keep_picture(image: QImage, folder: Path) -> Path:
    """Writes a pasted picture; not on the window's thread: a large screen's takes a second."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG", PNG_QUALITY)  # type: ignore[call-overload]
    return pasted.keep(folder, bytes(buffer.data().data()))


def classes_of(model: str) -> object:
    """What tells two models' classes apart, without loading them: their names, or the file."""
    return {card.id: card.class_names for card in bundled()}.get(model, model)

"""Opening and saving: photos, folders, sessions, models, pasted pictures, maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QBuffer, QIODevice, QMimeData, QObject
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import QFileDialog, QWidget

from vitviz.errors import PhotoTooLarge, VitvizError
from vitviz.gui.found import (
    CHECKPOINTS,
    Found,
    Kind,
    are_many,
    exported_suffixes,
    look_through,
)
from vitviz.gui.settings import RECENT, Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.jobs import Job, Jobs
from vitviz.gui.widgets.banner import Banner, Choices
from vitviz.imaging.load import EXTENSIONS
from vitviz.imaging.samples import sample_photos
from vitviz.models.loading import bundled
from vitviz.paths import absolute, is_elsewhere, is_file
from vitviz.plurals import count_of
from vitviz.progress import Progress
from vitviz.session import pasted, session_file
from vitviz.session.panes import without_photos, without_point
from vitviz.session.state import Pane, PhotoRef, Session

if TYPE_CHECKING:
    from vitviz.exporting.reopen import ReopenedSession

PHOTO_FILTER = f"Photos ({' '.join(f'*{suffix}' for suffix in EXTENSIONS)});;All files (*)"
MODEL_FILTER = f"Checkpoints ({' '.join(f'*{suffix}' for suffix in CHECKPOINTS)});;All files (*)"
PNG_QUALITY = 80
"""Qt's word for how little it compresses: four times as fast as by default, a quarter larger."""

SESSION_FILTER = f"vitviz sessions (*{session_file.SUFFIX})"


class Documents(QObject):
    """Everything that turns files into choices and choices into files.

    Args:
        store: Where the choices are.
        settings: Where recent files are remembered.
        banner: Where failures are said.
        jobs: Look through files that may be large; they say their failures themselves.
        window: Parent of the file dialogs.
    """

    def __init__(
        self, store: Store, settings: Settings, banner: Banner, jobs: Jobs, window: QWidget
    ) -> None:
        super().__init__(window)
        self._jobs = jobs
        self.store = store
        self.settings = settings
        self.banner = banner
        self.session_path: Path | None = None
        self._window = window
        self._refused: list[str] = []
        self._large: list[PhotoRef] = []

    def add(self, names: Sequence[Path | str], then: Callable[[], None] = lambda: None) -> None:
        """Opens whatever is there: photos, folders of photos, a session, a checkpoint.

        Args:
            names: Of files and folders.
            then: Called once that is done, which takes a while where there are many.
        """

        def take(found: Found) -> None:
            self.open_found(found)
            then()

        self.look_through(names, take)

    def look_through(self, names: Sequence[Path | str], then: Callable[[Found], None]) -> None:
        """Finds out what files are: a few at once, many and folders on another thread."""
        self.banner.dismiss()
        if not are_many(names):
            then(look_through(names))
            return
        title = f"Looking at {len(names):,} files" if len(names) > 1 else "Looking into a folder"
        self._jobs.begin(
            Job(title, partial(look_through, names), lambda found: then(cast("Found", found)))
        )

    def open_found(self, found: Found) -> None:
        """Opens what is behind some names, and says at once what of it cannot be opened."""
        refused = [*found.refused]
        for kind, path in found.others:
            try:
                self._open_other(kind, path)
            except VitvizError as error:
                refused.append(error)
        if found.photos:
            self._add_refs(found.photos)
        self._say_refused(refused)

    def _open_other(self, kind: Kind, path: Path) -> None:
        if kind == "session":
            self.read_session(path)
        elif kind == "export":
            self.reopen(path)
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
        view = without_point(session.view)
        self.store.set(replace(session, selected=session.photos.index(first), view=view))

    def for_pane(self, session: Session, pane: Pane, found: Found) -> tuple[Session, Pane]:
        """What files make of a pane, and the session with the photos among them.

        A checkpoint becomes its model, the first photo its photo.
        """
        refused = [*found.refused]
        for kind, path in found.others:
            try:
                if kind == "model":
                    view = replace(pane.view, target=None, contrast=None)
                    pane = replace(pane, model=str(path), view=view)
                else:
                    self._open_other(kind, path)
            except VitvizError as error:
                refused.append(error)
        self._say_refused(refused)
        if found.photos:
            session, first = self._with_photos(session, found.photos)
            pane = replace(pane, photo=first, view=without_point(pane.view))
        return session, pane

    def _with_photos(self, session: Session, refs: Sequence[PhotoRef]) -> tuple[Session, PhotoRef]:
        """The session with these photos open, each given once, and the first of them."""
        known = {ref.path: ref for ref in session.photos}
        new = tuple(ref for ref in refs if ref.path not in known)
        self._refused, self._large = [], []
        for ref in reversed(refs[:RECENT]):
            self.settings.add_recent("photos", ref.path)
        first = known.get(refs[0].path, refs[0])
        return replace(session, photos=session.photos + new), first

    def refuse(self, ref: PhotoRef, error: BaseException) -> None:
        """Says why a photo is not there; what is refused together is said together."""
        if isinstance(error, PhotoTooLarge):
            self._large.append(ref)
        else:
            self._refused.append(Path(ref.path).name)
            self.settings.forget_recent("photos", ref.path)
        if self._large:
            self._ask_about_large(error)
        elif len(self._refused) == 1:
            self.banner.show_error(error)
        else:
            last = error.message if isinstance(error, VitvizError) else str(error)
            self.banner.say(f"{self._refused_words()} The last one: {last}")

    def _refused_words(self) -> str:
        count = len(self._refused)
        files = count_of(count, "file")
        return f"{files} could not be opened: {listed(self._refused)}."

    def _ask_about_large(self, error: BaseException) -> None:
        large = tuple(self._large)
        if len(large) == 1 and isinstance(error, PhotoTooLarge):
            words = f"{error.message} {error.hint}"
        else:
            names = listed([Path(ref.path).name for ref in large])
            words = f"Larger than the limit in the preferences: {names}. Open anyway?"
        if self._refused:
            words = f"{self._refused_words()} {words}"
        leave = "Leave it" if len(large) == 1 else "Leave them"
        self.banner.say(
            words, (("Open anyway", lambda: self._allow(large)), (leave, self._large.clear))
        )

    def _allow(self, refs: tuple[PhotoRef, ...]) -> None:
        self._large.clear()
        session = self.store.session
        allowed = tuple(replace(ref, allow_large=True) for ref in refs)
        photos = (*session.photos, *allowed)
        selected = len(session.photos)
        self.store.set(
            replace(session, photos=photos, selected=selected, view=without_point(session.view))
        )

    def choose_photos(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open photos", "", PHOTO_FILTER)
        if names:
            self.add([Path(name) for name in names])

    def choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder of photos")
        if name:
            self.add([Path(name)])

    def choose_model(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a checkpoint", "", MODEL_FILTER)
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
        view = session.view
        if classes_of(model) != classes_of(session.model):
            view = replace(view, target=None, contrast=None)
        self.store.set(replace(session, model=model, view=view))

    def paste(self, data: QMimeData | None) -> None:
        """Opens what the clipboard or a drop holds: files, or a picture.

        Args:
            data: None where the system gives no access to its clipboard.
        """
        data = QMimeData() if data is None else data
        files = [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
        if files:
            self.add(files)
        elif data.hasImage():
            found = data.imageData()
            self._paste_image(found.toImage() if isinstance(found, QPixmap) else QImage(found))
        else:
            self.banner.say("There is no photo in it. Copy or drop a picture, or a file.")

    def _paste_image(self, image: QImage) -> None:
        if image.isNull():
            self.banner.say("The picture that was copied has no pixels. Copy it again.")
            return
        folder = self.settings.pasted

        def then(path: object) -> None:
            self.add_photos([cast("Path", path)])

        self._jobs.begin(Job("Keeping the picture", lambda _: keep_picture(image, folder), then))

    def choose_session(self) -> None:
        exported = " ".join(f"*{suffix}" for suffix in exported_suffixes())
        kinds = f"{SESSION_FILTER};;Files that vitviz exported ({exported})"
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a session", "", kinds)
        if name:
            self.open_state(Path(name))

    def open_state(self, path: Path) -> None:
        """Opens a session, or what made an exported file; a picture too, which else is a photo."""
        self.banner.dismiss()
        try:
            if path.suffix.lower() == session_file.SUFFIX:
                self.read_session(path)
            else:
                self.reopen(path)
        except VitvizError as error:
            self.banner.show_error(error)

    def reopen(self, path: Path) -> None:
        """Opens what made an exported file, once that and the photos it names are looked through.

        Says what is not there, or not what it was.
        """
        from vitviz.exporting import reopen as reopening
        from vitviz.exporting.stamp import read

        kinds = ("photos", "models")
        known = [Path(name) for kind in kinds for name in self.settings.recent(kind)]
        known += [Path(ref.path) for ref in self.store.session.photos]

        def look(progress: Progress) -> ReopenedSession:
            return reopening.reopen(read(path), path, known, progress)

        def use(found: object) -> None:
            self._use_reopened(cast("ReopenedSession", found))

        self._jobs.begin(Job(f"Looking into {path.name}", look, use))

    def _use_reopened(self, found: ReopenedSession) -> None:
        from vitviz.exporting.provenance import renamed

        session = found.session
        if found.model_missing:
            models = {found.model_missing: self.store.session.model}
            session = renamed(session, lambda name: models.get(name, name))
        self.session_path = None
        find = (("Open Checkpoint…", self.choose_model),) if found.model_missing else ()
        self.store.set(self.present(session, found.problems, find))

    def read_session(self, path: Path) -> None:
        """Opens a session; photos that are gone are left out, and named."""
        session = session_file.read(path)
        self.session_path = path
        self.settings.add_recent("sessions", str(path))
        self.store.set(self.present(session))

    def present(
        self, session: Session, problems: Sequence[str] = (), choices: Choices = (),
        allowed: frozenset[str] = frozenset(),
    ) -> Session:  # fmt: skip
        """The session with what there still is of its photos and models; says what there is not.

        Args:
            session: From a file. What it names on other computers is left out, and not asked for
                until the user says so.
            problems: That are to be said as well.
            choices: What can be done about them.
            allowed: Names on other computers that the user said yes to.
        """
        far = frozenset(filter(is_elsewhere, session.files)) - allowed
        gone = [ref for ref in session.photos if ref.path in far or not is_file(ref.path)]
        self._refused, self._large = [], []
        words = [*problems]
        if lost := [Path(ref.path).name for ref in gone if ref.path not in far]:
            words.append(f"No longer there, and left out: {listed(lost)}.")
        if far:
            words.append(f"On another computer, or no files, and left out: {listed(sorted(far))}.")
            again = partial(self._present_all, session, problems, choices, allowed | far)
            choices = (*choices, ("Look There", again), ("Leave Out", lambda: None))

        from vitviz.exporting.provenance import renamed, with_bundled

        session, retired = with_bundled(session)
        if retired:
            words.append(
                f"This version of vitviz has no model called {listed(retired)}: "
                f"{bundled()[0].id} takes its place, and its maps differ."
            )
        if words:
            self.banner.say(" ".join(words), choices)
        left = without_photos(session, gone)
        return renamed(left, lambda name: bundled()[0].id if name in far else name)

    def _present_all(
        self, session: Session, problems: Sequence[str], choices: Choices, allowed: frozenset[str]
    ) -> None:
        """The session with what is elsewhere, too; says again what else there is to say."""
        self.store.set(self.present(session, problems, choices, allowed))

    def save_session(self) -> bool:
        """Saves to where the session came from; asks the first time. True once it is saved."""
        if self.session_path is None:
            return self.save_session_as()
        return self._save_session(self.session_path)

    def save_session_as(self) -> bool:
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save the session", f"session{session_file.SUFFIX}", SESSION_FILTER
        )
        if not name:
            return False
        path = Path(name)
        if path.suffix != session_file.SUFFIX:  # or it would be opened as a photo
            path = path.with_name(path.name + session_file.SUFFIX)
        return self._save_session(path)

    def _save_session(self, path: Path) -> bool:
        try:
            session_file.save(self.store.session, path)
        except VitvizError as error:
            self.banner.show_error(error)
            return False
        self.session_path = path
        self.settings.add_recent("sessions", str(path))
        self.settings.keep_pictures(self.store.session)
        return True


def keep_picture(image: QImage, folder: Path) -> Path:
    """Writes a pasted picture; not on the window's thread: a large screen's takes a second."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG", PNG_QUALITY)  # type: ignore[call-overload]
    return pasted.keep(folder, bytes(buffer.data().data()))


def listed(names: list[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more


def classes_of(model: str) -> object:
    """What tells two models' classes apart, without loading them: their names, or the file."""
    return {card.id: card.class_names for card in bundled()}.get(model, model)

"""Opening and saving sessions, and what made an exported file."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QWidget

from vitviz.errors import VitvizError
from vitviz.gui.found import exported_suffixes
from vitviz.gui.known_files import KnownFiles
from vitviz.gui.locating import Locating
from vitviz.gui.refusals import PhotoRefusals, listed
from vitviz.gui.scene import Missing
from vitviz.gui.settings import Settings
from vitviz.gui.store import MAX_STEPS, Store
from vitviz.gui.threads.desk import Once
from vitviz.gui.threads.jobs import Job, Jobs
from vitviz.gui.widgets.ask_files import ask_file, ask_new_file
from vitviz.gui.widgets.banner import Banner
from vitviz.models.loading import bundled
from vitviz.progress import Progress
from vitviz.session import session_file
from vitviz.session.finding import FileFacts, last_part
from vitviz.session.state import PhotoRef, Session

if TYPE_CHECKING:
    from vitviz.exporting.reopen import ReopenedSession

log = logging.getLogger(__name__)

SESSION_FILTER = f"vitviz sessions (*{session_file.SUFFIX})"

SAVING = "saving"
"""What messages about it are about."""


@dataclass(frozen=True, eq=False)
class _Home:
    """Where a session lives.

    Args:
        path: Of its file; None where it has none.
        saved: What is in that.
        lost: Names in it that could not be opened.
    """

    path: Path | None = None
    saved: Session | None = None
    lost: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class _Opening:
    """A session took the place of another: where each of them lives."""

    before: Session
    home_before: _Home
    after: Session
    home_after: _Home


@dataclass(frozen=True, eq=False)
class KnownSession:
    """A session as it can be shown here.

    Args:
        session: With bundled models in the place of those of other versions.
        retired: Those.
        missing: Which of its files are missing, and why.
        facts: What its file knows of them.
    """

    session: Session
    retired: tuple[str, ...]
    missing: Mapping[str, Missing]
    facts: Mapping[str, FileFacts]


class SessionFiles(QObject):
    """Turns files into sessions and sessions into files.

    Signals:
        saved(Path): The session was written there.

    Args:
        store: Where the choices are.
        settings: Where recent files are remembered.
        banner: Where failures are said.
        jobs: Look through files that may be large; they say their failures themselves.
        files: Find out which files of a session are there.
        refusals: Of the photos that a session names.
        locating: Knows where else to look.
        window: Parent of the file dialogs.
    """

    saved = Signal(object)

    def __init__(
        self, store: Store, settings: Settings, banner: Banner, jobs: Jobs, files: KnownFiles,
        refusals: PhotoRefusals, locating: Locating, window: QWidget,
    ) -> None:  # fmt: skip
        super().__init__(window)
        self._store = store
        self._settings = settings
        self._banner = banner
        self._jobs = jobs
        self._files = files
        self._refusals = refusals
        self._locating = locating
        self._window = window
        self._home = _Home()
        self._openings: list[_Opening] = []
        self._opened = 0  # how often another session took the place of the one before
        self._savings: list[Once] = []
        store.changed.connect(self._on_session)

    @property
    def path(self) -> Path | None:
        """Where the session is saved; None until it is."""
        return self._home.path

    @property
    def is_changed(self) -> bool:
        """Whether the session differs from its file; False where it has none."""
        return self.path is not None and self._store.session != self._home.saved

    def choose(self) -> None:
        exported = " ".join(f"*{suffix}" for suffix in exported_suffixes())
        kinds = f"{SESSION_FILTER};;Files that vitviz exported ({exported})"
        name = ask_file(self._window, "sessions", "Open a session", kinds)
        if name:
            self.open_state(Path(name))

    def open_state(self, path: Path) -> None:
        """Opens a session, or what made an exported file; a picture too, which else is a photo."""
        self._banner.clear()
        if path.suffix.lower() == session_file.SUFFIX:
            self.read(path)
        else:
            self.reopen(path)

    def reopen(self, path: Path) -> None:
        """Opens what made an exported file, once that and the photos it names are looked through.

        Says what is not there, or not what it was.
        """
        from vitviz.exporting import reopen as reopening
        from vitviz.exporting.stamp import read

        kinds = ("photos", "models")
        known = [Path(name) for kind in kinds for name in self._settings.recent(kind)]
        known += [Path(ref.path) for ref in self._store.session.photos]
        folders = self._locating.folders()

        def look(progress: Progress) -> tuple[KnownSession, ReopenedSession]:
            made = read(path)
            facts = {name: FileFacts(sha256) for name, sha256 in made.files.items()}
            found = reopening.reopen(made, path, known, progress, folders)
            return self.known_here(found.session, facts, progress), found

        def use(outcome: object) -> None:
            there, found = cast("tuple[KnownSession, ReopenedSession]", outcome)
            self.say(there)
            self._open(there.session, _Home())
            if found.changed:
                self._banner.say(" ".join(found.changed), about="changed files")

        self._jobs.begin(Job(f"Looking into {path.name}", look, use, opens=True))

    def read(self, path: Path) -> None:
        """Opens a session; what is missing keeps its place."""

        def look(progress: Progress) -> tuple[KnownSession, Session]:
            saved = session_file.read_saved(path)
            return self.known_here(saved.session, saved.files, progress), saved.session

        def use(outcome: object) -> None:
            there, saved = cast("tuple[KnownSession, Session]", outcome)
            self._settings.add_recent("sessions", str(path))
            self.say(there)
            self._open(there.session, _Home(path, saved, frozenset(there.retired)))

        self._jobs.begin(Job(f"Opening {path.name}", look, use, opens=True))

    def _open(self, session: Session, home: _Home) -> None:
        self._openings.append(_Opening(self._store.session, self._home, session, home))
        del self._openings[:-MAX_STEPS]
        self._opened += 1
        self._store.set(session)

    @Slot(object, object)
    def _on_session(self, new: Session, old: Session) -> None:
        """Where the session lives goes with it when a step is taken back."""
        for opening in reversed(self._openings):
            if new is opening.before or new is opening.after:
                back = new is opening.before
                self._opened += 1
                self._home = opening.home_before if back else opening.home_after
                return

    def known_here(
        self, session: Session, facts: Mapping[str, FileFacts], progress: Progress
    ) -> KnownSession:
        """Finds out which files of a session are missing; on the jobs' thread.

        Args:
            session: From a file. What it names on other computers is not asked for until the
                user says so.
            facts: What the file knows of those that it names.
            progress: Called now and then; may raise ``Cancelled``.
        """
        from vitviz.exporting.provenance import with_bundled

        session, retired = with_bundled(session)
        missing = self._files.missing_of(session, progress)
        return KnownSession(session, tuple(retired), missing, facts)

    def say(self, there: KnownSession) -> None:
        """What is to be said before a session is shown."""
        self._refusals.begin()
        self._files.note_missing(there.missing, there.facts)
        if there.retired:
            self._banner.say(
                f"This version of vitviz has no model called {listed(there.retired)}: "
                f"{bundled()[0].id} takes its place, and its maps differ.",
                (("All Right", lambda: None),),
            )

    @Slot(object)
    def note_refused(self, refused: Mapping[PhotoRef, BaseException]) -> None:
        """Photos could not be opened and were taken out, which the user did not ask for."""
        if self._home.saved is not None:
            lost = {ref.path for ref in self._home.saved.photos if ref in refused}
            self._home = replace(self._home, lost=self._home.lost | lost)

    def save(self) -> None:
        """Saves to where the session came from; asks the first time."""
        if self.path is None:
            self.save_as()
        else:
            self._save_to(self.path)

    def save_as(self) -> None:
        name, _ = ask_new_file(
            self._window, "sessions", "Save the session", f"session{session_file.SUFFIX}",
            SESSION_FILTER,
        )  # fmt: skip
        if not name:
            return
        path = Path(name)
        if path.suffix != session_file.SUFFIX:  # or it would be opened as a photo
            path = path.with_name(path.name + session_file.SUFFIX)
        self._save_to(path)

    def _save_to(self, path: Path, *, anyway: bool = False) -> None:
        session = self._store.session
        lost = sorted(self._home.lost - session.files) if path == self.path and not anyway else []
        if lost:
            names = listed([last_part(name) for name in lost])
            self._banner.say(
                f"{path.name} holds what could not be opened, and would lose it: {names}.",
                (
                    ("Save Without", partial(self._save_to, path, anyway=True)),
                    ("Save As…", self.save_as),
                    ("Cancel", lambda: None),
                ),
                about=SAVING,
            )
            return
        self._settings.keep_pictures(session)  # whenever it is written
        opened = self._opened

        def write() -> VitvizError | None:
            try:
                session_file.save(session, path, self._files.facts(session))
            except VitvizError as error:
                return error
            return None

        saving = Once(write)
        self._savings.append(saving)

        def written(error: object) -> None:
            if isinstance(error, VitvizError):
                self._banner.show_error(error, about=SAVING)
            else:
                self._note_saved(session, path, is_open=opened == self._opened)

        self._jobs.begin(
            Job(f"Saving {path.name}", lambda _: saving(), written,
                partial(self._savings.remove, saving), opens=True)
        )  # fmt: skip

    def finish(self) -> None:
        """Writes what is to be saved and has not been written yet: the window closes."""
        for saving in self._savings:
            if (error := saving()) is not None:
                log.warning("the session could not be saved: %s", error)

    def _note_saved(self, session: Session, path: Path, *, is_open: bool) -> None:
        """A session was saved, which may be another one than is open by now."""
        if is_open:
            self._home = _Home(path, session)
        self._banner.take_back(SAVING)
        self._settings.add_recent("sessions", str(path))
        self._settings.remember_folder("session", str(path.parent))
        self.saved.emit(path)

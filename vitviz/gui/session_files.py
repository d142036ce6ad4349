"""Opening and saving sessions, and what made an exported file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtWidgets import QFileDialog, QWidget

from vitviz.errors import VitvizError
from vitviz.gui.found import exported_suffixes
from vitviz.gui.refusals import PhotoRefusals, listed
from vitviz.gui.settings import Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.jobs import Job, Jobs
from vitviz.gui.widgets.banner import Banner, Choices
from vitviz.models.loading import bundled
from vitviz.paths import is_elsewhere, is_file
from vitviz.progress import Progress
from vitviz.session import session_file
from vitviz.session.panes import references, without_photos, without_references
from vitviz.session.state import Session

if TYPE_CHECKING:
    from vitviz.exporting.reopen import ReopenedSession

SESSION_FILTER = f"vitviz sessions (*{session_file.SUFFIX})"


class SessionFiles:
    """Turns files into sessions and sessions into files.

    Args:
        store: Where the choices are.
        settings: Where recent files are remembered.
        banner: Where failures are said.
        jobs: Look through files that may be large; they say their failures themselves.
        refusals: Of the photos that a session names.
        choose_model: Asks for a checkpoint in the place of one that is gone.
        window: Parent of the file dialogs.
    """

    def __init__(
        self, store: Store, settings: Settings, banner: Banner, jobs: Jobs,
        refusals: PhotoRefusals, choose_model: Callable[[], None], window: QWidget,
    ) -> None:  # fmt: skip
        self._store = store
        self._settings = settings
        self._banner = banner
        self._jobs = jobs
        self._refusals = refusals
        self._choose_model = choose_model
        self._window = window
        self.path: Path | None = None

    def choose(self) -> None:
        exported = " ".join(f"*{suffix}" for suffix in exported_suffixes())
        kinds = f"{SESSION_FILTER};;Files that vitviz exported ({exported})"
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a session", "", kinds)
        if name:
            self.open_state(Path(name))

    def open_state(self, path: Path) -> None:
        """Opens a session, or what made an exported file; a picture too, which else is a photo."""
        self._banner.dismiss()
        try:
            if path.suffix.lower() == session_file.SUFFIX:
                self.read(path)
            else:
                self.reopen(path)
        except VitvizError as error:
            self._banner.show_error(error)

    def reopen(self, path: Path) -> None:
        """Opens what made an exported file, once that and the photos it names are looked through.

        Says what is not there, or not what it was.
        """
        from vitviz.exporting import reopen as reopening
        from vitviz.exporting.stamp import read

        kinds = ("photos", "models")
        known = [Path(name) for kind in kinds for name in self._settings.recent(kind)]
        known += [Path(ref.path) for ref in self._store.session.photos]

        def look(progress: Progress) -> ReopenedSession:
            return reopening.reopen(read(path), path, known, progress)

        def use(found: object) -> None:
            self._use_reopened(cast("ReopenedSession", found))

        self._jobs.begin(Job(f"Looking into {path.name}", look, use))

    def _use_reopened(self, found: ReopenedSession) -> None:
        from vitviz.exporting.provenance import renamed

        session = found.session
        if found.model_missing:
            models = {found.model_missing: self._store.session.model}
            session = renamed(session, lambda name: models.get(name, name))
        self.path = None
        find = (("Open Checkpoint…", self._choose_model),) if found.model_missing else ()
        self._store.set(self.present(session, found.problems, find))

    def read(self, path: Path) -> None:
        """Opens a session; photos that are gone are left out, and named."""
        session = session_file.read(path)
        self.path = path
        self._settings.add_recent("sessions", str(path))
        self._store.set(self.present(session))

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
        named = dict.fromkeys((*session.photos, *references(session)))
        gone = [ref for ref in named if ref.path in far or not is_file(ref.path)]
        self._refusals.begin()
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
            self._banner.say(" ".join(words), choices)
        left = without_references(without_photos(session, gone), gone)
        return renamed(left, lambda name: bundled()[0].id if name in far else name)

    def _present_all(
        self, session: Session, problems: Sequence[str], choices: Choices, allowed: frozenset[str]
    ) -> None:
        """The session with what is elsewhere, too; says again what else there is to say."""
        self._store.set(self.present(session, problems, choices, allowed))

    def save(self) -> bool:
        """Saves to where the session came from; asks the first time. True once it is saved."""
        if self.path is None:
            return self.save_as()
        return self._save_to(self.path)

    def save_as(self) -> bool:
        name, _ = QFileDialog.getSaveFileName(
            self._window, "Save the session", f"session{session_file.SUFFIX}", SESSION_FILTER
        )
        if not name:
            return False
        path = Path(name)
        if path.suffix != session_file.SUFFIX:  # or it would be opened as a photo
            path = path.with_name(path.name + session_file.SUFFIX)
        return self._save_to(path)

    def _save_to(self, path: Path) -> bool:
        try:
            session_file.save(self._store.session, path)
        except VitvizError as error:
            self._banner.show_error(error)
            return False
        self.path = path
        self._settings.add_recent("sessions", str(path))
        self._settings.keep_pictures(self._store.session)
        return True

"""What the window opens with, and what it leaves for the next time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import Slot

from vitviz.errors import Cancelled
from vitviz.gui.documents import Documents
from vitviz.gui.known_files import KnownFiles
from vitviz.gui.session_files import KnownSession
from vitviz.gui.settings import Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.jobs import Job, Jobs
from vitviz.gui.threads.service import Service
from vitviz.gui.widgets.banner import Banner
from vitviz.imaging.samples import sample_photos
from vitviz.models.loading import bundled
from vitviz.paths import is_there
from vitviz.progress import Progress
from vitviz.session.last import LastSession
from vitviz.session.state import PhotoRef, Session

MOST_FAILED_STARTS = 2
"""In a row; the next one does not open what they opened."""


class Start:
    """Opens what the window begins with: photos asked for, last time's session or the samples.

    Args:
        store: Gets the first session.
        documents: Open the photos asked for.
        settings: Know where the session of last time is.
        service: At work for as long as what was opened is not all there.
        jobs: Look into last time's session.
        banner: Where it is said that last time's session could not be opened.
        files: Know what tells the files of the session.
    """

    def __init__(
        self, store: Store, documents: Documents, settings: Settings, service: Service,
        jobs: Jobs, banner: Banner, files: KnownFiles,
    ) -> None:  # fmt: skip
        self._store = store
        self._documents = documents
        self._settings = settings
        self._service = service
        self._jobs = jobs
        self._banner = banner
        self._files = files
        self.last = LastSession(settings.folder)
        self.has_begun = False

    def begin(self, paths: list[Path], *, reopen: bool) -> None:
        """Opens the photos asked for, else last time's, else the samples, with a model.

        Args:
            paths: What is asked for.
            reopen: Whether what was open last time is opened where nothing is asked for.
        """
        self._store.amend(replace(self._store.session, model=bundled()[0].id))
        if paths:
            self._documents.add(paths, self._begun)
        elif reopen:
            self._reopen()
        else:
            self._begun()

    def _begun(self) -> None:
        """What is left to do once the first photos are in the list."""
        session = self._store.session
        if not session.photos and self._documents.sessions.path is None:
            photos = tuple(PhotoRef(str(path)) for path in sample_photos())
            # The bundled model's last two layers gather little, the one before shows what it saw.
            self._store.amend(replace(session, photos=photos, view=replace(session.view, layer=-3)))
        self.has_begun = True
        self.last.note_opened(self._store.session)
        self._store.forget_history()
        self._settings.remove_unused_pictures()

    def _reopen(self) -> None:
        """Opens what was open last time. Whatever is wrong with it, the window opens, and the file
        is kept.
        """
        failed = self.last.count_start()
        if not is_there(self.last.path):
            self._begun()
        elif failed >= MOST_FAILED_STARTS and (aside := self.last.set_aside()) is not None:
            self._offer(
                aside, f"vitviz ended {failed} times in a row while it opened what was open last "
                "time. A file in it may be why; it is kept as"
            )  # fmt: skip
            self._begun()
        else:
            found: list[object] = []
            self._jobs.begin(
                Job("Opening what was open last time", self._look, found.append,
                    lambda: self._take(*found), opens=True)
            )  # fmt: skip

    def _look(self, progress: Progress) -> KnownSession | Exception:
        """What there is of last time's session, or why there is nothing; on the jobs' thread."""
        try:
            last = self.last.read() or Session()
            return self._documents.sessions.known_here(last, self.last.files, progress)
        except Cancelled:
            raise
        except Exception as error:  # a start has to survive whatever is in there
            return error

    def _take(self, found: object = None) -> None:
        """Shows last time's session, or says why it is not there.

        Args:
            found: What ``_look`` gave; None where it was cancelled.
        """
        if isinstance(found, KnownSession) and not self._store.session.photos:
            self._documents.sessions.say(found)
            model = found.session.model or bundled()[0].id
            self._store.amend(replace(found.session, model=model))
        else:
            aside = self.last.set_aside()
            if isinstance(found, Exception):
                kept = "stays where it is" if aside is None else f"is kept as {aside}"
                self._banner.show_error(found, f"What was open last time {kept}.")
            else:  # the user was quicker
                why = "What was open last time was not opened; it is kept as"
                self._offer(aside or self.last.path, why)
        self._begun()

    def _offer(self, kept: Path, why: str) -> None:
        """Says why the window does not show what was open last time, and where that is."""
        self._banner.say(
            f"{why} {kept}. Open it?",
            (
                ("Open It", partial(self._documents.sessions.open_state, kept)),
                ("Start Anew", lambda: None),
            ),
        )

    @Slot()
    def note_quiet(self) -> None:
        """Once all that a start opens is there, it has not ended the program."""
        if not self._service.is_at_work:
            self.last.went_well()

    def keep(self) -> None:
        """Keeps what is open for the next start; an empty window would take the place of last
        time's.

        Raises:
            VitvizError: It cannot be written.
        """
        if self.has_begun:
            session = self._store.session
            self.last.keep(session, self._files.facts(session))

"""What is known of the files that the session names: which are missing, and what tells them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from vitviz.errors import VitvizError
from vitviz.gui.scene import FileMissing, Missing
from vitviz.models.loading import bundled
from vitviz.paths import is_elsewhere, is_file
from vitviz.progress import Progress, Stage, silent
from vitviz.session.finding import FileFacts, facts_of
from vitviz.session.state import Pane, Session

ASKED_AT_ONCE = 64
"""So many files are asked for before it is asked whether anybody still waits."""


class KnownFiles(QObject):
    """Photos and checkpoints by their names in the session.

    What is missing keeps its place in the session, with all that was chosen for it: nobody opens
    it, and the window says that it is missing until it is found.

    Signals:
        changed(): Something is missing, or is there again.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.missing: Mapping[str, Missing] = {}
        self._facts: dict[str, FileFacts] = {}
        self._allowed: frozenset[str] = frozenset()
        self._bundled = frozenset(card.id for card in bundled())

    def missing_of(self, session: Session, progress: Progress = silent) -> dict[str, Missing]:
        """Which files of a session are missing, and why; those on other computers are not asked
        for until the user says so. May be asked on any thread: a disk may not answer.

        Args:
            session: From a file.
            progress: Called now and then; may raise ``Cancelled``.
        """
        missing: dict[str, Missing] = {}
        names = sorted(session.files | self.missing.keys())
        for number, name in enumerate(names):
            if number % ASKED_AT_ONCE == 0:
                progress(Stage("files", number, len(names)), number / len(names))
            if why := self._why(name):
                missing[name] = why
        return missing

    def note_missing(
        self, missing: Mapping[str, Missing], facts: Mapping[str, FileFacts] | None = None
    ) -> None:
        """What was found out of a session that is shown from now on.

        Args:
            missing: As ``missing_of`` gave it.
            facts: What its file says of those that it names.
        """
        self._facts |= facts or {}
        self._set(missing)

    def allow(self, names: Iterable[str]) -> None:
        """The user said yes to names on other computers."""
        self._allowed |= frozenset(names)

    def found_again(self, progress: Progress = silent) -> frozenset[str]:
        """What was missing and is there now. May be asked on any thread.

        Args:
            progress: Called now and then; may raise ``Cancelled``.
        """
        found, names = set[str](), list(self.missing)
        for number, name in enumerate(names):
            if number % ASKED_AT_ONCE == 0:
                progress(Stage("files", number, len(names)), number / len(names))
            if self._why(name) is None:
                found.add(name)
        return frozenset(found)

    def note_found(self, names: Collection[str]) -> None:
        """Files that were missing are there, as ``found_again`` says."""
        self._set({name: why for name, why in self.missing.items() if name not in names})

    def note_gone(self, names: Iterable[str]) -> frozenset[str]:
        """Files could not be opened: notes those that are not there, and returns them."""
        gone = {name: why for name in names if (why := self._why(name))}
        if gone:
            self._set({**self.missing, **gone})
        return frozenset(gone)

    def learn(self, name: str, sha256: str) -> None:
        """The bytes of a file that was opened."""
        if sha256 and name not in self.missing:
            self._facts[name] = FileFacts(sha256)

    def facts(self, session: Session) -> dict[str, FileFacts]:
        """What is known of each file of a session, for whoever has to find it again. May be asked
        on any thread.
        """
        known = {}
        for name in session.files - self._bundled:
            old = self._facts.get(name, FileFacts())
            there = name not in self.missing and not is_elsewhere(name)
            known[name] = facts_of(name, old.sha256) if there else old
        return {name: facts for name, facts in known.items() if facts != FileFacts()}

    def facts_of_missing(self, session: Session) -> dict[str, FileFacts]:
        """What is known of those that have to be found."""
        gone = session.files & self.missing.keys()
        return {name: self._facts.get(name, FileFacts()) for name in sorted(gone)}

    def problem(self, pane: Pane) -> VitvizError | None:
        """Why a pane can have no map; None where its photo and its model are there."""
        refs = (*((pane.photo,) if pane.photo is not None else ()), *pane.view.reference)
        named = [(ref.path, "photo") for ref in refs]
        for name, what in (*named, (pane.model, "checkpoint")):
            if name in self.missing:
                return FileMissing(name, what)
        return None

    def _why(self, name: str) -> Missing | None:
        if name in self._bundled:
            return None
        if is_elsewhere(name) and name not in self._allowed:
            return "elsewhere"
        # A name without its folder is that of a figure's photo, and of nothing around here.
        return None if Path(name).is_absolute() and is_file(name) else "gone"

    def _set(self, missing: Mapping[str, Missing]) -> None:
        if missing != self.missing:
            self.missing = missing
            self.changed.emit()

"""The one place the window's choices live, with undo."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import QObject, Signal

from vitviz.gui.steps import step_name
from vitviz.session.state import Session

MERGE_WITHIN_S = 0.8
"""Changes of one kind that follow each other faster (dragging a slider) are one undo step."""

MAX_STEPS = 200


class Store(QObject):
    """Holds the session; everything that changes it goes through ``set``.

    Signals:
        changed(Session new, Session old): The session is another one.
        history_changed(): What undo and redo would do has changed.
        stepped(): The user did something, or took it back.
    """

    changed = Signal(object, object)
    history_changed = Signal()
    stepped = Signal()

    def __init__(self, session: Session | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session or Session()
        self._undo: list[Session] = []
        self._redo: list[Session] = []
        self._last: tuple[str, float] = ("", 0.0)
        self.clock: Callable[[], float] = time.monotonic

    @property
    def session(self) -> Session:
        return self._session

    def set(self, session: Session, kind: str = "") -> None:
        """Replaces the session, as a step that can be undone.

        Args:
            session: The new one.
            kind: Changes of one kind in quick succession are one step; "" is never merged.
        """
        if session == self._session:
            return
        now = self.clock()
        merge = kind != "" and kind == self._last[0] and now - self._last[1] < MERGE_WITHIN_S
        self._last = (kind, now)
        if not merge:
            self._undo.append(self._session)
            del self._undo[:-MAX_STEPS]
        self._redo.clear()
        self._replace(session)
        self.stepped.emit()

    def amend(self, session: Session) -> None:
        """Replaces the session without a step: for what the user did not choose."""
        if session != self._session:
            self._replace(session)

    def undo(self) -> None:
        self._step(self._undo, self._redo)

    def redo(self) -> None:
        self._step(self._redo, self._undo)

    def forget_history(self) -> None:
        """What was done so far cannot be undone any more."""
        self._undo.clear()
        self._redo.clear()
        self._last = ("", 0.0)
        self.history_changed.emit()

    @property
    def undo_names(self) -> tuple[str, ...]:
        """What can be undone, the last step first."""
        after = (self._session, *reversed(self._undo))
        return tuple(step_name(old, new) for new, old in pairwise(after) if new != old)

    @property
    def undo_name(self) -> str:
        """What undo would take back; "" for nothing."""
        before = next((old for old in reversed(self._undo) if old != self._session), None)
        return "" if before is None else step_name(before, self._session)

    @property
    def redo_name(self) -> str:
        """What redo would do again; "" for nothing."""
        after = next((new for new in reversed(self._redo) if new != self._session), None)
        return "" if after is None else step_name(self._session, after)

    @property
    def undo_steps(self) -> int:
        """How many steps can be undone."""
        return len(self._undo)

    @property
    def can_undo(self) -> bool:
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        return bool(self._redo)

    def _step(self, origin: list[Session], other: list[Session]) -> None:
        # After a refusal (``amend``) the session is what it was before: no step to be seen.
        while origin and origin[-1] == self._session:
            origin.pop()
        if origin:
            other.append(self._session)
            self._last = ("", 0.0)
            self._replace(origin.pop())
            self.stepped.emit()
        else:
            self.history_changed.emit()

    def _replace(self, session: Session) -> None:
        old, self._session = self._session, session
        self.changed.emit(session, old)
        self.history_changed.emit()

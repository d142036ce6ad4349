"""Canvases that go with each other: zoom, pan and cursor."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal, Slot

from vitviz.gui.canvas.canvas import Canvas
from vitviz.maps.resample import carried


class Links(QObject):
    """Carries what one canvas does to all others, in relative terms where photos differ.

    Signals:
        pointed(object, object): The canvas under the pointer, and the point of its photo; None
            where the pointer left it.
    """

    pointed = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._canvases: tuple[Canvas, ...] = ()
        self._linked = True

    @property
    def linked(self) -> bool:
        """Whether they go with each other."""
        return self._linked

    def set_canvases(self, canvases: Sequence[Canvas]) -> None:
        """These, and no others."""
        if self._canvases == tuple(canvases):
            return
        for gone in set(self._canvases) - set(canvases):
            gone.sight_changed.disconnect(self._moved)
            gone.point_changed.disconnect(self._pointed)
        for new in set(canvases) - set(self._canvases):
            new.sight_changed.connect(self._moved)
            new.point_changed.connect(self._pointed)
        self._canvases = tuple(canvases)
        for canvas in self._canvases:  # what one that is gone had marked
            if not canvas.underMouse():
                canvas.show_point(None)

    def set_linked(self, linked: bool, leader: Canvas) -> None:
        """Links or unlinks them.

        Args:
            linked: They go with each other from now on, and look alike at once.
            leader: The one that all others look like.
        """
        if linked:
            self.follow(leader)
        else:
            for canvas in self._canvases:
                if not canvas.underMouse():
                    canvas.show_point(None)
        self._linked = linked

    def follow(self, leader: Canvas) -> None:
        """All look like one."""
        for canvas in self._canvases:
            if canvas is not leader:
                canvas.look_like(leader)

    @Slot()
    def _moved(self) -> None:
        leader = self.sender()
        if self._linked and isinstance(leader, Canvas):
            self.follow(leader)

    @Slot(object)
    def _pointed(self, point: tuple[float, float] | None) -> None:
        leader = self.sender()
        if not isinstance(leader, Canvas):
            return
        size = leader.photo_size
        for canvas in self._canvases if self._linked and size is not None else ():
            if canvas is not leader and canvas.photo_size is not None and size is not None:
                there = carried(point, size, canvas.photo_size) if point is not None else None
                canvas.show_point(there)
        self.pointed.emit(leader, point)

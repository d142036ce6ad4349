"""What draws figures asks an engine; this one has the answer already."""

from __future__ import annotations

from vitviz.engine.engine import Cell, Engine
from vitviz.engine.photos import PhotoCache
from vitviz.engine.plan import Request
from vitviz.imaging.photo import Photo
from vitviz.progress import Progress, Stage, silent
from vitviz.session.state import PhotoRef


class OnePhoto(PhotoCache):
    """One photo, opened already."""

    def __init__(self, photo: Photo) -> None:
        super().__init__()
        self._photo = photo

    def get(self, ref: PhotoRef, background: tuple[int, int, int]) -> Photo:  # noqa: ARG002
        return self._photo


class Answered(Engine):
    """An engine that knows one cell and its photo, and computes nothing.

    Args:
        photo: The one that the cell is about.
        cell: The answer to its own request.
    """

    def __init__(self, photo: Photo, cell: Cell) -> None:
        super().__init__(OnePhoto(photo))
        self._cell = cell

    def answer(self, request: Request, progress: Progress = silent) -> Cell:
        """The cell.

        Raises:
            ValueError: It is not the answer to this.
        """
        progress(Stage("looking_up"), 0)
        if request != self._cell.request:
            raise ValueError(f"{request} was not asked")
        return self._cell

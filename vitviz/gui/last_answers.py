"""What panes show until they have something newer."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.engine.answers import Cell
from vitviz.gui.threads.service import OpenPhoto
from vitviz.session.state import Pane


@dataclass(frozen=True, eq=False)
class LastAnswer:
    """What a pane shows until it has something newer.

    Args:
        cell: Its last answer.
        pane: What was chosen when that came.
    """

    cell: Cell | None = None
    pane: Pane | None = None


def is_of(cell: Cell | None, opened: OpenPhoto | None) -> bool:
    """Whether an answer is about the photo that is open."""
    return cell is not None and opened is not None and cell.request.photo == opened.ref


def carried(
    shown: tuple[LastAnswer, ...], old: tuple[Pane, ...], new: tuple[Pane, ...]
) -> tuple[LastAnswer, ...]:
    """What the new panes show until they have answers: what they showed, wherever they stood."""
    return tuple(
        shown[old.index(pane)] if pane in old
        else shown[index] if len(old) == len(new)
        else LastAnswer()
        for index, pane in enumerate(new)
    )  # fmt: skip

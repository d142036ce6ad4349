"""What is to be known of a model, to be read where it is shown."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from vitviz.gui.widgets.form import quiet
from vitviz.gui.widgets.text import PlainLabel
from vitviz.models.card import ModelCard

CALLED = {
    "input_size": "grid", "norm_eps": "epsilon", "names": "class names", "part": "which network",
    "pool": "pooling",
}  # fmt: skip
"""Fields of assumptions for people; others are their own."""

MOST = 6
"""Lines of one kind; the model card has all."""


class ModelNotes(QWidget):
    """What was assumed of a model, and what else there is to know, what the user said included."""

    def __init__(self) -> None:
        super().__init__()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 4, 0, 0)
        self._layout.setSpacing(3)
        self._shown: tuple[tuple[str, tuple[str, ...]], ...] = ()
        self.hide()

    @property
    def text(self) -> str:
        """All that can be read."""
        return "\n".join("\n".join([title, *lines]) for title, lines in self._shown)

    def show_card(self, card: ModelCard | None) -> None:
        """Shows what there is to say of a model."""
        said = parts(card) if card else ()
        if said == self._shown:
            return
        self._shown = said
        while (item := self._layout.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        for title, lines in said:
            heading = PlainLabel(title)
            heading.setProperty("strong", True)
            self._layout.addWidget(heading)
            for line in lines:
                self._layout.addWidget(quiet(line))
        self.setVisible(bool(said))


def parts(card: ModelCard) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Titles with their lines; those without any are left out."""
    assumed = tuple(dict.fromkeys(one.text for one in card.assumed))
    others = tuple(note for note in card.notes if note not in assumed)
    found = (("Assumed", assumed), ("Notes", others))
    return tuple((title, _most(lines)) for title, lines in found if lines)


def assumed_words(card: ModelCard) -> str:
    """ "Assumed: heads, preprocessing"; "" where nothing was."""
    fields = dict.fromkeys(CALLED.get(one.field, one.field) for one in card.assumed)
    return f"Assumed: {', '.join(fields)}" if fields else ""


def _most(lines: tuple[str, ...]) -> tuple[str, ...]:
    if len(lines) <= MOST:
        return lines
    return (*lines[: MOST - 1], f"{len(lines) - MOST + 1} more: see the model card")

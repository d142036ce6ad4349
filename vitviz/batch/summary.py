"""What a batch came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from vitviz.batch.journal import Entry
from vitviz.models.card import ModelCard
from vitviz.plain_text import shown_text
from vitviz.plurals import count_of
from vitviz.wording.names import missing_letters

MOST_LISTED = 1000
"""Failures that are listed at the end; the table has them all."""


@dataclass
class Summary:
    """What a batch came to.

    Args:
        done: Photos in the table, failures included.
        before: Of those, done by earlier runs.
        failed: Of those, without results.
        failures: (photo, why) of the first ``MOST_LISTED`` failures.
        tables: The files of the table.
        seconds: This run took.
        card: Of the model.
        boxed: Figures in which a box stands for a letter that no installed font has.
        missing: Those letters, each once.
    """

    done: int = 0
    before: int = 0
    failed: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Path] = field(default_factory=list)
    seconds: float = 0.0
    card: ModelCard | None = None
    boxed: int = 0
    missing: str = ""

    def add(self, entry: Entry) -> None:
        """Counts a photo of the table."""
        self.done += 1
        if entry.error:
            self.failed += 1
            if len(self.failures) < MOST_LISTED:
                self.failures.append((entry.photo, entry.error))
        if entry.missing:
            self.boxed += 1
            self.missing = "".join(sorted({*self.missing, *entry.missing}))

    def lines(self, most: int = MOST_LISTED) -> list[str]:
        """The failures for people, a line each; of more than ``most``, how many more."""
        shown = [failure(photo, why) for photo, why in self.failures[:most]]
        more = self.failed - len(shown)
        return [*shown, f"and {more:,} more; the table has them all"] if more else shown

    @property
    def note(self) -> str:
        """What is to be said of figures with boxes for letters; "" if there are none."""
        if not self.boxed:
            return ""
        figures = count_of(self.boxed, "figure")
        return f"{figures} with boxes for letters. {missing_letters(self.missing)} Then begin anew."


def failure(photo: str, why: str) -> str:
    """ "in/x.jpg is empty.": the photo's name, with which most reasons begin, once."""
    name = photo.rpartition("/")[2]
    begins = why.startswith(f"{name} ")
    return shown_text(photo + why.removeprefix(name) if name and begins else f"{photo}: {why}")

"""What stands in the model browser, and what of it a search leaves; knows no Qt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from vitviz.models.caches import Found
from vitviz.models.catalogue import CATALOGUE, Known
from vitviz.models.hub_names import HubName, hub_name
from vitviz.models.licence_words import is_non_commercial, licence_words
from vitviz.models.loading import bundled

Section = Literal["bundled", "here", "known"]

TITLES: dict[Section, str] = {
    "bundled": "Bundled",
    "here": "On this computer",
    "known": "To download",
}


@dataclass(frozen=True)
class Row:
    """A model.

    Args:
        section: Where it stands.
        title: For people.
        detail: What tells it from others: what the hub calls it, or where it lies.
        bytes: Of its weights; 0 where not known.
        licence: As its source calls it; "" where not known.
        opens: What to open; "" for what has to be fetched first.
        name: For what can be fetched.
        gated: Its terms have to be accepted first.
        found: By a search, beside what is shown: kind of network, names people know it by.
    """

    section: Section
    title: str
    detail: str
    bytes: int
    licence: str = ""
    opens: str = ""
    name: HubName | None = None
    gated: bool = False
    found: str = ""

    @property
    def licence_words(self) -> str:
        """For people; "" where it is not known."""
        return licence_words(self.licence) if self.licence else ""

    @property
    def non_commercial(self) -> bool:
        """Whether its licence's name forbids commercial use."""
        return is_non_commercial(self.licence)


def rows(here: Sequence[Found]) -> tuple[Row, ...]:
    """Everything there is, with what was found on this computer."""
    files = {found.path.name for found in here}
    names = {found.name for found in here}
    known = (row for row in CATALOGUE if row.name not in names and _file(row) not in files)
    return (*_bundled(), *map(_here, here), *map(_known, known))


def matching(all_rows: Iterable[Row], text: str) -> tuple[Row, ...]:
    """Those with all the words of a search; and what it names, where that is none of them.

    Args:
        all_rows: To search in.
        text: Words in any order, or the name of something on the hub.
    """
    words = text.casefold().split()
    kept = [row for row in all_rows if all(word in _searched(row) for word in words)]
    typed = hub_name(text) if "/" in text else None
    if typed is not None and not any(
        typed.said.casefold() == row.detail.casefold() for row in kept
    ):
        kept.append(Row("known", typed.title, typed.repo or typed.url, 0, name=typed))
    return tuple(kept)


def _searched(row: Row) -> str:
    return f"{row.title} {row.detail} {row.licence_words} {row.found}".casefold()


def _file(row: Known) -> str:
    return Path(row.url).name if row.url else "/"


def _bundled() -> Iterable[Row]:
    for card in bundled():
        yield Row("bundled", card.title, card.id, card.bytes, card.licence.split(";")[0],
                  opens=card.id)  # fmt: skip


def _here(found: Found) -> Row:
    row = next((row for row in CATALOGUE if found.name == row.name), None)
    row = row or next((row for row in CATALOGUE if found.path.name == _file(row)), None)
    title = row.title if row else found.title
    detail = found.name or str(found.path)
    return Row("here", title, detail, found.bytes, row.licence if row else "", str(found.path),
               found=f"{found.where} {found.path}")  # fmt: skip


def _known(row: Known) -> Row:
    name = hub_name(row.name)
    also = f"{row.group} {' '.join(row.also)}"
    return Row("known", row.title, row.name, row.bytes, row.licence, name=name, gated=row.gated,
               found=also)  # fmt: skip

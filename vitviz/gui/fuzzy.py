"""Finding things by some of their letters: a rule that needs no Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

WORD_START, IN_A_ROW, SKIPPED, LATE = 8, 5, 1, 1
"""What a letter is worth at the beginning of a word and right after the one before it, and what is
taken off for each letter left out between, and before the first."""

MOST_OFF = 3
"""Of letters left out at one place: how many more there are says little."""


MOST_FOUND = 60
"""Rows shown: nobody reads further."""

ALWAYS = ("command",)
"""Kinds that are listed before anything is typed."""

MANY = ("photo",)
"""Kinds of which there may be thousands: their words have to be there as they are typed."""


def fit(wanted: str, text: str) -> int | None:
    """How well letters fit a text; None where they are not in it, in this order.

    Words may come in any order ("map save"); the letters of each may have others between them
    ("rlt" for "rollout"). The whole word, at the beginning of one, fits best.

    Args:
        wanted: Any number of words.
        text: Searched in; case does not count.
    """
    lower = text.lower()
    total = 0
    for word in wanted.lower().split():
        found = _fit_word(word, lower)
        if found is None:
            return None
        total += found
    return total


def _fit_word(word: str, text: str) -> int | None:
    at = text.find(word)
    while at > 0 and text[at - 1].isalnum():  # rather at the beginning of a word
        later = text.find(word, at + 1)
        if later < 0:
            break
        at = later
    if at >= 0:
        return _worth(list(range(at, at + len(word))), text) + WORD_START
    starts = [place for place, letter in enumerate(text) if letter == word[0]]
    worths = [_worth(places, text) for start in starts if (places := _from(start, word, text))]
    return max(worths, default=None)


def _from(start: int, word: str, text: str) -> list[int]:
    """Where the letters are, each as soon as it comes; none where one does not come."""
    places = [start]
    for letter in word[1:]:
        at = text.find(letter, places[-1] + 1)
        if at < 0:
            return []
        places.append(at)
    return places


def _worth(places: list[int], text: str) -> int:
    worth = -min(places[0], MOST_OFF) * LATE
    before = -2
    for place in places:
        if place == 0 or not text[place - 1].isalnum():
            worth += WORD_START
        if place == before + 1:
            worth += IN_A_ROW
        elif before >= 0:
            worth -= min(place - before - 1, MOST_OFF) * SKIPPED
        before = place
    return worth


@dataclass(frozen=True)
class Entry:
    """Something that can be done.

    Args:
        id: For what was done lately.
        title: What is read, and searched in.
        act: Does it.
        kind: "command", "method", "photo": what it is; searched in, too.
        key: Its shortcut, or "".
    """

    id: str
    title: str
    act: Callable[[], object]
    kind: str = "command"
    key: str = ""


def found(entries: Sequence[Entry], words: str, recent: Sequence[str] = ()) -> list[Entry]:
    """The entries that fit, the best first; what was done lately before what was not.

    Args:
        entries: In the order in which they stand where nothing is typed.
        words: What was typed.
        recent: Ids of what was done lately, the last first.
    """
    lately = {id: place for place, id in enumerate(recent)}
    if not words.strip():
        listed = [entry for entry in entries if entry.kind in ALWAYS or entry.id in lately]
        return sorted(listed, key=lambda entry: lately.get(entry.id, len(lately)))[:MOST_FOUND]
    scored = []
    for place, entry in enumerate(entries):
        if entry.kind in MANY:  # of thousands
            title = entry.title.lower()
            score = 0 if all(word in title for word in words.lower().split()) else None
        else:
            score = fit(words, f"{entry.title} {entry.kind}")
        if score is not None:
            bonus = 6 if entry.id in lately else 0
            scored.append((-score - bonus, lately.get(entry.id, len(lately)), place, entry))
    scored.sort(key=lambda row: row[:3])
    return [row[3] for row in scored[:MOST_FOUND]]

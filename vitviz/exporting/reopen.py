"""From the provenance of a file back to the state that made it: photos and weights found again."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitviz.exporting.provenance import Provenance, renamed, session_of
from vitviz.imaging.samples import sample_photos
from vitviz.models.loading import bundled, is_id
from vitviz.session.state import Session


@dataclass(frozen=True)
class ReopenedSession:
    """A session found in a file.

    Args:
        session: With photos and checkpoints where they were found; where one was not, by the name
            that the file has for it.
        missing: Names of the photos that were not found.
        model_missing: Name of the checkpoint that was not found, or "".
        problems: What was not found, and what is not what it was, one sentence each.
    """

    session: Session
    missing: tuple[str, ...]
    model_missing: str
    problems: tuple[str, ...]


def reopen(provenance: Provenance, path: Path, known: Sequence[Path] = ()) -> ReopenedSession:
    """The session that made a file.

    Each photo is looked for where the file says it was, beside the file, among ``known`` and among
    the samples: the first one with the right SHA-256, else the first one of that name.

    Args:
        provenance: What the file says.
        path: Of the file.
        known: Photos and checkpoints that the user has had open.

    Raises:
        SessionError: There is no session in it, or none that this version understands.
    """
    session = session_of(provenance)
    photos = {ref.path for ref in session.photos}
    photos |= {pane.photo.path for pane in session.panes if pane.photo}
    models = {pane.model for pane in session.panes if not is_id(pane.model)}
    search = _Search(provenance, path, known)
    found = {name: search.find(name, sample_photos()) for name in sorted(photos)}
    weights = {name: search.find(name) for name in sorted(models)}
    for card in bundled():
        if provenance.files.get(card.id, card.sha256) != card.sha256:
            search.problems.append(f"{card.id} has other weights than it had then.")
    places = {name: str(place) for name, place in (found | weights).items() if place is not None}
    return ReopenedSession(
        renamed(session, lambda name: places.get(name, name)),
        tuple(name for name, place in found.items() if place is None),
        next((name for name, place in weights.items() if place is None), ""),
        tuple(search.problems),
    )


class _Search:
    """Looks for files, and keeps what there is to say of them."""

    def __init__(self, provenance: Provenance, path: Path, known: Sequence[Path]) -> None:
        self.problems: list[str] = []
        self._made = provenance
        self._path = path
        self._known = known

    def find(self, name: str, more: Iterable[Path] = ()) -> Path | None:
        expected = self._made.files.get(name)
        there = [place for place in self._places(name, more) if _is_file(place)]
        for place in there:
            if expected is None or _sha256(place) == expected:
                return place.absolute()
        if there:
            self.problems.append(
                f"{there[0].name} is not the file that it was: maps of it may differ "
                f"({there[0].absolute()})."
            )
            return there[0].absolute()
        self.problems.append(f"{last_part(name)} was not found: put it beside {self._path.name}.")
        return None

    def _places(self, name: str, more: Iterable[Path]) -> Iterator[Path]:
        # A path of another computer (\\server\share) would be asked for over the network.
        if Path(name).is_absolute() and not name.startswith(("\\\\", "//")):
            yield Path(name)
        last = last_part(name)
        yield self._path.absolute().parent / last
        yield from (place for place in (*self._known, *more) if place.name == last)


def last_part(name: str) -> str:
    """The name of a file without its folders, whichever system wrote it."""
    return re.split(r"[/\\]", name)[-1]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""

"""From the provenance of a file back to the state that made it: photos and weights found again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from vitviz.exporting.provenance import Provenance, renamed, session_of
from vitviz.imaging.samples import sample_photos
from vitviz.models.loading import bundled, is_id
from vitviz.paths import absolute, is_elsewhere, is_file
from vitviz.progress import Progress, silent
from vitviz.session.finding import FileFacts, find, last_part, sha256_of
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
        changed: Those of them about what is not what it was.
    """

    session: Session
    missing: tuple[str, ...]
    model_missing: str
    problems: tuple[str, ...]
    changed: tuple[str, ...] = ()


def reopen(
    provenance: Provenance, path: Path, known: Sequence[Path] = (), progress: Progress = silent,
    folders: Sequence[Path] = (),
) -> ReopenedSession:  # fmt: skip
    """The session that made a file.

    Each photo is looked for where the file says it was, beside the file, among ``known`` and among
    the samples: the first one with the right SHA-256, else the first one of that name. One that is
    not there is looked for in the folder of the file, in ``folders`` and in those right below, also
    under another name.

    Args:
        provenance: What the file says.
        path: Of the file.
        known: Photos and checkpoints that the user has had open.
        progress: Called while files are looked at, which takes long where they are large; may
            raise ``Cancelled``.
        folders: Where photos that the user had open lay.

    Raises:
        SessionError: There is no session in it, or none that this version understands.
    """
    session = session_of(provenance)
    photos = {ref.path for ref in session.photos}
    photos |= {pane.photo.path for pane in session.panes if pane.photo}
    photos |= {ref.path for pane in session.panes for ref in pane.view.reference}
    models = {pane.model for pane in session.panes if not is_id(pane.model)}
    search = _Search(provenance, path, known, progress)
    found = {name: search.find(name, sample_photos()) for name in sorted(photos)}
    weights = {name: search.find(name) for name in sorted(models)}
    lost = [name for name, place in (found | weights).items() if place is None]
    for name, place in search.elsewhere(lost, folders).items():
        (found if name in found else weights)[name] = place
    for card in bundled():
        if provenance.files.get(card.id, card.sha256) != card.sha256:
            search.changed.append(f"{card.id} has other weights than it had then.")
    places = {name: str(place) for name, place in (found | weights).items() if place is not None}
    return ReopenedSession(
        renamed(session, lambda name: places.get(name, name)),
        tuple(name for name, place in found.items() if place is None),
        next((name for name, place in weights.items() if place is None), ""),
        (*search.changed, *search.lost),
        tuple(search.changed),
    )


class _Search:
    """Looks for files, and keeps what there is to say of them."""

    def __init__(
        self, provenance: Provenance, path: Path, known: Sequence[Path], progress: Progress
    ) -> None:
        self.changed: list[str] = []
        self.lost: list[str] = []
        self._made = provenance
        self._path = path
        self._known = known
        self._progress = progress

    def find(self, name: str, more: Iterable[Path] = ()) -> Path | None:
        expected = self._made.files.get(name)
        there = [place for place in self._places(name, more) if is_file(place)]
        for place in there:
            if expected is None or sha256_of(place, self._progress) == expected:
                return absolute(place)
        if there:
            self._say_changed(there[0])
            return absolute(there[0])
        return None

    def elsewhere(self, names: Sequence[str], folders: Sequence[Path]) -> Mapping[str, Path]:
        """Those found in folders and right below; says what is found nowhere."""
        if not names:
            return {}
        wanted = {name: FileFacts(self._made.files.get(name, "")) for name in names}
        around = (absolute(self._path).parent, *folders)
        found = find(wanted, around, self._progress, deepest=1)
        for name in found.changed:
            self._say_changed(found.places[name])
        lost = [name for name in names if name not in found.places]
        self.lost += [
            f"{last_part(name)} was not found: put it beside {self._path.name}." for name in lost
        ]
        return found.places

    def _say_changed(self, place: Path) -> None:
        self.changed.append(
            f"{place.name} is not the file that it was: maps of it may differ ({absolute(place)})."
        )

    def _places(self, name: str, more: Iterable[Path]) -> Iterator[Path]:
        if Path(name).is_absolute() and not is_elsewhere(name):
            yield Path(name)
        last = last_part(name)
        if not is_elsewhere(last):  # a device is there in every folder
            yield absolute(self._path).parent / last
        yield from (
            place for place in (*self._known, *more)
            if place.name == last and not is_elsewhere(place)
        )  # fmt: skip

"""What of the stations goes into files: one as a picture or a film, all of them as a handout."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QFileDialog

from vitviz.engine.requests import AnyRequest
from vitviz.exporting.film import Film
from vitviz.exporting.formats import choices, suffixes
from vitviz.exporting.station_files import write_film, write_pages, write_picture
from vitviz.gui.commands.command import App
from vitviz.gui.threads.jobs import Job
from vitviz.gui.views.how.printing import Sheet, pdf
from vitviz.gui.views.how.stations.cut import APART, CutStation
from vitviz.gui.views.how.stations.place import PlaceStation
from vitviz.gui.views.how.subject import Facts, Subject
from vitviz.gui.views.how.view import MAKE, HowView
from vitviz.gui.views.how.words import STOPS, Stop
from vitviz.progress import Progress
from vitviz.shapes import UInt8

Write = Callable[[App, Path, Callable[[Progress], object]], None]
"""Writes a file on the jobs' thread, and says so."""

PICTURES = "PNG (*.png);;PDF (*.pdf)"

FALLING = 16
NUMBERS = 24
"""Frames of the films of the first two stations."""

SPEED: dict[Stop, float] = {"story": 0.4, "cut": 12.0, "place": 3.0, "blocks": 1.5, "read": 0.4}
"""Frames a second."""


def stem(view: HowView, subject: Subject) -> str:
    """The name that is suggested, without its suffix."""
    return f"{Path(subject.cell.request.photo.path).stem}-{view.stop}"


def save_picture(app: App, view: HowView, subject: Subject, write: Write) -> None:
    """Asks where, and writes the open station as PNG or PDF."""
    suggested = f"{stem(view, subject)}.png"
    name, kind = QFileDialog.getSaveFileName(app.widget, "Save station", suggested, PICTURES)
    if not name:
        return
    path = _with_suffix(Path(name), ".pdf" if "pdf" in kind else ".png", (".png", ".pdf"))
    session, disclosure, stop = app.store.session, app.preferences.disclosure, view.stop
    sheet = Sheet(MAKE[stop](), subject, view.facts)
    if path.suffix.lower() == ".pdf":
        content = pdf([(stop, sheet)], with_guesses=False)
        write(app, path, lambda _: write_pages(
            path, content, subject.cell, session, [stop], disclosure
        ))  # fmt: skip
    else:
        pixels = sheet.pixels()
        write(app, path, lambda _: write_picture(
            path, pixels, subject.cell, session, stop, disclosure
        ))  # fmt: skip
    sheet.close()


def save_handout(app: App, view: HowView, subject: Subject, write: Write) -> None:
    """Asks where, and writes all stations with their questions as pages."""
    suggested = f"{Path(subject.cell.request.photo.path).stem}-how-it-sees.pdf"
    name, _ = QFileDialog.getSaveFileName(app.widget, "Save handout", suggested, "PDF (*.pdf)")
    if not name:
        return
    path = _with_suffix(Path(name), ".pdf", (".pdf",))
    session, disclosure = app.store.session, app.preferences.disclosure

    def then(facts: Facts) -> None:
        sheets = [(stop, Sheet(MAKE[stop](), subject, facts)) for stop in STOPS]
        content = pdf(sheets, with_guesses=True)
        for _, sheet in sheets:
            sheet.close()
        write(app, path, lambda _: write_pages(
            path, content, subject.cell, session, STOPS, disclosure
        ))  # fmt: skip

    _ask(app, view, [(stop, subject) for stop in STOPS], "Asking for the handout", then)


def save_film(app: App, view: HowView, subject: Subject, write: Write) -> None:
    """Asks where, and writes the open station as a film."""
    kinds = ";;".join(f"{title} (*{suffix})" for title, suffix in choices("animation"))
    suggested = f"{stem(view, subject)}.gif"
    name, _ = QFileDialog.getSaveFileName(app.widget, "Save station as film", suggested, kinds)
    if not name:
        return
    path = _with_suffix(Path(name), ".gif", suffixes("animation"))
    stop = view.stop

    def then(facts: Facts) -> None:
        FilmMaker(app, path, stop, subject, facts, write).begin()

    _ask(app, view, scenes_of(stop, subject), "Asking for the film", then)


def scenes_of(stop: Stop, subject: Subject) -> list[tuple[Stop, Subject]]:
    """What a film goes through: the blocks one by one, or one station, or the whole way."""
    if stop == "blocks":
        return [(stop, _at_layer(subject, layer)) for layer in range(subject.outline.depth)]
    if stop in ("cut", "place"):
        return [(stop, subject)]
    return [(each, subject) for each in STOPS]


def _at_layer(subject: Subject, layer: int) -> Subject:
    session = subject.session
    return replace(
        subject, session=replace(session, view=replace(session.view, layer=layer))
    )  # fmt: skip


def _ask(
    app: App, view: HowView, scenes: list[tuple[Stop, Subject]], title: str,
    then: Callable[[Facts], None],
) -> None:  # fmt: skip
    """Asks for all that some stations want, on the jobs' thread."""
    known, wanted = view.facts, list[AnyRequest]()
    for stop, subject in scenes:
        wanted += view.station(stop).wants(subject)
    asked = tuple(dict.fromkeys(wanted))

    def work(progress: Progress) -> list[tuple[AnyRequest, object]]:
        found = []
        for request in asked:
            answer = known.get(request)  # type: ignore[arg-type]
            if answer is None:
                answer = app.service.engine.answer(request, progress)
            found.append((request, answer))
        return found

    def done(found: object) -> None:
        facts = Facts()
        facts.most = len(asked) + 1
        for request, answer in found:  # type: ignore[attr-defined]
            facts.add(request, answer)
        then(facts)

    app.jobs.begin(Job(title, work, done))


class FilmMaker(QObject):
    """Draws a film, a frame at a time, so that the window goes on meanwhile.

    Args:
        app: The window.
        path: Of the new file.
        stop: The station.
        subject: What it is about.
        facts: All that its frames need.
        write: Writes it in the end.
    """

    def __init__(
        self, app: App, path: Path, stop: Stop, subject: Subject, facts: Facts, write: Write
    ) -> None:
        super().__init__(app.widget)
        self._write = write
        self._app, self._path, self._stop = app, path, stop
        self._subject, self._session = subject, app.store.session
        self._frames: list[UInt8[np.ndarray, "height width 3"]] = []
        self._coming = frames(stop, subject, facts)

    def begin(self) -> None:
        """Draws the first frame, and then the others."""
        frame = next(self._coming, None)
        if frame is not None:
            self._frames.append(frame)
            QTimer.singleShot(0, self, self.begin)
            return
        even, film = alike(self._frames), Film(SPEED[self._stop], hold_s=2.0)
        path, cell, session, stop = self._path, self._subject.cell, self._session, self._stop
        disclosure = self._app.preferences.disclosure
        self._write(self._app, path, lambda progress: write_film(
            path, even, film, cell, session, stop, progress, disclosure
        ))  # fmt: skip
        self.deleteLater()


def frames(
    stop: Stop, subject: Subject, facts: Facts
) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """The frames of a station's film."""
    scenes = scenes_of(stop, subject)
    if stop in ("cut", "place", "blocks"):
        sheet = Sheet(MAKE[stop](), scenes[0][1], facts)
        yield from _moving(sheet, scenes, facts)
        sheet.close()
        return
    for each, of in scenes:
        sheet = Sheet(MAKE[each](), of, facts)
        yield sheet.pixels()
        sheet.close()


def _moving(
    sheet: Sheet, scenes: list[tuple[Stop, Subject]], facts: Facts
) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    station, subject = sheet.station, scenes[0][1]
    if isinstance(station, CutStation):
        for number in range(FALLING):
            station.set_gap(APART * number / (FALLING - 1))  # after it was shown
            yield sheet.pixels()
    elif isinstance(station, PlaceStation):
        for number in range(NUMBERS):
            station.set_number(number)
            sheet.show(subject, facts)
            yield sheet.pixels()
    else:
        for _, of in scenes:
            sheet.show(of, facts)
            yield sheet.pixels()


def alike(
    found: list[UInt8[np.ndarray, "height width 3"]],
) -> list[UInt8[np.ndarray, "height width 3"]]:
    """Frames of one size: white below those that are lower."""
    height, width = (max(frame.shape[axis] for frame in found) for axis in (0, 1))
    same = []
    for frame in found:
        whole = np.full((height, width, 3), 255, np.uint8)
        whole[: frame.shape[0], : frame.shape[1]] = frame
        same.append(whole)
    return same


def _with_suffix(path: Path, usual: str, known: tuple[str, ...]) -> Path:
    return path if path.suffix.lower() in known else path.with_name(path.name + usual)

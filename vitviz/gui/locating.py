"""What is said of missing files, and how they are found again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from PySide6.QtWidgets import QFileDialog, QWidget

from vitviz.gui.known_files import KnownFiles
from vitviz.gui.refusals import listed
from vitviz.gui.scene import Missing, Scene
from vitviz.gui.settings import Settings
from vitviz.gui.store import Store
from vitviz.gui.threads.jobs import Job, Jobs
from vitviz.gui.widgets.banner import Banner, Choices
from vitviz.models.loading import bundled
from vitviz.paths import is_elsewhere, is_folder
from vitviz.plurals import count_of
from vitviz.progress import Progress
from vitviz.session.finding import FoundFiles, find, last_part
from vitviz.session.state import Session

GONE, FAR, FOUND = "missing files", "files elsewhere", "files found"

KINDS: tuple[tuple[str, Missing], ...] = ((GONE, "gone"), (FAR, "elsewhere"))


class Locating:
    """Says which files of the session are missing, for as long as they are, and finds them.

    Args:
        store: Its session gets the files' new places.
        settings: Remember folders.
        banner: Where it is said.
        jobs: Look through folders.
        files: Know what is missing.
        window: Parent of the file dialog.
    """

    def __init__(
        self, store: Store, settings: Settings, banner: Banner, jobs: Jobs, files: KnownFiles,
        window: QWidget,
    ) -> None:  # fmt: skip
        self._store = store
        self._settings = settings
        self._banner = banner
        self._jobs = jobs
        self._files = files
        self._window = window
        self._said: Mapping[str, Missing] = {}
        self._is_looking = False

    def show_scene(self, scene: Scene) -> None:
        """Says what is missing, once; a message that was closed does not come back."""
        missing = missing_in(scene)
        if missing == self._said:
            return
        before, self._said = self._said, missing
        models = {pane.model for pane in scene.session.panes}
        for about, why in KINDS:
            names = [name for name, reason in missing.items() if reason == why]
            if not names:
                self._banner.take_back(about)
            elif any(name not in before for name in names) or self._banner.says(about):
                words, choices = self._far(names) if about == FAR else self._gone(names, models)
                self._banner.say(words, choices, about=about, until=partial(_is_over, why))

    def _gone(self, names: list[str], models: set[str]) -> tuple[str, Choices]:
        kinds = (("photo", [n for n in names if n not in models]),
                 ("checkpoint", [n for n in names if n in models]))  # fmt: skip
        parts = [
            f"the {kind} {last_part(those[0])}" if len(those) == 1
            else f"{count_of(len(those), kind)} ({listed([last_part(name) for name in those])})"
            for kind, those in kinds if those
        ]  # fmt: skip
        words = (
            f"Not found: {' and '.join(parts)}. All that was chosen is kept; one folder found "
            "repairs the rest."
        )
        choices: Choices = (("Locate…", self.locate),)
        if kinds[1][1]:
            title = bundled()[0].title
            choices = (*choices, (f"Use {title}", partial(self._use_bundled, frozenset(names))))
        return words, choices

    def _far(self, names: list[str]) -> tuple[str, Choices]:
        words = f"On another computer, or no files, and not opened: {listed(names)}."
        look = partial(self._allow, tuple(names))
        return words, (("Look There", look), ("Leave Them", lambda: None))

    def _allow(self, names: tuple[str, ...]) -> None:
        self._files.allow(names)
        self.look_again()

    def look_again(self) -> None:
        """Finds out whether what was missing is there now: it may have been put back."""
        if not self._files.missing or self._is_looking:
            return
        self._is_looking = True

        def use(found: object) -> None:
            self._files.note_found(cast("frozenset[str]", found))

        def ended() -> None:
            self._is_looking = False

        self._jobs.begin(Job("", self._files.found_again, use, ended, opens=True))

    def locate(self) -> None:
        """Asks where missing files are now, and finds all that are there or below."""
        start = self._settings.folder_of("locate")
        name = QFileDialog.getExistingDirectory(self._window, "Where are the missing files?", start)
        if name:
            self._settings.remember_folder("locate", name)
            self.look_in(Path(name))

    def look_in(self, folder: Path) -> None:
        """Finds what is missing in a folder and those below."""
        wanted = self._files.facts_of_missing(self._store.session)

        def look(progress: Progress) -> FoundFiles:
            return find(wanted, [folder], progress)

        def use(found: object) -> None:
            self._use(cast("FoundFiles", found), len(wanted), folder)

        self._jobs.begin(Job(f"Looking for {count_of(len(wanted), 'file')}", look, use))

    def _use(self, found: FoundFiles, wanted: int, folder: Path) -> None:
        places = {name: str(place) for name, place in found.places.items()}
        if places:
            self._store.set(renamed_files(self._store.session, places))
        words = []
        if len(places) < wanted:
            number = "none" if not places else f"{len(places):,}"
            words.append(f"Of {count_of(wanted, 'missing file')}, {number} found in {folder}.")
        if found.changed:
            names = [last_part(name) for name in found.changed]
            words.append(f"Not what it was, so maps may differ: {listed(names)}.")
        if words:
            self._banner.say(" ".join(words), about=FOUND)

    def _use_bundled(self, names: frozenset[str]) -> None:
        id = bundled()[0].id
        places = {pane.model: id for pane in self._store.session.panes if pane.model in names}
        self._store.set(renamed_files(self._store.session, places))

    def folders(self) -> list[Path]:
        """Where photos of the user's lay lately."""
        names = self._settings.recent("folders")
        return [Path(name) for name in names if not is_elsewhere(name) and is_folder(name)]


def _is_over(why: Missing, scene: Scene) -> bool:
    return why not in missing_in(scene).values()


def missing_in(scene: Scene) -> Mapping[str, Missing]:
    """Files of the session that are missing, and why."""
    if not scene.missing:
        return {}
    here = scene.session.files
    return {name: why for name, why in scene.missing.items() if name in here}


def renamed_files(session: Session, places: Mapping[str, str]) -> Session:
    """The session with files in other places; a photo that is there twice then is one."""
    from vitviz.exporting.provenance import renamed

    moved = renamed(session, lambda name: places.get(name, name))
    photos = tuple(dict.fromkeys(moved.photos))
    selected = photos.index(moved.photo) if moved.photo in photos else 0
    return replace(moved, photos=photos, selected=selected)

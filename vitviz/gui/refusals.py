"""Photos that turned out not to open: what is said of them together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from vitviz.errors import PhotoTooLarge, VitvizError
from vitviz.gui.settings import Settings
from vitviz.gui.store import Store
from vitviz.gui.widgets.banner import Banner
from vitviz.plurals import count_of
from vitviz.session.panes import without_point
from vitviz.session.state import PhotoRef


class PhotoRefusals:
    """Says which photos cannot be opened, and asks about those that are too large.

    Args:
        store: Gets the large photos that the user says yes to.
        settings: Forget what does not open.
        banner: Where it is said.
    """

    def __init__(self, store: Store, settings: Settings, banner: Banner) -> None:
        self._store = store
        self._settings = settings
        self._banner = banner
        self._refused: list[str] = []
        self._large: list[PhotoRef] = []

    def begin(self) -> None:
        """What is refused from now on is said anew: other photos are being opened."""
        self._refused, self._large = [], []

    def refuse(self, refused: Mapping[PhotoRef, BaseException]) -> None:
        """Says why photos are not there; what is refused together is said together."""
        *_, error = refused.values()
        for ref, why in refused.items():
            if isinstance(why, PhotoTooLarge):
                self._large.append(ref)
            else:
                self._refused.append(Path(ref.path).name)
                self._settings.forget_recent("photos", ref.path)
        if self._large:
            self._ask_about_large(error)
        elif len(self._refused) == 1:
            self._banner.show_error(error)
        else:
            last = error.message if isinstance(error, VitvizError) else str(error)
            self._banner.say(f"{self._refused_words()} The last one: {last}")

    def _refused_words(self) -> str:
        count = len(self._refused)
        files = count_of(count, "file")
        return f"{files} could not be opened: {listed(self._refused)}."

    def _ask_about_large(self, error: BaseException) -> None:
        large = tuple(self._large)
        if len(large) == 1 and isinstance(error, PhotoTooLarge):
            words = f"{error.message} {error.hint}"
        else:
            names = listed([Path(ref.path).name for ref in large])
            words = f"Larger than the limit in the preferences: {names}. Open anyway?"
        if self._refused:
            words = f"{self._refused_words()} {words}"
        leave = "Leave it" if len(large) == 1 else "Leave them"
        self._banner.say(
            words, (("Open anyway", lambda: self._allow(large)), (leave, self._large.clear))
        )

    def _allow(self, refs: tuple[PhotoRef, ...]) -> None:
        self._large.clear()
        session = self._store.session
        allowed = tuple(replace(ref, allow_large=True) for ref in refs)
        photos = (*session.photos, *allowed)
        selected = len(session.photos)
        self._store.set(
            replace(session, photos=photos, selected=selected, view=without_point(session.view))
        )


def listed(names: Sequence[str]) -> str:
    """The first few names, and how many more there are."""
    more = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return ", ".join(names[:6]) + more

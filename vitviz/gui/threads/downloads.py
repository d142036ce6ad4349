"""Looking for models and fetching them, away from the window's thread."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from vitviz.gui.threads.desk import CLOSING_S, Desk
from vitviz.models.caches import on_this_computer
from vitviz.models.download import Offer, ask, fetch
from vitviz.models.hub_names import HubName
from vitviz.progress import Progress, Stage


@dataclass(frozen=True)
class Look:
    """Asks what there is in the caches and in these folders."""

    folders: tuple[str, ...]


@dataclass(frozen=True)
class Ask:
    """Asks the source of a model what it would give."""

    name: HubName


@dataclass(frozen=True)
class Fetch:
    """Asks for what was offered."""

    offer: Offer


class Downloads(QObject):
    """Looks, asks and fetches; one download at a time.

    Signals:
        listed(tuple[Found, ...]): What there is on this computer.
        offered(Offer): What a source would give.
        progressed(HubName, Stage, float fraction): Where a download is.
        fetched(HubName, Path): It is here.
        failed(HubName | None, BaseException): Asking or fetching has failed; None: looking.
    """

    listed = Signal(object)
    offered = Signal(object)
    progressed = Signal(object, object, float)
    fetched = Signal(object, object)
    failed = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._looking = Desk(_do, "vitviz-looking", parent=self)
        # Of a line that hangs nothing comes, not even the end of a download that was cancelled.
        self._network = Desk(_do, "vitviz-download", threads=2, parent=self)
        for desk in (self._looking, self._network):
            desk.answered.connect(self._on_answer)
            desk.failed.connect(self._on_failure)
        self._network.progressed.connect(self._on_progress)
        self.name: HubName | None = None

    def look(self, folders: tuple[str, ...]) -> None:
        """Looks through the caches and these folders, anew."""
        self._looking.ask_again(Look(folders))

    def ask(self, name: HubName) -> None:
        """Asks the source of a model; what was asked or fetched before is let go."""
        self.name = name
        self._network.ask_again(Ask(name))

    def fetch(self, offer: Offer) -> None:
        """Fetches it."""
        self.name = offer.name
        self._network.ask_again(Fetch(offer))

    def cancel(self) -> None:
        """Ends what is asked or fetched; what came so far is kept."""
        self.name = None
        self._network.ask(())

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """Ends everything."""
        self._looking.close(timeout_s)
        self._network.close(timeout_s)

    @Slot(object, object)
    def _on_answer(self, question: object, answer: object) -> None:
        if isinstance(question, Look):
            self.listed.emit(answer)
            return
        self.name = None
        if isinstance(question, Ask):
            self.offered.emit(answer)
        elif isinstance(question, Fetch):
            self.fetched.emit(question.offer.name, answer)

    @Slot(object, object)
    def _on_failure(self, question: object, error: BaseException) -> None:
        name = None
        if isinstance(question, Ask | Fetch):
            name = question.name if isinstance(question, Ask) else question.offer.name
            self.name = None
        self.failed.emit(name, error)

    @Slot(object, object, float)
    def _on_progress(self, question: object, stage: Stage, fraction: float) -> None:
        if isinstance(question, Ask):
            self.progressed.emit(question.name, stage, fraction)
        elif isinstance(question, Fetch):
            self.progressed.emit(question.offer.name, stage, fraction)


def _do(question: object, progress: Progress) -> object:
    match question:
        case Look(folders):
            return on_this_computer(folders, progress)
        case Ask(name):
            return ask(name, progress)
        case Fetch(offer):
            return fetch(offer, progress)
    raise TypeError(question)

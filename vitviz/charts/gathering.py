"""A chart of one photo or many, from the engine's answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from vitviz.charts.kinds import ChartKind, Subject
from vitviz.charts.table import CHARTS
from vitviz.engine.requests import Request
from vitviz.errors import PhotoError, VitvizError
from vitviz.figures.chart import Chart
from vitviz.imaging.load import photos_in
from vitviz.models.outline import Outline
from vitviz.progress import Progress, part
from vitviz.session.state import PhotoRef, Session

if TYPE_CHECKING:
    from vitviz.engine.engine import Engine
    from vitviz.models.card import ModelCard


@dataclass(frozen=True)
class ChartQuestion:
    """What is asked for one chart.

    Args:
        kind: Name of the chart.
        requests: One for each photo.
        other: Another model, where it can be of two; "" for none.
        device: As of ``ExplainRequest``.
        folder: Instead: the photos of a folder; the first request says how each is asked. "" for
            none.
    """

    kind: str
    requests: tuple[Request, ...]
    other: str = ""
    device: str = "auto"
    folder: str = ""


def question(
    kind: ChartKind, session: Session, photos: Sequence[PhotoRef], other: str = "",
    device: str = "auto", folder: str = "",
) -> ChartQuestion:  # fmt: skip
    """What is asked for a chart.

    Args:
        kind: Which.
        session: Model, input, and what is taken from the model.
        photos: Of which photos; of a chart that is of none, the first is enough.
        other: Another model, where it can be of two; "" for none.
        device: As of ``ExplainRequest``.
        folder: As of ``ChartQuestion``.
    """
    beside = other if kind.compares else ""
    taken = photos if kind.of_photos and not folder else photos[:1]
    bases = (
        Request(photo, session.background, session.model, session.input,
                ablation=session.view.ablation)
        for photo in taken
    )  # fmt: skip
    requests = tuple(kind.request(base, beside, device) for base in bases)
    return ChartQuestion(kind.name, requests, beside, device, folder if kind.of_photos else "")


def require_chart(kind: ChartKind, outline: Outline, model: str) -> None:
    """Refuses a chart that cannot be made of a network.

    Args:
        kind: Which.
        outline: Of the network.
        model: What it is called, for people.

    Raises:
        VitvizError: It is such a chart.
    """
    if why := kind.misfit(outline):
        raise VitvizError(
            f"{kind.title} cannot be told of {model}: {why}.", "Choose another chart or model."
        )


@dataclass(frozen=True, eq=False)
class Gathered:
    """A chart, and what became of its photos.

    Args:
        chart: Of those that were answered.
        photos: Name and SHA-256 of each of them.
        refused: Name of each other one, and why.
        cards: The model, and the other one where there are two.
    """

    chart: Chart
    photos: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, VitvizError], ...]
    cards: tuple[ModelCard, ...]


def gather(
    engine: Engine, asked: ChartQuestion, progress: Progress,
    tell: Callable[[Chart], None] = lambda _: None,
) -> Gathered:  # fmt: skip
    """Asks the engine for each photo, and makes the chart.

    Args:
        engine: Answers.
        asked: What.
        progress: Told how far it is; may raise ``Cancelled``.
        tell: Told the chart as far as it has got, after each photo but the last.

    Raises:
        VitvizError: The chart cannot be made of the model; or there is an answer to none of the
            photos: why the first one has none.
    """
    kind = CHARTS[asked.kind]
    requests = asked.requests if not asked.folder else tuple(
        replace(asked.requests[0], photo=PhotoRef(str(path)))
        for path in photos_in(Path(asked.folder))
    )  # fmt: skip
    if not requests:
        raise PhotoError(f"There are no photos in {asked.folder}.", "Choose another folder.")
    names = filter(None, (requests[0].model, asked.other))
    cards = tuple(engine.model(name, asked.device, progress).card for name in names)
    for card in cards:
        require_chart(kind, card.outline, card.title)
    subject = Subject(cards[0], cards[1].title if asked.other else "")
    answers: list[Any] = []
    photos: list[tuple[str, str]] = []
    refused: list[tuple[str, VitvizError]] = []
    for number, request in enumerate(requests):
        told = part(progress, number / len(requests), (number + 1) / len(requests))
        try:
            answers.append(engine.answer(cast("Any", request), told))
        except VitvizError as error:
            if not isinstance(error, PhotoError) and not answers:
                raise  # it would be said of every photo
            refused.append((request.photo.path, error))
            continue
        sha256 = engine.photos.get(request.photo, request.background, told).sha256
        photos.append((request.photo.path, sha256))
        if number + 1 < len(requests):
            tell(kind.make(answers, subject))
    if not answers:
        raise refused[0][1]
    return Gathered(kind.make(answers, subject), tuple(photos), tuple(refused), cards)

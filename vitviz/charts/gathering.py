"""A chart of one photo or many, from the engine's answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from vitviz.charts.kinds import ChartKind, Subject
from vitviz.engine.requests import Request
from vitviz.errors import PhotoError, VitvizError
from vitviz.figures.chart import Chart
from vitviz.models.outline import Outline
from vitviz.progress import Progress, part
from vitviz.session.state import PhotoRef, Session

if TYPE_CHECKING:
    from vitviz.engine.engine import Engine


@dataclass(frozen=True)
class ChartQuestion:
    """What is asked for one chart.

    Args:
        kind: Name of the chart.
        requests: One for each photo.
    """

    kind: str
    requests: tuple[Request, ...]


def question(
    kind: ChartKind, session: Session, photos: Sequence[PhotoRef], other: str = "",
    device: str = "auto",
) -> ChartQuestion:  # fmt: skip
    """What is asked for a chart.

    Args:
        kind: Which.
        session: Model, input, and what is taken from the model.
        photos: Of which photos; of a chart that is of none, the first is enough.
        other: Another model, where it can be of two; "" for none.
        device: As of ``ExplainRequest``.
    """
    taken = photos if kind.of_photos else photos[:1]
    bases = (
        Request(photo, session.background, session.model, session.input,
                ablation=session.view.ablation)
        for photo in taken
    )  # fmt: skip
    beside = other if kind.compares else ""
    return ChartQuestion(kind.name, tuple(kind.request(base, beside, device) for base in bases))


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


@dataclass(frozen=True)
class Gathered:
    """A chart, and what became of its photos.

    Args:
        chart: Of those that were answered.
        photos: Name and SHA-256 of each of them.
        refused: Name of each other one, and why.
    """

    chart: Chart
    photos: tuple[tuple[str, str], ...]
    refused: tuple[tuple[str, VitvizError], ...]


def gather(
    kind: ChartKind, engine: Engine, asked: ChartQuestion, subject: Subject, progress: Progress,
    tell: Callable[[Chart], None] = lambda _: None,
) -> Gathered:  # fmt: skip
    """Asks the engine for each photo, and makes the chart.

    Args:
        kind: Which.
        engine: Answers.
        asked: What.
        subject: The model.
        progress: Told how far it is; may raise ``Cancelled``.
        tell: Told the chart as far as it has got, after each photo but the last.

    Raises:
        VitvizError: There is an answer to none of the photos: why the first one has none.
    """
    answers: list[Any] = []
    photos: list[tuple[str, str]] = []
    refused: list[tuple[str, VitvizError]] = []
    requests = asked.requests
    for number, request in enumerate(requests):
        told = part(progress, number / len(requests), (number + 1) / len(requests))
        try:
            answers.append(engine.answer(cast("Any", request), told))
        except VitvizError as error:
            if not isinstance(error, PhotoError) and number == len(refused) == 0:
                raise  # it would be said of every photo
            refused.append((request.photo.path, error))
            continue
        sha256 = engine.photos.get(request.photo, request.background, told).sha256
        photos.append((request.photo.path, sha256))
        if number + 1 < len(requests):
            tell(kind.make(answers, subject))
    if not answers:
        raise refused[0][1]
    return Gathered(kind.make(answers, subject), tuple(photos), tuple(refused))

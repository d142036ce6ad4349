"""What every kind of chart says of itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vitviz.engine.requests import Request
from vitviz.figures.chart import Chart
from vitviz.models.card import ModelCard
from vitviz.models.outline import Outline
from vitviz.plain_text import MOST_OF_NAME, shown_text


@dataclass(frozen=True)
class Subject:
    """What a chart is of, beside its photos.

    Args:
        card: The model.
        other: Title of the model that it is compared with; "" where there is none.
    """

    card: ModelCard
    other: str = ""

    @property
    def outline(self) -> Outline:
        """The network from outside, at the size that it was trained for."""
        return self.card.outline

    @property
    def title(self) -> str:
        """What the model is called."""
        return shown_text(self.card.title, MOST_OF_NAME)


@dataclass(frozen=True)
class ChartKind:
    """One kind of chart.

    Args:
        name: In sessions and on the command line: "attention-distance".
        title: For people.
        help: One sentence: what it tells.
        source: Who published it.
        misfit: Why it cannot be made of a network: "the model has no attention"; "" where it can.
        request: What is asked of each photo, for the fields that all requests share and the other
            model ("" for none).
        make: The chart of the answers, one for each photo, at least one.
        of_photos: It is about photos; else one answer says all of a model.
        compares: It can be of two models.
    """

    name: str
    title: str
    help: str
    source: str
    misfit: Callable[[Outline], str]
    request: Callable[[Request, str, str], Request]
    make: Callable[[Sequence[Any], Subject], Chart]
    of_photos: bool = True
    compares: bool = False


def over(answers: Sequence[Any], what: str = "mean over") -> str:
    """ "bear.jpg", "mean over 3 photos"."""
    if len(answers) == 1:
        return shown_text(Path(answers[0].request.photo.path).name, MOST_OF_NAME)
    return f"{what} {len(answers)} photos"

"""What a model says of many photos, without a map of any."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from vitviz.engine.answers import class_name, outputs_of
from vitviz.engine.requests import PredictRequest
from vitviz.errors import PhotoError
from vitviz.progress import Progress, Stage
from vitviz.session.state import PhotoRef
from vitviz.shapes import Float32

if TYPE_CHECKING:  # torch is not loaded by importing this
    from vitviz.models.card import ModelCard


@dataclass(frozen=True)
class Prediction:
    """What a model says of a photo.

    Args:
        label: Name of the most probable class.
        probability: Of it, 0..1.
    """

    label: str
    probability: float


def predicted(said: Float32[np.ndarray, " classes"] | None, card: ModelCard) -> Prediction | None:
    """The most probable class; None of a model that tells no probabilities.

    Args:
        said: As of ``Cell.probabilities``.
        card: The model.
    """
    if said is None or outputs_of(card) == "values":
        return None
    best = int(said.argmax())
    return Prediction(class_name(card, best), float(said[best]))


def predictions(
    predict: Callable[[PredictRequest, Progress], Prediction | None],
    requests: Sequence[PredictRequest],
    progress: Progress,
) -> dict[PhotoRef, Prediction]:
    """What a model says of photos, one after another; those that cannot be opened are left out.

    Args:
        predict: Says it of one (``Engine.predict``).
        requests: Which photos.
        progress: Told how many are done; may raise ``Cancelled``.
    """
    found: dict[PhotoRef, Prediction] = {}
    for number, request in enumerate(requests):
        at = Stage("opening_photos", number, len(requests))

        def of_all(_stage: Stage, _fraction: float, at: Stage = at) -> None:
            progress(at, at.number / at.of)

        try:
            said = predict(request, of_all)
        except PhotoError:  # its thumbnail says why
            continue
        if said is not None:
            found[request.photo] = said
    return found

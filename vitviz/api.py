"""vitviz in a few calls: what ``import vitviz`` offers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from vitviz.figures.overlay import composite, value_range
from vitviz.figures.style import Style
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.load import load
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import InputChoice, fit, model_input
from vitviz.methods import METHODS
from vitviz.methods.base import Direction, Head, HeatMap, ParameterValue, Question
from vitviz.models.loading import bundled
from vitviz.models.loading import load_model as load_checkpoint
from vitviz.session.engine import query_token
from vitviz.session.state import Query
from vitviz.tracing.progress import silent

if TYPE_CHECKING:
    from vitviz.models.loading import Model
    from vitviz.tracing.trace import Trace


def load_photo(path: str | Path, *, frame: int = 0) -> Photo:
    """Opens a photo, upright and in sRGB.

    Args:
        path: Of any format vitviz reads.
        frame: Of an animation, from 0.

    Raises:
        PhotoError: It cannot be opened; the message says why and what to do.
    """
    return load(path, frame=frame)


def load_model(model: str | Path | None = None, *, device: str = "auto") -> Model:
    """Loads a model.

    Args:
        model: A checkpoint's path, a bundled model's id, or None for the bundled one.
        device: "auto" (CUDA, else MPS, else CPU), "cpu", "cuda", "cuda:1", "mps".

    Raises:
        CheckpointError: It cannot be used; the message says why and what would work.
    """
    return load_checkpoint(str(model) if model is not None else bundled()[0].id, device)


def trace(photo: Photo, model: Model, *, whole: bool = False, fineness: int = 1) -> Trace:
    """Shows a photo to a model, and keeps what explanations need.

    Args:
        photo: What to look at.
        model: Who looks.
        whole: The whole photo on a rectangular grid, instead of resized and cropped as in
            training.
        fineness: With ``whole``: 1 to 4 times the patches along each side.

    Raises:
        NotEnoughMemory: It would not fit.
    """
    from vitviz.tracing.run import run

    choice = InputChoice("whole photo" if whole else "as trained", fineness)
    geometry = fit(photo.size, model.card.preprocessing, choice)
    image = model_input(photo, geometry, model.card.preprocessing)
    return run(model.network, image, geometry, device=model.device)


def explain(
    trace: Trace,
    method: str = "attention",
    *,
    layer: int = -1,
    head: Head = "mean",
    query: Query = "cls",
    direction: Direction = "of",
    **params: ParameterValue,
) -> HeatMap:
    """Where the model looked.

    Args:
        trace: Of a photo and a model.
        method: "attention", "rollout", ...: a key of ``vitviz.methods.METHODS``.
        layer: From 0; negative counts from the last. For rollout: the last layer included.
        head: From 0, or "mean", "max", "min".
        query: A prefix token by name, or a point (x, y) in photo pixels.
        direction: Attention "of" the query, or "to" it.
        params: The method's own: ``discard=0.9``.

    Returns:
        One number a patch, in natural units.

    Raises:
        KeyError: No such method or parameter.
    """
    chosen = METHODS[method]
    token = query_token(query, trace.layout, trace.geometry)
    question = Question(token, direction, head, chosen.settings(params))
    return chosen.explain(trace, question, silent).map(layer, head)


def overlay(
    photo: Photo, heat_map: HeatMap, geometry: Geometry, style: Style | None = None
) -> UInt8[np.ndarray, "height width 3"]:
    """The photo at its full size with the map over it.

    Args:
        photo: The photo that was traced.
        heat_map: What ``explain`` gave.
        geometry: ``trace.geometry``.
        style: Colours, opacity, range; "shared" means "each" here, since there is one map.
    """
    style = style or Style()
    low, high = value_range(style.range, heat_map)
    return composite(photo.pixels, heat_map.values, geometry, style, low, high)

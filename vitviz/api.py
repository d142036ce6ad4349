"""vitviz in a few calls: what ``import vitviz`` offers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from vitviz.engine.seeing import require_fit, see
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.load import MAX_PIXELS, load
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import InputChoice
from vitviz.imaging.samples import sample_photos
from vitviz.maps.heat_map import Head, HeatMap
from vitviz.maps.overlay import drawn
from vitviz.maps.ranges import look
from vitviz.maps.style import Style
from vitviz.methods.base import Direction, ParameterValue, Question, Seen
from vitviz.models.hub_names import resolve
from vitviz.models.loading import bundled
from vitviz.models.loading import load_model as load_checkpoint
from vitviz.models.words import encode_text
from vitviz.notebook import shown, view
from vitviz.progress import silent
from vitviz.session.queries import query_tokens
from vitviz.session.state import Query, View
from vitviz.session.strict import (
    check_contrast,
    check_direction,
    check_map,
    check_parameters,
    check_query,
    check_references,
    check_target,
    method_called,
)
from vitviz.shapes import UInt8

__all__ = ["encode_text", "explain", "load_model", "load_photo", "overlay", "trace", "view"]

if TYPE_CHECKING:
    from torch import nn

    from vitviz.models.loading import Model
    from vitviz.tracing.trace import Trace


_photos: WeakKeyDictionary[Trace, Photo] = WeakKeyDictionary()
"""What each trace was made of, for maps that show themselves."""


def load_photo(path: str | Path, *, frame: int = 0, max_pixels: int | None = MAX_PIXELS) -> Photo:
    """Opens a photo, upright and in sRGB.

    Args:
        path: Of any format vitviz reads.
        frame: Of an animation, from 0.
        max_pixels: A larger photo is refused (``PhotoTooLarge``); None: what memory allows.

    Raises:
        PhotoError: It cannot be opened; the message says why and what to do.
    """
    return load(path, frame=frame, max_pixels=max_pixels)


def load_model(
    model: nn.Module | str | Path | None = None,
    *,
    device: str = "auto",
    photo: Photo | str | Path | None = None,
    preprocessing: object = None,
) -> Model:
    """Loads a model, or takes over a live one.

    A live model (of timm, transformers, torchvision, open_clip, torch.hub's DINO) stays as it is.
    Both are shown a photo; where they put out the same, the result says how near they are
    (``repr``, and the last of ``card.notes``), and where they do not, it is refused.

    Args:
        model: A checkpoint's path, a bundled model's id, the name of what was fetched before
            ("timm/vit_small_patch16_224.dino"; see ``vitviz download``), or None for the bundled
            one. No network is asked. Or a live ``torch.nn.Module``.
        device: "auto" (CUDA, else MPS, else CPU), "cpu", "cuda", "cuda:1", "mps".
        photo: That a live model and vitviz's are compared with; None: a sample.
        preprocessing: What photos are prepared with, for a live model that does not know it: an
            image processor of transformers, transforms of torchvision, timm or OpenCLIP, or a dict
            with "image_mean", "image_std", "size" and "crop_size".

    Raises:
        CheckpointError: It cannot be used; the message says why and what would work.
    """
    if model is not None and not isinstance(model, str | Path):
        from vitviz.models.objects.loading import load_object

        seen = photo if isinstance(photo, Photo) else load(photo or sample_photos()[0])
        return load_object(model, seen, device=device, preprocessing=preprocessing)
    return load_checkpoint(resolve(str(model)) if model is not None else bundled()[0].id, device)


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
        ValueError: There is no such fineness.
    """
    if fineness not in (range(1, 5) if whole else (1,)):
        raise ValueError(f"fineness is 1, or with whole=True 1 to 4, not {fineness}")
    choice = InputChoice("whole photo" if whole else "as trained", fineness)
    made = see(photo, model, choice)
    _photos[made] = photo
    return made


def explain(
    trace: Trace,
    method: str = "attention",
    *,
    layer: int = -1,
    head: Head = "mean",
    query: Query = "auto",
    direction: Direction = "of",
    target: int | None = None,
    contrast: int | None = None,
    reference: Sequence[Trace] = (),
    **params: ParameterValue,
) -> HeatMap:
    """Where the model looked.

    Args:
        trace: Of a photo and a model.
        method: "attention", "rollout", ...: a key of ``vitviz.methods.METHODS``.
        layer: From 0; negative counts from the last. For rollout: the last layer included.
        head: From 0, or "mean", "max", "min".
        query: A prefix token by name ("cls"); "patches", the mean over all patches; "auto", the one
            of these that the network's classes are read from; a point (x, y) in photo pixels, or a
            tuple of points, for their mean.
        direction: Attention "of" the query, or "to" it.
        target: For class-specific methods ("relevance", ...) the index of the class; None: the
            most probable one.
        contrast: Index of a class that it is set against: the map is of the difference of their
            logits.
        reference: Of other photos that the map refers to: for "similarity" the one that the query
            lies on, for "pca" all those that the components are of.
        params: The method's own: ``discard=0.9``.

    Returns:
        One number a patch, in natural units. In a notebook it shows itself over its photo.

    Raises:
        VitvizError: There is no such method, parameter, layer, head, query or class, or the model
            does not give what the method needs; unlike the window, this never takes the nearest
            one instead.
    """
    chosen = method_called(method)
    check_direction(chosen, direction)
    check_parameters(chosen, params)
    require_fit(method, trace.outline, "this model")
    check_references(chosen, len(reference))
    asked = reference[0] if reference and chosen.refers == "photo" else trace
    check_query(chosen, query, trace.layout.prefix, asked.geometry)
    classes = 0 if trace.logits is None else len(trace.logits)
    check_target(chosen, target, classes)
    check_contrast(chosen, target, contrast, classes)
    tokens = query_tokens(query, asked.outline, asked.geometry)
    question = Question(tokens, direction, head, params, target, contrast)
    if reference and chosen.fit is not None:
        photos = [Seen(of, query_tokens(query, of.outline, of.geometry)) for of in reference]
        question = replace(question, fitted=chosen.fit(photos, question, silent))
    explanation = chosen.explain(trace, question, silent)
    check_map(View(method, layer=layer, head=head), explanation, trace.outline)
    return shown(explanation.map(layer, head), _photos.get(trace))


def overlay(
    photo: Photo,
    heat_map: HeatMap,
    geometry: Geometry | None = None,
    style: Style | None = None,
) -> UInt8[np.ndarray, "height width 3"]:
    """The photo at its full size with the map over it.

    Args:
        photo: The photo that was traced.
        heat_map: What ``explain`` gave.
        geometry: Of the map where it is another than its own; None is ``heat_map.geometry``.
        style: Colours, opacity, range; "shared" means "each" here, since there is one map.
    """
    there = heat_map if geometry is None else replace(heat_map, geometry=geometry)
    return drawn(photo.pixels, there, look(style or Style(), there))

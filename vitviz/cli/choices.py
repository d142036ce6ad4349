"""What every command that computes maps lets one choose: model, method, layer, look."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from vitviz.cli.options import INPUTS, fraction, head, layer, number, query, whole
from vitviz.engine.requests import MOST_REGISTER_PHOTOS
from vitviz.maps.outliers import BOUND, OutlierChoice
from vitviz.maps.scaling import Scaling
from vitviz.maps.style import ColourMap, Style
from vitviz.methods import METHODS
from vitviz.methods.base import Method
from vitviz.models.card import ModelCard
from vitviz.models.checkpoints.corrections import read_words
from vitviz.models.checkpoints.said import Said
from vitviz.models.loading import bundled, load_model
from vitviz.paths import absolute
from vitviz.probing.ablation import MOST_NEURONS
from vitviz.session.state import PhotoRef, Session, View
from vitviz.session.strict import (
    check_contrast,
    check_direction,
    check_references,
    check_target,
    class_called,
    read_parameter,
)

USUAL = "rollout"
"""The method that is used where none is given, if the model fits it."""


def add_choices(parser: argparse.ArgumentParser) -> None:
    """The options that ``chosen`` reads."""
    option = parser.add_argument
    option("--model", default=bundled()[0].id,
        help="a checkpoint, a bundled model's id, or the name of what vitviz download fetched, "
        "such as timm/... (default: %(default)s)")  # fmt: skip
    option("--set-model", action="append", default=[], metavar="NAME=VALUE",
        help="what its file does not tell or is mistaken about: heads=12, grid=6x8, "
        "mean=0.5,0.5,0.5, part=student, names=FILE (see the guide); may be repeated")  # fmt: skip
    option("--method", choices=tuple(METHODS),
        help="default: rollout, or the first method that the model fits")  # fmt: skip
    option("--layer", default="last", type=layer, help="from 1, or last (default)")
    option("--head", default="mean", type=head, help="from 1, or mean (default), max, min")
    option("--query", default="auto", type=query,
        help="cls, dist, ...; patches, the mean over all of them; auto (default), the one of these "
        "that the model's class is read from; or X,Y in photo pixels, or several, 'X,Y X,Y', for "
        "their mean")  # fmt: skip
    option("--direction", choices=("of", "to"), default="of",
        help="attention of the query (default), or to it")  # fmt: skip
    option("--class", dest="target", metavar="CLASS",
        help="for methods about a class: its name, such as collie, or its number, from 0 "
        "(default: the most probable)")  # fmt: skip
    option("--not", dest="contrast", metavar="CLASS",
        help="why the class and not this one: the map is of the difference of their "
        "logits")  # fmt: skip
    option("--set", action="append", default=[], metavar="NAME=VALUE",
        help="a parameter of the method, such as discard=0.9; may be repeated")  # fmt: skip
    option("--reference", action="append", default=[], type=Path, metavar="PHOTO",
        help="another photo that the map refers to: the one that --query lies on (similarity), or "
        "one of those that the components are of (pca); may be repeated")  # fmt: skip
    option("--input", choices=tuple(INPUTS), default="trained",
        help="what the model is given: the photo resized and cropped as it was trained (default), "
        "the whole photo, or that with 2 to 4 times the patches along each side")  # fmt: skip
    option("--colours", choices=get_args(ColourMap), default="inferno", help="default: %(default)s")
    option(
        "--opacity", type=fraction, default=Style().opacity, help="0 to 1 (default: %(default)s)"
    )
    option("--scaling", choices=get_args(Scaling), default="linear",
        help="from values to colours; root and log show quiet maps beside loud ones "
        "(default: %(default)s)")  # fmt: skip
    option("--nearest", action="store_true", help="flat patches, not smoothed")
    option("--outliers", choices=get_args(OutlierChoice), default="show",
        help="patches with a norm far above all others are shown (default), framed, or left out "
        "of the map")  # fmt: skip
    option("--registers", type=whole(1, MOST_NEURONS), default=0, metavar="N",
        help="an intervention: N neurons that make outlier patches, looked for over the photos "
        f"that are given (at most {MOST_REGISTER_PHOTOS} of them), go to a token that is added; "
        "see the guide")  # fmt: skip
    option("--registers-above", type=number(0, 1e6), default=BOUND, metavar="MADS",
        help="what an outlier is for --registers: how far the norm of a patch is above the median "
        "(default: %(default)g)")  # fmt: skip
    option("--outline", type=fraction, default=0.0, metavar="SHARE",
        help="a line around the fewest patches that hold this part of the map's positive values, "
        "such as 0.6 (default: none)")  # fmt: skip
    option("--device", default="auto", help="auto (default), cpu, cuda, cuda:1, mps")


def chosen(options: argparse.Namespace) -> Session:
    """The choices, without photos; ``options.method`` is the method's name from then on.

    Raises:
        VitvizError: The method has no such direction or parameter, or the model no such class.
    """
    options.method = options.method or usual_method(options.model, said_of_model(options))
    method = METHODS[options.method]
    check_direction(method, options.direction)
    params = dict(read_parameter(method, text) for text in options.set)
    view = View(options.method, tuple(sorted(params.items())), options.layer,
                options.head, options.query, options.direction, *classes(options),
                outliers=options.outliers, reference=references(options, method))  # fmt: skip
    style = Style(options.colours, options.opacity, smooth=not options.nearest,
                  scaling=options.scaling, outlined=options.outline)  # fmt: skip
    return Session(model=options.model, input=INPUTS[options.input], view=view, style=style)


def references(options: argparse.Namespace, method: Method) -> tuple[PhotoRef, ...]:
    """The photos of ``--reference``.

    Raises:
        VitvizError: The method refers to no other photos, or to fewer.
    """
    found = tuple(PhotoRef(str(absolute(path))) for path in options.reference)
    check_references(method, len(found))
    return found


def usual_method(model: str, said: Said | None = None) -> str:
    """The name of the method that is used where none is given: ``USUAL``, or the first one that a
    model fits.
    """
    outline = card_of(model, said).outline
    if METHODS[USUAL].fits(outline):
        return USUAL
    return next((name for name, method in METHODS.items() if method.fits(outline)), USUAL)


def card_of(model: str, said: Said | None = None) -> ModelCard:
    """What is known of a model; a checkpoint is read twice so."""
    cards = {card.id: card for card in bundled()}
    return cards.get(model) or load_model(model, "cpu", corrections=said).card


def said_of_model(options: argparse.Namespace) -> Said | None:
    """What ``--set-model`` says; None where it is not given.

    Raises:
        VitvizError: It says what cannot be.
    """
    return read_words(options.set_model) if options.set_model else None


def classes(options: argparse.Namespace) -> tuple[int | None, int | None]:
    """The classes of ``--class`` and ``--not``; None where one is not given.

    Raises:
        VitvizError: The method asks about no class, or the model has no such class.
    """
    if options.target is None and options.contrast is None:
        return None, None
    method = METHODS[options.method]
    check_target(method, 0, 0)
    card = card_of(options.model, said_of_model(options))
    target, contrast = (
        None if text is None else class_called(text, card.class_names)
        for text in (options.target, options.contrast)
    )
    check_target(method, target, card.outline.classes)
    check_contrast(method, target, contrast, card.outline.classes)
    return target, contrast

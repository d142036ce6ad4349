"""A photo shown to a model, and an explanation of what the model did."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from vitviz.engine.requests import ExplainRequest
from vitviz.errors import MethodMisfit, VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import InputChoice, fit, model_input
from vitviz.maps.heat_map import Explanation
from vitviz.maps.outliers import outlying
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.methods.outliers import OUTLIERS
from vitviz.models.outline import Outline
from vitviz.probing.ablation import Ablation
from vitviz.progress import Progress, silent
from vitviz.shapes import Bool, Float32, UInt8

if TYPE_CHECKING:  # torch is imported on the worker, never by importing this
    from vitviz.methods.text import Words
    from vitviz.models.card import ModelCard
    from vitviz.models.loading import Model
    from vitviz.models.network import Network
    from vitviz.tracing.trace import Trace

EXPLAINING_BYTES = 512 << 20
"""What a method takes at most while it works, whatever the number of tokens: they all stream."""


@dataclass(frozen=True, eq=False)
class Sight:
    """A photo as a model saw it.

    Args:
        photo_sha256: Of the photo's file.
        trace: What the network did; with its network.
        model: The model.
        input_pixels: What it was given, normalisation undone.
        key: Of the trace, for what is remembered of it.
    """

    photo_sha256: str
    trace: Trace
    model: Model
    input_pixels: UInt8[np.ndarray, "height width 3"]
    key: Hashable


def visible(
    query: tuple[int, ...], hidden: Bool[np.ndarray, "rows cols"], prefix: int
) -> tuple[int, ...]:
    """The tokens of a query that an encoder sees; where it sees none of them, its first one.

    Args:
        query: Tokens: the prefix, then patches.
        hidden: Which patches are hidden.
        prefix: How many tokens stand before the patches.
    """
    seen = np.concatenate([np.ones(prefix, bool), ~hidden.flatten()])
    first = np.flatnonzero(seen)[:1].tolist()
    return tuple(token for token in query if seen[token]) or tuple(first)


def without(network: Network, ablation: Ablation, geometry: Geometry) -> Network:
    """A network with something taken from it, or moved in it; itself where nothing is.

    Args:
        network: The whole one; not changed.
        ablation: What is taken from it.
        geometry: Of the patches of its first layer.

    Raises:
        VitvizError: No patch would be left, or it can have no test-time register.
    """
    if not ablation:
        return network
    from vitviz.probing.ablated import Ablated
    from vitviz.probing.registered import Registered

    if ablation.registers:
        gone = ablation.removed(geometry) if ablation.places else None
        network = Registered(network, ablation.registers, geometry.input_size, gone)
    if not (ablation.heads or ablation.places):
        return network
    return Ablated(network, ablation, geometry)


def see(
    photo: Photo,
    model: Model,
    choice: InputChoice,
    progress: Progress = silent,
    ablation: Ablation | None = None,
) -> Trace:
    """Shows a photo to a model.

    Args:
        photo: What to look at.
        model: Who looks.
        choice: What the model is given of the photo.
        progress: Told before every block; may raise ``Cancelled``.
        ablation: What is taken from it first.

    Raises:
        NotEnoughMemory: It would not fit.
        VitvizError: No patch would be left.
    """
    from vitviz.tracing.run import run

    preprocessing = model.card.preprocessing
    geometry = fit(photo.size, preprocessing, choice)
    image = model_input(photo, geometry, preprocessing)
    first = model.network.outline(geometry.input_size).geometry(0, geometry)
    network = without(model.network, ablation or Ablation(), first)
    return run(network, image, geometry, device=model.device, progress=progress)


def explain(
    request: ExplainRequest,
    trace: Trace,
    query: tuple[int, ...],
    progress: Progress,
    fitted: object = None,
) -> tuple[Explanation, float]:
    """The explanation that was asked for, and the seconds it took.

    Args:
        request: What was asked.
        trace: Of the photo.
        query: Tokens of the first layer; where the query lies on another photo, of that one.
        progress: Told how far it is; may raise ``Cancelled``.
        fitted: What the method learned of the photos that the map refers to; None: of none.
    """
    from vitviz.tracing.memory import refusing

    start = time.perf_counter()
    head = "mean" if request.head is None else request.head
    question = Question(
        query,
        request.direction,
        head,
        dict(request.params),
        request.target,
        request.contrast,
        fitted,
    )
    with refusing(EXPLAINING_BYTES, f"an explanation of {trace.tokens:,} tokens"):
        explanation = METHODS[request.method].explain(trace, question, progress)
    taken = time.perf_counter() - start
    if request.method != OUTLIERS.name:  # which is of nothing else
        explanation = replace(explanation, outliers=outliers_of(trace, explanation))
    return explanation, taken


def read_words(request: ExplainRequest, model: Model, progress: Progress = silent) -> Words:
    """The words of a request, as its model reads them.

    Raises:
        VitvizError: There are none, or the model cannot read them.
    """
    from vitviz.methods.text import Words, words_of
    from vitviz.models.words import encode_text, matching_of

    method = METHODS[request.method]
    words = words_of(method.settings(dict(request.params))[method.reads])
    vectors, how = encode_text(model, words, progress), matching_of(model, progress)
    return Words(vectors, how.scale, how.bias, how.each)


def outliers_of(trace: Trace, explanation: Explanation) -> dict[int, Bool[np.ndarray, " patches"]]:
    """Which patches are outliers after a layer, for the layers whose maps have these patches.

    Empty where the network gives no states of its layers.
    """
    found = {}
    for layer, maps in explanation.by_layer.items():
        tokens = trace.outline.tokens(layer)
        alike = (maps.tokens.grid, maps.geometry) == (tokens.grid, trace.geometry_of(layer))
        if alike and layer < len(trace.norms):
            found[layer] = outlying(trace.norms[layer], len(tokens.prefix))
    return found


def require_fit(method: str, outline: Outline, model: str) -> None:
    """Refuses a method that a network does not give what it needs for.

    Args:
        method: Its name.
        outline: Of the network.
        model: What the model is called, for people.

    Raises:
        MethodMisfit: It is such a method; says which methods the network fits.
    """
    chosen = METHODS[method]
    if chosen.fits(outline):
        return
    fitting = tuple(name for name, other in METHODS.items() if other.fits(outline))
    titles = ", ".join(METHODS[name].title for name in fitting)
    raise MethodMisfit(
        f"{chosen.title} cannot be asked of {model}: {chosen.misfit(outline)}.",
        f"It can be asked for: {titles}." if fitting else "Choose another model.",
        fitting=fitting,
    )


def require_given(given: bool, sight: Sight, lack: str) -> None:
    """Refuses what a network does not give.

    Args:
        given: It does.
        sight: Of it.
        lack: What it lacks, for people: "has no decoder".

    Raises:
        VitvizError: It does not.
    """
    if not given:
        raise VitvizError(f"{sight.model.card.title} {lack}.", "Choose another model.")


def probabilities(trace: Trace, card: ModelCard) -> Float32[np.ndarray, " classes"] | None:
    """What the logits say of each class (see ``Cell``); None for a model without a head.

    Softmax of a single number is 1 whatever the photo shows: one output is a value.
    """
    return None if trace.logits is None else shares_of(trace.logits, card)


def shares_of(
    logits: Float32[np.ndarray, "*heads classes"], card: ModelCard
) -> Float32[np.ndarray, "*heads classes"]:
    """What logits of a model say of each class (see ``Cell``)."""
    if card.outputs == "values" or (not card.outputs and logits.shape[-1] == 1):
        return logits.astype(np.float32)
    if card.outputs == "labels":
        return (1 / (1 + np.exp(-logits.astype(np.float64)))).astype(np.float32)
    return softmax(logits)


def softmax(logits: Float32[np.ndarray, "*heads classes"]) -> Float32[np.ndarray, "*heads classes"]:
    """Probabilities, read-only."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares: Float32[np.ndarray, "*heads classes"] = (
        shifted / shifted.sum(axis=-1, keepdims=True)
    ).astype(np.float32)
    shares.flags.writeable = False
    return shares

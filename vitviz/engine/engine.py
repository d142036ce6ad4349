"""Answers requests: from a photo and a model to an explanation, remembering what it worked out."""

from __future__ import annotations

import time
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from vitviz.engine.cache import Recent
from vitviz.engine.photos import PhotoCache, Stamp, stamp
from vitviz.engine.plan import Request
from vitviz.engine.room import Room
from vitviz.errors import NotEnoughMemory
from vitviz.imaging.geometry import Geometry
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import displayed_input, fit, model_input
from vitviz.methods import METHODS
from vitviz.methods.base import Explanation, HeatMap, Question
from vitviz.models.loading import load_model
from vitviz.models.tokens import TokenLayout
from vitviz.progress import Progress, Stage, silent
from vitviz.session.state import Query, View
from vitviz.tracing.cost import FLOAT_BYTES, backward_bytes, cost

if TYPE_CHECKING:  # torch is imported on the worker, never by importing this
    from vitviz.models.card import ModelCard
    from vitviz.models.loading import Model
    from vitviz.tracing.trace import Trace

TRACE_BUDGET_BYTES = 2 << 30
"""Of q and k kept for photos looked at before: about 140 photos of a ViT-B/16 at 224."""

EXPLANATION_BUDGET_BYTES = 256 << 20
"""Of explanations kept, so that a query patch or a setting looked at before is there at once."""

MODEL_BUDGET_BYTES = 2 << 30
"""Of networks kept, so that panes with different models do not load them in turn: six ViT-B."""

WAITING = Stage("waiting")
"""Said while another thread makes the same, or takes the memory."""

EXPLAINING_BYTES = 512 << 20
"""What a method takes at most while it works, whatever the number of tokens: they all stream."""


@dataclass(frozen=True, eq=False)
class Cell:
    """The answer to one request: everything the window needs to draw it, and no tensor.

    Args:
        request: What was asked.
        photo_sha256: Of the photo's file.
        card: The model.
        geometry: Where each patch lies on the photo.
        query_token: Index of the query among the tokens.
        explanation: Every layer (and head) of the map.
        probabilities: Of each class, softmaxed; None for a model without a head.
        input_pixels: What the model was given, normalisation undone.
        device: Where it ran: "cpu", "cuda:0", "mps".
        forward_s: What the forward took, in seconds.
        method_s: What the explanation took on top of it.
    """

    request: Request
    photo_sha256: str
    card: ModelCard
    geometry: Geometry
    query_token: int
    explanation: Explanation
    probabilities: Float32[np.ndarray, " classes"] | None
    input_pixels: UInt8[np.ndarray, "height width 3"]
    device: str
    forward_s: float
    method_s: float

    @property
    def layout(self) -> TokenLayout:
        return self.explanation.layout

    @property
    def query_patch(self) -> tuple[int, int] | None:
        """Row and column of the query, or None where it is a prefix token."""
        return self.layout.patch(self.query_token)

    @property
    def target(self) -> int | None:
        """The class that the map is about, or None where it is about none."""
        return self.explanation.target

    def class_name(self, index: int) -> str:
        """What a class is called; by its number where its name is not known."""
        names = self.card.class_names
        return names[index] if names else f"class {index}"

    def heat_map(self, view: View) -> HeatMap:
        """The map of the layer and head that the view chose."""
        return self.explanation.map(view.layer, view.head)


def top_classes(cell: Cell, count: int) -> list[tuple[str, float]]:
    """The most probable classes with their probabilities, 0..1; empty without a head."""
    if cell.probabilities is None:
        return []
    return [(cell.class_name(i), float(cell.probabilities[i])) for i in top_indices(cell, count)]


def top_indices(cell: Cell, count: int) -> list[int]:
    """The most probable classes, the best first; empty without a head."""
    if cell.probabilities is None:
        return []
    best: list[int] = (-cell.probabilities).argsort(kind="stable")[:count].tolist()
    return best


def query_token(query: Query, layout: TokenLayout, geometry: Geometry) -> int:
    """The token that a query means on this grid.

    A point outside what the model saw means the nearest patch; a prefix token that the model does
    not have means its first prefix token, or the middle patch where it has none.
    """
    rows, cols = layout.grid
    if isinstance(query, str):
        if query in layout.prefix:
            return layout.prefix.index(query)
        return 0 if layout.prefix else layout.index(rows // 2, cols // 2)
    x, y = geometry.to_input(*query)
    row = min(max(int(y // geometry.patch), 0), rows - 1)
    col = min(max(int(x // geometry.patch), 0), cols - 1)
    return layout.index(row, col)


@dataclass(frozen=True, eq=False)
class Seen:
    """A trace, and the input it came from."""

    trace: Trace
    geometry: Geometry
    input_pixels: UInt8[np.ndarray, "height width 3"]


class Engine:
    """Computes cells, on whichever threads call it.

    What two threads need is made once, and two pieces of work that might not fit into memory
    together are done one after the other.

    Args:
        photos: Where opened photos are; shared with whoever shows them.
    """

    def __init__(self, photos: PhotoCache | None = None) -> None:
        self.photos = photos or PhotoCache()
        self._models: Recent[tuple[str, Stamp | None, str], Model] = Recent(
            MODEL_BUDGET_BYTES, lambda model: FLOAT_BYTES * model.card.config.parameters
        )
        self._seen: Recent[Hashable, Seen] = Recent(TRACE_BUDGET_BYTES, lambda s: s.trace.nbytes)
        self._explanations: Recent[Hashable, tuple[Explanation, float]] = Recent(
            EXPLANATION_BUDGET_BYTES, lambda known: known[0].values.nbytes
        )
        self._room = Room()

    def answer(self, request: Request, progress: Progress = silent) -> Cell:
        """The cell of one request.

        Where memory is short, everything remembered is forgotten; where that may have been what
        was missing, the request is tried again.

        Raises:
            VitvizError: The photo or the model cannot be used, or the work would not fit.
            Cancelled: ``progress`` said so.
        """
        try:
            return self._answer(request, progress)
        except NotEnoughMemory as error:
            ours = self._seen.held + self._explanations.held
            self.forget()
            if not ours or error.needed_bytes > error.available_bytes + ours:
                raise
        self._room.wait_until_empty(lambda: progress(WAITING, 0))
        return self._answer(request, progress)

    def forget(self) -> None:
        """Lets go of everything but the photos."""
        self._models.clear()
        self._seen.clear()
        self._explanations.clear()

    def _answer(self, request: Request, progress: Progress) -> Cell:
        def waiting() -> None:
            progress(WAITING, 0)

        progress(Stage("opening_photo"), 0)
        photo = self.photos.get(request.photo, request.background)
        model = self._model(request, progress)
        seen_key = (photo.sha256, request.photo.frame, request.background, request.input,
                    model.card.id, model.card.sha256, model.device)  # fmt: skip
        seen = self._seen.get(
            seen_key, lambda: self._look(photo, model, request, progress), waiting
        )
        token = query_token(request.query, seen.trace.layout, seen.geometry)
        about = METHODS[request.method].class_specific
        target = seen.trace.target(request.target) if about else None
        asked = (seen_key, request.method, request.params, request.head, request.direction, token,
                 target)  # fmt: skip
        trace = replace(seen.trace, network=model.network)
        explanation, method_s = self._explanations.get(
            asked, lambda: self._explain(request, trace, token, progress), waiting
        )
        return Cell(
            request, photo.sha256, model.card, seen.geometry, token, explanation,
            probabilities(seen.trace), seen.input_pixels, model.device,
            seen.trace.forward_s, method_s,
        )  # fmt: skip

    def _model(self, request: Request, progress: Progress) -> Model:
        def waiting() -> None:
            progress(WAITING, 0)

        def load() -> Model:
            needed = 2 * known.size if known else 0  # the file's tensors, and the network's
            with self._room.taken(needed, "cpu", waiting):
                return load_model(request.model, request.device, progress=progress)

        progress(Stage("loading_model"), 0)
        known = stamp(request.model)
        return self._models.get((request.model, known, request.device), load, waiting)

    def _look(self, photo: Photo, model: Model, request: Request, progress: Progress) -> Seen:
        geometry = fit(photo.size, model.card.preprocessing, request.input)
        needed = cost(model.card.config, geometry.grid).peak_bytes
        with self._room.taken(needed, model.device, lambda: progress(WAITING, 0)):
            return look(photo, model, request, progress)

    def _explain(
        self, request: Request, trace: Trace, token: int, progress: Progress
    ) -> tuple[Explanation, float]:
        needed = EXPLAINING_BYTES
        if METHODS[request.method].class_specific and trace.network is not None:
            needed += backward_bytes(trace.network.config, trace.layout.grid)
        with self._room.taken(needed, str(trace.q.device), lambda: progress(WAITING, 0)):
            return explain(request, trace, token, progress)


def look(photo: Photo, model: Model, request: Request, progress: Progress) -> Seen:
    """Shows the photo to the model."""
    from vitviz.tracing.run import run

    preprocessing = model.card.preprocessing
    geometry = fit(photo.size, preprocessing, request.input)
    image = model_input(photo, geometry, preprocessing)
    trace = run(model.network, image, geometry, device=model.device, progress=progress)
    # Traces are kept longer than models, and would keep them too.
    return Seen(replace(trace, network=None), geometry, displayed_input(image, preprocessing))


def explain(
    request: Request, trace: Trace, token: int, progress: Progress
) -> tuple[Explanation, float]:
    """The explanation that was asked for, and the seconds it took."""
    from vitviz.tracing.memory import refusing

    start = time.perf_counter()
    head = "mean" if request.head is None else request.head
    question = Question(token, request.direction, head, dict(request.params), request.target)
    with refusing(EXPLAINING_BYTES, f"an explanation of {trace.tokens:,} tokens"):
        explanation = METHODS[request.method].explain(trace, question, progress)
    return explanation, time.perf_counter() - start


def probabilities(trace: Trace) -> Float32[np.ndarray, " classes"] | None:
    """Softmax of the logits; None for a model without a head."""
    if trace.logits is None:
        return None
    shifted = np.exp(trace.logits - trace.logits.max())
    shares: Float32[np.ndarray, " classes"] = (shifted / shifted.sum()).astype(np.float32)
    return shares

"""Answers requests: from a photo and a model to what was asked, remembering what it worked out.

The window, the command line, batches and figures come this way, and no other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar, overload

import numpy as np

from vitviz.engine.answers import Answer, Cell, Reconstruction, SeriesValues, States
from vitviz.engine.cache import Cache
from vitviz.engine.photos import PhotoCache, Stamp, stamp
from vitviz.engine.requests import (
    DecodeRequest,
    ExplainRequest,
    Request,
    SeriesRequest,
    StatesRequest,
)
from vitviz.engine.room import Room
from vitviz.errors import MethodMisfit, NotEnoughMemory, VitvizError
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import InputChoice, displayed_input, fit, model_input
from vitviz.maps.heat_map import Explanation
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.methods.series import SERIES
from vitviz.models.cost import FLOAT_BYTES
from vitviz.models.loading import load_model
from vitviz.models.outline import Outline
from vitviz.progress import Progress, Stage, silent
from vitviz.session.mask import hidden_patches
from vitviz.session.queries import query_tokens
from vitviz.session.state import PhotoRef
from vitviz.shapes import Bool, Float32, UInt8

if TYPE_CHECKING:  # torch is imported on the worker, never by importing this
    from vitviz.models.card import ModelCard
    from vitviz.models.checkpoints.said import Said
    from vitviz.models.loading import Model
    from vitviz.tracing.trace import Trace

TRACE_BUDGET_BYTES = 2 << 30
"""Of q and k kept for photos looked at before: about 140 photos of a ViT-B/16 at 224."""

EXPLANATION_BUDGET_BYTES = 256 << 20
"""Of explanations kept, so that a query patch or a setting looked at before is there at once."""

SPARE_TRACE_BYTES = 96 << 20
SPARE_EXPLANATION_BYTES = 32 << 20
"""Of those kept for photos that are open and not shown: to see one again takes a forward."""

MODEL_BUDGET_BYTES = 2 << 30
"""Of networks kept, so that panes with different models do not load them in turn: six ViT-B."""

WAITING = Stage("waiting")
"""Said while another thread makes the same, or takes the memory."""

EXPLAINING_BYTES = 512 << 20
"""What a method takes at most while it works, whatever the number of tokens: they all stream."""

Result = TypeVar("Result")


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


class Engine:
    """Computes answers, on whichever threads call it.

    What two threads need is made once, and two pieces of work that might not fit into memory
    together are done one after the other.

    Args:
        photos: Where opened photos are; shared with whoever shows them.
        trace_budget: Bytes of traces kept; the last one always is.
        said: What the user says of every model, before what was remembered of its file.
    """

    def __init__(
        self,
        photos: PhotoCache | None = None,
        trace_budget: int = TRACE_BUDGET_BYTES,
        said: Said | None = None,
    ) -> None:
        self.photos = photos or PhotoCache()
        self._said = said
        self._models: Cache[tuple[str, Stamp | None, str], Model] = Cache(
            MODEL_BUDGET_BYTES, lambda model: FLOAT_BYTES * model.card.outline.parameters
        )
        self._traces: Cache[Hashable, tuple[Trace, UInt8[np.ndarray, "height width 3"]]] = Cache(
            trace_budget, lambda known: known[0].nbytes, min(trace_budget, SPARE_TRACE_BYTES)
        )
        self._explanations: Cache[Hashable, tuple[Explanation, float]] = Cache(
            EXPLANATION_BUDGET_BYTES, lambda known: known[0].nbytes, SPARE_EXPLANATION_BYTES
        )
        self._seen: dict[PhotoRef, str] = {}  # and the SHA-256 of each
        self._room = Room()

    @overload
    def answer(self, request: ExplainRequest, progress: Progress = ...) -> Cell: ...
    @overload
    def answer(self, request: StatesRequest, progress: Progress = ...) -> States: ...
    @overload
    def answer(self, request: SeriesRequest, progress: Progress = ...) -> SeriesValues: ...
    @overload
    def answer(self, request: DecodeRequest, progress: Progress = ...) -> Reconstruction: ...

    def answer(self, request: Request, progress: Progress = silent) -> Answer:
        """The answer to a request of any kind.

        Raises:
            VitvizError: The photo or the model cannot be used, does not give what was asked, or
                the work would not fit.
            Cancelled: ``progress`` said so.
        """
        match request:
            case ExplainRequest():
                return self.explain(request, progress)
            case StatesRequest():
                return self.states(request, progress)
            case SeriesRequest():
                return self.series(request, progress)
            case DecodeRequest():
                return self.decode(request, progress)
        raise TypeError(f"{request} is no kind of request")

    def explain(self, request: ExplainRequest, progress: Progress = silent) -> Cell:
        """Where the model looks; raises as ``answer``, and ``MethodMisfit``."""
        return self._twice(lambda: self._explain(request, progress), progress)

    def states(self, request: StatesRequest, progress: Progress = silent) -> States:
        """What a layer puts out; raises as ``answer``."""

        def work() -> States:
            sight = self._see(request, request.device, progress)
            trace, outline = sight.trace, sight.trace.outline
            _require("states" in outline.gives, sight, "gives no states of its layers")
            layer = range(outline.depth)[request.layer]
            values = trace.states(layer, progress)
            return States(request, values, outline.tokens(layer), trace.geometry_of(layer), layer)

        return self._twice(work, progress)

    def series(self, request: SeriesRequest, progress: Progress = silent) -> SeriesValues:
        """A number of each layer and head; raises as ``answer``."""

        def work() -> SeriesValues:
            sight, series = self._see(request, request.device, progress), SERIES[request.series]
            _require(series.fits(sight.trace.outline), sight, f"has no {series.title.lower()}")
            return SeriesValues(request, series.measure(sight.trace, progress), series.unit)

        return self._twice(work, progress)

    def decode(self, request: DecodeRequest, progress: Progress = silent) -> Reconstruction:
        """What a decoder makes of a part of the photo; raises as ``answer``."""

        def work() -> Reconstruction:
            sight = self._see(request, request.device, progress)
            trace = sight.trace
            _require("decoder" in trace.outline.gives, sight, "has no decoder")
            hidden = hidden_patches(request.mask, trace.layout.grid)
            query = query_tokens(request.query, trace.outline, trace.geometry)
            query = visible(query, hidden, len(trace.outline.prefix))
            progress(Stage("method", name="attention"), 0.3)
            gives = {"attention", "drop"} <= trace.outline.gives
            explanation = trace.attention_of_visible(hidden, query) if gives and query else None
            progress(Stage("method", name="attention"), 0.6)
            image, undone = trace.decoded(hidden, request.normalised)
            pixels = displayed_input(image, sight.model.card.preprocessing)
            return Reconstruction(
                request, sight.model.card, sight.input_pixels, pixels, hidden, trace.geometry,
                explanation, query, undone,
            )  # fmt: skip

        return self._twice(work, progress)

    def keep(self, open: Collection[str], shown: Collection[PhotoRef]) -> None:
        """Forgets what is known of photos that are not open any more, and most of what is known of
        those that are not shown.

        Args:
            open: Names of their files.
            shown: Photos that are looked at.
        """
        self.photos.keep(open, shown)
        seen = self._seen.copy()
        closed = [ref for ref in seen if ref.path not in open]
        for ref in closed:
            self._seen.pop(ref, None)
        gone = {seen[ref] for ref in closed} - {seen[ref] for ref in seen if ref.path in open}
        now = {seen[ref] for ref in shown if ref in seen}
        self._traces.keep(lambda key: _photo_of(key) not in gone, lambda key: _photo_of(key) in now)
        self._explanations.keep(
            lambda key: _photo_of(key) not in gone, lambda key: _photo_of(key) in now
        )

    def forget(self) -> None:
        """Lets go of everything but the photos."""
        self._models.clear()
        self._traces.clear()
        self._explanations.clear()

    def model(self, name: str, device: str = "auto", progress: Progress = silent) -> Model:
        """A model, loaded now if it is not in memory.

        Args:
            name: Id of a bundled one, or path of a checkpoint.
            device: "auto", "cpu", "cuda", "cuda:1", "mps".
            progress: Told how far it is.

        Raises:
            CheckpointError: It cannot be used as a model.
        """

        def load() -> Model:
            needed = 2 * known.size if known else 0  # the file's tensors, and the network's
            with self._room.taken(needed, "cpu", lambda: progress(WAITING, 0)):
                if self._said is None:
                    return load_model(name, device, progress=progress)
                return load_model(name, device, progress, self._said)

        progress(Stage("loading_model"), 0)
        known = stamp(name)
        return self._models.get((name, known, device), load, lambda: progress(WAITING, 0))

    def _twice(self, work: Callable[[], Result], progress: Progress) -> Result:
        """Where memory is short, everything remembered is forgotten; where that may have been what
        was missing, the work is tried again.
        """
        try:
            return work()
        except NotEnoughMemory as error:
            ours = self._traces.held + self._explanations.held
            self.forget()
            if not ours or error.needed_bytes > error.available_bytes + ours:
                raise
        self._room.wait_until_empty(lambda: progress(WAITING, 0))
        return work()

    def _see(self, request: Request, device: str, progress: Progress) -> Sight:
        """Shows the photo to the model, unless that is remembered."""
        progress(Stage("opening_photo"), 0)
        photo = self.photos.get(request.photo, request.background, progress)
        model = self.model(request.model, device, progress)
        self._seen[request.photo] = photo.sha256
        key = (photo.sha256, request.photo.frame, request.background, request.input,
               model.card.id, model.card.sha256, model.card.corrected, model.device)  # fmt: skip
        trace, pixels = self._traces.get(
            key, lambda: self._trace(photo, model, request, progress), lambda: progress(WAITING, 0)
        )
        return Sight(photo.sha256, replace(trace, network=model.network), model, pixels, key)

    def _trace(
        self, photo: Photo, model: Model, request: Request, progress: Progress
    ) -> tuple[Trace, UInt8[np.ndarray, "height width 3"]]:
        geometry = fit(photo.size, model.card.preprocessing, request.input)
        needed = model.card.cost_at(geometry.input_size).peak_bytes
        with self._room.taken(needed, model.device, lambda: progress(WAITING, 0)):
            trace = see(photo, model, request.input, progress)
        assert trace.image is not None
        # Traces are kept longer than models, and would keep them too.
        alone = replace(trace, network=None)
        return alone, displayed_input(trace.image, model.card.preprocessing)

    def _explain(self, request: ExplainRequest, progress: Progress) -> Cell:
        sight = self._see(request, request.device, progress)
        trace, method = sight.trace, METHODS[request.method]
        require_fit(request.method, trace.outline, sight.model.card.title)
        tokens = query_tokens(request.query, trace.outline, trace.geometry)
        target = trace.target(request.target) if method.class_specific else None
        key = (sight.photo_sha256, sight.key, request.method, request.params, request.head,
               request.direction, tokens, target)  # fmt: skip
        explanation, method_s = self._explanations.get(
            key, lambda: self._explanation(request, sight, tokens, progress),
            lambda: progress(WAITING, 0),
        )  # fmt: skip
        return Cell(
            request, sight.photo_sha256, sight.model.card, trace.geometry, tokens, explanation,
            probabilities(trace, sight.model.card), sight.input_pixels, sight.model.device,
            trace.forward_s, method_s,
        )  # fmt: skip

    def _explanation(
        self, request: ExplainRequest, sight: Sight, query: tuple[int, ...], progress: Progress
    ) -> tuple[Explanation, float]:
        trace, needed = sight.trace, EXPLAINING_BYTES
        if "gradients" in METHODS[request.method].needs:
            needed += sight.model.card.cost_at(trace.geometry.input_size).backward_bytes
        with self._room.taken(needed, trace.device, lambda: progress(WAITING, 0)):
            return explain(request, trace, query, progress)


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


def _photo_of(key: Hashable) -> object:
    """The SHA-256 that stands first in what a trace or an explanation is remembered by."""
    return key[0] if isinstance(key, tuple) else None


def see(photo: Photo, model: Model, choice: InputChoice, progress: Progress = silent) -> Trace:
    """Shows a photo to a model.

    Args:
        photo: What to look at.
        model: Who looks.
        choice: What the model is given of the photo.
        progress: Told before every block; may raise ``Cancelled``.

    Raises:
        NotEnoughMemory: It would not fit.
    """
    from vitviz.tracing.run import run

    preprocessing = model.card.preprocessing
    geometry = fit(photo.size, preprocessing, choice)
    image = model_input(photo, geometry, preprocessing)
    return run(model.network, image, geometry, device=model.device, progress=progress)


def explain(
    request: ExplainRequest, trace: Trace, query: tuple[int, ...], progress: Progress
) -> tuple[Explanation, float]:
    """The explanation that was asked for, and the seconds it took."""
    from vitviz.tracing.memory import refusing

    start = time.perf_counter()
    head = "mean" if request.head is None else request.head
    question = Question(query, request.direction, head, dict(request.params), request.target)
    with refusing(EXPLAINING_BYTES, f"an explanation of {trace.tokens:,} tokens"):
        explanation = METHODS[request.method].explain(trace, question, progress)
    return explanation, time.perf_counter() - start


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


def _require(given: bool, sight: Sight, lack: str) -> None:
    if not given:
        raise VitvizError(f"{sight.model.card.title} {lack}.", "Choose another model.")


def probabilities(trace: Trace, card: ModelCard) -> Float32[np.ndarray, " classes"] | None:
    """What the logits say of each class (see ``Cell``); None for a model without a head.

    Softmax of a single number is 1 whatever the photo shows: one output is a value.
    """
    if trace.logits is None:
        return None
    if card.outputs == "values" or (not card.outputs and len(trace.logits) == 1):
        return trace.logits.astype(np.float32)
    if card.outputs == "labels":
        return (1 / (1 + np.exp(-trace.logits.astype(np.float64)))).astype(np.float32)
    shifted = np.exp(trace.logits - trace.logits.max())
    shares: Float32[np.ndarray, " classes"] = (shifted / shifted.sum()).astype(np.float32)
    return shares

"""Answers requests: from a photo and a model to what was asked, remembering what it worked out.

The window, the command line, batches and figures come this way, and no other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar, get_args, overload

import numpy as np

from vitviz.engine import judging, stations
from vitviz.engine.answers import (
    Answer,
    Cell,
    FoundRegisters,
    HeadGrid,
    LogitChange,
    Ranking,
    Reconstruction,
    Sanity,
    SeriesValues,
    States,
    Trust,
)
from vitviz.engine.cache import Cache
from vitviz.engine.chart_answers import ChartAnswer, FirstFilters, LayerAlignment, Positions
from vitviz.engine.chart_requests import ChartRequest, CkaRequest, FiltersRequest, PositionsRequest
from vitviz.engine.charting import chart_answer
from vitviz.engine.photos import PhotoCache, Photos, Stamp, stamp
from vitviz.engine.predicting import Prediction, predicted
from vitviz.engine.reference import ReferencePhotos, stamped
from vitviz.engine.registering import found_registers, require_own
from vitviz.engine.requests import (
    AnyRequest,
    DecodeRequest,
    ExplainRequest,
    HeadGridRequest,
    PredictRequest,
    RankRequest,
    RegistersRequest,
    Request,
    SanityRequest,
    SeriesRequest,
    StatesRequest,
    TrustRequest,
)
from vitviz.engine.room import Room
from vitviz.engine.seeing import (
    EXPLAINING_BYTES,
    Sight,
    explain,
    probabilities,
    read_words,
    require_fit,
    require_given,
    see,
    softmax,
    visible,
    without,
)
from vitviz.engine.station_answers import (
    BlockSteps,
    FirstState,
    Lens,
    Parts,
    Readings,
    StationAnswer,
    WhatIf,
)
from vitviz.engine.station_requests import (
    BlockRequest,
    EmbeddingRequest,
    LensRequest,
    PartsRequest,
    ReadingsRequest,
    StationRequest,
    WhatIfRequest,
)
from vitviz.engine.testing import tested
from vitviz.errors import NotEnoughMemory, VitvizError
from vitviz.imaging.load import load
from vitviz.imaging.photo import Photo
from vitviz.imaging.preprocess import displayed_input, fit
from vitviz.maps.heat_map import Explanation
from vitviz.methods import METHODS
from vitviz.methods.base import Question
from vitviz.methods.series import SERIES
from vitviz.models.checkpoints import corrections
from vitviz.models.cost import FLOAT_BYTES
from vitviz.models.loading import load_model
from vitviz.probing.ablation import Ablation
from vitviz.progress import Progress, Stage, silent
from vitviz.session.mask import hidden_patches
from vitviz.session.queries import query_tokens
from vitviz.session.state import PhotoRef
from vitviz.shapes import UInt8

if TYPE_CHECKING:  # torch is imported on the worker, never by importing this
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

MOST_FITS = 16
"""Things learned of photos that maps refer to, kept: a few vectors of each layer."""

WAITING = Stage("waiting")
"""Said while another thread makes the same, or takes the memory."""

Result = TypeVar("Result")


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
        photos: Photos | None = None,
        trace_budget: int = TRACE_BUDGET_BYTES,
        said: Said | None = None,
    ) -> None:
        self.photos: Photos = photos or PhotoCache()
        self._said = said
        self._models: Cache[tuple[str, Stamp | None, Stamp | None, str], Model] = Cache(
            MODEL_BUDGET_BYTES, lambda model: FLOAT_BYTES * model.card.outline.parameters
        )
        self._traces: Cache[Hashable, tuple[Trace, UInt8[np.ndarray, "height width 3"]]] = Cache(
            trace_budget, lambda known: known[0].nbytes, min(trace_budget, SPARE_TRACE_BYTES)
        )
        self._explanations: Cache[Hashable, tuple[Explanation, float]] = Cache(
            EXPLANATION_BUDGET_BYTES, lambda known: known[0].nbytes, SPARE_EXPLANATION_BYTES
        )
        self._fits: Cache[Hashable, object] = Cache(MOST_FITS, lambda _: 1)
        self._references = judging.new_cache()
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
    @overload
    def answer(self, request: TrustRequest, progress: Progress = ...) -> Trust: ...
    @overload
    def answer(self, request: SanityRequest, progress: Progress = ...) -> Sanity: ...
    @overload
    def answer(self, request: RankRequest, progress: Progress = ...) -> Ranking: ...
    @overload
    def answer(self, request: HeadGridRequest, progress: Progress = ...) -> HeadGrid: ...
    @overload
    def answer(self, request: CkaRequest, progress: Progress = ...) -> LayerAlignment: ...
    @overload
    def answer(self, request: FiltersRequest, progress: Progress = ...) -> FirstFilters: ...
    @overload
    def answer(self, request: PositionsRequest, progress: Progress = ...) -> Positions: ...
    @overload
    def answer(self, request: LensRequest, progress: Progress = ...) -> Lens: ...
    @overload
    def answer(self, request: EmbeddingRequest, progress: Progress = ...) -> FirstState: ...
    @overload
    def answer(self, request: BlockRequest, progress: Progress = ...) -> BlockSteps: ...
    @overload
    def answer(self, request: PartsRequest, progress: Progress = ...) -> Parts: ...
    @overload
    def answer(self, request: ReadingsRequest, progress: Progress = ...) -> Readings: ...
    @overload
    def answer(self, request: WhatIfRequest, progress: Progress = ...) -> WhatIf: ...
    @overload
    def answer(self, request: RegistersRequest, progress: Progress = ...) -> FoundRegisters: ...
    @overload
    def answer(self, request: AnyRequest, progress: Progress = ...) -> Answer: ...

    def answer(self, request: AnyRequest, progress: Progress = silent) -> Answer:
        """The answer to a request of any kind.

        Raises:
            VitvizError: The photo or the model cannot be used, does not give what was asked, or
                the work would not fit.
            Cancelled: ``progress`` said so.
        """
        name = ANSWERS.get(type(request))
        if name is None:
            raise TypeError(f"{request!r} is no kind of request")
        answer: Answer = getattr(self, name)(request, progress)
        return answer

    def explain(self, request: ExplainRequest, progress: Progress = silent) -> Cell:
        """Where the model looks; raises as ``answer``, and ``MethodMisfit``."""
        return self._twice(lambda: self._explain(request, progress), progress)

    def states(self, request: StatesRequest, progress: Progress = silent) -> States:
        """What a layer puts out; raises as ``answer``."""

        def work() -> States:
            sight = self._see(request, request.device, progress)
            trace, outline = sight.trace, sight.trace.outline
            require_given("states" in outline.gives, sight, "gives no states of its layers")
            layer = range(outline.depth)[request.layer]
            values = trace.states(layer, progress)
            return States(request, values, outline.tokens(layer), trace.geometry_of(layer), layer)

        return self._twice(work, progress)

    def series(self, request: SeriesRequest, progress: Progress = silent) -> SeriesValues:
        """A number of each layer and head; raises as ``answer``."""

        def work() -> SeriesValues:
            sight, series = self._see(request, request.device, progress), SERIES[request.series]
            if misfit := series.misfit(sight.trace.outline):
                raise VitvizError(
                    f"{sight.model.card.title} has no {series.title.lower()}: {misfit}.",
                    "Choose another model, or another chart.",
                )
            return SeriesValues(request, series.measure(sight.trace, progress), series.unit)

        return self._twice(work, progress)

    def decode(self, request: DecodeRequest, progress: Progress = silent) -> Reconstruction:
        """What a decoder makes of a part of the photo; raises as ``answer``."""
        from vitviz.tracing.memory import refusing

        def work() -> Reconstruction:
            sight = self._see(request, request.device, progress)
            trace = sight.trace
            require_given("decoder" in trace.outline.gives, sight, "has no decoder")
            hidden = hidden_patches(request.mask, trace.layout.grid)
            query = query_tokens(request.query, trace.outline, trace.geometry)
            query = visible(query, hidden, len(trace.outline.prefix))
            progress(Stage("method", name="attention"), 0.3)
            gives = {"attention", "drop"} <= trace.outline.gives
            needed = sight.model.card.cost_at(trace.geometry.input_size).peak_bytes
            with (
                self._room.taken(needed, trace.device, lambda: progress(WAITING, 0)),
                refusing(needed, f"a reconstruction of {trace.tokens:,} tokens", trace.device),
            ):
                explanation = trace.attention_of_visible(hidden, query) if gives and query else None
                progress(Stage("method", name="attention"), 0.6)
                image, undone = trace.decoded(hidden, request.normalised)
            pixels = displayed_input(image, sight.model.card.preprocessing)
            return Reconstruction(
                request, sight.model.card, sight.input_pixels, pixels, hidden, trace.geometry,
                explanation, query, undone,
            )  # fmt: skip

        return self._twice(work, progress)

    def trust(self, request: TrustRequest, progress: Progress = silent) -> Trust:
        """Whether a map is better than chance; raises as ``explain``."""

        def work() -> Trust:
            cell, sight = self._explained(request.explain, progress)
            judge = judging.Judge(sight.trace, sight.key, self._references, request)
            return judging.judged(judge, cell, progress)

        return self._twice(work, progress)

    def rank(self, request: RankRequest, progress: Progress = silent) -> Ranking:
        """Maps of several methods, judged; raises as ``explain``."""

        def work() -> Ranking:
            cells = [self._explain(explain, progress) for explain in request.explains]
            sight = self._see(request.explains[0], request.explains[0].device, progress)
            judge = judging.Judge(sight.trace, sight.key, self._references, request)
            return judging.ranking(judge, cells, progress)

        return self._twice(work, progress)

    def sanity(self, request: SanityRequest, progress: Progress = silent) -> Sanity:
        """Whether a map changes with what it should change with; raises as ``explain``."""

        def work() -> Sanity:
            if request.explain.reference:
                raise VitvizError(
                    "This map refers to other photos, which the changed network has not seen.",
                    "Have it refer to its own photo alone.",
                )
            cell, sight = self._explained(request.explain, progress)
            return tested(request, cell, sight.trace, explain, progress)

        return self._twice(work, progress)

    def head_grid(self, request: HeadGridRequest, progress: Progress = silent) -> HeadGrid:
        """What each head is worth to a class; raises as ``answer``."""

        def work() -> HeadGrid:
            import torch

            from vitviz.probing.heads import head_drops

            sight = self._see(request, request.device, progress)
            trace, card = sight.trace, sight.model.card
            require_given("attention" in trace.outline.gives, sight, "has no heads")
            judging.require_classes(trace.outline)
            target = trace.target(request.target)
            assert trace.network is not None
            assert trace.image is not None
            image = torch.tensor(trace.image[None], device=trace.device)
            logit, layers = head_drops(trace.network, image, target, request.fill, progress)
            names = card.class_names
            name = names[target] if names else f"class {target}"
            return HeadGrid(request, target, name, logit, layers)

        return self._twice(work, progress)

    def chart(self, request: ChartRequest, progress: Progress = silent) -> ChartAnswer:
        """What only charts ask; raises as ``answer``."""

        def see(of: Request, told: Progress) -> Sight:
            return self._see(of, request.device, told)

        return self._twice(lambda: chart_answer(request, see, progress), progress)

    def station(self, request: StationRequest, progress: Progress = silent) -> StationAnswer:
        """A step of the network's way to its answer; raises as ``answer``."""
        from vitviz.tracing.memory import refusing

        def work() -> StationAnswer:
            sight = self._see(request, request.device, progress)
            trace = sight.trace
            # It may have to go through the network once more, with all of its states.
            needed = sight.model.card.cost_at(trace.geometry.input_size).backward_bytes
            with (
                self._room.taken(needed, trace.device, lambda: progress(WAITING, 0)),
                refusing(needed, f"the steps of {trace.tokens:,} tokens", trace.device),
            ):
                return stations.tell(request, sight, progress)

        return self._twice(work, progress)

    def registers(self, request: RegistersRequest, progress: Progress = silent) -> FoundRegisters:
        """Which neurons make outlier patches; raises as ``answer``."""

        def see_one(one: StatesRequest, told: Progress) -> Sight:
            return self._see(one, one.device, told)

        return self._twice(lambda: found_registers(request, see_one, progress), progress)

    def _explained(self, request: ExplainRequest, progress: Progress) -> tuple[Cell, Sight]:
        """A map that is there, most often, and what it was made from."""
        cell = self._explain(request, progress)
        return cell, self._see(request, request.device, progress)

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
        self._fits.clear()
        self._references.clear()

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
        known, said = stamp(name), stamp(str(corrections.folder() / corrections.FILE))
        return self._models.get((name, known, said, device), load, lambda: progress(WAITING, 0))

    def predict(self, request: PredictRequest, progress: Progress = silent) -> Prediction | None:
        """What a model says of a photo; of the photo and the forward nothing is remembered.

        Raises:
            PhotoError: The photo cannot be opened.
        """
        ref = request.photo
        limit = None if ref.allow_large else self.photos.max_pixels
        model = self.model(request.model, request.device, progress)
        photo = load(ref.path, frame=ref.frame, background=request.background,
                     max_pixels=limit, progress=progress)  # fmt: skip
        trace, _ = self._trace(photo, model, request, progress)
        return predicted(probabilities(trace, model.card), model.card)

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
        require_own(request.ablation, model.card)
        self._seen[request.photo] = photo.sha256
        key = (photo.sha256, request.photo.frame, request.background, request.input,
               model.card, model.card.corrected, model.card.parts[:1], model.device,
               request.ablation)  # fmt: skip
        trace, pixels = self._traces.get(
            key, lambda: self._trace(photo, model, request, progress), lambda: progress(WAITING, 0)
        )
        network = without(model.network, request.ablation, trace.geometry)
        return Sight(photo.sha256, replace(trace, network=network), model, pixels, key)

    def _trace(
        self, photo: Photo, model: Model, request: Request, progress: Progress
    ) -> tuple[Trace, UInt8[np.ndarray, "height width 3"]]:
        geometry = fit(photo.size, model.card.preprocessing, request.input)
        needed = model.card.cost_at(geometry.input_size).peak_bytes
        with self._room.taken(needed, model.device, lambda: progress(WAITING, 0)):
            trace = see(photo, model, request.input, progress, request.ablation)
        assert trace.image is not None
        # Traces are kept longer than models, and would keep them too.
        alone = replace(trace, network=None)
        return alone, displayed_input(trace.image, model.card.preprocessing)

    def _explain(self, request: ExplainRequest, progress: Progress) -> Cell:
        sight = self._see(request, request.device, progress)
        trace, method = sight.trace, METHODS[request.method]
        require_fit(request.method, trace.outline, sight.model.card.title)
        asked = self._asked(request, sight, progress)
        tokens = query_tokens(request.query, asked.trace.outline, asked.trace.geometry)
        about = method.class_specific
        aim = trace.aim(request.target, request.contrast) if about else None
        key = (sight.photo_sha256, sight.key, request.method, request.params, request.head,
               request.direction, tokens, aim, stamped(request.reference))  # fmt: skip
        explanation, method_s = self._explanations.get(
            key, lambda: self._explanation(request, sight, tokens, progress),
            lambda: progress(WAITING, 0),
        )  # fmt: skip
        return Cell(
            request, sight.photo_sha256, sight.model.card, trace.geometry, tokens, explanation,
            probabilities(trace, sight.model.card), sight.input_pixels, sight.model.device,
            trace.forward_s, method_s,
            None if trace.readouts is None else softmax(trace.readouts),
            self._change(request, sight, aim.target if aim else None, progress),
            asked.trace.geometry if request.asks_elsewhere else None,
        )  # fmt: skip

    def _asked(self, request: ExplainRequest, sight: Sight, progress: Progress) -> Sight:
        """The photo that the query lies on, as the model saw it."""
        if not request.asks_elsewhere:
            return sight
        return self._see(replace(request, photo=request.reference[0]), request.device, progress)

    def _fitted(self, request: ExplainRequest, sight: Sight, progress: Progress) -> object:
        """What the method learns of the photos that the map refers to; None where of none."""
        method = METHODS[request.method]
        if method.reads:
            card = sight.model.card
            return self._fits.get(
                (card, card.parts[:1], request.method, request.params),
                lambda: read_words(request, sight.model, progress),
                lambda: progress(WAITING, 0),
            )
        if not request.reference or method.fit is None:
            return None
        fit, question = method.fit, Question(params=dict(request.params))
        photos = ReferencePhotos(
            request, lambda of, told: self._see(of, of.device, told).trace, progress
        )
        query = request.query if method.about_token else None
        key = (sight.key[1:] if isinstance(sight.key, tuple) else sight.key, request.method,
               request.params, query, stamped(request.reference))  # fmt: skip
        return self._fits.get(
            key, lambda: fit(photos, question, progress), lambda: progress(WAITING, 0)
        )

    def _change(
        self, request: ExplainRequest, sight: Sight, target: int | None, progress: Progress
    ) -> LogitChange | None:
        """What an ablation does to the class that is looked at, or was the most probable."""
        if not request.ablation or sight.trace.logits is None:
            return None
        before = self._see(replace(request, ablation=Ablation()), request.device, progress).trace
        wanted = before.target(target)
        assert before.logits is not None
        return LogitChange(wanted, float(before.logits[wanted]), float(sight.trace.logits[wanted]))

    def _explanation(
        self, request: ExplainRequest, sight: Sight, query: tuple[int, ...], progress: Progress
    ) -> tuple[Explanation, float]:
        trace, needed = sight.trace, EXPLAINING_BYTES
        fitted = self._fitted(request, sight, progress)
        if "gradients" in METHODS[request.method].needs:
            needed += sight.model.card.cost_at(trace.geometry.input_size).backward_bytes
        with self._room.taken(needed, trace.device, lambda: progress(WAITING, 0)):
            return explain(request, trace, query, progress, fitted)


def _photo_of(key: Hashable) -> object:
    """The SHA-256 that stands first in what a trace or an explanation is remembered by."""
    return key[0] if isinstance(key, tuple) else None


ANSWERS = {
    ExplainRequest: "explain",
    StatesRequest: "states",
    SeriesRequest: "series",
    DecodeRequest: "decode",
    TrustRequest: "trust",
    SanityRequest: "sanity",
    RankRequest: "rank",
    HeadGridRequest: "head_grid",
    **dict.fromkeys(get_args(StationRequest), "station"),
    RegistersRequest: "registers",
    **dict.fromkeys(get_args(ChartRequest), "chart"),
}
"""The function of the engine that answers each kind of request."""

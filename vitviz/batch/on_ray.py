"""The workers of a batch on Ray: actors that load the model once, on however many computers.

Photos go to them as places of files, not as bytes or pixels: an actor reads what it explains
itself, so that nothing is copied through Ray's object store. Entries come back, and the driver
keeps them in the batch's journal, which is what a second run goes on from. Ray's own checkpoints
are not used: they know nothing of photos that changed, or of results that were deleted.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from vitviz.batch import spec
from vitviz.batch.crew import MOST_WORKERS, Crew
from vitviz.batch.explainer import PIXEL_BYTES, Explainer, words_of
from vitviz.batch.inputs import Feed
from vitviz.batch.job import Batch, BatchRefused, BatchStopped
from vitviz.batch.journal import Entry, entry_of, line_of
from vitviz.batch.listing import BatchItem
from vitviz.batch.run import Done, Numbered
from vitviz.batch.shards import WHOLE
from vitviz.batch.worker import Worker
from vitviz.errors import VitvizError
from vitviz.methods import METHODS
from vitviz.models.card import ModelCard
from vitviz.models.cost import FLOAT_BYTES
from vitviz.progress import Control

EXTRA = "ray"

OBJECT_STORE_BYTES = 128 << 20
"""Of a Ray on this computer alone: places of files and rows are small, and containers have little
shared memory."""

AT_ONCE = 16
"""Photos for each thread of an actor that are sent to it together: some seconds of work, which is
also what the loss of a computer costs."""

PROCESS_BYTES = 700 << 20
"""Of an actor without its model: Python, torch and what they share with nobody (measured)."""

PHOTO_PIXELS = 12_000_000
"""Of the photos that memory is asked for; larger ones wait for each other (``engine.room``)."""

REFUSED, STOPPED = -1, -2
"""Instead of a photo's number: nothing can be done for any photo, or nothing any more."""


@dataclass(frozen=True)
class Actors:
    """How many actors, and what each of them has.

    Args:
        count: Of actors.
        threads: Of each: photos worked on at a time, and processor cores.
        memory: Bytes of each.
        gpus: Of each.
    """

    count: int
    threads: int
    memory: int
    gpus: float


class Actor:
    """In a process of Ray's: places of photos in, journal lines out.

    Args:
        work: The work spec, as JSON.
        out: The folder of the results.
        device: As for ``vitviz.models.loading.choose_device``.
        threads: Photos worked on at a time.
    """

    def __init__(self, work: str, out: str, device: str, threads: int) -> None:
        self._threads = threads
        self._feed = Feed()
        self._refusal: dict[str, list[Any]] | None = None
        try:
            self._worker = Worker(Explainer(spec.from_json(work), device), Path(out))
        except VitvizError as error:  # Ray would try again for ever, and say it in no words
            self._refusal = _refusal(REFUSED, error)

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[Any]]:
        """What became of some photos: their numbers, and their entries as JSON."""
        if self._refusal is not None:
            return self._refusal
        items = (self._feed.ready(_item(text)) for text in batch["item"])
        try:
            with Crew(self._threads, self._worker.explainer.control) as crew:
                lines = [line_of(entry) for entry in crew.work(self._worker.entry, items)]
        except (BatchRefused, BatchStopped) as error:
            number = REFUSED if isinstance(error, BatchRefused) else STOPPED
            self._refusal = _refusal(number, error)
            return self._refusal
        return {"number": list(map(int, batch["number"])), "entry": lines}


@dataclass(frozen=True)
class RayWorkers:
    """``Workers`` of a batch, as ``batch.run`` takes them; ``connected`` gives them.

    Args:
        batch: What to do.
        gpus: Of each actor; 0.5: two share one.
    """

    batch: Batch
    gpus: float = 0.0

    @property
    def device(self) -> str:
        """Where the actors compute."""
        if self.batch.device != "auto":
            return self.batch.device
        return "cuda" if self.gpus else "cpu"

    def __call__(self, explainer: Explainer, items: Iterable[Numbered], control: Control) -> Done:
        """The entries of photos, as they come."""
        todo = []
        for number, item in items:
            if item.problem is None:
                todo.append({"number": number, "item": _text(item)})
            else:
                yield number, Entry(item.key, error=words_of(item.problem))
        if todo:
            yield from self._explained(todo, explainer, control)

    def _explained(
        self, todo: list[dict[str, Any]], explainer: Explainer, control: Control
    ) -> Done:
        import ray

        actors = actors_for(explainer, self.gpus)
        size = max(1, min(AT_ONCE * actors.threads, len(todo) // (4 * actors.count)))
        work = spec.to_json(explainer.spec.of_model(explainer.model.card))
        out = str(self.batch.out.absolute())
        rows = ray.data.from_items(todo, override_num_blocks=-(-len(todo) // size)).map_batches(
            Actor,
            fn_constructor_args=(work, out, self.device, actors.threads),
            compute=ray.data.ActorPoolStrategy(size=actors.count, max_tasks_in_flight_per_actor=2),
            batch_size=None,
            num_cpus=actors.threads,
            num_gpus=actors.gpus or None,
            memory=actors.memory,
        )
        try:
            for some in rows.iter_batches(
                batch_size=None, batch_format="pyarrow", prefetch_batches=0
            ):
                for number, line in zip(*(some[name].to_pylist() for name in some.column_names),
                                        strict=True):  # fmt: skip
                    control.check()
                    yield _entry(number, line)
        except ray.exceptions.RayError as error:
            raise BatchStopped(
                f"Ray could not go on: {_reason(error)}",
                "What was finished is kept. See Ray's logs for the reason, and continue.",
            ) from error


@contextmanager
def connected(batch: Batch, address: str | None = None, gpus: float = 0.0) -> Iterator[RayWorkers]:
    """The workers of a batch on a Ray cluster, or on a Ray of this computer's own that ends with
    the block.

    Args:
        batch: What to do.
        address: Of the cluster; "auto": the one that this computer is of; None: this computer.
        gpus: Of each actor.

    Raises:
        VitvizError: Ray is not installed, or the cluster cannot be reached.
    """
    if importlib.util.find_spec("ray") is None:
        raise VitvizError("Ray is not installed.", 'Install it: pip install "vitviz[ray]".')
    if batch.shard != WHOLE:
        raise VitvizError("Ray divides the work itself.", "Leave out --shard, or --engine ray.")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would report to its makers
    import ray
    import ray.data

    ours = not ray.is_initialized()
    if ours:
        store = {} if address else {"object_store_memory": OBJECT_STORE_BYTES}
        try:
            ray.init(address=address, include_dashboard=None if address else False,
                     log_to_driver=False, logging_level="ERROR", **store)  # fmt: skip
        except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
            why = str(error).strip().splitlines()[:1]
            raise VitvizError(
                f"No Ray could be reached{f' at {address}' if address else ''}: {''.join(why)}",
                "Start one with ray start --head, or leave out --address to use this computer.",
            ) from error
    for name in ("ray", "ray.data"):  # what goes wrong is said here
        logging.getLogger(name).setLevel(logging.CRITICAL)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False  # the terminal has the batch's own line
    context.print_on_execution_start = False
    try:
        yield RayWorkers(batch, gpus)
    finally:
        if ours:
            ray.shutdown()


def actors_for(explainer: Explainer, gpus: float) -> Actors:
    """As many actors as the cluster has room for.

    On processors, one for up to ``MOST_WORKERS`` cores: its threads share one model. On GPUs, one
    for each share of a GPU, with its share of the cores, which decode the photos.

    Raises:
        VitvizError: No computer of the cluster has room for one.
    """
    import ray

    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    cores = [int(node.get("CPU", 0)) for node in nodes]
    shares = [int(node.get("GPU", 0) / gpus + 1e-6) if gpus else 0 for node in nodes]
    if gpus:
        each = [core // share for core, share in zip(cores, shares, strict=True) if share]
    else:
        each = [core for core in cores if core]
    threads = max(1, min([MOST_WORKERS, *each]))
    memory = memory_of(explainer, threads)
    count = sum(
        min(share if gpus else core // threads, int(node.get("memory", 0) // memory))
        for node, core, share in zip(nodes, cores, shares, strict=True)
    )
    if not count:
        what = f"{gpus:g} GPU, " if gpus else ""
        raise VitvizError(
            f"No computer of the cluster has {what}{threads} cores and "
            f"{memory / 1e9:.1f} GB of memory free for a worker.",
            "Use a smaller model, or computers with more.",
        )
    return Actors(count, threads, memory, gpus)


def memory_of(explainer: Explainer, threads: int) -> int:
    """Bytes that an actor takes: its process, its model (twice while it is read), and a photo of
    ``PHOTO_PIXELS`` with its forward for each thread.
    """
    card: ModelCard = explainer.model.card
    size = card.preprocessing.input_size
    cost = card.cost_at(size)
    forward = cost.peak_bytes
    if "gradients" in METHODS[explainer.spec.view.method].needs:
        forward += cost.backward_bytes
    photo = PIXEL_BYTES * PHOTO_PIXELS
    return PROCESS_BYTES + 2 * FLOAT_BYTES * card.outline.parameters + threads * (forward + photo)


def _entry(number: int, line: str) -> tuple[int, Entry]:
    if number in (REFUSED, STOPPED):
        message, hint = json.loads(line)
        raise (BatchRefused if number == REFUSED else BatchStopped)(message, hint)
    return number, entry_of(line.encode())


def _refusal(number: int, error: VitvizError) -> dict[str, list[Any]]:
    return {"number": [number], "entry": [json.dumps([error.message, error.hint])]}


def _reason(error: BaseException) -> str:
    """What went wrong first, in a line; Ray's own texts are of many."""
    chain = [error]
    while (cause := getattr(chain[-1], "cause", None) or chain[-1].__cause__) is not None:
        chain.append(cause)
    first = next((one for one in reversed(chain) if str(one).strip()), error)
    lines = [line for line in str(first).strip().splitlines() if line.strip()] or [""]
    # The last line of a traceback says what was raised.
    return f"{type(first).__name__}: {lines[-1 if 'Traceback' in str(first) else 0].strip()[:300]}"


def _text(item: BatchItem) -> str:
    """A photo's place as ASCII, since names of files need not be text."""
    known = asdict(item)
    return json.dumps({**known, "path": str(item.path.absolute())})


def _item(text: str) -> BatchItem:
    known = json.loads(text)
    at = known["at"]
    return BatchItem(**{
        **known, "path": Path(known["path"]), "at": None if at is None else (at[0], at[1])
    })  # fmt: skip

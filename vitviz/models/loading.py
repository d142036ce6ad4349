"""From a model's name or file to a network that is ready to run.

Importing this does not load torch: the window lists models before it does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vitviz.bundled import resource
from vitviz.errors import CheckpointError, VitvizError
from vitviz.models.beside import Beside, look_beside
from vitviz.models.building import built, require_memory
from vitviz.models.caches import promised
from vitviz.models.card import CardFile, ModelCard, card_file, from_json
from vitviz.models.checkpoints.configs import read_options
from vitviz.models.checkpoints.corrections import remembered, sha256, words_of
from vitviz.models.checkpoints.places import Place, find
from vitviz.models.checkpoints.said import NOT_SAID, Notes, Said
from vitviz.models.config import Config
from vitviz.models.describing import check_said, described, with_notes
from vitviz.models.families import reader_of, recognised
from vitviz.models.family import Family
from vitviz.paths import is_there
from vitviz.progress import Progress, Stage, silent

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.models.checkpoints.reader import Reader
    from vitviz.models.network import Network


FIRST = "vitviz_small_v1.json"
"""The card of the model that is used where none is chosen; the others come after it."""


class Device(NamedTuple):
    """Where a network can run.

    Args:
        name: As torch calls it: "cpu", "cuda:0", "mps".
        title: For people: "NVIDIA RTX 4090".
    """

    name: str
    title: str


Stamp = tuple[tuple[int, int], ...]
"""Size and time of last change of each of some files."""


class Source(NamedTuple):
    """Where a model was read from, for what is read only when it is asked for.

    Args:
        place: Its files.
        part: Which of their networks; "" for the best.
        stamp: Of the files, when they were read.
    """

    place: Place
    part: str
    stamp: Stamp


def stamp(place: Place) -> Stamp:
    """Of the files of weights as they are now; of one that is not there, zeros."""
    return tuple(_stamp(file) for file in place.files)


def _stamp(file: Path) -> tuple[int, int]:
    try:
        facts = file.stat()
    except (OSError, ValueError):  # a name with NUL
        return 0, 0
    return facts.st_size, facts.st_mtime_ns


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready to run, and what is known about it.

    Args:
        card: With the assumptions that had to be made as notes.
        network: In eval mode, float32, its parameters its own (the file may change) and frozen.
        device: Where its parameters are.
        source: Where it was read from; None where it was not.
    """

    card: ModelCard
    network: Network
    device: str
    source: Source | None = None


@cache
def bundled() -> tuple[ModelCard, ...]:
    """The cards of the models that come with vitviz, the one used where none is chosen first; reads
    no weights.
    """
    return tuple(card for card, _ in _bundled_files())


def is_id(name: str) -> bool:
    """Whether a model's name can only be the id of a bundled one: no folder, and no suffix."""
    return Path(name).name == name and not Path(name).suffix


@cache
def _bundled_files() -> tuple[tuple[ModelCard, Path], ...]:
    return tuple(
        (from_json(card.read_text(encoding="utf-8"), card.name), card.with_suffix(".safetensors"))
        for card in sorted(resource("models").glob("*.json"), key=_rank)
    )


def _rank(card: Path) -> tuple[bool, str]:
    return card.name != FIRST, card.name


def devices() -> tuple[Device, ...]:
    """Where networks can run on this computer, the best first; loads torch."""
    import torch

    found = [
        Device(f"cuda:{i}", torch.cuda.get_device_name(i))
        for i in range(torch.cuda.device_count() if torch.cuda.is_available() else 0)
    ]
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU"))
    return (*found, Device("cpu", "CPU"))


def choose_device(wanted: str = "auto") -> str:
    """The name of a device that is there.

    Args:
        wanted: A device's name, or "auto" for the best: CUDA before Metal before the CPU.

    Raises:
        VitvizError: There is no such device here.
    """
    there = [device.name for device in devices()]
    if wanted == "auto":
        return there[0]
    name = "cuda:0" if wanted == "cuda" else wanted
    if name not in there:
        raise VitvizError(
            f'There is no device "{wanted}" on this computer.', f"There are: {', '.join(there)}."
        )
    return name


def load_model(
    id_or_path: str | Path,
    device: str = "auto",
    progress: Progress = silent,
    corrections: Said | None = None,
) -> Model:
    """A bundled model by its id, or a checkpoint by its path.

    What lies beside it gives what the weights do not tell: a file ``NAME.json`` beside ``NAME.pth``
    in the format of the bundled models' cards, or a hub's ``config.json``. Of the rest, what cannot
    be inferred is assumed, and noted on the card.

    Args:
        id_or_path: "vitviz-small-v1", or a checkpoint: a file of any name, a folder with one in it,
            or a model in the cache of a hub.
        device: As for ``choose_device``.
        progress: Told how far it is.
        corrections: What the user says of it, before all else, and which of its networks is meant;
            None: what was remembered of this file (``checkpoints.corrections``).

    Raises:
        CheckpointError: It cannot be used as a model.
        NotEnoughMemory: It would not fit.
        VitvizError: There is no such device.
    """
    progress(Stage("reading_weights"), 0.0)
    place, card_of_ours = _found(id_or_path)
    beside, corrections = _said(place, card_of_ours, corrections)
    from vitviz.models.checkpoints.checkpoint import read_checkpoint

    source = Source(place, corrections.part, stamp(place))
    checkpoint = read_checkpoint(place.files, recognised, corrections.part)
    options = read_options({**checkpoint.options, "prefix": checkpoint.prefix})
    with naming(place.name):
        family, reader = reader_of(checkpoint.tensors)
        tensors = _with_head(checkpoint.tensors, corrections)
        config, said, notes = _config(family, reader, tensors, corrections, beside, options, place)
        card = described(place, beside.card, family, reader, config, said)
        require_memory(card.outline.parameters, place.name)
        own = reader.convert(tensors, config)
    chosen, checking = choose_device(device), Stage("checking_weights")
    card = _with_files(card, place, own, reader, lambda done: progress(checking, done / 2))
    notes = (*notes, *checkpoint.notes, *beside.notes, *_corrected(corrections))
    card = replace(with_notes(card, notes), parts=checkpoint.parts, corrected=words_of(corrections))
    progress(Stage("building_network"), 0.5)
    network = built(lambda: family.build(config), own, chosen, place.name)
    progress(Stage("model_ready"), 1.0)
    return Model(card, network, chosen, source)


def _said(place: Place, ours: CardFile | None, corrections: Said | None) -> tuple[Beside, Said]:
    """What lies beside a checkpoint, and what the user says of it, now or before."""
    if ours is not None:
        return Beside(ours, ours.said(), ()), corrections or NOT_SAID
    return look_beside(place), remembered(place.files) if corrections is None else corrections


def _with_head(tensors: Mapping[str, Tensor], corrections: Said) -> dict[str, Tensor]:
    """The parameters with those of a head that is in a file of its own."""
    from vitviz.models.checkpoints.head_file import read_head

    own = dict(tensors)
    return own | read_head(Path(corrections.head), own) if corrections.head else own


def place_of(id_or_path: str | Path) -> Place:
    """Where the weights of a model are; reads none of them.

    Args:
        id_or_path: As of ``load_model``.

    Raises:
        CheckpointError: There is no such model.
    """
    return _found(id_or_path)[0]


def remembered_of(id_or_path: str | Path) -> Said:
    """What was remembered of a checkpoint; nothing of a bundled model, which needs no corrections.

    Raises:
        CheckpointError: There is no such model.
    """
    place, bundled_card = _found(id_or_path)
    return remembered(place.files) if bundled_card is None else NOT_SAID


def _found(id_or_path: str | Path) -> tuple[Place, CardFile | None]:
    """Where the weights are, and the card of a bundled model."""
    for card, weights in _bundled_files():
        if card.id == str(id_or_path):
            text = weights.with_suffix(".json").read_text(encoding="utf-8")
            return Place(weights.name, (weights,), {}), card_file(text, card.id)
    path = Path(id_or_path)
    if not is_there(path) and is_id(str(id_or_path)):
        raise CheckpointError(
            f'There is no model called "{id_or_path}".',
            f"There are: {', '.join(card.id for card in bundled())}; or name a checkpoint file.",
        )
    return find(path), None


def _corrected(said: Said) -> Notes:
    """What the user said, so that nobody takes it for what the weights tell."""
    words = [*words_of(said), *(["the names of its classes"] if said.names else [])]
    return (f"Said by the user: {', '.join(words)}.",) if words else ()


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Says of which file it is that something is wrong, where the refusal does not."""
    try:
        yield
    except CheckpointError as error:
        if name in error.message:
            raise
        raise CheckpointError(f"{name}: {error.message}", error.hint) from error


def _config(
    family: Family, reader: Reader, tensors: Mapping[str, Tensor], corrections: Said,
    beside: Beside, options: Said, place: Place,
) -> tuple[Config, Said, Notes]:  # fmt: skip
    """The network, what is said of it, and what to note.

    A library's config of another network, which happens in folders of many files, is left out.
    """
    if beside.card and beside.card.given.family not in ("", family.name):
        raise CheckpointError(
            f"The model card of {place.name} is of another network than its weights: it says "
            f"{beside.card.given.family}, not {family.name}.",
            "Correct the card, or move it away to load the checkpoint without it.",
        )
    said = corrections.over(beside.said).over(options)
    foreign = beside.card is None and beside.said.kind not in ("", "card")
    strange = ""
    try:
        config, notes = reader.config(tensors, said)
        strange = _contradiction(beside.said, family, config) if foreign else ""
        if not strange:
            check_said(family, config, corrections, beside.card)
            return config, said, notes
    except CheckpointError:
        if not foreign:
            raise
        first = sys.exception()
    alone = corrections.over(options)
    try:
        config, notes = reader.config(tensors, alone)
        strange = strange or _contradiction(beside.said, family, config)
    except CheckpointError:
        strange = ""
    if not strange:
        assert first is not None
        raise first
    check_said(family, config, corrections, None)
    note = f"The config.json beside it is of another network ({strange}) and was not used."
    return config, alone, (*notes, note)


def _contradiction(said: Said, family: Family, config: Config) -> str:
    """How a library's config differs from the weights in what they tell for sure; "" if not."""
    fields = family.fields(config)
    for name in ("width", "depth", "patch"):
        value = said.get(name, int)
        if value is not None and name in fields and fields[name] != value:
            return f"{name} {value}, not {fields[name]}"
    return ""


def _with_files(
    card: ModelCard,
    place: Place,
    tensors: Mapping[str, Tensor],
    reader: Reader,
    progress: Callable[[float], None],
) -> ModelCard:
    """The card with what the files say of themselves, which must be what the card says of them."""
    size = sum(file.stat().st_size for file in place.files)
    digest = sha256(place.files, progress)
    if promised(place.files[0]) not in ("", digest) and len(place.files) == 1:
        raise CheckpointError(
            f"{place.name} is not what was fetched: its SHA-256 is another than the one that the "
            "cache keeps it under.",
            f"It was cut off or changed. Delete {place.files[0]} and fetch it again.",
        )
    dtypes = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}
    facts = {"sha256": digest, "bytes": size, "keys": reader.name}
    for name, is_ in facts.items():
        said = getattr(card, name)
        if said and said != is_:
            raise CheckpointError(
                f"{place.name} is not the file that its model card describes: {name} is {is_}, "
                f"not {said}.",
                "Download or copy it again, or correct the card.",
            )
    return replace(
        card, sha256=digest, bytes=size, keys=reader.name, dtype="/".join(sorted(dtypes))
    )

"""From a model's name or file to a network that is ready to run.

Importing this does not load torch: the window lists models before it does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from vitviz.bundled import resource
from vitviz.errors import CheckpointError, NotEnoughMemory, VitvizError
from vitviz.memory import available_bytes
from vitviz.models.card import LARGEST_CARD, ModelCard, from_json, is_card
from vitviz.models.checkpoints.said import Assumption, Said, texts
from vitviz.models.config import Config
from vitviz.models.cost import FLOAT_BYTES
from vitviz.models.families import reader_of
from vitviz.models.family import Family
from vitviz.models.labels import SETS
from vitviz.paths import is_file, is_there
from vitviz.progress import Progress, Stage, silent

if TYPE_CHECKING:
    from torch import Tensor

    from vitviz.models.checkpoints.reader import Reader
    from vitviz.models.network import Network

HASHED_AT_ONCE = 1 << 24
"""Bytes; progress is told, and cancelling possible, between two such pieces of a file."""


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


@dataclass(frozen=True, eq=False)
class Model:
    """A network ready to run, and what is known about it.

    Args:
        card: With the assumptions that had to be made as notes.
        network: In eval mode, float32, its parameters its own (the file may change) and frozen.
        device: Where its parameters are.
    """

    card: ModelCard
    network: Network
    device: str


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


def load_model(id_or_path: str | Path, device: str = "auto", progress: Progress = silent) -> Model:
    """A bundled model by its id, or a checkpoint by its path.

    A file ``NAME.json`` beside a checkpoint ``NAME.pth``, in the format of the bundled models'
    cards, gives what the weights do not tell; without one it is assumed, and noted on the card.

    Args:
        id_or_path: "vitviz-small-v1", or a ``.safetensors`` or ``.pth`` file.
        device: As for ``choose_device``.
        progress: Told how far it is.

    Raises:
        CheckpointError: It cannot be used as a model.
        NotEnoughMemory: It would not fit.
        VitvizError: There is no such device.
    """
    path, said, notes = _found(id_or_path)
    from vitviz.models.checkpoints.checkpoint import read_checkpoint

    progress(Stage("reading_weights"), 0.0)
    checkpoint = read_checkpoint(path)
    family, reader = reader_of(checkpoint.tensors)
    config, assumed = reader.config(checkpoint.tensors, _said(said, family, path))
    if said:
        _compare(said.config, config, path)
    chosen = choose_device(device)
    card = said or _assumed_card(path, config, family, reader)
    _require_memory(card.outline.parameters, path)
    tensors = reader.convert(checkpoint.tensors, config)
    checking = Stage("checking_weights")
    card = _with_file(card, path, tensors, reader, lambda done: progress(checking, done / 2))
    every = (*assumed, *checkpoint.notes, *notes)
    fields_assumed = tuple(note for note in every if isinstance(note, Assumption))
    card = replace(
        card, notes=(*card.notes, *texts(every)), assumed=(*card.assumed, *fields_assumed)
    )
    progress(Stage("building_network"), 0.5)
    network = _network(family, config, tensors, chosen, path)
    progress(Stage("model_ready"), 1.0)
    return Model(card, network, chosen)


def _found(id_or_path: str | Path) -> tuple[Path, ModelCard | None, tuple[str, ...]]:
    """The weights file, its card if it has one, and what to note about the card."""
    for card, weights in _bundled_files():
        if card.id == str(id_or_path):
            return weights, card, ()
    path = Path(id_or_path)
    if not is_there(path) and is_id(str(id_or_path)):
        raise CheckpointError(
            f'There is no model called "{id_or_path}".',
            f"There are: {', '.join(card.id for card in bundled())}; or name a checkpoint file.",
        )
    card_path = path.with_suffix(".json") if path.name else path
    if card_path == path or not is_file(card_path):
        return path, None, ()
    with card_path.open(encoding="utf-8", errors="replace") as file:
        text = file.read(LARGEST_CARD + 1)
    if is_card(text):
        return path, from_json(text, card_path.name), ()
    return path, None, (f"{card_path.name} beside it is no model card and was not used.",)


def _said(said: ModelCard | None, family: Family, path: Path) -> Said:
    """What a card says of the network.

    Raises:
        CheckpointError: It is of another family than the weights.
    """
    if said is not None and said.family != family.name:
        raise CheckpointError(
            f"The model card of {path.name} is of another network than its weights: it says "
            f"{said.family}, not {family.name}.",
            "Correct the card, or move it away to load the checkpoint without it.",
        )
    if said is None:
        return Said()
    network = {field.name: getattr(said.config, field.name) for field in fields(said.config)}
    return Said("card", network=network)


def _compare(said: Config, is_: Config, path: Path) -> None:
    different = [
        f"{field.name} {getattr(said, field.name)}, not {getattr(is_, field.name)}"
        for field in fields(is_)
        if getattr(said, field.name) != getattr(is_, field.name)
    ]
    if different:
        raise CheckpointError(
            f"The model card of {path.name} does not agree with its weights: it says "
            f"{'; '.join(different)}.",
            "Correct the card, or move it away to load the checkpoint without it.",
        )


def _assumed_card(path: Path, config: Config, family: Family, reader: Reader) -> ModelCard:
    preprocessing, notes = reader.preprocessing(config)
    classes = family.outline(config, preprocessing.input_size).classes
    names = [name for name, count in SETS.items() if count == classes]
    if names:
        notes += (Assumption("names", f"{classes} classes are assumed to be {names[0]}'s."),)
    return ModelCard(
        id=path.stem,
        title=path.stem,
        config=config,
        preprocessing=preprocessing,
        classes=names[0] if names else "",
        source=path.name,
        notes=texts(notes),
        assumed=tuple(note for note in notes if isinstance(note, Assumption)),
        family=family.name,
    )


def _with_file(
    card: ModelCard,
    path: Path,
    tensors: Mapping[str, Tensor],
    reader: Reader,
    progress: Callable[[float], None],
) -> ModelCard:
    """The card with what the file says of itself, which must be what the card says of it."""
    size, digest = path.stat().st_size, _sha256(path, progress)
    dtypes = {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values()}
    facts = {"sha256": digest, "bytes": size, "keys": reader.name}
    for name, is_ in facts.items():
        said = getattr(card, name)
        if said and said != is_:
            raise CheckpointError(
                f"{path.name} is not the file that its model card describes: {name} is {is_}, "
                f"not {said}.",
                "Download or copy it again, or correct the card.",
            )
    return replace(
        card, sha256=digest, bytes=size, keys=reader.name, dtype="/".join(sorted(dtypes))
    )


def _sha256(path: Path, progress: Callable[[float], None]) -> str:
    digest, total, done = hashlib.sha256(), max(path.stat().st_size, 1), 0
    with path.open("rb") as file:
        while piece := file.read(HASHED_AT_ONCE):
            digest.update(piece)
            done += len(piece)
            progress(min(done / total, 1.0))
    return digest.hexdigest()


def _require_memory(parameters: int, path: Path) -> None:
    there = available_bytes()
    if there and FLOAT_BYTES * parameters > there:
        raise _too_little_memory(parameters, path, there)


def _too_little_memory(parameters: int, path: Path, there: int = 0) -> NotEnoughMemory:
    needed = FLOAT_BYTES * parameters
    free = f"; {there / 1e9:.1f} GB are free" if there else ", which is more than there is"
    return NotEnoughMemory(
        f"{path.name} needs {needed / 1e9:.1f} GB of memory{free}.",
        "Close other programs, choose another device, or use a smaller model.",
        needed_bytes=needed,
        available_bytes=there,
    )


def _network(
    family: Family, config: Config, tensors: Mapping[str, Tensor], device: str, path: Path
) -> Network:
    """The network with these parameters, in float32, on a device, to be read and not trained."""
    import torch

    _agree_with_the_cpu()
    with torch.device("meta"):
        network = family.build(config)
    try:
        own = {
            name: tensor.to(device=device, dtype=torch.float32, copy=True).contiguous()
            for name, tensor in tensors.items()
        }
    except (MemoryError, RuntimeError) as error:
        # The CPU's allocator raises a plain RuntimeError.
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        needed = sum(tensor.numel() for tensor in tensors.values())
        raise _too_little_memory(needed, path) from error
    broken = next((name for name, tensor in own.items() if not _is_finite(tensor)), "")
    if broken:
        raise CheckpointError(
            f'{path.name}: "{broken}" holds values that are not finite numbers.',
            "The file is damaged, or its training failed.",
        )
    network.load_state_dict(own, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _is_finite(tensor: Tensor) -> bool:
    # What is not finite stays so in a sum, which needs no mask as large as the weights.
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())


def _agree_with_the_cpu() -> None:
    """Full float32 on CUDA: TF32 rounds to 10 bits, and maps would depend on the device."""
    import torch

    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False

"""What a run leaves: weights in half precision, and beside them the card that describes them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from vitviz.errors import VitvizError
from vitviz.models.card import ModelCard, to_json
from vitviz.models.families import reader_of, training_of
from vitviz.models.network import Network
from vitviz.paths import resolved
from vitviz.plain_text import escaped_text
from vitviz.training.left_out import REFUSED
from vitviz.writing import write_whole


@dataclass(frozen=True, eq=False)
class Result:
    """What came of a run, and what is to be said of it.

    Args:
        network: As it is now.
        origin: The card of the model it came from: family, preprocessing and licence.
        classes: As in a card.
        class_names: As in a card's ``names``.
        title: For people.
        trained_by: As in a card.
        trained_on: As in a card.
        measured: As in a card.
        weak: As in a card.
    """

    network: Network
    origin: ModelCard
    classes: str
    class_names: tuple[str, ...]
    title: str
    trained_by: str
    trained_on: str
    measured: tuple[tuple[str, str], ...]
    weak: str = ""


def checkpoint_in(folder: Path) -> Path:
    """Where a run's result is: named like its folder."""
    return folder / f"{resolved(folder).name}.safetensors"


def write_result(path: Path, result: Result) -> Path:
    """Writes the weights and then their card; returns the path of the weights.

    Raises:
        VitvizError: They cannot be written there.
    """
    weights = {
        name: tensor.detach().to(device="cpu", dtype=torch.float16).contiguous()
        for name, tensor in result.network.state_dict().items()
    }
    # What is not learned is not rounded either.
    weights |= {name: buffer.cpu() for name, buffer in result.network.named_buffers()}
    content = save(weights, {"format": "pt"})
    training = training_of(result.origin.family)
    card = ModelCard(
        id=path.stem,
        title=result.title,
        config=training.config_of(result.network),
        preprocessing=result.origin.preprocessing,
        classes=result.classes,
        names=result.class_names,
        licence=_licence(result.origin),
        source="made by vitviz train",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        keys=reader_of(weights).reader.name,
        dtype="float16",
        trained_by=result.trained_by,
        trained_on=result.trained_on,
        measured=result.measured,
        weak=result.weak,
        family=result.origin.family,
    )
    card_path = path.with_suffix(".json")
    # In this order: weights with the card of others would not open, those without one do.
    _remove(card_path)
    write_whole(path, content, durable=True)
    write_whole(card_path, to_json(card).encode(), durable=True)
    return path


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise VitvizError(
            f"{path} could not be written: {error.strerror or error}.",
            "Make the folder writable and resume: it goes on from the last checkpoint.",
        ) from error


def _licence(card: ModelCard) -> str:
    if not card.licence:
        return f"follows from those of {card.title} and of the photos"
    return f"{card.title}: {card.licence}; the photos have their own"


def write_refused(folder: Path, refused: Sequence[str]) -> None:
    """Lists the photos that were left out, and why, in ``refused.txt``, if there are any."""
    path = folder / REFUSED
    if refused:
        lines = (escaped_text(" ".join(line.splitlines())) for line in refused)  # names have them
        write_whole(path, "".join(f"{line}\n" for line in lines).encode())
    else:
        _remove(path)


def hours(seconds: float) -> str:
    """A duration in words: "2.3 hours"."""
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"

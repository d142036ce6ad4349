"""What a run leaves: weights in half precision, and beside them the card that describes them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from vitviz.models.card import ModelCard, to_json
from vitviz.models.vit.network import VisionTransformer
from vitviz.writing import write_whole


@dataclass(frozen=True, eq=False)
class Made:
    """A network that was made, and what is to be said of it.

    Args:
        network: As it is now.
        like: The card of the model it came from: preprocessing and licence.
        classes: As in a card.
        class_names: As in a card's ``names``.
        title: For people.
        trained_by: As in a card.
        trained_on: As in a card.
        measured: As in a card.
        weak: As in a card.
    """

    network: VisionTransformer
    like: ModelCard
    classes: str
    class_names: tuple[str, ...]
    title: str
    trained_by: str
    trained_on: str
    measured: tuple[tuple[str, str], ...]
    weak: str = ""


def checkpoint_in(folder: Path) -> Path:
    """Where a run's result is: named like its folder."""
    return folder / f"{folder.resolve().name}.safetensors"


def write_result(path: Path, made: Made) -> Path:
    """Writes the weights and then their card; returns the path of the weights.

    Raises:
        VitvizError: They cannot be written there.
    """
    weights = {
        name: tensor.detach().to(device="cpu", dtype=torch.float16).contiguous()
        for name, tensor in made.network.state_dict().items()
    }
    content = save(weights, {"format": "pt"})
    config = made.network.config
    card = ModelCard(
        id=path.stem,
        title=made.title,
        config=config,
        preprocessing=made.like.preprocessing,
        classes=made.classes,
        names=made.class_names,
        licence=_licence(made.like),
        source="made by vitviz train",
        sha256=hashlib.sha256(content).hexdigest(),
        bytes=len(content),
        keys="timm",
        dtype="float16",
        trained_by=made.trained_by,
        trained_on=made.trained_on,
        measured=made.measured,
        weak=made.weak,
    )
    card_path = path.with_suffix(".json")
    # In this order: weights with the card of others would not open, those without one do.
    card_path.unlink(missing_ok=True)
    write_whole(path, content)
    write_whole(card_path, to_json(card).encode())
    return path


def _licence(card: ModelCard) -> str:
    if not card.licence:
        return f"follows from those of {card.title} and of the photos"
    return f"{card.title}: {card.licence}; the photos have their own"


def write_refused(folder: Path, refused: Sequence[str]) -> None:
    """Lists the photos that could not be opened in ``refused.txt``, if there are any."""
    path = folder / "refused.txt"
    if refused:
        write_whole(path, "".join(f"{line}\n" for line in refused).encode())
    else:
        path.unlink(missing_ok=True)


def hours(seconds: float) -> str:
    """A duration in words: "2.3 hours"."""
    if seconds < 120:
        return f"{seconds:.0f} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"

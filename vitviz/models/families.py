"""Every family of networks, and which one a checkpoint is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from vitviz.errors import CheckpointError, VitvizError
from vitviz.models.cnn.convnext.family import CONVNEXT
from vitviz.models.cnn.efficientnet.family import EFFICIENTNET
from vitviz.models.cnn.resnet.family import RESNET
from vitviz.models.family import Family
from vitviz.models.mae.family import MAE
from vitviz.models.swin.family import SWIN
from vitviz.models.vit.family import VIT

if TYPE_CHECKING:
    from vitviz.models.checkpoints.reader import Reader, Tensors
    from vitviz.models.training import Training

FAMILIES: dict[str, Family] = {
    family.name: family for family in (MAE, VIT, SWIN, EFFICIENTNET, RESNET, CONVNEXT)
}
"""By name, in the order in which they are tried on a checkpoint."""


PLAIN = ("timm", "torchvision", "transformers", "relatives")
"""Readers of names that networks have which are no ViT."""


class Match(NamedTuple):
    """Who reads a checkpoint."""

    family: Family
    reader: Reader


def matches() -> tuple[Match, ...]:
    """Every reader with its family, in the order in which they are tried; loads torch."""
    return tuple(Match(family, one) for family in FAMILIES.values() for one in family.readers())


def recognised(tensors: Tensors) -> bool:
    """Whether some reader knows the names of these parameters."""
    return any(match.reader.recognises(tensors) for match in matches())


def reader_of(tensors: Tensors) -> Match:
    """The family, and the reader of it, whose names these parameters carry.

    Raises:
        CheckpointError: Of no family that vitviz reads; says which other one it looks like, or
            which names do not fit the nearest one.
    """
    from vitviz.models.checkpoints.foreign import foreign_family, is_head, looks_changed

    found = [match for match in matches() if match.reader.recognises(tensors)]
    titles = list(dict.fromkeys(match.reader.title for match in matches()))
    readable = f"vitviz reads the names of {'; '.join(titles)}."
    changed = looks_changed(tensors)
    if changed is not None:
        raise changed
    foreign = foreign_family(tensors)
    # Others share the plain names, too.
    if foreign is not None and (not found or _is_plain(found[0])):
        raise CheckpointError(f"This looks like {foreign}, which vitviz cannot read yet.", readable)
    if found:
        return found[0]
    if is_head(tensors):
        raise CheckpointError(
            "This is a linear classifier without the network whose features it reads.",
            "Open the network's own file, and give this one as its head: --set-model head=FILE.",
        )
    raise CheckpointError(_nearest(tensors), readable)


def _is_plain(match: Match) -> bool:
    return match.family is VIT and match.reader.name in PLAIN


def _nearest(tensors: Tensors) -> str:
    """Which reader knows most of these names, and which names it does not know."""
    from vitviz.models.checkpoints.foreign import is_convolutional

    known = [(sum(map(one.reader.knows, tensors)), one) for one in matches() if one.reader.knows]
    most, nearest = max(known, key=lambda pair: pair[0], default=(0, None))
    knows = nearest.reader.knows if nearest is not None else None
    if nearest is None or knows is None or 4 * most < len(tensors):
        some = ", ".join(key[:60] for key in list(tensors)[:3])
        if is_convolutional(tensors):
            return (
                "This looks like a convolutional network of a kind that vitviz cannot read yet "
                f"({some}, ...)."
            )
        return f"The parameters ({some}, ...) are of no known family."
    strange = [key for key in tensors if not knows(key)]
    if not strange:
        return (
            f"The parameters are called as those of {nearest.reader.title} are, but parts of a "
            "whole network are missing."
        )
    some = ", ".join(key[:60] for key in strange[:3])
    more = f" and {len(strange) - 3} more" if len(strange) > 3 else ""
    return (
        f"The parameters are of no known family. Nearest are those of {nearest.reader.title}, of "
        f"which {some}{more} are none."
    )


def training_of(family: str) -> Training:
    """How networks of a family, by its name, are trained; loads torch.

    Raises:
        VitvizError: They are not, yet.
    """
    training = FAMILIES[family].training
    if training is None:
        titles = " or ".join(one.title for one in FAMILIES.values() if one.training)
        raise VitvizError(
            f"vitviz train does not make networks of the family {FAMILIES[family].title} yet.",
            f"Choose a {titles}.",
        )
    return training()

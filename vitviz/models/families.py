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


PLAIN = ("timm", "torchvision")
"""Readers of names that networks have which are no ViT."""


class Match(NamedTuple):
    """Who reads a checkpoint."""

    family: Family
    reader: Reader


def reader_of(tensors: Tensors) -> Match:
    """The family, and the reader of it, whose names these parameters carry.

    Raises:
        CheckpointError: Of no family that vitviz reads; says which other one it looks like.
    """
    from vitviz.models.checkpoints.foreign import foreign_family, is_convolutional

    matches = [Match(family, r) for family in FAMILIES.values() for r in family.readers()]
    readable = (
        f"vitviz reads the names of {'; and of '.join(m.reader.title for m in matches)} so far."
    )
    found = [match for match in matches if match.reader.recognises(tensors)]
    foreign = foreign_family(tensors)
    # Others share the plain names, too.
    if foreign is not None and (not found or found[0].reader.name in PLAIN):
        raise CheckpointError(f"This looks like {foreign}, which vitviz cannot read yet.", readable)
    if found:
        return found[0]
    some = ", ".join(key[:60] for key in list(tensors)[:3])
    if is_convolutional(tensors):
        raise CheckpointError(
            "This looks like a convolutional network of a kind that vitviz cannot read yet "
            f"({some}, ...).",
            readable,
        )
    raise CheckpointError(f"The parameters ({some}, ...) are of no known family.", readable)


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

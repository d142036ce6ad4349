"""One reader for each family of checkpoints; ``FAMILIES`` is the only list of them."""

from __future__ import annotations

from vitviz.errors import CheckpointError
from vitviz.models.vit.weights import timm, torchvision
from vitviz.models.vit.weights.family import Family, Tensors
from vitviz.models.vit.weights.foreign import foreign_family

FAMILIES: tuple[Family, ...] = (timm.FAMILY, torchvision.FAMILY)


def family_of(tensors: Tensors) -> Family:
    """The family whose names these parameters carry.

    Raises:
        CheckpointError: Of no family that vitviz reads; says which other one it looks like.
    """
    readable = f"vitviz reads the names of {'; and of '.join(f.title for f in FAMILIES)} so far."
    foreign = foreign_family(tensors)
    if foreign is not None:
        raise CheckpointError(f"This looks like {foreign}, which vitviz cannot read yet.", readable)
    for family in FAMILIES:
        if family.recognises(tensors):
            return family
    some = ", ".join(key[:60] for key in list(tensors)[:3])
    raise CheckpointError(f"The parameters ({some}, ...) are of no known family.", readable)

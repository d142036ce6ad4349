"""Words as vectors beside those of images, for models whose file has a text tower (CLIP, SigLIP).

The tower is read when it is first asked, and goes with its model.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from vitviz.errors import CheckpointError, VitvizError
from vitviz.models.families import FAMILIES, recognised
from vitviz.models.loading import Model, naming, stamp
from vitviz.progress import Progress, Stage, silent
from vitviz.shapes import Float32

if TYPE_CHECKING:
    from vitviz.models.text.tower import TextTower
    from vitviz.models.text.weights import Matching

_towers: WeakKeyDictionary[Model, TextTower] = WeakKeyDictionary()


def encode_text(
    model: Model, texts: Sequence[str], progress: Progress = silent
) -> Float32[np.ndarray, "texts numbers"]:
    """The vectors of texts, in the space in which the model's network puts images.

    An image's vector is what ``network.classify`` gives, brought to length 1; the cosine of both is
    what the model was trained on (see ``matching_of``).

    Args:
        model: Whose outline gives "text".
        texts: "a photo of a cat", as the user types them; at least one.
        progress: Told how far it is; may raise ``Cancelled``.

    Returns:
        Of length 1, read-only.

    Raises:
        VitvizError: The model reads no texts, a text is empty or too long, or the package
            tokenizers is missing.
        CheckpointError: The file has changed since, or the text tower, or what says how it cuts
            texts, cannot be used.
        NotEnoughMemory: It would not fit.
    """
    return text_tower(model, progress).encode(list(texts), progress)


def matching_of(model: Model, progress: Progress = silent) -> Matching:
    """How the model tells that an image and a text belong together; raises as ``encode_text``."""
    return text_tower(model, progress).matching


def text_tower(model: Model, progress: Progress = silent) -> TextTower:
    """The text tower of a model, read from its file the first time; raises as ``encode_text``."""
    tower = _towers.get(model)
    return tower or _towers.setdefault(model, _read(model, progress))


def _read(model: Model, progress: Progress) -> TextTower:
    from vitviz.models.checkpoints.checkpoint import read_checkpoint
    from vitviz.models.text.tower import tower_of

    config, source = FAMILIES[model.card.family].text(model.card.config), model.source
    if config is None or source is None:
        raise VitvizError(
            f"{model.card.title} reads no texts.", "Choose a model with a text tower: CLIP, SigLIP."
        )
    place = source.place
    progress(Stage("reading_weights"), 0.0)
    if stamp(place) != source.stamp:
        raise CheckpointError(
            f"{place.name} has changed since it was opened, or is gone.", "Open the model again."
        )
    tensors = read_checkpoint(place.files, recognised, source.part).tensors
    with naming(place.name):
        return tower_of(config, tensors, place.tokenizer, model.device, place.name)

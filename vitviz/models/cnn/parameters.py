"""Whether the parameters of a checkpoint are exactly those of a convolutional network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Tensors
from vitviz.models.network import Network

SHOWN = 3
"""How many wrong keys a message names."""

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

COUNTER = "num_batches_tracked"
"""Of batch norms: how many batches training saw."""

NORM = ("weight", "bias", "running_mean", "running_var")


def shape(tensors: Tensors, name: str, axes: int = 4) -> tuple[int, ...]:
    """The shape of a parameter.

    Raises:
        CheckpointError: It is missing, or has another number of axes.
    """
    if name not in tensors:
        raise CheckpointError(
            f'The checkpoint lacks "{name}".',
            "It may be cut short, or hold only a part of a model.",
        )
    found = tuple(tensors[name].shape)
    if len(found) != axes or 0 in found:
        raise CheckpointError(
            f'"{name}" has the shape {_spell(found)}, where {axes} axes are expected.'
        )
    return found


def fit(
    tensors: Tensors, keys: Mapping[str, str], build: Callable[[], Network], what: str
) -> Tensors:
    """The parameters under our names: every key used or known not to be needed, every shape right.

    A convolution with a kernel of 1 may be a linear layer, and the other way round.

    Args:
        tensors: Of the checkpoint.
        keys: Its key of each of our names.
        build: Makes the network.
        what: It is, for people.

    Raises:
        CheckpointError: Something is unexpected, missing, of another shape or not a number.
    """
    with torch.device("meta"):
        expected = build().state_dict()
    used = set(keys.values())
    unexpected = [key for key in tensors if key not in used and not key.endswith(COUNTER)]
    unexpected += [key for name, key in keys.items() if name not in expected]
    missing = [name for name in expected if keys.get(name) not in tensors]
    found: dict[str, Tensor] = {}
    misshapen = []
    for name, wanted in expected.items():
        if name in missing:
            continue
        tensor = tensors[keys[name]]
        if _without_ones(tensor) == _without_ones(wanted):
            found[name] = tensor.reshape(wanted.shape)
        else:
            misshapen.append(f"{keys[name]} is {_spell(tuple(tensor.shape))}, not "
                             f"{_spell(tuple(wanted.shape))}")  # fmt: skip
    wrong = [
        _count("unexpected", unexpected), _count("missing", missing),
        _count("of another shape", misshapen),
    ]  # fmt: skip
    if any(wrong):
        raise CheckpointError(
            f"The weights do not fit {what}: {'; '.join(filter(None, wrong))}.",
            "The file may be cut short, or be of a relative that vitviz does not read yet.",
        )
    whole = [keys[name] for name, tensor in found.items() if not tensor.is_floating_point()]
    if whole:
        raise CheckpointError(
            f"The weights hold whole numbers: {_count('quantised', whole)}.",
            "Save them as float32, float16 or bfloat16.",
        )
    return found


def _without_ones(tensor: Tensor) -> tuple[int, ...]:
    """The shape without axes of 1: of a kernel of 1, or of a scale laid out for its layer."""
    return tuple(length for length in tensor.shape if length != 1)


def _spell(found: tuple[int, ...]) -> str:
    return " x ".join(map(str, found)) or "of a single number"


def _count(what: str, keys: Iterable[str]) -> str:
    keys = list(keys)
    if not keys:
        return ""
    shown = ", ".join(key[:120] for key in keys[:SHOWN])
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{len(keys)} {what} ({shown}{more})"


def as_torchvision(
    size: tuple[int, int], step: int, edge: int, source: str
) -> tuple[Preprocessing, Notes]:
    """Bilinear, ImageNet's mean and std.

    Args:
        size: Of the input.
        step: What inputs are multiples of.
        edge: Of the resized photo, for an input of 224.
        source: Whose weights want it so, for the note.
    """
    edge = edge * min(size) // 224
    found = Preprocessing(
        size, step, IMAGENET_MEAN, IMAGENET_STD, edge=edge, interpolation="bilinear"
    )
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, bilinear, ImageNet mean and std, as "
        f"{source}."
    )
    return found, (Assumption("preprocessing", note),)


def as_timm(size: tuple[int, int], step: int, share: float) -> tuple[Preprocessing, Notes]:
    """Bicubic, ImageNet's mean and std.

    Args:
        size: Of the input.
        step: What inputs are multiples of.
        share: How much of the resized photo's shorter edge the input is, timm's ``crop_pct``.
    """
    edge = int(min(size) / share)
    found = Preprocessing(size, step, IMAGENET_MEAN, IMAGENET_STD, edge=edge)
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, bicubic, ImageNet mean and std, as "
        "most of timm's weights of this kind want it; a config.json beside the file would tell."
    )
    return found, (Assumption("preprocessing", note),)


def count_note(classes: int) -> Notes:
    """What is said of a network without a head."""
    if classes:
        return ()
    return ("The checkpoint has no classifier: there are maps, but no predictions.",)

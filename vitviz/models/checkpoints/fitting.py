"""Whether parameters under a family's own names are exactly those of its network."""

from __future__ import annotations

from collections.abc import Mapping

from torch import nn

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.reader import Tensors

SHOWN = 3
"""How many wrong keys a message names."""


def spell(shape: tuple[int, ...]) -> str:
    """A shape for people."""
    return " x ".join(map(str, shape)) or "of a single number"


def shape_of(named: Tensors, name: str, axes: int) -> tuple[int, ...]:
    """The shape of a parameter that tells a size.

    Raises:
        CheckpointError: It is not there, or has another number of axes.
    """
    if name not in named:
        raise CheckpointError(
            f'The checkpoint lacks "{name}".',
            "It may be cut short, or hold only a part of a model.",
        )
    shape = tuple(named[name].shape)
    if 0 in shape:
        raise CheckpointError(
            f'"{name}" has the shape {spell(shape)}: it holds no numbers.',
            "It may have been saved by a program that keeps weights elsewhere: save them whole.",
        )
    if len(shape) != axes:
        raise CheckpointError(
            f'"{name}" has the shape {spell(shape)}, where {axes} axes are expected.'
        )
    return shape


def fitted(
    named: Tensors, network: nn.Module, what: str, keys: Mapping[str, str] | None = None
) -> Tensors:
    """The parameters of a network, all of them and no others, each of the right shape.

    Args:
        named: Parameters under the network's names.
        network: On the meta device.
        what: The network, for messages: "a Swin Transformer of 4 stages".
        keys: What they are called in the checkpoint, for messages.

    Raises:
        CheckpointError: Something is unexpected, missing, of another shape or not a number.
    """
    expected, keys = network.state_dict(), keys or {}
    misshapen = [
        f"{keys.get(name, name)} is {spell(tuple(tensor.shape))}, not "
        f"{spell(tuple(expected[name].shape))}"
        for name, tensor in named.items()
        if name in expected and tensor.shape != expected[name].shape
    ]
    unexpected = [keys.get(name, name) for name in named if name not in expected]
    missing = [name for name in expected if name not in named]
    wrong = [
        _count("unexpected", unexpected), _count("missing", missing),
        _count("of another shape", misshapen),
    ]  # fmt: skip
    if any(wrong):
        raise CheckpointError(
            f"The weights do not fit {what}: {'; '.join(filter(None, wrong))}.",
            "The file may be cut short, or hold only a part of a model."
            if missing and not unexpected
            else "The network has parts that vitviz does not know: what it computes is not known.",
        )
    inexact = [keys.get(name, name) for name, t in named.items() if not t.is_floating_point()]
    if inexact:
        raise CheckpointError(
            f"The weights hold whole numbers: {_count('quantised', inexact)}.",
            "Save them as float32, float16 or bfloat16.",
        )
    return {name: named[name] for name in expected}


def _count(what: str, keys: list[str]) -> str:
    if not keys:
        return ""
    shown = ", ".join(key[:120] for key in keys[:SHOWN])
    more = f" and {len(keys) - SHOWN} more" if len(keys) > SHOWN else ""
    return f"{len(keys)} {what} ({shown}{more})"

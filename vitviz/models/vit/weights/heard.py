"""What libraries' own words for a network are in ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vitviz.models.checkpoints.said import Said

ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_new": "gelu_tanh",
    "quick_gelu": "quick_gelu",
    "silu": "silu",
    "swish": "silu",
}
"""transformers' ``hidden_act``."""


def heard(said: Said) -> Said:
    """What is said of an image tower, in our words; what is in our words already stays.

    A transformers config of a model of images and texts has the tower's in ``vision_config``.
    """
    arguments = said.arguments.get("vision_config") or said.arguments
    if said.kind != "transformers" or not isinstance(arguments, Mapping):
        return said
    network: dict[str, Any] = {
        "heads": arguments.get("num_attention_heads"),
        "activation": ACTIVATIONS.get(str(arguments.get("hidden_act"))),
        "norm_eps": arguments.get("layer_norm_eps"),
        "input_size": _pair(arguments.get("image_size")),
    }
    known = {name: value for name, value in network.items() if value is not None}
    return said.over(Said(network=known))


def _pair(size: object) -> tuple[int, int] | None:
    match size:
        case int():
            return size, size
        case [int() as height, int() as width]:
            return height, width
    return None

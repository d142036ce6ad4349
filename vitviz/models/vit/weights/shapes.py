"""What the shapes of a Vision Transformer's parameters tell, and whether they fit a network.

Works on parameters that already carry the names of ``vitviz.models.vit.network``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import torch

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.fitting import fitted, shape_of
from vitviz.models.checkpoints.reader import Assumption, Notes, Tensors
from vitviz.models.checkpoints.said import Said
from vitviz.models.config import Activation
from vitviz.models.vit.config import Pool, Rope, ViTConfig
from vitviz.models.vit.network import VisionTransformer
from vitviz.models.vit.rope import periods
from vitviz.models.vit.weights.architectures import by_name
from vitviz.models.vit.weights.grids import read_grid
from vitviz.models.vit.weights.heads import OVER_LAYERS
from vitviz.models.vit.weights.parts import parts_of, stem_of, told_heads
from vitviz.plurals import count_of

Rename = Callable[[str], str | None]
"""A key of the checkpoint to a name of ours; None for one that is known and not needed."""

ODD_HEADS: dict[tuple[int, int, bool], int] = {
    (1280, 32, False): 16,
    (1152, 27, False): 16,
    (1408, 40, False): 16,
    (1664, 48, False): 16,
    (1792, 64, False): 16,
    (4096, 40, False): 32,
    (1280, 32, True): 16,
}
"""Heads that are not 64 wide, by width, depth and whether the MLP is gated.

Source: the models that timm registers in ``vision_transformer.py`` and ``eva.py``; DINOv2's giant
(1536 wide, 40 deep, gated) has 24 heads of 64. Virchow2 (1280 wide, 32 deep, gated) has 16.
"""

WITHOUT_PREFIX: dict[tuple[int, int, bool], int] = {(1536, 40, False): 16}
"""Those of networks without CLS and registers: SigLIP's giant-opt. With them the same sizes are
RADIO's giant, whose 24 heads are 64 wide.
"""

CARD_HINT = (
    "Say it with --set-model heads=12 (or what else is missing), or in a model card (NAME.json, "
    'such as {"heads": 12}) beside the file.'
)

GREY = (0.299, 0.587, 0.114)
"""What red, green and blue add to grey. Source: ITU-R BT.601, which Pillow's "L" uses."""


def renamed(tensors: Tensors, rename: Rename) -> dict[str, str]:
    """Our name of each parameter to the checkpoint's key.

    Raises:
        CheckpointError: Two keys stand for the same parameter.
    """
    keys: dict[str, str] = {}
    for key in tensors:
        name = rename(key)
        if name is not None and name in keys:
            raise CheckpointError(
                f'The checkpoint holds the same parameter twice, as "{keys[name]}" and "{key}".'
            )
        if name is not None:
            keys[name] = key
    return keys


def infer(
    named: Tensors, said: Said, usual: Mapping[str, Any] = MappingProxyType({})
) -> tuple[ViTConfig, Notes]:
    """The network that these parameters belong to.

    Args:
        named: Parameters under our names.
        said: What shapes do not tell: heads, the grid's shape, activation, epsilon.
        usual: What of that networks with such names usually have, where it is not said.

    Raises:
        CheckpointError: A parameter that tells a size is missing or misshapen, or no network of
            such sizes exists.
    """
    said = said.over(Said(network=by_name(said)))
    width, patch = _patch_embedding(named)
    depth = _depth(named)
    hidden = shape_of(named, "blocks.0.mlp.fc2.weight", 2)[1]
    gated = shape_of(named, "blocks.0.mlp.fc1.weight", 2)[0] == 2 * hidden
    prefix = _prefix(named)
    heads, notes = _heads(named, width, depth, gated, said, usual)
    positioned, grid, more = _positions(named, prefix, patch, said, usual)
    notes += more
    pool, norm_after_pool, cls_layers = _pool(named, width, said, usual)
    if named["patch_embed.proj.weight"].shape[1] == 1:
        notes += ("It takes one channel: it is given the grey of photos.",)
    activation = usual.get("activation", "silu" if gated else "gelu")
    try:
        config = ViTConfig(
            patch=patch,
            width=width,
            depth=depth,
            heads=heads,
            mlp_width=hidden,
            input_size=(grid[0] * patch, grid[1] * patch),
            classes=shape_of(named, "head.weight", 2)[0] if "head.weight" in named else 0,
            prefix=prefix,
            positioned_prefix=positioned,
            pool=pool,
            activation=cast(Activation, said.get("activation", str) or activation),
            gated_mlp=gated,
            layer_scale="blocks.0.ls1.gamma" in named,
            norm_eps=said.get("norm_eps", float) or usual.get("norm_eps", 1e-6),
            norm_after_pool=norm_after_pool,
            cls_layers=cls_layers,
            pre_logits=len(named["pre_logits.bias"]) if "pre_logits.bias" in named else 0,
            **parts_of(named, said, usual),
        )
    except ValueError as error:
        raise CheckpointError(f"The shapes are of no Vision Transformer: {error}.") from error
    if "pos_embed" not in named and config.relative_positions != "table" and not said.size():
        height, width = config.input_size
        size = f"Inputs of {height} x {width} are assumed: the weights do not tell."
        notes += (Assumption("input_size", size),)
    if not config.classes and not config.projection:
        notes += ("The checkpoint has no classifier: there are maps, but no predictions.",)
    return config, notes


def _patch_embedding(named: Tensors) -> tuple[int, int]:
    width, channels, height, patch = shape_of(named, "patch_embed.proj.weight", 4)
    stem = stem_of(named)
    if stem is not None:
        return width, patch * 4 * 2 ** max(len(stem) - 1, 0)
    if channels not in (1, 3):
        raise CheckpointError(
            f"The model takes images of {count_of(channels, 'channel')}; vitviz shows RGB photos.",
            "Choose a model for colour photos or for grey ones.",
        )
    if height != patch:
        raise CheckpointError(
            f"The model's patches are {height} x {patch}, which is not square.",
            "Maps over patches that are not square cannot be drawn.",
        )
    return width, patch


def _depth(named: Tensors) -> int:
    found = (re.match(r"blocks\.(\d{1,4})\.", name) for name in named)
    blocks = {int(match[1]) for match in found if match}
    missing = sorted(set(range(max(blocks, default=0) + 1)) - blocks)
    if missing:
        raise CheckpointError(
            f"The checkpoint lacks block {missing[0]}.",
            "It may be cut short, or hold only a part of a model.",
        )
    return len(blocks)


def _prefix(named: Tensors) -> tuple[str, ...]:
    registers = shape_of(named, "reg_token", 3)[1] if "reg_token" in named else 0
    learned = (("cls", "cls_token"), ("dist", "dist_token"))
    names = tuple(name for name, key in learned if key in named)
    return names + tuple(f"reg{i}" for i in range(1, min(registers, 1000) + 1))


def _heads(
    named: Tensors, width: int, depth: int, gated: bool, said: Said, usual: Mapping[str, Any]
) -> tuple[int, Notes]:
    """Fused weights do not tell the number of heads: the card's, else the family's custom."""
    known = said.get("heads", int) or told_heads(named, width) or usual.get("told_heads")
    if known:
        return known, ()
    width = usual.get("attention_width") or width
    key = width, depth, gated
    heads = usual.get("heads") or ODD_HEADS.get(key)
    if heads is None and not {"cls_token", "reg_token"} & named.keys():
        heads = WITHOUT_PREFIX.get(key)
    if heads is None and width % 64:
        raise CheckpointError(
            f"The weights do not say how many attention heads share a width of {width}.", CARD_HINT
        )
    heads = heads or width // 64
    verb = "is" if heads == 1 else "are"
    note = f"{count_of(heads, 'head')} of {width // heads} {verb} assumed: the weights do not tell."
    return heads, (Assumption("heads", note),)


def _positions(
    named: Tensors, prefix: tuple[str, ...], patch: int, said: Said, usual: Mapping[str, Any]
) -> tuple[int, tuple[int, int], Notes]:
    """How many prefix tokens have a position, and the grid."""
    if "pos_embed" not in named and _positions_elsewhere(named, said, usual):
        return 0, _grid_without_positions(named, prefix, patch, said, usual), ()
    count = shape_of(named, "pos_embed", 3)[1]
    if "grid" in usual:
        rows, cols = usual["grid"]
        return count - rows * cols, (rows, cols), ()
    registers = sum(name.startswith("reg") for name in prefix)
    scaled = "blocks.0.ls1.gamma" in named
    (positioned, grid), notes = read_grid(
        named["pos_embed"], len(prefix), registers, scaled, patch, said
    )
    return positioned, grid, notes


def _positions_elsewhere(named: Tensors, said: Said, usual: Mapping[str, Any]) -> bool:
    """Whether positions come in where tokens look at each other, or not at all."""
    rotary = said.get("rope", Rope) or usual.get("rope") or "rope.periods" in named
    relative = any(".rel_pos." in name for name in named)
    return bool(rotary) or relative or usual.get("embedded_positions") is False


def _grid_without_positions(
    named: Tensors, prefix: tuple[str, ...], patch: int, said: Said, usual: Mapping[str, Any]
) -> tuple[int, int]:
    """As a table of relative positions tells it, or as it is said, or as it usually is."""
    table = named.get("blocks.0.attn.rel_pos.relative_position_bias_table")
    size = said.size() or usual.get("input_size")
    if size is None and table is not None:
        side = math.isqrt(max(len(table) - (3 if prefix else 0), 0))  # 2 n - 1
        return (side + 1) // 2, (side + 1) // 2
    if size is None:
        raise CheckpointError("The weights do not say how large the input is.", CARD_HINT)
    return size[0] // patch, size[1] // patch


def _pool(
    named: Tensors, width: int, said: Said, usual: Mapping[str, Any]
) -> tuple[Pool, bool, int]:
    """What the head reads, whether the last norm comes after that, and of how many layers."""
    norm_after_pool = "fc_norm.weight" in named
    reads = shape_of(named, "head.weight", 2)[1] / width if "head.weight" in named else 1
    if "attn_pool.latent" in named:
        return "map", norm_after_pool, 1
    if reads in OVER_LAYERS and "cls_token" in named and "pre_logits.weight" not in named:
        layers, over = OVER_LAYERS[int(reads)]
        return ("cls" if over == "cls" else "cls+mean"), norm_after_pool, layers
    if reads == 2:
        return "cls+mean", norm_after_pool, 1
    known: Any = said.get("pool", str) or usual.get("pool")
    if known in ("cls", "mean", "cls+mean"):
        return known, norm_after_pool, 1
    if known and "head.weight" in named:
        raise CheckpointError(
            f"Its classes are read by the pooling “{str(known)[:40]}”, which vitviz does not do.",
            "Say another (--set-model pool=mean) to see its maps; its classes are wrong then.",
        )
    pool: Pool = "mean" if norm_after_pool or "cls_token" not in named else "cls"
    return pool, norm_after_pool, 1


def fit(
    tensors: Tensors,
    rename: Rename,
    config: ViTConfig,
    file_keys: Mapping[str, str] = MappingProxyType({}),
) -> Tensors:
    """The parameters under our names: every key used or known not to be needed, every shape right.

    Args:
        tensors: Of the file.
        rename: Our name for a key.
        config: The network.
        file_keys: What the file calls them, for messages, where that is not ``tensors``' word.

    Raises:
        CheckpointError: Something is unexpected, missing, of another shape or not a number.
    """
    with torch.device("meta"):
        network = VisionTransformer(config)
    tensors = _with_periods(tensors, config)
    keys = renamed(tensors, rename)
    first = keys.get("patch_embed.proj.weight")
    if first is not None and tensors[first].shape[1:2] == (1,):
        grey = torch.tensor(GREY).reshape(1, 3, 1, 1)
        tensors = {**tensors, first: tensors[first].float() * grey}
    return fitted(
        {name: tensors[key] for name, key in keys.items()},
        network,
        f"a Vision Transformer of {config.depth} blocks, {config.width} wide",
        {name: file_keys.get(key, key) for name, key in keys.items()},
    )


def _with_periods(tensors: Tensors, config: ViTConfig) -> Tensors:
    """Rotary positions follow from the configuration, where a file does not hold them."""
    if config.rope is None or config.rope.learned or "rope.periods" in tensors:
        return tensors
    return {**tensors, "rope.periods": periods(config.rope, config.head_dim)}

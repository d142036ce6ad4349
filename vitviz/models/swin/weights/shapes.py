"""What the shapes of a Swin Transformer's parameters tell.

A reader renames its keys so that parts stand where the network has them, by stage:
``stages.1.blocks.0.attn.qkv.weight``, ``stages.1.merge.norm.weight`` (at the beginning of stage 1),
``patch_embed``, ``norm``, ``head``. From there on all are alike.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.fitting import fitted, shape_of
from vitviz.models.checkpoints.reader import Assumption, Notes, Tensors
from vitviz.models.checkpoints.said import Said
from vitviz.models.swin.config import Shifts, SwinConfig
from vitviz.models.swin.network import SwinTransformer

Rename = Callable[[str], str | None]
"""A key of the checkpoint to its place; None for one that is known and not needed."""

USUAL_WINDOW_V2 = 8
"""Source: the authors' configs for 256 pixels; the others have 16, fine-tuned ones 16 or 24."""

TABLE = ".attn.relative_position_bias_table"
BUFFERS = re.compile(r".*(relative_position_index|relative_coords_table|attn_mask)$")
JOINED = re.compile(r"(.*\.attn\.)(q|k|v)\.(weight|bias)$")
SEPARATE_BIAS = re.compile(r"(.*\.attn\.)(q|v)_bias$")


def placed(tensors: Tensors, rename: Rename) -> dict[str, Tensor]:
    """The parameters where the network has them; q, k and v joined.

    Raises:
        CheckpointError: Two keys stand for the same parameter.
    """
    found: dict[str, Tensor] = {}
    for key, tensor in tensors.items():
        name = None if BUFFERS.match(key) else rename(key)
        if name is None:
            continue
        if name in found:
            raise CheckpointError(f'The checkpoint holds the same parameter twice: "{key}".')
        found[name] = tensor
    return _joined(found)


def _joined(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """q, k and v as one; where keys have no bias (version 2), theirs is 0."""
    parts: dict[tuple[str, str], dict[str, Tensor]] = {}
    out = {}
    for name, tensor in found.items():
        if match := JOINED.match(name):
            parts.setdefault((match[1], match[3]), {})[match[2]] = tensor
        elif match := SEPARATE_BIAS.match(name):
            parts.setdefault((match[1], "bias"), {})[match[2]] = tensor
        else:
            out[name] = tensor
    for (attention, what), by in parts.items():
        if what == "bias" and "k" not in by and "q" in by:
            by["k"] = torch.zeros_like(by["q"])
        if sorted(by) != ["k", "q", "v"]:
            raise CheckpointError(f"The checkpoint lacks some of q, k and v of {attention[:-1]}.")
        out[f"{attention}qkv.{what}"] = torch.cat([by["q"], by["k"], by["v"]])
    return out


def infer(
    tensors: Tensors, rename: Rename, said: Said, shifts: Shifts, *, shift_first: bool = False
) -> tuple[SwinConfig, Notes]:
    """The network that these parameters belong to.

    Args:
        tensors: As the checkpoint has them.
        rename: To where the network has them.
        said: What shapes do not tell: version 2's windows, the input trained on.
        shifts: As the library does it whose names these are.
        shift_first: Likewise.

    Raises:
        CheckpointError: A parameter that tells a size is missing or misshapen, or no network of
            such sizes exists.
    """
    named = placed(tensors, rename)
    _refuse_relatives(named, said)
    depths = _depths(named)
    first = [f"stages.{stage}.blocks.0" for stage in range(len(depths))]
    version = 2 if f"{first[0]}.attn.logit_scale" in named else 1
    heads = tuple(
        shape_of(named, f"{at}.attn.logit_scale", 3)[0]
        if version == 2
        else shape_of(named, at + TABLE, 2)[1]
        for at in first
    )
    width, channels, patch, side = shape_of(named, "patch_embed.proj.weight", 4)
    if channels != 3 or patch != side:
        raise CheckpointError(
            f"The model's patches are {patch} x {side} of {channels} channels; vitviz shows RGB "
            "photos in square patches."
        )
    hidden, _ = shape_of(named, f"{first[0]}.mlp.fc1.weight", 2)
    windows, input_size, notes = _windows(tensors, named, first, patch, said)
    classes = shape_of(named, "head.weight", 2)[0] if "head.weight" in named else 0
    if not classes:
        notes += ("The checkpoint has no classifier: there are maps, but no predictions.",)
    try:
        config = SwinConfig(
            width=width,
            depths=depths,
            heads=heads,
            windows=windows,
            version=2 if version == 2 else 1,
            patch=patch,
            mlp_ratio=hidden / width,
            input_size=input_size,
            classes=classes,
            norm_eps=said.get("norm_eps", float) or 1e-5,
            trained_windows=_trained(tensors, windows, said) if version == 2 else (),
            shifts=_said_shifts(said) or shifts,
            shift_first=shift_first if said.get("shift_first", bool) is None else
            bool(said.get("shift_first", bool)),
        )  # fmt: skip
    except ValueError as error:
        raise CheckpointError(f"The shapes are of no Swin Transformer: {error}.") from error
    return config, notes


def _refuse_relatives(named: Mapping[str, Tensor], said: Said) -> None:
    activation = said.get("activation", str) or said.arguments.get("hidden_act", "gelu")
    if activation != "gelu":
        raise CheckpointError(f"This Swin Transformer's activation is {activation}, not GELU.")
    if any(name.endswith(("absolute_pos_embed", "position_embeddings")) for name in named):
        raise CheckpointError(
            "This Swin Transformer has positions of its patches besides those within windows.",
            "vitviz reads those without, as all that were published are.",
        )


def _said_shifts(said: Said) -> Shifts | None:
    match said.get("shifts", str):
        case "each axis" | "both axes" | "as trained" as shifts:
            return shifts
    return None


def _depths(named: Mapping[str, Tensor]) -> tuple[int, ...]:
    found: dict[int, set[int]] = {}
    for name in named:
        if match := re.match(r"stages\.(\d{1,2})\.blocks\.(\d{1,3})\.", name):
            found.setdefault(int(match[1]), set()).add(int(match[2]))
    for stage in range(max(found, default=0) + 1):
        blocks = found.get(stage, set())
        missing = sorted(set(range(max(blocks, default=0) + 1)) - blocks)
        if missing:
            raise CheckpointError(
                f"The checkpoint lacks block {missing[0] + 1} of stage {stage + 1}.",
                "It may be cut short, or hold only a part of a model.",
            )
    return tuple(len(found[stage]) for stage in sorted(found))


def _windows(
    tensors: Tensors, named: Tensors, first: list[str], patch: int, said: Said
) -> tuple[tuple[int, ...], tuple[int, int], Notes]:
    """Each stage's window, and the input trained on, which makes the last stage one window unless
    somebody says otherwise.
    """
    notes: Notes = ()
    windows = _windows_of_tables(named, first) or _windows_of_buffers(tensors, first)
    size = said.size() or _said_size(said)
    if not windows:
        side, assumed = _said_window(said)
        if assumed:
            note = f"Windows of {side} x {side} patches are assumed: the weights do not tell."
            notes += (Assumption("windows", note),)
        size = size or _square(side * (patch << (len(first) - 1)))
        windows = tuple(min(side, *(s // (patch << i) for s in size)) for i in range(len(first)))
    if size is None:
        size = _square(windows[-1] * (patch << (len(first) - 1)))
        note = (
            f"An input of {size[0]} x {size[1]} is assumed, which makes the last stage one window."
        )
        notes += (Assumption("input_size", note),)
    return windows, size, notes


def _square(side: int) -> tuple[int, int]:
    return side, side


def _windows_of_tables(named: Tensors, first: list[str]) -> tuple[int, ...]:
    windows = []
    for at in first:
        if at + TABLE not in named:
            return ()
        rows, _ = shape_of(named, at + TABLE, 2)
        side = (math.isqrt(rows) + 1) // 2
        if (2 * side - 1) ** 2 != rows:
            raise CheckpointError(f"The {rows} relative positions of {at} are of no square window.")
        windows.append(side)
    return tuple(windows)


def _windows_of_buffers(tensors: Tensors, first: list[str]) -> tuple[int, ...]:
    """From the positions that some libraries keep beside the parameters."""
    tables = _position_tables(tensors)
    sides = tuple((table.shape[1] + 1) // 2 for table in tables)
    return sides if len(sides) == len(first) else ()


def _position_tables(tensors: Tensors) -> list[Tensor]:
    """What version 2's bias is made from, of the first block of each stage."""
    return [
        tensors[key]
        for key in sorted(tensors, key=_natural)
        if re.search(r"\.0\.(attn|attention)\.(self\.)?relative_coords_table$", key)
        and tensors[key].ndim == 4
    ]


def _natural(key: str) -> list[Any]:
    return [int(piece) if piece.isdigit() else piece for piece in re.split(r"(\d+)", key)]


def _said_window(said: Said) -> tuple[int, bool]:
    """The largest window that is said, and whether it had to be assumed."""
    value = said.network.get("windows") or said.arguments.get("window_size")
    if isinstance(value, list | tuple) and value:
        value = value[0]
    if isinstance(value, int) and value > 0:
        return value, False
    if match := re.search(r"window(?:\d+to)?(\d+)_", said.architecture):
        return int(match[1]), False
    return USUAL_WINDOW_V2, True


def _said_size(said: Said) -> tuple[int, int] | None:
    value = said.arguments.get("image_size") or said.arguments.get("img_size")
    if isinstance(value, int) and value > 0:
        return value, value
    match value:
        case (int() as height, int() as width):
            return height, width
    if match := re.search(r"window\w*?_(?:\d+to)?(\d{3,4})(?:\.|$)", said.architecture):
        return int(match[1]), int(match[1])
    return None


def _trained(tensors: Tensors, windows: tuple[int, ...], said: Said) -> tuple[int, ...]:
    """The windows that relative positions are measured by: said, or read off what is kept."""
    value = said.network.get("trained_windows") or said.arguments.get("pretrained_window_sizes")
    if not value and (match := re.search(r"window(\d+)to\d+_", said.architecture)):
        side = int(match[1])  # Source: timm's swinv2_*to*: the last stage has half
        value = (*[side] * (len(windows) - 1), side // 2)
    if isinstance(value, list | tuple) and len(value) == len(windows):
        return tuple(int(side) for side in value) if any(value) else ()
    tables = _position_tables(tensors)
    if len(tables) != len(windows):
        return ()
    measured = tuple(map(_measure, tables, windows))
    return measured if measured != windows else ()


def _measure(table: Tensor, window: int) -> int:
    """Equation 4 of version 2 backwards, from the greatest position."""
    if window == 1:
        return 1
    ratio = (2 ** (3 * float(table.max())) - 1) / 8
    return 1 + round((window - 1) / ratio) if ratio > 0 else window


def convert(tensors: Tensors, config: SwinConfig, rename: Rename) -> Tensors:
    """The parameters under the network's names: every one of them used, every shape right.

    Raises:
        CheckpointError: Something is unexpected, missing, of another shape or not a number.
    """
    number = {at: index for index, at in enumerate(config.blocks())}
    named: dict[str, Tensor] = {}
    for name, tensor in placed(tensors, rename).items():
        if match := re.match(r"stages\.(\d+)\.blocks\.(\d+)\.(.*)", name):
            at = number.get((int(match[1]), int(match[2])), -1)
            rest = match[3].replace(TABLE[1:], "attn.table")
            named[f"blocks.{at}.{rest}"] = tensor
        elif match := re.match(r"stages\.(\d+)\.merge\.(.*)", name):
            named[f"blocks.{number.get((int(match[1]), 0), -1)}.merge.{match[2]}"] = tensor
        else:
            named[name] = tensor
    if config.version == 2:  # the keys' bias is not learned, and 0 whatever a file has
        width = config.width
        for name in [name for name in named if name.endswith(".attn.qkv.bias")]:
            width = len(named[name]) // 3
            bias = named[name].clone()
            bias[width : 2 * width] = 0
            named[name] = bias
    with torch.device("meta"):
        network = SwinTransformer(config)
    what = f"a Swin Transformer of {config.stages} stages and {sum(config.depths)} blocks"
    return fitted(named, network, what)

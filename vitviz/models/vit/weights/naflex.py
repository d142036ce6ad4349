"""NaFlexViT of timm: a plain ViT whose patches are cut before they are projected.

Source: timm ``naflexvit.py`` (``NaFlexEmbeds``): a patch's numbers are rows, columns, channels, and
positions are a grid of their own that prefix tokens have no part in.
"""

from __future__ import annotations

import math
from typing import Any

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Tensors
from vitviz.models.checkpoints.renaming import Names
from vitviz.models.checkpoints.said import Said
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.plain import PlainNames

NAMES: Names = (
    (r"^embeds\.proj\.", "patch_embed.proj."),
    (r"^embeds\.((?:cls|reg)_token|pos_embed)$", r"\1"),
)

OBLONG = (
    "Inputs that are not square are read as timm's naflexvit_*_gap and *_siglip do; *_par_* have "
    "the same parameters, and keep the shape of their positions."
)


def _prepare(tensors: Tensors) -> Tensors:
    """Patches' weights as a convolution's, positions as a row."""
    weight, positions = tensors["embeds.proj.weight"], tensors["embeds.pos_embed"]
    patch = math.isqrt(weight.shape[-1] // 3)
    if weight.ndim != 2 or 3 * patch * patch != weight.shape[1]:
        raise CheckpointError(
            f"The model's patches have {weight.shape[-1]} numbers, which are no square of RGB."
        )
    if positions.ndim != 4 or positions.shape[1] != positions.shape[2]:
        raise CheckpointError(
            "The positions of this NaFlexViT are no square grid, which is all that vitviz reads.",
            "Choose one of timm's naflexvit_*_gap or naflexvit_*_siglip.",
        )
    cut = weight.reshape(len(weight), patch, patch, 3).permute(0, 3, 1, 2)
    return {**tensors, "embeds.proj.weight": cut, "embeds.pos_embed": positions.flatten(1, 2)}


def _usual(tensors: Tensors, found: Tensors, said: Said) -> tuple[dict[str, Any], Notes]:
    name = said.architecture if said.kind == "timm" else ""
    if "_par_" in name or "_parfac_" in name or "_radio_" in name:
        raise CheckpointError(
            f"{name} keeps the shape of its positions on inputs that are not square, which vitviz "
            "does not do.",
            "Choose one of timm's naflexvit_*_gap or naflexvit_*_siglip.",
        )
    if "attn_pool.latent" in found and {"cls_token", "reg_token"} & found.keys():
        raise CheckpointError(
            "The learned query of this NaFlexViT looks at patches alone, and other tokens are "
            "beside them, which vitviz does not do.",
            "Choose one of timm's naflexvit_*_gap or naflexvit_*_siglip.",
        )
    notes: Notes = () if name else (OBLONG,)
    # The grid is there: it need not be guessed from a number of positions.
    usual: dict[str, Any] = {"grid": tuple(tensors["embeds.pos_embed"].shape[1:3])}
    if "attn_pool.latent" in found:
        usual |= {"activation": "gelu_tanh", "position_resizing": "linear antialiased"}
    return usual, notes


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As timm evaluates them: the shorter edge to the input's, bicubic, mean and std 0.5."""
    half, short = (0.5, 0.5, 0.5), min(config.input_size)
    note = f"Preprocessing is assumed: shorter edge to {short}, bicubic, mean = std = 0.5."
    found = Preprocessing(config.input_size, config.patch, half, half, edge=short)
    return found, (Assumption("preprocessing", note),)


READER = PlainNames(
    "naflex", "NaFlexViT (timm)", NAMES,
    (r"embeds\.proj\.weight$", r"embeds\.pos_embed$", r"blocks\.0\.attn\.qkv\.weight$"),
    preprocessing, prepare=_prepare, usual=_usual,
).reader  # fmt: skip

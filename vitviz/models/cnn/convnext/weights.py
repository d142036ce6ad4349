"""Checkpoints of ConvNeXt in the names of timm, its authors, transformers and torchvision.

Sources: timm ``convnext.py`` (``checkpoint_filter_fn``); facebookresearch/ConvNeXt and ConvNeXt-V2
(``models/convnext.py``, ``convnextv2.py``); transformers ``modeling_convnext.py``; torchvision
``models/convnext.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Notes, Reader, Said, Tensors
from vitviz.models.cnn.convnext.config import STEM, STEP, ConvNeXtConfig
from vitviz.models.cnn.convnext.network import ConvNeXt
from vitviz.models.cnn.parameters import as_timm, as_torchvision, count_note, fit, shape

Pattern = tuple[re.Pattern[str], str]


XXLARGE = 384
"""Channels of the first stage of ``convnext_xxlarge``, whose norms have another epsilon in timm."""


def _patterns(*pairs: tuple[str, str]) -> tuple[Pattern, ...]:
    return tuple((re.compile(pattern), ours) for pattern, ours in pairs)


# Each makes names with the stage and the block in it: "stages.1.blocks.0.depthwise.weight".
TIMM = _patterns(
    (r"^stages\.(\d+)\.downsample\.", r"stages.\1.blocks.0.down."),
    (r"\.conv_dw\.", ".depthwise."),
    (r"\.mlp\.grn\.", ".response."),
    (r"\.mlp\.(fc[12])\.", r".\1."),
    (r"^head\.fc\.", "head."),
    (r"^(head\.)?norm\.", "head_norm."),
)
AUTHORS = _patterns(
    (r"^downsample_layers\.0\.", "stem."),
    (r"^downsample_layers\.(\d+)\.", r"stages.\1.blocks.0.down."),
    (r"^stages\.(\d+)\.(\d+)\.", r"stages.\1.blocks.\2."),
    (r"\.dwconv\.", ".depthwise."),
    (r"\.pwconv([12])\.", r".fc\1."),
    (r"\.grn\.gamma$", ".response.weight"),
    (r"\.grn\.beta$", ".response.bias"),
    (r"^norm\.", "head_norm."),
)
TRANSFORMERS = _patterns(
    (r"^convnext(v2)?\.", ""),
    (r"^embeddings\.patch_embeddings\.", "stem.0."),
    (r"^embeddings\.layernorm\.", "stem.1."),
    (r"^encoder\.stages\.(\d+)\.downsampling_layer\.", r"stages.\1.blocks.0.down."),
    (r"^encoder\.stages\.(\d+)\.layers\.(\d+)\.", r"stages.\1.blocks.\2."),
    (r"\.dwconv\.", ".depthwise."),
    (r"(blocks\.\d+)\.layernorm\.", r"\1.norm."),
    (r"\.pwconv([12])\.", r".fc\1."),
    (r"\.grn\.", ".response."),
    (r"\.layer_scale_parameter$", ".gamma"),
    (r"^layernorm\.", "head_norm."),
    (r"^classifier\.", "head."),
)
TORCHVISION = _patterns(
    (r"^features\.0\.", "stem."),
    (r"\.block\.0\.", ".depthwise."),
    (r"\.block\.2\.", ".norm."),
    (r"\.block\.3\.", ".fc1."),
    (r"\.block\.5\.", ".fc2."),
    (r"\.layer_scale$", ".gamma"),
    (r"^classifier\.0\.", "head_norm."),
    (r"^classifier\.2\.", "head."),
)


def our_names(tensors: Tensors, patterns: Sequence[Pattern]) -> dict[str, str]:
    """The checkpoint's key of each name with stage and block."""
    keys = {}
    for key in tensors:
        name = key
        for pattern, ours in patterns:
            name = pattern.sub(ours, name)
        if patterns is TORCHVISION and (match := re.match(r"features\.(\d{1,2})\.(.*)", name)):
            stage, rest = int(match[1]), match[2]  # 1, 3, 5, 7: stages; 2, 4, 6: between them
            down = f"stages.{stage // 2}.blocks.0.down.{rest}"
            name = f"stages.{stage // 2}.blocks.{rest}" if stage % 2 else down
        keys[name] = key
    return keys


def infer(tensors: Tensors, keys: dict[str, str], said: Said) -> tuple[ConvNeXtConfig, Notes]:
    """The network, from the shapes."""
    named = {name: tensors[key] for name, key in keys.items()}
    first = shape(named, "stem.0.weight")
    if first[1:] != (3, STEM, STEM):
        raise CheckpointError(
            f"The model's first convolution is {first[2]} x {first[3]} on {first[1]} channels, "
            f"where a ConvNeXt has {STEM} x {STEM} on 3.",
            "It may be of a relative that vitviz does not read yet.",
        )
    depths = [_depth(named, stage) for stage in range(4)]
    widths = [shape(named, f"stages.{stage}.blocks.0.depthwise.weight")[0] for stage in range(4)]
    found = ConvNeXtConfig(
        (depths[0], depths[1], depths[2], depths[3]),
        (widths[0], widths[1], widths[2], widths[3]),
        layer_scale="stages.0.blocks.0.gamma" in named,
        response_norm="stages.0.blocks.0.response.weight" in named,
        class_count=shape(named, "head.weight", 2)[0] if "head.weight" in named else 0,
        head_norm="head_norm.weight" in named,
    )
    usual = 1e-5 if widths[0] == XXLARGE else found.norm_eps
    found = replace(
        found, input_size=said.size() or found.input_size,
        # transformers' own is of its last norm alone, and as good as none.
        norm_eps=usual if said.kind == "transformers" else said.get("norm_eps", float) or usual,
    )  # fmt: skip
    return found, count_note(found.class_count)


def _depth(named: Tensors, stage: int) -> int:
    pattern = re.compile(rf"stages\.{stage}\.blocks\.(\d{{1,4}})\.depthwise\.")
    numbers = {int(match[1]) for name in named if (match := pattern.match(name))}
    if numbers != set(range(len(numbers))) or not numbers:
        raise CheckpointError(
            f"The checkpoint lacks blocks of stage {stage + 1}.",
            "It may be cut short, or hold only a part of a model.",
        )
    return len(numbers)


def _flat(keys: dict[str, str], config: ConvNeXtConfig) -> dict[str, str]:
    """Names with the number of the block in the network in the place of stage and block."""
    flat = {}
    for name, key in keys.items():
        if match := re.match(r"stages\.(\d)\.blocks\.(\d+)\.(.*)", name):
            at = sum(config.depths[: int(match[1])]) + int(match[2])
            name = f"blocks.{at}.{match[3]}"
        flat[name] = key
    return flat


def _reader(
    name: str, title: str, patterns: Sequence[Pattern], sign: str,
    preprocessing: Callable[[ConvNeXtConfig], tuple[Preprocessing, Notes]],
) -> Reader:  # fmt: skip
    """Of names that one key of the first block, a pattern, tells apart."""

    def config(tensors: Tensors, said: Said) -> tuple[ConvNeXtConfig, Notes]:
        return infer(tensors, our_names(tensors, patterns), said)

    def convert(tensors: Tensors, config: ConvNeXtConfig) -> Tensors:
        keys = _flat(our_names(tensors, patterns), config)
        what = f"a ConvNeXt of {sum(config.depths)} blocks, {config.widths[-1]} wide"
        return fit(tensors, keys, lambda: ConvNeXt(config), what)

    return Reader(name, title, lambda tensors: _has(tensors, sign), config, convert, preprocessing)


def _has(tensors: Tensors, sign: str) -> bool:
    return any(re.fullmatch(sign, key) for key in tensors)


def _timm(config: ConvNeXtConfig) -> tuple[Preprocessing, Notes]:
    return as_timm(config.input_size, STEP, 0.875)


def _torchvision(config: ConvNeXtConfig) -> tuple[Preprocessing, Notes]:
    return as_torchvision(config.input_size, STEP, 236, "torchvision's ConvNeXt-T wants it")


READERS = (
    _reader(
        "transformers-convnext", "transformers (ConvNext, ConvNextV2)", TRANSFORMERS,
        r"(convnext(v2)?\.)?encoder\.stages\.0\.layers\.0\.dwconv\.weight", _timm,
    ),
    _reader("timm-convnext", "timm (ConvNeXt)", TIMM, r"stages\.0\.blocks\.0\.conv_dw\.weight",
            _timm),
    _reader("convnext", "ConvNeXt's authors", AUTHORS, r"stages\.0\.0\.dwconv\.weight", _timm),
    _reader("torchvision-convnext", "torchvision (convnext_tiny)", TORCHVISION,
            r"features\.1\.0\.block\.2\.weight", _torchvision),
)  # fmt: skip

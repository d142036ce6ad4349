"""Checkpoints of EfficientNet and the MobileNets in the names of timm and of torchvision.

What shapes tell is taken from them: which convolutions a block has, their widths and kernels. What
they do not tell, strides, activations, padding and epsilon, follows from which of the published
networks has such blocks.

Sources: timm ``efficientnet.py``, ``mobilenetv3.py`` and ``_efficientnet_blocks.py``; torchvision
``efficientnet.py``, ``mobilenetv2.py`` and ``mobilenetv3.py``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby
from typing import Any, Literal, NamedTuple, get_args

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes, Reader, Said, Tensors
from vitviz.models.cnn.efficientnet.config import (
    Activation,
    BlockShape,
    EfficientNetConfig,
    Gate,
)
from vitviz.models.cnn.efficientnet.network import EfficientNet
from vitviz.models.cnn.parameters import NORM, as_timm, as_torchvision, count_note, fit, shape
from vitviz.reading import typed

Source = Literal["timm", "torchvision"]


class Unit(NamedTuple):
    """A convolution of a checkpoint with its norm, or the two of a squeeze-and-excitation.

    Args:
        first: Its name, without ".weight".
        second: Of its norm, or of the second convolution.
        squeezes: It is the latter.
    """

    first: str
    second: str
    squeezes: bool = False


@dataclass(frozen=True)
class Names:
    """Where a checkpoint has what.

    Args:
        stem: The first convolution.
        stages: Blocks, each of its convolutions in their order.
        last: The last convolution.
        hidden: The head's hidden layer; "" where there is none.
        head: The head; "" where there is none.
    """

    stem: Unit
    stages: tuple[tuple[tuple[Unit, ...], ...], ...]
    last: Unit
    hidden: str = ""
    head: str = ""
    source: Source = field(default="timm", kw_only=True)


TIMM_UNITS = (
    # As convolutions follow each other in each of timm's kinds of blocks; names, then norms.
    (("conv_pw", "bn1"), ("conv_dw", "bn2"), ("se", ""), ("conv_pwl", "bn3")),  # InvertedResidual
    (("conv_dw", "bn1"), ("se", ""), ("conv_pw", "bn2")),  # DepthwiseSeparableConv
    (("conv_exp", "bn1"), ("se", ""), ("conv_pwl", "bn2")),  # EdgeResidual
    (("conv", "bn1"),),  # ConvBnAct
)


def timm_names(tensors: Tensors) -> Names:
    """Where a checkpoint of timm's names has what."""
    numbers = {
        (int(match[1]), int(match[2]))
        for key in tensors
        if (match := re.match(r"blocks\.(\d{1,3})\.(\d{1,3})\.", key))
    }
    stages = [
        [_timm_block(tensors, f"blocks.{stage}.{block}.") for _, block in blocks]
        for stage, blocks in groupby(sorted(numbers), key=lambda number: number[0])
    ]
    last, hidden = Unit("conv_head", "bn2"), ""
    if "conv_head.bias" in tensors and stages:  # MobileNet v3: the last stage is one convolution
        hidden, ends = "conv_head", [unit for block in stages.pop() for unit in block]
        if len(ends) != 1:
            raise CheckpointError(
                "The checkpoint has a head like MobileNet v3, and other blocks.",
                "It may be of a relative that vitviz does not read yet.",
            )
        (last,) = ends
    head = "classifier" if "classifier.weight" in tensors else ""
    return Names(Unit("conv_stem", "bn1"), _frozen(stages), last, hidden, head)


def _frozen(stages: list[list[tuple[Unit, ...]]]) -> tuple[tuple[tuple[Unit, ...], ...], ...]:
    return tuple(map(tuple, stages))


def _timm_block(tensors: Tensors, block: str) -> tuple[Unit, ...]:
    for units in TIMM_UNITS:
        (first, _), *_ = units
        last, _ = units[-1]
        if f"{block}{first}.weight" not in tensors or f"{block}{last}.weight" not in tensors:
            continue
        found = [
            Unit(f"{block}se.conv_reduce", f"{block}se.conv_expand", True)
            if name == "se" else Unit(f"{block}{name}", f"{block}{norm}")
            for name, norm in units
        ]  # fmt: skip
        return tuple(unit for unit in found if f"{unit.first}.weight" in tensors)
    raise CheckpointError(
        f'The checkpoint\'s "{block[:40]}" is no block of an EfficientNet or a MobileNet v2 or v3.',
        "It may be cut short, or be of a relative that vitviz does not read yet.",
    )


def torchvision_names(tensors: Tensors) -> Names:
    """Where a checkpoint of torchvision's names has what."""
    heads = [f"classifier.{i}" for i in range(8) if f"classifier.{i}.weight" in tensors]
    hidden, head = (*[""] * (2 - len(heads)), *heads)[-2:]
    features = sorted({int(key.split(".")[1]) for key in tensors if _numbered(key)})
    blocks = [list(_torchvision_blocks(tensors, f"features.{i}.")) for i in features[1:-1]]
    if all(len(stage) == 1 for stage in blocks):  # the MobileNets are not in stages: by width
        flat = [block for (block,) in blocks]
        blocks = [
            list(stage) for _, stage in
            groupby(flat, lambda block: shape(tensors, f"{block[-1].first}.weight")[0])
        ]  # fmt: skip
    stem, last = (Unit(f"features.{i}.0", f"features.{i}.1") for i in (0, features[-1]))
    return Names(stem, _frozen(blocks), last, hidden, head, source="torchvision")


def _numbered(key: str) -> bool:
    return re.match(r"features\.\d{1,3}\.", key) is not None


def _torchvision_blocks(tensors: Tensors, stage: str) -> Iterator[tuple[Unit, ...]]:
    """The blocks below "features.N."."""
    pattern = re.compile(rf"{re.escape(stage)}(?:(\d{{1,3}})\.)?(block|conv)\.")
    found = {(int(m[1] or 0), m[0].removeprefix(stage)) for m in map(pattern.match, tensors) if m}
    for _, block in sorted(found):
        yield tuple(_torchvision_units(tensors, stage + block))


def _torchvision_units(tensors: Tensors, block: str) -> Iterator[Unit]:
    """The convolutions below "features.1.conv.", in their order."""
    pattern = re.compile(rf"{re.escape(block)}(\d{{1,3}})\.")
    for number in sorted({int(m[1]) for m in map(pattern.match, tensors) if m}):
        at = f"{block}{number}"
        if f"{at}.fc1.weight" in tensors:
            yield Unit(f"{at}.fc1", f"{at}.fc2", True)
        elif f"{at}.0.weight" in tensors:
            yield Unit(f"{at}.0", f"{at}.1")
        elif f"{at}.weight" in tensors and tensors[f"{at}.weight"].ndim == 4:
            yield Unit(at, f"{block}{number + 1}")  # MobileNet v2's last, whose norm comes after it


def _block(tensors: Tensors, units: tuple[Unit, ...]) -> BlockShape:
    """A block by the shapes of its convolutions."""
    convs = [shape(tensors, f"{unit.first}.weight") for unit in units if not unit.squeezes]
    squeeze = next((shape(tensors, f"{u.first}.weight")[0] for u in units if u.squeezes), 0)
    spatial = next((conv for conv in convs if conv[2] > 1), convs[0])
    width = convs[-1][0]
    fused = spatial[1] > 1 or len(convs) == 1
    hidden = 0 if len(convs) == 1 else convs[-2][0]
    return BlockShape(width, hidden, spatial[2], 1, squeeze, fused, fused or len(convs) == 3)


def infer(tensors: Tensors, names: Names, said: Said) -> tuple[EfficientNetConfig, Notes]:
    """The network of a checkpoint, and what is said of it over what is assumed."""
    stages = tuple(tuple(_block(tensors, units) for units in stage) for stage in names.stages)
    if not stages:
        raise CheckpointError(
            "The checkpoint has no blocks.", "It may be cut short, or hold only a part of a model."
        )
    classes = shape(tensors, f"{names.head}.weight", 2)[0] if names.head else 0
    stem = shape(tensors, f"{names.stem.first}.weight")
    if stem[1:] != (3, 3, 3):
        raise CheckpointError(
            f"The model's first convolution is {stem[2]} x {stem[3]} on {stem[1]} channels, where "
            "an EfficientNet or MobileNet has 3 x 3 on 3.",
        )
    axes = 4 if names.source == "timm" else 2
    hidden = shape(tensors, f"{names.hidden}.weight", axes)[0] if names.hidden else 0
    last = shape(tensors, f"{names.last.first}.weight")[0]
    found = EfficientNetConfig(stages, stem[0], last, hidden, classes)
    told = _told_blocks(found, said)
    if told is not None:
        return _with_said((replace(found, stages=told), count_note(classes)), said)
    kind = _kind(found)
    strided = tuple(
        tuple(replace(block, stride=stride if i == 0 else 1) for i, block in enumerate(stage))
        for stage, stride in zip(stages, PUBLISHED[kind][1], strict=False)
    )
    return _with_said(_published(kind, replace(found, stages=strided), names.source), said)


Published = Literal["v2", "v3 large", "v3 small", "lite", "efficientnet", "efficientnet v2"]
"""Of which of the published networks a checkpoint is."""

PUBLISHED: dict[Published, tuple[str, tuple[int, ...]]] = {
    "v2": ("d3 i3 i3 i3 i3 i3 i3", (1, 2, 2, 2, 1, 2, 1)),
    "v3 large": ("d3 i3 i5s i3 i3s i5s", (1, 2, 2, 2, 1, 2)),
    "v3 small": ("d3s i3 i5s i5s i5s", (2, 2, 2, 1, 2)),
    "lite": ("d3 i3 i5 i3 i5 i5 i3", (1, 2, 2, 2, 1, 2, 1)),
    "efficientnet": ("d3s i3s i5s i3s i5s i5s i3s", (1, 2, 2, 2, 1, 2, 1)),
    "efficientnet v2": ("f3 f3 f3 i3s i3s i3s( i3s)?", (1, 2, 2, 2, 1, 2, 1)),
}
"""The blocks of each stage, and the strides at which these begin. Blocks are (d)epthwise only,
(i)nverted or (f)used, then the kernel, then (s) with squeeze-and-excitation. Others in the same
names have other activations (MnasNet, FBNet, EdgeTPU's, LCNet, ...): none is taken for these.

Sources: MobileNetV2, table 2; MobileNetV3, tables 1 and 2; EfficientNet, table 1; EfficientNetV2,
table 4.
"""


def _signature(stage: tuple[BlockShape, ...]) -> str:
    """ "i5s"; more than one where its blocks differ."""
    kinds = {
        f"{'f' if b.fused else 'i' if b.expands else 'd'}{b.kernel}{'s' if b.squeeze else ''}"
        for b in stage
    }
    return "+".join(sorted(kinds))


def _kind(config: EfficientNetConfig) -> Published:
    signature = " ".join(map(_signature, config.stages))
    for kind, (stages, _) in PUBLISHED.items():
        with_hidden = kind in ("v3 large", "v3 small")
        if re.fullmatch(stages, signature) and with_hidden == bool(config.hidden):
            return kind
    raise CheckpointError(
        "This looks like a relative of EfficientNet and the MobileNets that vitviz cannot read "
        f"yet: its blocks are {signature}, and weights do not tell strides and activations.",
        "A model card (NAME.json) beside the file can say so.",
    )


@dataclass(frozen=True)
class _Stages:
    stages: tuple[tuple[BlockShape, ...], ...]


def _told_blocks(
    config: EfficientNetConfig, said: Said
) -> tuple[tuple[BlockShape, ...], ...] | None:
    """The blocks with the strides and activations of a card; None where none tells them."""
    try:  # as it stands in a card's file, or as a configuration has it
        told = json.loads(json.dumps({"stages": said.network.get("stages") or ()}, default=asdict))
        stages = typed(_Stages, told).stages
    except (TypeError, ValueError):
        return None
    if [len(stage) for stage in stages] != [len(stage) for stage in config.stages]:
        return None
    return tuple(
        tuple(replace(b, stride=k.stride, activation=k.activation)
              for b, k in zip(ours, theirs, strict=True))
        for ours, theirs in zip(config.stages, stages, strict=True)
    )  # fmt: skip


def _published(
    kind: Published, config: EfficientNetConfig, source: Source
) -> tuple[EfficientNetConfig, Notes]:
    """With activations, gates, padding and epsilon as in the published networks of a kind."""
    notes = count_note(config.class_count)
    eps, same = 1e-5, False
    activation: Activation = "silu"
    if kind in ("v2", "lite"):
        activation = "relu6"
        eps, same = (1e-3, True) if kind == "lite" else (eps, False)
    elif kind in ("v3 large", "v3 small"):
        activation = "hard_swish"
        eps = 1e-3 if source == "torchvision" else eps
    elif source == "torchvision" and (kind == "efficientnet v2" or len(config.blocks) > 32):
        eps = 1e-3
    if source == "timm" and kind != "v2":
        pads = "as TensorFlow, epsilon 0.001" if same else "evenly, epsilon 0.00001"
        notes += (
            f"Padding is assumed: {pads}; the weights do not tell whether they came from "
            "TensorFlow (tf_...).",
        )
    config = replace(
        config, stages=_activated(kind, config, activation), activation=activation,
        norm_eps=eps, same_padding=same,
    )  # fmt: skip
    if activation == "hard_swish":
        config = replace(config, gate="hard_sigmoid", gate_activation="relu")
    return config, notes


def _activated(
    kind: Published, config: EfficientNetConfig, activation: Activation
) -> tuple[tuple[BlockShape, ...], ...]:
    """Blocks with their activations: MobileNet v3 has ReLU in its first stages."""
    relu = {"v3 large": 3, "v3 small": 2}.get(kind, 0)
    return tuple(
        tuple(replace(block, activation="relu" if at < relu else activation) for block in stage)
        for at, stage in enumerate(config.stages)
    )


def _keys(tensors: Tensors, names: Names) -> dict[str, str]:
    """The checkpoint's key of each of our names."""
    keys: dict[str, str] = {}

    def add(ours: str, unit: Unit) -> None:
        keys[f"{ours}.conv.weight"] = f"{unit.first}.weight"
        keys.update({f"{ours}.norm.{part}": f"{unit.second}.{part}" for part in NORM})

    blocks = [units for stage in names.stages for units in stage]
    add("stem", names.stem)
    add(f"blocks.{len(blocks)}", names.last)
    for at, units in enumerate(blocks):
        convs = [unit for unit in units if not unit.squeezes]
        fused = _block(tensors, units).fused
        roles = (
            ("expand", "project") if fused else ("expand", "depthwise", "project")[-len(convs) :]
        )
        for role, unit in zip(roles, convs, strict=False):
            add(f"blocks.{at}.{role}", unit)
        for unit in (unit for unit in units if unit.squeezes):
            for part in ("weight", "bias"):
                keys[f"blocks.{at}.squeeze.reduce.{part}"] = f"{unit.first}.{part}"
                keys[f"blocks.{at}.squeeze.expand.{part}"] = f"{unit.second}.{part}"
    for ours, theirs in (("hidden", names.hidden), ("head", names.head)):
        if theirs:
            keys.update({f"{ours}.{part}": f"{theirs}.{part}" for part in ("weight", "bias")})
    return keys


TOLD: dict[str, Any] = {
    "activation": Activation, "gate": Gate, "gate_activation": Activation, "same_padding": bool,
    "norm_eps": float,
}  # fmt: skip
"""Fields that shapes do not tell, and what they may be."""

OTHERS = re.compile(
    r"efficientnet_(blur|x|h|e[slm]|cc|b0_g)|mobilenet_edgetpu|_minimal_|mobilenetv3_rw"
)
"""Of timm's architectures that name their parameters alike, those that are something else."""


def _with_said(
    found: tuple[EfficientNetConfig, Notes], said: Said
) -> tuple[EfficientNetConfig, Notes]:
    """What is said goes over what was assumed."""
    config, notes = found
    told: dict[str, Any] = {}
    for name, kind in TOLD.items():
        choices = get_args(kind)
        value = said.get(name, str if choices else kind)
        if value is not None and (not choices or value in choices):
            told[name] = value
    if said.kind == "timm" and said.architecture:
        if OTHERS.search(said.architecture):
            raise CheckpointError(
                f"This is {said.architecture}, a relative of EfficientNet and the MobileNets that "
                "vitviz cannot read yet."
            )
        from_tensorflow = said.architecture.startswith("tf_")
        told |= {"same_padding": from_tensorflow, "norm_eps": 1e-3 if from_tensorflow else 1e-5}
    if told.keys() >= {"same_padding", "norm_eps"}:
        notes = count_note(config.class_count)
    return replace(config, input_size=said.size() or config.input_size, **told), notes


def timm_recognises(tensors: Tensors) -> bool:
    """Whether the names are timm's."""
    return "conv_stem.weight" in tensors and any(
        re.match(r"blocks\.\d+\.\d+\.(conv_dw|conv_exp|conv)\.weight$", key) for key in tensors
    )


def torchvision_recognises(tensors: Tensors) -> bool:
    """Whether the names are torchvision's."""
    return "features.0.0.weight" in tensors and any(
        re.match(r"features\.\d+\.(\d+\.)?(block|conv)\.\d+\.0\.weight$", key) for key in tensors
    )


def timm_config(tensors: Tensors, said: Said) -> tuple[EfficientNetConfig, Notes]:
    """The network of a checkpoint in timm's names."""
    return infer(tensors, timm_names(tensors), said)


def torchvision_config(tensors: Tensors, said: Said) -> tuple[EfficientNetConfig, Notes]:
    """The network of a checkpoint in torchvision's names."""
    return infer(tensors, torchvision_names(tensors), said)


def _converted(tensors: Tensors, names: Names, config: EfficientNetConfig) -> Tensors:
    blocks = len(config.blocks)
    what = f"an EfficientNet or MobileNet of {blocks} blocks"
    return fit(tensors, _keys(tensors, names), lambda: EfficientNet(config), what)


def timm_convert(tensors: Tensors, config: EfficientNetConfig) -> Tensors:
    """The parameters under our names."""
    return _converted(tensors, timm_names(tensors), config)


def torchvision_convert(tensors: Tensors, config: EfficientNetConfig) -> Tensors:
    """The parameters under our names."""
    return _converted(tensors, torchvision_names(tensors), config)


def timm_preprocessing(config: EfficientNetConfig) -> tuple[Preprocessing, Notes]:
    """As most of timm's weights want it; EfficientNet-Lite's as TensorFlow's."""
    found, notes = as_timm(config.input_size, config.step, 0.875)
    if config.same_padding and config.activation == "relu6":
        note = (
            "Preprocessing is assumed: shorter edge to 8/7 of the input, bicubic, mean 127 and std "
            "128 of 255, as EfficientNet-Lite was trained."
        )
        lite = replace(found, mean=(127 / 255,) * 3, std=(128 / 255,) * 3)
        return lite, (Assumption("preprocessing", note),)
    return found, notes


def torchvision_preprocessing(config: EfficientNetConfig) -> tuple[Preprocessing, Notes]:
    """As torchvision's published weights want it, the smallest of each kind."""
    return as_torchvision(
        config.input_size, config.step, 256, "torchvision's MobileNets and EfficientNet-B0 want it"
    )


TIMM = Reader(
    "timm-efficientnet", "timm (EfficientNet, MobileNet v2 and v3)", timm_recognises, timm_config,
    timm_convert, timm_preprocessing,
)  # fmt: skip

TORCHVISION = Reader(
    "torchvision-efficientnet", "torchvision (efficientnet_b0, mobilenet_v2, mobilenet_v3_large)",
    torchvision_recognises, torchvision_config, torchvision_convert, torchvision_preprocessing,
)  # fmt: skip

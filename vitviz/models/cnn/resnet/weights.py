"""Checkpoints of ResNets: torchvision and timm name the parameters alike, transformers otherwise.

Sources: torchvision ``models/resnet.py``; timm ``resnet.py``; transformers
``modeling_resnet.py``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from vitviz.errors import CheckpointError
from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Notes, Reader, Said, Tensors
from vitviz.models.cnn.parameters import NORM, as_timm, as_torchvision, count_note, fit, shape
from vitviz.models.cnn.resnet.config import STEP, ResNetConfig, block_shapes
from vitviz.models.cnn.resnet.network import ResNet, stem_names

KNOWN = r"$|([a-z]+_)?(resnet|resnext|wide_resnet)\d"
"""timm's architectures; anti-aliased ones (resnetaa50d, resnetblur50) have the same parameters."""


def recognises(tensors: Tensors) -> bool:
    """Whether the names are a ResNet's."""
    return "layer1.0.conv1.weight" in tensors and "layer4.0.conv1.weight" in tensors


def config(tensors: Tensors, said: Said) -> tuple[ResNetConfig, Notes]:
    """The network, from the shapes; strides are the same in all published ones."""
    if said.kind == "timm" and not re.match(KNOWN, said.architecture):
        raise CheckpointError(
            f"This is {said.architecture[:60]}, a relative of ResNet that vitviz cannot read yet: "
            "its parameters are named alike, but it computes something else."
        )
    bottleneck = "layer1.0.conv3.weight" in tensors
    last = "conv3" if bottleneck else "conv2"
    inner = shape(tensors, "layer1.0.conv2.weight")
    deep = "conv1.0.weight" in tensors
    stem = "conv1.6" if deep else "conv1"
    first = shape(tensors, "conv1.0.weight" if deep else "conv1.weight")
    if first[1:] != ((3, 3, 3) if deep else (3, 7, 7)):
        raise CheckpointError(
            f"The model's first convolution is {first[2]} x {first[3]} on {first[1]} channels, "
            "where a ResNet has 7 x 7 on 3, or three of 3 x 3.",
            "It may be a ResNet for tiny images, which vitviz does not read yet.",
        )
    classes = shape(tensors, "fc.weight", 2)[0] if "fc.weight" in tensors else 0
    try:
        found = ResNetConfig(
            depths=_each(tensors, _depth),
            hidden=_each(tensors, lambda t, i: shape(t, f"layer{i}.0.conv2.weight")[0]),
            widths=_each(tensors, lambda t, i: shape(t, f"layer{i}.0.{last}.weight")[0]),
            bottleneck=bottleneck,
            groups=max(inner[0] // inner[1], 1) if bottleneck else 1,
            stem=shape(tensors, f"{stem}.weight")[0],
            deep_stem=_deep(tensors) if deep else (),
            averages_beside="layer2.0.downsample.1.weight" in tensors
            and tensors["layer2.0.downsample.1.weight"].ndim == 4,
            class_count=classes,
        )
    except ValueError as error:
        raise CheckpointError(f"The shapes are of no ResNet: {error}.") from error
    found = replace(
        found, input_size=said.size() or found.input_size,
        norm_eps=said.get("norm_eps", float) or found.norm_eps,
    )  # fmt: skip
    return found, count_note(classes)


Four = tuple[int, int, int, int]


def _each(tensors: Tensors, of: Callable[[Tensors, int], int]) -> Four:
    """Something of each stage."""
    return of(tensors, 1), of(tensors, 2), of(tensors, 3), of(tensors, 4)


def _depth(tensors: Tensors, stage: int) -> int:
    pattern = re.compile(rf"layer{stage}\.(\d{{1,4}})\.")
    numbers = {int(match[1]) for key in tensors if (match := pattern.match(key))}
    missing = sorted(set(range(max(numbers, default=0) + 1)) - numbers)
    if missing:
        raise CheckpointError(
            f"The checkpoint lacks block {missing[0] + 1} of stage {stage}.",
            "It may be cut short, or hold only a part of a model.",
        )
    return len(numbers)


def _deep(tensors: Tensors) -> tuple[int, int]:
    return shape(tensors, "conv1.0.weight")[0], shape(tensors, "conv1.3.weight")[0]


def _keys(config: ResNetConfig) -> dict[str, str]:
    """The checkpoint's key of each of our names."""
    keys: dict[str, str] = {}

    def add(ours: str, theirs: str, parts: tuple[str, ...]) -> None:
        keys.update({f"{ours}.{part}": f"{theirs}.{part}" for part in parts})

    stem = stem_names(config)
    for number, (conv, norm) in enumerate(zip(stem[::2], stem[1::2], strict=True)):
        add(f"stem.convs.{number}", conv, ("weight",))
        add(f"stem.norms.{number}", norm, NORM)
    for at, block in enumerate(block_shapes(config)):
        ours, theirs = f"blocks.{at}", f"layer{block.stage + 1}.{block.number}"
        for number in range(1, 4 if config.bottleneck else 3):
            add(f"{ours}.conv{number}", f"{theirs}.conv{number}", ("weight",))
            add(f"{ours}.bn{number}", f"{theirs}.bn{number}", NORM)
        if block.projects:
            first = 1 if config.averages_beside else 0
            add(f"{ours}.beside.conv", f"{theirs}.downsample.{first}", ("weight",))
            add(f"{ours}.beside.norm", f"{theirs}.downsample.{first + 1}", NORM)
    if config.class_count:
        add("fc", "fc", ("weight", "bias"))
    return keys


def convert(tensors: Tensors, config: ResNetConfig) -> Tensors:
    """The parameters under our names."""
    what = f"a ResNet of {sum(config.depths)} blocks"
    return fit(tensors, _keys(config), lambda: ResNet(config), what)


def preprocessing(config: ResNetConfig) -> tuple[Preprocessing, Notes]:
    """As torchvision's first published weights want it; the second ones want 232 for 256."""
    return as_torchvision(config.input_size, STEP, 256, "torchvision's first weights want it")


READER = Reader(
    "resnet", "torchvision and timm (ResNet, ResNeXt, Wide ResNet)", recognises, config, convert,
    preprocessing,
)  # fmt: skip

OUR_NAMES = tuple(
    (re.compile(pattern), ours)
    for pattern, ours in (
        (r"^resnet\.", ""),
        (r"^embedder\.embedder\.convolution\.", "conv1."),
        (r"^embedder\.embedder\.normalization\.", "bn1."),
        (r"\.shortcut\.convolution\.", ".downsample.0."),
        (r"\.shortcut\.normalization\.", ".downsample.1."),
        (r"^classifier\.1\.", "fc."),
    )
)


def torchvision_names(tensors: Tensors) -> Tensors:
    """The parameters of a checkpoint of transformers' under torchvision's names."""
    found = {}
    for key, tensor in tensors.items():
        name = key
        for pattern, ours in OUR_NAMES:
            name = pattern.sub(ours, name)
        if match := re.match(r"encoder\.stages\.(\d{1,2})\.layers\.(\d{1,4})\.(.*)", name):
            name = f"layer{int(match[1]) + 1}.{match[2]}.{match[3]}"
        if match := re.match(r"(.*)\.layer\.(\d)\.(convolution|normalization)\.(.*)", name):
            part = {"convolution": "conv", "normalization": "bn"}[match[3]]
            name = f"{match[1]}.{part}{int(match[2]) + 1}.{match[4]}"
        found[name] = tensor
    return found


def transformers_config(tensors: Tensors, said: Said) -> tuple[ResNetConfig, Notes]:
    """The network, from the shapes; refuses options that the shapes do not tell."""
    others = {"downsample_in_bottleneck": False, "downsample_in_first_stage": False,
              "hidden_act": "relu"}  # fmt: skip
    odd = [name for name, usual in others.items() if said.arguments.get(name, usual) != usual]
    if odd:
        raise CheckpointError(
            "This is a relative of ResNet that vitviz cannot read yet: its config.json has another "
            f"{' and '.join(odd)} than ResNet."
        )
    return config(torchvision_names(tensors), said)


TRANSFORMERS = Reader(
    "transformers-resnet",
    "transformers (ResNet)",
    lambda tensors: any(
        re.fullmatch(
            r"(resnet\.)?encoder\.stages\.0\.layers\.0\.layer\.0\.convolution\.weight", key
        )
        for key in tensors
    ),
    transformers_config,
    lambda tensors, config: convert(torchvision_names(tensors), config),
    lambda config: as_timm(config.input_size, STEP, 0.875),
)

"""What the files that hubs put beside weights say: timm's, transformers' and OpenCLIP's.

They come from anywhere, hold much that is of no use here, and are not ours to be strict about: a
field of the expected type is taken, any other is as if it were not there.

Sources: timm ``models/_hub.py`` (``save_config_for_hf``, ``_parse_model_cfg``), ``data/config.py``;
transformers ``configuration_utils.py``, ``image_processing_utils.py`` and each model's image
processor; open_clip ``push_to_hf_hub.py``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from vitviz.models.checkpoints.said import Outputs, Said

LONGEST_CONFIG = 4 << 20
"""Characters; one with 21,843 names of classes takes 1.5 million."""

MOST_NAMES = 30_000

ACTIVATIONS = {
    "gelu": "gelu", "gelu_new": "gelu_tanh", "gelu_pytorch_tanh": "gelu_tanh",
    "gelu_fast": "gelu_tanh", "gelu_tanh": "gelu_tanh", "quick_gelu": "quick_gelu",
    "quickgelu": "quick_gelu", "silu": "silu", "swish": "silu", "swiglu": "silu",
}  # fmt: skip
"""Theirs to ours."""

POOLS = {"token": "cls", "avg": "mean", "map": "map", "": ""}
"""timm's ``global_pool`` to ours."""

RESAMPLING = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers."""

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos")

CROP, SQUASH = "shortest edge, then centre crop", "squash"
SQUASH_CROP, PAD = "squash, then centre crop", "longest edge, then pad"


def read_config(values: Mapping[str, Any]) -> Said | None:
    """What a ``config.json`` says; None where it is of none of these libraries."""
    if isinstance(values.get("model_cfg"), dict):
        return _open_clip(values)
    if isinstance(values.get("architecture"), str):
        return _timm(values)
    if isinstance(values.get("model_type"), str):
        return _transformers(values)
    return None


# timm


def _timm(values: Mapping[str, Any]) -> Said:
    pretrained = values.get("pretrained_cfg")
    cfg = pretrained if isinstance(pretrained, dict) else values
    arguments = values.get("model_args")
    arguments = arguments if isinstance(arguments, dict) else {}
    network: dict[str, Any] = {}
    _take(network, "heads", arguments.get("num_heads"), int)
    _take(network, "depth", arguments.get("depth"), int)
    if isinstance(arguments.get("act_layer"), str):
        _take(network, "activation", ACTIVATIONS.get(arguments["act_layer"].lower()), str)
    size = _square(arguments.get("img_size")) or _size_of(cfg.get("input_size"))
    _take(network, "input_size", size, tuple)
    _take(network, "patch", arguments.get("patch_size"), int)
    pool = values.get("global_pool", arguments.get("global_pool", cfg.get("global_pool")))
    if isinstance(pool, str):
        network["pool"] = POOLS.get(pool, pool)
    names = _timm_names(values, cfg)
    tag = cfg.get("tag") if isinstance(cfg.get("tag"), str) else ""
    thousand = values.get("num_classes", cfg.get("num_classes")) == 1000
    known = "imagenet-1k" if thousand and re.search(r"(^|_)in1k(_|$)", tag or "") else ""
    return Said(
        "timm", values["architecture"][:200], arguments, network,
        _timm_preprocessing(cfg, arguments), names, "" if names else known,
    )  # fmt: skip


def _timm_preprocessing(cfg: Mapping[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """``resolve_data_config`` and ``create_transform`` of timm, for evaluation."""
    found: dict[str, Any] = {}
    _take(found, "mean", _three(cfg.get("mean")), tuple)
    _take(found, "std", _three(cfg.get("std")), tuple)
    if cfg.get("interpolation") in INTERPOLATIONS:
        found["interpolation"] = cfg["interpolation"]
    size = _size_of(cfg.get("input_size")) or _square(arguments.get("img_size"))
    if size is None:
        return found
    found["input_size"] = size
    pct = cfg.get("crop_pct")
    pct = float(pct) if isinstance(pct, int | float) and 0 < pct <= 1 else 0.875
    edge = math.floor(min(size) / pct)
    squashed = SQUASH if edge == min(size) else SQUASH_CROP
    rule = {"squash": squashed, "border": PAD}.get(str(cfg.get("crop_mode")), CROP)
    return {**found, "rule": rule, "edge": edge}


def _timm_names(values: Mapping[str, Any], cfg: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the classes: descriptions of its labels where there are any."""
    labels = values.get("label_names", cfg.get("label_names", values.get("labels")))
    names = _texts(labels)
    described = values.get("label_descriptions", cfg.get("label_descriptions"))
    if names and isinstance(described, dict):
        words = [described.get(name) for name in names]
        return tuple(
            w[:500] if isinstance(w, str) else n for w, n in zip(words, names, strict=True)
        )
    return names


# transformers


def _transformers(values: Mapping[str, Any]) -> Said:
    vision = values.get("vision_config")
    part: Mapping[str, Any] = {**values, **vision} if isinstance(vision, dict) else values
    network: dict[str, Any] = {}
    _take(network, "heads", part.get("num_attention_heads"), int)
    if isinstance(part.get("hidden_act"), str):
        _take(network, "activation", ACTIVATIONS.get(part["hidden_act"]), str)
    if part.get("use_swiglu_ffn") is True:
        network["activation"] = "silu"
    _take(network, "norm_eps", part.get("layer_norm_eps"), float)
    _take(network, "input_size", _square(part.get("image_size")), tuple)
    _take(network, "patch", part.get("patch_size"), int)
    if "depths" not in part:
        _take(network, "width", part.get("hidden_size"), int)
        _take(network, "depth", part.get("num_hidden_layers"), int)
    problem = values.get("problem_type")
    outputs: Outputs = {"multi_label_classification": "labels", "regression": "values"}.get(
        problem if isinstance(problem, str) else "", ""
    )  # type: ignore[assignment]
    return Said(
        "transformers", str(part.get("model_type", values["model_type"]))[:200], values, network,
        names=_hf_names(values.get("id2label")), outputs=outputs,
    )  # fmt: skip


def _hf_names(labels: object) -> tuple[str, ...]:
    """``id2label`` in the order of its numbers; empty where it is the filler of a new model."""
    if not isinstance(labels, dict) or not 0 < len(labels) <= MOST_NAMES:
        return ()
    found = [labels.get(str(i), labels.get(i)) for i in range(len(labels))]
    names = tuple(name[:500] for name in found if isinstance(name, str) and "\0" not in name)
    filler = all(name == f"LABEL_{i}" for i, name in enumerate(names))
    return names if len(names) == len(found) and not filler else ()


def read_processor(values: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of ``Preprocessing`` that a ``preprocessor_config.json`` tells."""
    inner = values.get("image_processor")
    given = inner if isinstance(inner, dict) else values
    kind = str(given.get("image_processor_type") or given.get("feature_extractor_type") or "")
    found: dict[str, Any] = {}
    if given.get("do_normalize") is False:
        found |= {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
    else:
        _take(found, "mean", _three(given.get("image_mean")), tuple)
        _take(found, "std", _three(given.get("image_std")), tuple)
    if given.get("resample") in RESAMPLING:
        found["interpolation"] = RESAMPLING[given["resample"]]
    if given.get("do_resize") is not False and given.get("size") is not None:
        found |= _resized(given, given["size"], kind)
    return found


def _resized(given: Mapping[str, Any], size: object, kind: str) -> dict[str, Any]:
    """How photos become the input: a size is a square, a height and a width, or a shorter edge."""
    crop = _sides(given.get("crop_size"))
    short = size.get("shortest_edge") if isinstance(size, dict) else None
    if isinstance(size, int) and not kind.startswith(("ViT", "DeiT", "Siglip", "Beit")):
        short = size
    if kind.startswith("ConvNext") and _is_size(short):
        return _convnext(short, given.get("crop_pct"))
    if _is_size(short):
        cropped = crop if given.get("do_center_crop", crop is not None) and crop else (short, short)
        return {"input_size": cropped, "rule": CROP, "edge": short}
    sides = _sides(size)
    if sides is None:
        return {}
    if given.get("do_center_crop") is True and crop is not None and crop != sides:
        if sides[0] == sides[1] and crop[0] == crop[1] <= sides[0]:
            return {"input_size": crop, "rule": SQUASH_CROP, "edge": sides[0]}
        return {}
    return {"input_size": sides, "rule": SQUASH, "edge": max(sides)}


def _convnext(short: Any, pct: object) -> dict[str, Any]:
    """``ConvNextImageProcessor``: below 384 a crop of ``crop_pct``, else a squashed square."""
    if short >= 384:
        return {"input_size": (short, short), "rule": SQUASH, "edge": short}
    share = float(pct) if isinstance(pct, int | float) and 0 < pct <= 1 else 224 / 256
    return {"input_size": (short, short), "rule": CROP, "edge": int(short / share)}


# OpenCLIP


def _open_clip(values: Mapping[str, Any]) -> Said:
    cfg = values["model_cfg"]
    vision = cfg.get("vision_cfg")
    vision = vision if isinstance(vision, dict) else {}
    network: dict[str, Any] = {}
    width, head = vision.get("width"), vision.get("head_width", 64)
    if _is_size(width) and _is_size(head) and width % head == 0:
        network["heads"] = width // head
    size = _square(vision.get("image_size"))
    _take(network, "input_size", size, tuple)
    _take(network, "patch", vision.get("patch_size"), int)
    if "timm_model_name" not in vision:
        network["activation"] = "quick_gelu" if cfg.get("quick_gelu") is True else "gelu"
    given = values.get("preprocess_cfg")
    given = given if isinstance(given, dict) else {}
    found: dict[str, Any] = {}
    _take(found, "mean", _three(given.get("mean")), tuple)
    _take(found, "std", _three(given.get("std")), tuple)
    if given.get("interpolation") in INTERPOLATIONS:
        found["interpolation"] = given["interpolation"]
    size = _square(given.get("size")) or size
    if size:
        rule = {"squash": SQUASH, "longest": PAD}.get(str(given.get("resize_mode")), CROP)
        found |= {"input_size": size, "rule": rule, "edge": min(size)}
    name = vision.get("timm_model_name")
    return Said(
        "open_clip", name[:200] if isinstance(name, str) else "", cfg, network, found
    )  # fmt: skip


# A training script's options


def read_options(options: Mapping[str, Any]) -> Said:
    """What a training script wrote beside the weights: its model's name, names of classes.

    Args:
        options: By dotted name: "args.arch".
    """
    by_last: dict[str, Any] = {}
    for name, value in options.items():
        by_last.setdefault(name.rpartition(".")[2], value)
    kinds = ("arch", "architecture", "model_name", "model", "backbone", "net")
    name = next((by_last[k] for k in kinds if isinstance(by_last.get(k), str) and by_last[k]), "")
    network: dict[str, Any] = {}
    _take(network, "heads", by_last.get("num_heads"), int)
    if "openai_clip" in options:  # as OpenAI publishes CLIP, and hardly anybody else
        network["activation"] = "quick_gelu"
    names: tuple[str, ...] = ()
    for key in ("class_names", "classes", "idx_to_class", "labels", "categories"):
        value = by_last.get(key)
        if isinstance(value, tuple) and value and all(isinstance(one, str) for one in value):
            names = tuple(one[:500] for one in value[:MOST_NAMES])
            break
    return Said("training", name[:200], dict(options), network, names=names or _indexed(options))


def _indexed(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Names from ``class_to_idx``, as torchvision's ImageFolder makes it."""
    found = {
        index: name.partition("class_to_idx.")[2]
        for name, index in options.items()
        if "class_to_idx." in name and type(index) is int
    }
    return (
        tuple(found[i] for i in range(len(found))) if set(found) == set(range(len(found))) else ()
    )


# Values


def _take(found: dict[str, Any], name: str, value: object, kind: type) -> None:
    """Puts a value under a name if it is of its type, and in reason."""
    if kind is float and type(value) is int:
        value = float(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        return
    if isinstance(value, int | float) and not 0 < value <= 1 << 20:
        return
    found[name] = value


def _is_size(value: object) -> bool:
    return type(value) is int and 0 < value <= 1 << 14


def _three(value: object) -> tuple[float, float, float] | None:
    if isinstance(value, list | tuple) and len(value) == 3:
        a, b, c = value
        if all(isinstance(v, int | float) and math.isfinite(v) and 0 <= v <= 10 for v in value):
            return float(a), float(b), float(c)
    return None


def _square(value: object) -> tuple[int, int] | None:
    """A side, or both: height and width."""
    if _is_size(value):
        return value, value  # type: ignore[return-value]
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_size, value)):
        return value[0], value[1]
    return None


def _size_of(value: object) -> tuple[int, int] | None:
    """Of channels, height and width."""
    if isinstance(value, list | tuple) and len(value) == 3 and all(map(_is_size, value)):
        return value[1], value[2]
    return None


def _sides(value: object) -> tuple[int, int] | None:
    """Of {"height", "width"}, or a side."""
    if isinstance(value, dict):
        return _square([value.get("height"), value.get("width")])
    return _square(value)


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MOST_NAMES:
        return ()
    names = tuple(one[:500] for one in value if isinstance(one, str) and "\0" not in one)
    return names if len(names) == len(value) else ()

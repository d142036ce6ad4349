"""What a live model tells of itself: as its library would write it beside the weights.

Nothing here imports a library: whoever made the object has.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

Config = dict[str, Any]

ACTIVATIONS = {"gelu": "gelu", "gelutanh": "gelu_tanh", "quickgelu": "quick_gelu", "silu": "silu"}
"""Names of classes, in lower case, to ours."""

LIBRARIES = ("timm", "transformers", "torchvision", "open_clip")


def library(module: nn.Module) -> str:
    """Which library its class is of; "" for any other."""
    for kind in type(module).__mro__:
        name = kind.__module__.partition(".")[0]
        if name in LIBRARIES:
            return name
    return ""


def configs(module: nn.Module) -> dict[str, Config]:
    """The files that its library would put beside its weights, by name."""
    match library(module):
        case "timm":
            return {"config.json": _timm(module)}
        case "transformers":
            return {"config.json": plain(_called(module.config, "to_dict"))}
        case "open_clip":
            visual = getattr(module, "visual", module)
            config = _open_clip(visual)
            if visual is not module:
                config["model_cfg"]["text_cfg"] = _open_clip_text(module)
            return {"open_clip_config.json": config}
    return {}


def _timm(module: Any) -> Config:
    """As ``timm.models.save_for_hf`` writes it, with what the object itself has."""
    cfg = plain(dict(getattr(module, "pretrained_cfg", None) or {}))
    arguments: Config = {}
    pool = getattr(module, "global_pool", None)
    size = getattr(getattr(module, "patch_embed", None), "img_size", None)
    if isinstance(size, tuple) and len(size) == 2:
        arguments["img_size"] = list(size)
        cfg["input_size"] = [3, *size]
    if heads := the_heads(module):
        arguments["num_heads"] = heads
    return {
        "architecture": str(cfg.get("architecture") or type(module).__name__),
        "num_classes": int(getattr(module, "num_classes", 0) or 0),
        "global_pool": pool if isinstance(pool, str) else cfg.get("global_pool") or "",
        "pretrained_cfg": cfg,
        "model_args": arguments,
    }


def _open_clip(visual: Any) -> Config:
    """As ``open_clip.push_to_hf_hub`` writes it, as far as the image tower tells it."""
    vision: Config = {}
    size = getattr(visual, "image_size", None)
    vision["image_size"] = list(size) if isinstance(size, tuple) else size
    vision["patch_size"] = _first(getattr(visual, "patch_size", None))
    convolution = getattr(visual, "conv1", None)
    width, heads = getattr(convolution, "out_channels", None), the_heads(visual)
    if width and heads:
        vision |= {"width": width, "head_width": width // heads}
    return {
        "model_cfg": {
            "vision_cfg": {name: value for name, value in vision.items() if value},
            "quick_gelu": activation(visual) == "quick_gelu",
        },
        "preprocess_cfg": plain(dict(getattr(visual, "preprocess_cfg", None) or {})),
    }


def _open_clip_text(module: Any) -> Config:
    """Of the text tower, which is a part of its own or lies open in the whole."""
    text = getattr(module, "text", module)
    transformer = getattr(text, "transformer", None)
    found: Config = {
        "heads": the_heads(transformer) if transformer is not None else 0,
        "no_causal_mask": getattr(text, "attn_mask", None) is None,
        "pool_type": getattr(text, "pool_type", None) or getattr(module, "text_pool_type", None),
    }
    eps = getattr(getattr(text, "ln_final", None), "eps", None)
    if isinstance(eps, float):
        found["norm_kwargs"] = {"eps": eps}
    if transformer is not None and activation(transformer) == "gelu_tanh":
        found["act_kwargs"] = {"approximate": "tanh"}
    return {name: value for name, value in found.items() if value is not None}


def told(module: nn.Module) -> Config:
    """Fields of a model card that shapes do not tell, as the object's own parts have them.

    Empty where these are not alike all over: networks in stages, whose families know them.
    """
    tower = getattr(module, "visual", None) or getattr(module, "vision_model", None) or module
    heads, eps = the_heads(tower), the_eps(tower)
    if not heads:
        return {}
    found: Config = {"heads": heads}
    if eps:
        found["layer_norm_eps"] = eps
    if kind := activation(tower):
        found["activation"] = kind
    if size := the_size(tower):
        found["input_size"] = list(size)
    return found


def the_size(module: Any) -> tuple[int, int] | None:
    """Height and width that it was made for; None where it does not say."""
    embedding = getattr(module, "patch_embed", None)
    for size in (getattr(embedding, "img_size", None), getattr(module, "image_size", None)):
        if type(size) is int:
            return size, size
        if isinstance(size, tuple) and len(size) == 2:
            return int(size[0]), int(size[1])
    return None


def the_heads(module: nn.Module) -> int:
    """How many heads every attention has; 0 where they differ, or there is none."""
    found = set()
    for name, part in module.named_modules():
        for field in ("num_heads", "num_attention_heads", "n_heads"):
            value = getattr(part, field, None)
            if type(value) is int and value > 0 and not _pools(name):
                found.add(value)
    return found.pop() if len(found) == 1 else 0


def _pools(name: str) -> bool:
    """Whether a part only collects what others have made: its heads may be others."""
    return any(word in name for word in ("attn_pool", "head", "pooler", "decoder"))


def the_eps(module: nn.Module) -> float:
    """Epsilon of the LayerNorms; 0 where they differ."""
    from torch import nn

    norms = [part for part in module.modules() if isinstance(part, nn.LayerNorm)]
    found = {float(part.eps) for part in norms}
    return found.pop() if len(found) == 1 else 0.0


def activation(module: nn.Module) -> str:
    """What follows the first layer of the MLPs, in our words; "" where it cannot be told."""
    counted = Counter(filter(None, (_activation(part) for part in module.modules())))
    return counted.most_common(1)[0][0] if len(counted) == 1 else ""


def _activation(part: nn.Module) -> str:
    name = type(part).__name__.casefold()
    if name == "gelu":
        return "gelu_tanh" if getattr(part, "approximate", "none") == "tanh" else "gelu"
    return ACTIVATIONS.get(name.removesuffix("activation"), "")


def preprocessing_configs(preprocessing: object) -> dict[str, Config]:
    """What somebody prepares photos with, as transformers writes it beside weights.

    Args:
        preprocessing: An image processor of transformers, a preset or a ``Compose`` of
            torchvision (timm's and OpenCLIP's are some), or its fields.

    Raises:
        ValueError: It is none of these, or does what cannot be said so.
    """
    if isinstance(preprocessing, Mapping):
        return {"preprocessor_config.json": plain(dict(preprocessing))}
    if hasattr(preprocessing, "to_dict") and hasattr(preprocessing, "image_mean"):
        config = plain(_called(preprocessing, "to_dict"))
        config.setdefault("image_processor_type", type(preprocessing).__name__)
        return {"preprocessor_config.json": config}
    if hasattr(preprocessing, "image_processor"):
        return preprocessing_configs(preprocessing.image_processor)
    if hasattr(preprocessing, "crop_size") and hasattr(preprocessing, "resize_size"):
        return {"preprocessor_config.json": _preset(preprocessing)}
    if hasattr(preprocessing, "transforms"):
        return {"preprocessor_config.json": _composed(preprocessing.transforms)}
    raise ValueError(f"a {type(preprocessing).__name__} says nothing of how photos are prepared")


RESAMPLING = {"nearest": 0, "lanczos": 1, "bilinear": 2, "bicubic": 3}


def _preset(preset: Any) -> Config:
    return {
        "size": {"shortest_edge": _first(preset.resize_size)},
        "crop_size": _sides(preset.crop_size), "do_center_crop": True,
        "resample": _resampling(preset.interpolation),
        "image_mean": list(preset.mean), "image_std": list(preset.std),
    }  # fmt: skip


def _composed(steps: Any) -> Config:
    """Resize, CenterCrop and Normalize of a ``Compose``; steps that only convert are passed over.

    Raises:
        ValueError: There is another one.
    """
    found: Config = {"do_center_crop": False}
    for step in steps:
        match type(step).__name__:
            case "Resize":
                size = step.size
                both = isinstance(size, list | tuple) and len(size) == 2
                found["size"] = _sides(size) if both else {"shortest_edge": _first(size)}
                found["resample"] = _resampling(step.interpolation)
            case "CenterCrop":
                found |= {"crop_size": _sides(step.size), "do_center_crop": True}
            case "Normalize":
                found |= {"image_mean": _floats(step.mean), "image_std": _floats(step.std)}
            case "ToTensor" | "MaybeToTensor" | "PILToTensor" | "ToImage" | "ConvertImageDtype":
                pass
            case "ToDtype" | "function" | "RGB" | "MaybePILToTensor":
                pass
            case other:
                raise ValueError(f"photos are prepared by {other}, which vitviz does not know")
    return found


def _resampling(interpolation: Any) -> int:
    name = str(getattr(interpolation, "value", interpolation)).rpartition(".")[2].casefold()
    if name not in RESAMPLING:
        raise ValueError(f"photos are resized by {name}, which vitviz does not know")
    return RESAMPLING[name]


def _sides(size: Any) -> dict[str, int]:
    height, width = (size[0], size[-1]) if isinstance(size, list | tuple) else (size, size)
    return {"height": int(height), "width": int(width)}


def _floats(values: Any) -> list[float]:
    return [round(float(value), 9) for value in values]


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list | tuple) and value else value


def _called(thing: Any, method: str) -> Config:
    return dict(getattr(thing, method)())


def plain(values: Config) -> Config:
    """Values as JSON has them; what has no words there becomes text."""
    made: Config = json.loads(json.dumps(values, default=str))
    return made

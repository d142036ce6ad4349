"""Checkpoints in the names of torchvision's ``vit_b_16`` and its kin.

Source: torchvision ``models/vision_transformer.py``: the names, the older names of the MLP that
``MLPBlock._load_from_state_dict`` accepts, and the preprocessing of each ``Weights``.
"""

from __future__ import annotations

from vitviz.imaging.preprocess import Preprocessing
from vitviz.models.checkpoints.reader import Assumption, Notes
from vitviz.models.checkpoints.renaming import Names
from vitviz.models.vit.config import ViTConfig
from vitviz.models.vit.weights.plain import PlainNames
from vitviz.models.vit.weights.timm import IMAGENET_MEAN, IMAGENET_STD

NAMES: Names = (
    (r"^conv_proj\.", "patch_embed.proj."),
    (r"^class_token$", "cls_token"),
    (r"^encoder\.pos_embedding$", "pos_embed"),
    (r"^encoder\.ln\.", "norm."),
    (r"^encoder\.layers\.encoder_layer_(\d+)\.", r"blocks.\1."),
    (r"(?<=\d)\.ln_([12])\.", r".norm\1."),
    (r"\.self_attention\.in_proj_", ".attn.qkv."),
    (r"\.self_attention\.out_proj\.", ".attn.proj."),
    (r"\.mlp\.(?:0|linear_1)\.", ".mlp.fc1."),
    (r"\.mlp\.(?:3|linear_2)\.", ".mlp.fc2."),
)


def preprocessing(config: ViTConfig) -> tuple[Preprocessing, Notes]:
    """As the published weights of each size want it.

    224 is bilinear from 256 (L/16: 242), except H/14, which was published as SWAG only; SWAG is
    bicubic without a crop.
    """
    short = min(config.input_size)
    swag = short > 320 or config.width == 1280
    large = config.width == 1024 and config.patch == 16
    edge = short if swag else (242 if large else 256) * short // 224
    resize = Preprocessing(
        config.input_size,
        config.patch,
        IMAGENET_MEAN,
        IMAGENET_STD,
        edge=edge,
        interpolation="bicubic" if swag else "bilinear",
    )
    note = (
        f"Preprocessing is assumed: shorter edge to {edge}, {resize.interpolation}, ImageNet mean "
        "and std, as torchvision's published weights of this size want it."
    )
    return resize, (Assumption("preprocessing", note),)


TORCHVISION = PlainNames(
    "torchvision", "torchvision (vit_b_16 and its kin)", NAMES,
    (r"conv_proj\.weight$", r"class_token$", r"encoder\.pos_embedding$"), preprocessing,
)  # fmt: skip

READER = TORCHVISION.reader
recognises, config, convert = TORCHVISION.recognises, TORCHVISION.config, TORCHVISION.convert

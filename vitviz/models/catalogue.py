"""Well-known checkpoints: what they are called, where they lie, how large they are, their licence.

A table by hand, so that people find what they have read about. It is what is shown before anything
is asked of the network; size, licence and hash are asked again before a file is fetched, and what
the source says then counts.

Source: names and licences of ``timm/...`` are those of timm 1.0.31's list of pretrained weights,
addresses of ``torchvision/...`` those of torchvision 0.29's, whose names end in the first letters
of the file's SHA-256. Sizes are four bytes for each parameter, as the files hold them.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

TORCHVISION = "https://download.pytorch.org/models/"


@dataclass(frozen=True)
class Known:
    """A checkpoint that can be fetched.

    Args:
        name: What it is called in ``vitviz download`` and ``--model``: a repository of the hub,
            or "torchvision/..." for those with an address of their own.
        title: For people: "ViT-S/16 AugReg".
        group: Kind of network, and how it was trained: rows of one group stand together.
        bytes: Of the file with the weights, to about a percent.
        licence: Of the weights, as its source calls it.
        gated: Whether terms have to be accepted on the hub before it gives the file.
        url: Where the file lies if it is not on the hub.
        also: Other names that people know it by.
    """

    name: str
    title: str
    group: str
    bytes: int
    licence: str
    gated: bool = False
    url: str = ""
    also: tuple[str, ...] = ()


def _timm(
    name: str, title: str, group: str, parameters: int, licence: str = "apache-2.0",
    also: tuple[str, ...] = (),
) -> Known:  # fmt: skip
    return Known(f"timm/{name}", title, group, 4 * parameters, licence, also=(name, *also))


def _torchvision(name: str, title: str, group: str, parameters: int, file: str,
                 licence: str = "bsd-3-clause") -> Known:  # fmt: skip
    return Known(f"torchvision/{name}", title, group, 4 * parameters, licence,
                 url=TORCHVISION + file, also=(file.removesuffix(".pth"),))  # fmt: skip


VIT, TV_VIT, DEIT = "ViT, supervised", "ViT, torchvision", "DeiT"
DINO, DINO2, DINO3 = "DINO", "DINOv2", "DINOv3"
WORDS, SWIN, CNN = "CLIP and SigLIP", "Swin", "Convolutions"
NC = "cc-by-nc-4.0"

CATALOGUE = (
    _timm("vit_tiny_patch16_224.augreg_in21k_ft_in1k", "ViT-Ti/16 AugReg", VIT, 5_717_416),
    _timm("vit_small_patch16_224.augreg_in21k_ft_in1k", "ViT-S/16 AugReg", VIT, 22_050_664),
    _timm("vit_base_patch16_224.augreg2_in21k_ft_in1k", "ViT-B/16 AugReg2", VIT, 86_567_656),
    _timm("vit_base_patch16_224.augreg_in21k_ft_in1k", "ViT-B/16 AugReg", VIT, 86_567_656),
    _timm("vit_large_patch16_224.augreg_in21k_ft_in1k", "ViT-L/16 AugReg", VIT, 304_326_632),
    Known("google/vit-base-patch16-224", "ViT-B/16, Google", VIT, 4 * 86_567_656, "apache-2.0"),
    _torchvision("vit_b_16", "ViT-B/16", TV_VIT, 86_567_656, "vit_b_16-c867db91.pth"),
    _torchvision("vit_b_32", "ViT-B/32", TV_VIT, 88_224_232, "vit_b_32-d86f8d99.pth"),
    _torchvision("vit_l_16", "ViT-L/16", TV_VIT, 304_326_632, "vit_l_16-852ce7e3.pth"),
    _torchvision("vit_l_32", "ViT-L/32", TV_VIT, 306_535_400, "vit_l_32-c7638314.pth"),
    _torchvision("vit_b_16_swag", "ViT-B/16 SWAG, 384 px", TV_VIT, 86_859_496,
                 "vit_b_16_swag-9ac1b537.pth", NC),
    _torchvision("vit_b_16_lc_swag", "ViT-B/16 SWAG, linear", TV_VIT, 86_567_656,
                 "vit_b_16_lc_swag-4e70ced5.pth", NC),
    _timm("deit_tiny_patch16_224.fb_in1k", "DeiT-Ti/16", DEIT, 5_717_416),
    _timm("deit_small_patch16_224.fb_in1k", "DeiT-S/16", DEIT, 22_050_664),
    _timm("deit_base_patch16_224.fb_in1k", "DeiT-B/16", DEIT, 86_567_656),
    _timm("deit_tiny_distilled_patch16_224.fb_in1k", "DeiT-Ti/16 distilled", DEIT, 5_910_800),
    _timm("deit_small_distilled_patch16_224.fb_in1k", "DeiT-S/16 distilled", DEIT, 22_436_432),
    _timm("deit_base_distilled_patch16_224.fb_in1k", "DeiT-B/16 distilled", DEIT, 87_338_192),
    _timm("deit3_small_patch16_224.fb_in22k_ft_in1k", "DeiT III S/16", DEIT, 22_059_496),
    _timm("deit3_base_patch16_224.fb_in22k_ft_in1k", "DeiT III B/16", DEIT, 86_585_320),
    _timm("vit_small_patch16_224.dino", "DINO S/16", DINO, 21_665_664, also=("dino_vits16",)),
    _timm("vit_small_patch8_224.dino", "DINO S/8", DINO, 21_670_272, also=("dino_vits8",)),
    _timm("vit_base_patch16_224.dino", "DINO B/16", DINO, 85_798_656, also=("dino_vitb16",)),
    _timm("vit_small_patch14_dinov2.lvd142m", "DINOv2 S/14", DINO2, 22_056_192,
          also=("dinov2_vits14",)),
    _timm("vit_base_patch14_dinov2.lvd142m", "DINOv2 B/14", DINO2, 86_579_712,
          also=("dinov2_vitb14",)),
    _timm("vit_small_patch14_reg4_dinov2.lvd142m", "DINOv2 S/14, registers", DINO2, 22_057_344,
          also=("dinov2_vits14_reg",)),
    _timm("vit_base_patch14_reg4_dinov2.lvd142m", "DINOv2 B/14, registers", DINO2, 86_582_016,
          also=("dinov2_vitb14_reg",)),
    Known("facebook/dinov3-vits16-pretrain-lvd1689m", "DINOv3 S/16", DINO3, 86_400_000,
          "dinov3-license", gated=True, also=("dinov3_vits16",)),
    Known("facebook/dinov3-vitb16-pretrain-lvd1689m", "DINOv3 B/16", DINO3, 342_600_000,
          "dinov3-license", gated=True, also=("dinov3_vitb16",)),
    _timm("vit_small_patch16_dinov3.lvd1689m", "DINOv3 S/16, timm", DINO3, 21_586_944,
          "dinov3-license"),
    _timm("vit_base_patch16_dinov3.lvd1689m", "DINOv3 B/16, timm", DINO3, 85_641_216,
          "dinov3-license"),
    _timm("vit_base_patch16_224.mae", "MAE B/16, encoder", "MAE", 85_798_656, NC),
    _timm("vit_base_patch16_clip_224.openai", "CLIP B/16, OpenAI", WORDS, 86_193_152),
    _timm("vit_base_patch16_siglip_224.v2_webli", "SigLIP 2 B/16", WORDS, 92_884_224),
    _timm("swin_tiny_patch4_window7_224.ms_in1k", "Swin-T", SWIN, 28_288_354, "mit"),
    _timm("swin_small_patch4_window7_224.ms_in1k", "Swin-S", SWIN, 49_606_258, "mit"),
    _timm("swin_base_patch4_window7_224.ms_in22k_ft_in1k", "Swin-B", SWIN, 87_768_224, "mit"),
    _torchvision("swin_t", "Swin-T, torchvision", SWIN, 28_288_354, "swin_t-704ceda3.pth"),
    _timm("resnet50.a1_in1k", "ResNet-50", CNN, 25_610_205),
    _torchvision("resnet50", "ResNet-50 V2, torchvision", CNN, 25_557_032,
                 "resnet50-11ad3fa6.pth"),
    _timm("efficientnet_b0.ra_in1k", "EfficientNet-B0", CNN, 5_330_613),
    _timm("convnext_tiny.fb_in22k_ft_in1k", "ConvNeXt-T", CNN, 28_589_128),
)  # fmt: skip
"""In the order they are shown."""


def known(name: str) -> Known | None:
    """The row of this name, or of another name that it has; None where there is none."""
    wanted = name.casefold()
    for row in CATALOGUE:
        if wanted in (row.name.casefold(), *(other.casefold() for other in row.also)):
            return row
    return None


def similar(name: str) -> tuple[str, ...]:
    """Names of the table that this one may have been meant for, the likeliest first."""
    names = {other.casefold(): row.name for row in CATALOGUE for other in (row.name, *row.also)}
    tails = {short.rpartition("/")[2]: full for short, full in names.items()}
    wanted = name.casefold().rpartition("/")[2]
    begin = [full for short, full in tails.items() if wanted and short.startswith(wanted)]
    near = [tails[short] for short in difflib.get_close_matches(wanted, tails, 3, 0.75)]
    return tuple(dict.fromkeys([*begin, *near]))[:3]

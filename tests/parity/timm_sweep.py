"""How all ViT-like pretrained weights of timm would open: names and shapes, and two blocks run.

    python -m tests.parity.timm_sweep [--only REGEX] [--alone] [--results FILE]

For every published name of timm's ViTs the network is made on the meta device: the names and shapes
of its parameters, and the ``config.json`` that lies beside them on the hub, go through the readers.
Of each distinct architecture two blocks are then made with random weights at full width, and both
run on the same input. ``--alone`` leaves the config out, as for a file that was copied without it.
FILE keeps what was found, a line a name, and a run that was ended goes on there; what was refused
is asked again.

Verdicts: right (network equal within 1e-4, preprocessing as timm's), assumed (the network is equal,
something of the preprocessing is not timm's), wrong (another network), refused.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import timm
import torch
from timm.data import resolve_model_data_config
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from vitviz.errors import VitvizError
from vitviz.models.checkpoints.configs import read_config
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.describing import prepared
from vitviz.models.families import Match, reader_of

MODULES = (
    "vision_transformer", "vision_transformer_hybrid", "vision_transformer_relpos",
    "vision_transformer_sam", "deit", "eva", "beit", "cait", "xcit", "naflexvit",
)  # fmt: skip
CLOSE = 1e-4


RANDOM = {"uniform_", "normal_", "trunc_normal_", "erfinv_", "clamp_"}


class Unfilled(TorchFunctionMode):
    """Leaves parameters as they were allocated: their start takes longer than all the rest, and
    means nothing on the meta device or where they are filled otherwise at once.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__name__", "") in RANDOM:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **(kwargs or {}))


class Verdict(NamedTuple):
    """How a name would open, and why not right."""

    kind: str
    words: str = ""


def tags(only: str) -> list[str]:
    """Published names of timm's ViTs."""
    module_of = timm.models._registry._model_to_module
    return [
        tag for tag in timm.list_pretrained()
        if module_of[tag.partition(".")[0]] in MODULES and re.search(only, tag)
    ]  # fmt: skip


def config_json(model: nn.Module) -> dict[str, Any]:
    """What timm writes beside the weights. Source: ``save_config_for_hf`` of ``models/_hub.py``."""
    cfg = {k: v for k, v in model.pretrained_cfg.items() if v is not None}
    text = json.dumps(
        {"architecture": model.pretrained_cfg["architecture"], "num_classes": model.num_classes,
         "num_features": model.num_features, "global_pool": getattr(model, "global_pool", None),
         "pretrained_cfg": cfg}, default=str,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(text)
    return found


def verdict(tag: str, alone: bool, known: dict[str, float], shapes: bool = False) -> Verdict:
    """How one would open.

    Args:
        tag: "vit_base_patch16_224.augreg_in21k".
        alone: Without its config.
        known: Differences by architecture and configuration, already measured.
        shapes: Names and shapes only; nothing is run.
    """
    with torch.device("meta"), Unfilled():
        model = timm.create_model(tag, pretrained=False)
    said = NOT_SAID if alone else read_config(config_json(model)) or NOT_SAID
    tensors = {name: t.detach() for name, t in model.state_dict().items()}
    try:
        match = reader_of(tensors)
        config, _ = match.reader.config(tensors, said)
        match.reader.convert(tensors, config)
    except VitvizError as error:
        return Verdict("refused", error.message)
    key = f"{tag.partition('.')[0]} {replace(config, classes=0)}"
    if shapes:
        known[key] = 0.0
    if key not in known:
        known[key] = difference(tag, match, config)
    if not known[key] <= CLOSE:
        return Verdict("wrong", f"differs by {known[key]:.1e}")
    wrong = preprocessing(model, match, config, said)
    return Verdict("assumed", wrong) if wrong else Verdict("right")


def difference(tag: str, match: Match, config: Any) -> float:
    """Between timm's network of two blocks and ours, on the same input."""
    torch.manual_seed(0)
    with Unfilled():
        theirs = timm.create_model(tag, pretrained=False, depth=2).eval()
    for parameter in theirs.parameters():
        scale = 1 / math.sqrt(parameter[0].numel()) if parameter.ndim > 1 else 0.2
        parameter.data = torch.randn_like(parameter) * scale + (parameter.ndim == 1)
    if getattr(config, "projection", 0):  # timm keeps CLIP's as a head whose bias is zero
        theirs.head.bias.data.zero_()
    short = replace(config, depth=2)
    tensors = {name: t.detach() for name, t in theirs.state_dict().items()}
    with torch.device("meta"):
        ours = match.family.build(short)
    ours.load_state_dict(dict(match.reader.convert(tensors, short)), strict=True, assign=True)
    # timm's so400m_patch14_siglip_384 leaves out the last 6 pixels, which patches do not fill.
    size = getattr(getattr(theirs, "patch_embed", None), "img_size", None) or config.input_size
    image = torch.randn(1, 3, *size)
    height, width = config.input_size
    with torch.inference_mode():
        expected: Tensor = theirs(image)
        found = ours.eval()(image[:, :, :height, :width])
    if found.shape != expected.shape:
        return math.inf
    return float((found - expected).abs().max() / expected.std().clamp_min(1e-6))


def preprocessing(model: nn.Module, match: Match, config: Any, said: Said) -> str:
    """What of the preprocessing is not timm's."""
    usual, notes = match.reader.preprocessing(config)
    ours, _ = prepared(usual, notes, said, config, match.family)
    data = resolve_model_data_config(model)
    rules = {"center": "shortest edge, then centre crop", "squash": "squash",
             "border": "longest edge, then pad"}  # fmt: skip
    size = tuple(data["input_size"][1:])
    edge = math.floor(min(size) / data["crop_pct"])
    rule = rules[data["crop_mode"]]
    if rule == "squash" and edge != min(size):
        rule = "squash, then centre crop"
    wrong = [
        name for name, mine, true in (
            ("mean", ours.mean, tuple(data["mean"])), ("std", ours.std, tuple(data["std"])),
            ("input", ours.input_size, size), ("interpolation", ours.interpolation,
                                               data["interpolation"]),
            ("rule", ours.rule, rule), ("edge", ours.edge, edge),
        )
        if mine != true and not (name == "edge" and ours.rule == "squash")
    ]  # fmt: skip
    return ", ".join(wrong)


def earlier(results: Path | None) -> dict[str, Verdict]:
    """What an earlier run found, but for what it refused."""
    if results is None or not results.exists():
        return {}
    rows = map(json.loads, results.read_text(encoding="utf-8").splitlines())
    return {tag: Verdict(kind, words) for tag, kind, words in rows if kind != "refused"}


def asked(tag: str, options: argparse.Namespace, known: dict[str, float]) -> Verdict:
    """How one would open, and a line of it in the file of results."""
    try:
        found = verdict(tag, options.alone, known, options.shapes)
    except Exception as error:
        return Verdict("CRASH", repr(error)[:150])
    if options.results is not None:
        with options.results.open("a", encoding="utf-8") as file:
            file.write(json.dumps([tag, *found]) + "\n")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="")
    parser.add_argument("--alone", action="store_true", help="without the config.json beside")
    parser.add_argument("--shapes", action="store_true", help="run nothing")
    parser.add_argument("--results", type=Path, help="goes on from what is in this file")
    options = parser.parse_args()
    done = earlier(options.results)
    counts: Counter[str] = Counter()
    known: dict[str, float] = {}
    for tag in tags(options.only):
        found = done.get(tag) or asked(tag, options, known)
        counts[found.kind] += 1
        if found.kind != "right":
            print(f"{tag:60} {found.kind:8} {found.words[:150]}", flush=True)
    print(
        f"{sum(counts.values())} names: " + ", ".join(f"{n} {k}" for k, n in counts.most_common())
    )
    return int(counts["wrong"] + counts["CRASH"] > 0)


if __name__ == "__main__":
    sys.exit(main())

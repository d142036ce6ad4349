"""How checkpoints that ``make_checkpoints.py`` made open: right, with something wrong, or refused.

    python -m tests.parity.made FOLDER [--only REGEX] [--verbose] [--table docs/models.md]

``--table`` writes what was found between the two marks in that page. DINO's linear head reads four
layers: the network that it is tried with needs as many (``--depth 4 --only orig-dino-backbone``).

Each folder in FOLDER has ``truth.json`` (what to open, and what weights do not say) and, mostly,
``oracle.npz``: the photo as its library prepares it, the library's own output for it, and the
attention of the first token. "Right" means equal within 1e-4 for output and attention, and the same
preprocessing. "Assumed" is what a file does not tell: it opens with a note on the field that had to
be assumed, and is right once that field is corrected to what is true.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import torch
from torch import Tensor

from vitviz.errors import VitvizError
from vitviz.models.checkpoints.said import NOT_SAID, Said
from vitviz.models.hub_names import hub_name, resolve
from vitviz.models.loading import Model, load_model
from vitviz.models.network import softmax_attention

CLOSE = 1e-4
POOLS = {"token": "cls", "avg": "mean"}
ACTIVATIONS = {"QuickGELU": "quick_gelu", "GELU": "gelu"}
HF_RESAMPLING = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}


class Verdict(NamedTuple):
    """How a checkpoint opened.

    Args:
        kind: "right", "assumed", "wrong input", "WRONG", or "refused".
        words: What differs, or why it is refused.
        output: Largest difference of outputs; None where there is nothing to compare with.
        attention: Largest difference of what the first token looks at, over layers and heads.
    """

    kind: str
    words: str
    output: float | None = None
    attention: float | None = None


def look(model: Model, pixels: Tensor) -> tuple[np.ndarray, list[np.ndarray]]:
    """The output, and what the first token looks at in each layer: heads x tokens."""
    rows: list[np.ndarray] = []

    def attend(
        q: Tensor, k: Tensor, v: Tensor,
        bias: Callable[[slice], Tensor] | None = None, windows: Tensor | None = None,
    ) -> Tensor:  # fmt: skip
        scores = q @ k.mT / q.shape[-1] ** 0.5
        if bias is not None:
            scores = scores + bias(slice(0, q.shape[2]))
        weights = scores.softmax(-1)
        if windows is None:
            rows.append(weights[0, :, 0].numpy())
        return weights @ v

    network = model.network
    with torch.inference_mode():
        z = network.embed(pixels)
        uses_attend = (
            "attention" in model.card.outline.gives and "sequence" in model.card.outline.gives
        )
        if uses_attend:
            for step in network.steps((pixels.shape[2], pixels.shape[3])):
                z = step(z, attend)
            output = network.classify(z)
        else:
            output = network(pixels)
    return output.numpy(), rows


def judge(folder: Path) -> Verdict:
    """How one made checkpoint opens."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    backbone = folder.with_name(HEADS.get(folder.name, folder.name))
    if backbone != folder:
        network = json.loads((backbone / "truth.json").read_text(encoding="utf-8"))["open"]
        return judge_head(_where(truth["open"], folder), _where(network, backbone), backbone)
    stands = FETCHED.get(truth["open"])
    if stands is not None:
        with in_the_caches(truth["open"], folder.with_name(stands)) as place:
            found = judge_file(place, folder.with_name(stands))
        return found._replace(words=f"{stands}, as fetched before; {found.words}".rstrip("; "))
    where = _where(truth["open"], folder)
    try:
        where = resolve(where)  # as the command line does
    except VitvizError as error:
        return Verdict("refused", f"{error.message} [{error.hint}]")
    return judge_file(where, folder)


HEADS = {"orig-dinov2-linear": "orig-dinov2", "orig-dino-linear": "orig-dino-backbone"}
"""Files of a head alone, and the network that reads them: both are opened together."""


def judge_head(head: str, network: str, folder: Path) -> Verdict:
    """A head in a file of its own over a network's: CLS and the mean of the patches, as DINOv2's
    ``hub/classifiers.py`` puts them together, or CLS of the last four layers, as DINO's
    ``eval_linear.py``.
    """
    oracle = np.load(folder / "oracle.npz")
    pixels = torch.from_numpy(oracle["pixels"])
    try:
        whole = load_model(network, "cpu", corrections=Said(head=head))
    except VitvizError as error:
        return Verdict("refused", f"{error.message} [{error.hint}]")
    ours, rows = look(whole, pixels)
    bare = load_model(network, "cpu", corrections=NOT_SAID).network
    layers: list[Tensor] = []
    with torch.inference_mode():
        z = bare.embed(pixels)
        for step in bare.steps((pixels.shape[2], pixels.shape[3])):
            z = step(z, softmax_attention)
            layers.append(bare.norm(z))
        last = layers[-1]
        parts = torch.load(head, weights_only=True)
        parts = parts.get("state_dict", parts)
        weight, bias = (parts[next(k for k in parts if k.endswith(n))] for n in ("weight", "bias"))
        both = [last[:, 0], last[:, 1:].mean(dim=1)]
        read = both if weight.shape[1] == 2 * z.shape[-1] else [n[:, 0] for n in layers[-4:]]
        theirs = (torch.cat(read, dim=1) @ weight.T + bias).numpy()
    output = float(np.abs(ours - theirs).max())
    attention = float(np.abs(np.stack(rows) - oracle["attention"]).max())
    same = max(output, attention) <= CLOSE
    return Verdict("right" if same else "WRONG", "opened with its network", output, attention)


FETCHED = {
    "vit_base_patch16_224": "timm-vit-base",
    "google/vit-base-patch16-224": "hf-vit",
    "timm/vit_base_patch16_224.augreg2_in21k_ft_in1k": "timm-vit-base",
    "hf-hub:timm/deit_tiny_patch16_224.fb_in1k": "timm-deit-tiny",
    "dinov2_vits14": "timm-dinov2-small",
    "https://dl.fbaipublicfiles.com/deit/deit_tiny_patch16_224-a1311bcf.pth": "orig-deit",
}
"""Names of the hub, and which made checkpoint stands for what they would fetch."""


@contextmanager
def in_the_caches(name: str, folder: Path) -> Iterator[str]:
    """A made checkpoint where the hub's tools would put it; what its name then opens."""
    meant = hub_name(name) or hub_name(f"timm/{name}.augreg2_in21k_ft_in1k")  # timm's own tag
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    weights = Path(_where(truth["open"], folder))
    with tempfile.TemporaryDirectory() as home, mock.patch.dict(
        os.environ, HF_HUB_CACHE=f"{home}/hub", TORCH_HOME=f"{home}/torch"
    ):  # fmt: skip
        if meant is not None and meant.url:
            meant.url_file.parent.mkdir(parents=True)
            meant.url_file.symlink_to(weights)
        elif meant is not None:
            place = Path(home, "hub", f"models--{meant.repo.replace('/', '--')}")
            (place / "snapshots").mkdir(parents=True)
            (place / "refs").mkdir()
            (place / "refs" / "main").write_text("0" * 40, encoding="utf-8")
            beside = weights if weights.is_dir() else weights.parent
            (place / "snapshots" / ("0" * 40)).symlink_to(beside)
        yield resolve(name)


def judge_file(where: str, folder: Path) -> Verdict:
    """How one file opens; arguments: it, and the folder of its truth."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    try:
        model = load_model(where, "cpu")
    except VitvizError as error:
        return Verdict("refused", f"{error.message} [{error.hint}]")
    if not (folder / "oracle.npz").exists():
        return _verdict(model, truth, None, None, ["no oracle"])
    oracle = np.load(folder / "oracle.npz")
    output, attention, words = compare(model, oracle, truth)
    found = _verdict(model, truth, output, attention, words)
    if found.kind != "WRONG":
        return found
    corrected = true_of_assumed(model, truth)
    if not corrected:
        return found
    again = load_model(where, "cpu", corrections=Said(network=corrected))
    output, attention, words = compare(again, oracle, truth)
    if _verdict(again, truth, output, attention, words).kind == "WRONG":
        return found
    said = ", ".join(f"{name} {value}" for name, value in corrected.items())
    return found._replace(kind="assumed", words=f"the file does not tell; right with {said}")


def compare(
    model: Model, oracle: Any, truth: dict[str, Any]
) -> tuple[float | None, float | None, list[str]]:
    """Largest differences of outputs and of attention; None where there is nothing to compare."""
    output = attention = None
    words = []
    network = model.network
    pool = POOLS.get(truth.get("pool"))
    # Without a classifier what is pooled is a choice: Meta's code of DINOv3 gives CLS, and timm,
    # which computed these oracles, the mean. The same numbers are compared.
    if truth["id"] == "orig-dinov3" and pool != network.config.pool:
        words.append(f"compared with the {pool} that timm puts out, where its authors read CLS")
        network.config = replace(network.config, pool=pool)
    ours, rows = look(model, torch.from_numpy(oracle["pixels"]))
    if "output" in oracle and oracle["output"].shape == ours.shape:
        output = float(np.abs(ours - oracle["output"]).max())
    elif "output" in oracle:
        words.append(f"output {ours.shape}, oracle {oracle['output'].shape}")
    if "attention" in oracle and len(rows) == len(oracle["attention"]):
        theirs = oracle["attention"]
        same = theirs[0].shape == rows[0].shape
        attention = float(np.abs(np.stack(rows) - theirs).max()) if same else np.inf
    return output, attention, words


def _verdict(
    model: Model, truth: dict[str, Any], output: float | None, attention: float | None,
    words: list[str],
) -> Verdict:  # fmt: skip
    wrong = differences(model, truth)
    kind = "right"
    if max(output or 0, attention or 0) > CLOSE:
        kind = "WRONG"
    elif any(one.startswith(("mean", "std")) for one in wrong):
        kind = "wrong input"
    return Verdict(kind, "; ".join(words + wrong), output, attention)


def true_of_assumed(model: Model, truth: dict[str, Any]) -> dict[str, Any]:
    """What is true of the fields that opening noted as assumed."""
    known = {
        "heads": truth.get("heads"),
        "activation": ACTIVATIONS.get(truth.get("activation")),
        "norm_eps": truth.get("eps"),
    }
    fields = {field for field, _ in model.card.assumed}
    return {name: value for name, value in known.items() if name in fields and value is not None}


def _where(name: str, folder: Path) -> str:
    """The file to open, where the folder was moved since."""
    if Path(name).exists():
        return name
    inside = name.partition(f"/{folder.name}/")[2]
    return str(folder / inside) if inside and (folder / inside).exists() else name


def differences(model: Model, truth: dict[str, Any]) -> list[str]:
    """What of the preprocessing and the classes is not as it is in truth."""
    wants, said = model.card.preprocessing, truth.get("preprocessing") or {}
    if "image_mean" in said:
        said = _transformers(said)
    found = []
    for name, ours in (
        ("mean", wants.mean), ("std", wants.std), ("interpolation", wants.interpolation),
        ("rule", wants.rule), ("edge", wants.edge), ("input", wants.input_size),
    ):  # fmt: skip
        if name not in said or (name == "edge" and wants.rule == "squash"):
            continue
        theirs = said[name]
        same = np.allclose(ours, theirs, atol=2e-3) if isinstance(theirs, list) else ours == theirs
        if not same:
            found.append(f"{name} {ours} (true {theirs})")
    return found


def _transformers(said: dict[str, Any]) -> dict[str, Any]:
    size, crop = _sides(said.get("size")), _sides(said.get("crop_size"))
    found = {"mean": said["image_mean"], "std": said["image_std"]}
    if said.get("resample") is not None:
        found["interpolation"] = HF_RESAMPLING.get(said["resample"], said["resample"])
    if "shortest_edge" in size and said.get("do_center_crop"):
        found |= {"rule": "shortest edge, then centre crop", "edge": size["shortest_edge"]}
        found["input"] = [crop["height"], crop["width"]]
    elif "height" in size:
        cropped = said.get("do_center_crop") and crop
        found["rule"] = "squash, then centre crop" if cropped else "squash"
        found["input"] = (
            [crop["height"], crop["width"]] if cropped else [size["height"], size["width"]]
        )
    return found


def _sides(said: object) -> dict[str, int]:
    """Of a dictionary, or of one that was written down as a text."""
    if isinstance(said, str):
        return {name: int(n) for name, n in re.findall(r"'?(\w+)'?[=:] ?(\d+)", said)}
    return said if isinstance(said, dict) else {}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    rows: list[str] = []
    for folder in sorted(options.folder.iterdir()):
        if not re.search(options.only, folder.name) or not (folder / "truth.json").exists():
            continue
        try:
            verdict = judge(folder)
        except Exception as error:
            if options.verbose:
                raise
            verdict = Verdict("CRASH", repr(error)[:200])
        counts[verdict.kind] += 1
        rows.append(table_row(folder, verdict))
        numbers = " ".join("–" if n is None else f"{n:.1e}" for n in verdict[2:])
        print(f"{folder.name:32} {verdict.kind:12} {numbers:17} {verdict.words}", flush=True)
    print(", ".join(f"{count} {kind}" for kind, count in counts.most_common()))
    if options.table:
        write_table(options.table, rows)
    return int(counts["WRONG"] + counts["CRASH"] > 0)


MARKS = "<!-- made by tests.parity.made -->", "<!-- end -->"


def table_row(folder: Path, verdict: Verdict) -> str:
    """A line of the table: family, source, form, differences, or why it is refused."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    output, attention = (("–" if n is None else f"{n:.0e}") for n in verdict[2:])
    spoken = verdict.kind in ("refused", "assumed")
    words = verdict.words.partition(" [")[0] if spoken else ""
    words = re.sub(r"^[^ ]+: ", "", words)[:160].replace("|", "/")
    kind = {"wrong input": "other mean and std", "WRONG": "differs"}.get(verdict.kind, verdict.kind)
    cells = truth["family"], truth["source"], truth["form"], f"{kind}: {words}" if words else kind
    return f"| {' | '.join(cells)} | {output} | {attention} |"


def write_table(page: Path, rows: list[str]) -> None:
    """Puts the table between its marks."""
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    head = (
        "| family | source | form | opens | largest difference of outputs | of attention |\n"
        "|---|---|---|---|---|---|"
    )
    table = "\n".join([MARKS[0], "", head, *rows, "", MARKS[1]])
    page.write_text(f"{before}{table}{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

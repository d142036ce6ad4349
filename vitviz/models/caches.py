"""Checkpoints on this computer: in the caches of other libraries, and in folders of one's own.

Reads names of files and small JSON, nothing else: no weights, no network, no torch.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vitviz.paths import is_file, is_folder, resolved
from vitviz.progress import Progress, Stage, silent

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".npz", ".tar")
"""Of files that may hold weights; what they hold is seen when they are opened."""

WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "open_clip_pytorch_model.bin",
)
"""What repositories of the hub call their weights, the preferred first."""

SHARD = re.compile(r"-\d{5}-of-\d{5}\.")
"""In the name of one of several files that only together are weights."""

BESIDE = re.compile(
    r"(optimizer|scheduler|scaler|rng_state|training_args|trainer_state|random_states)[_\d]*\."
)
"""How files begin that training leaves beside weights."""

MARKS = ("architecture", "image_size", "patch_size", "num_channels", "vision_config", "model_cfg")
"""Fields of which the configuration of a network that sees has at least one."""

DEEPEST = 5
"""Folders within a folder that are looked into."""

MOST = 2000
"""Files of one folder that are listed."""

LARGEST_CONFIG = 1 << 20
"""Bytes."""


@dataclass(frozen=True)
class Found:
    """A checkpoint that is here.

    Args:
        title: For people: "timm/vit_small_patch16_224.dino", "best.pth".
        path: What to open.
        bytes: Of the file; of all of them where there are several.
        where: Which cache, or which folder.
        name: What the hub calls it; "" where it is not from there.
    """

    title: str
    path: Path
    bytes: int
    where: str
    name: str = ""


def hub_cache() -> Path:
    """Where Hugging Face's libraries keep what they fetched.

    Source: huggingface_hub's "Environment variables".
    """
    said = os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE")
    if said:
        return Path(said).expanduser()
    home = os.environ.get("HF_HOME") or str(_cache_home() / "huggingface")
    return Path(home).expanduser() / "hub"


def torch_cache() -> Path:
    """Where torch, torchvision and older timm keep what they fetched.

    Source: ``torch.hub.get_dir``.
    """
    home = os.environ.get("TORCH_HOME") or str(_cache_home() / "torch")
    return Path(home).expanduser() / "hub" / "checkpoints"


def clip_cache() -> Path:
    """Where OpenAI's clip and OpenCLIP keep what is not on the hub."""
    return Path("~/.cache/clip").expanduser()


def _cache_home() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()


def on_this_computer(
    folders: tuple[str, ...] = (), progress: Progress = silent
) -> tuple[Found, ...]:
    """What there is in the caches and in these folders, in this order.

    Args:
        folders: That the user named; what is not there any more is passed over.
        progress: Told how far it is; may cancel.
    """
    looked = [in_hub_cache(hub_cache(), progress),
              in_folder(torch_cache(), "torch cache", progress),
              in_folder(clip_cache(), "CLIP cache", progress)]  # fmt: skip
    looked += [in_folder(Path(folder), folder, progress) for folder in folders]
    known = {found.path: found for found in reversed([one for found in looked for one in found])}
    return tuple(reversed(known.values()))


def in_hub_cache(cache: Path, progress: Progress = silent) -> list[Found]:
    """The repositories of a Hugging Face cache that may hold networks that see."""
    found = []
    for folder in _entries(cache):
        progress(Stage("looking_for_models"), 0.0)
        if folder.name.startswith("models--"):
            name = folder.name.removeprefix("models--").replace("--", "/")
            if (weights := weights_of(name, cache=cache)) and _may_see(weights.parent):
                size = sum(_size(file) for file in parts_of(weights))
                found.append(Found(name, weights, size, "Hugging Face cache", name))
    return found


def weights_of(repo: str, revision: str = "main", file: str = "", *, cache: Path) -> Path | None:
    """The weights of a repository as they lie in a Hugging Face cache; None where they do not.

    Args:
        repo: "timm/vit_small_patch16_224.dino".
        revision: A branch, a tag or a commit. Of "main", where the cache does not know it, the
            newest there is.
        file: Of the repository; "" takes what the weights are usually called.
        cache: The cache's folder.

    Source: huggingface_hub's "Understand caching".
    """
    folder = cache / f"models--{repo.replace('/', '--')}"
    ref = folder / "refs" / revision
    try:
        commit = ref.read_text("utf-8").strip() if is_file(ref) else revision
    except (OSError, ValueError):
        commit = revision
    snapshots = [folder / "snapshots" / commit]
    if revision == "main" and not is_folder(snapshots[0]):
        snapshots = sorted(_entries(folder / "snapshots"), key=_changed, reverse=True)
    return next(filter(None, (_weights_in(place, file) for place in snapshots)), None)


def _weights_in(snapshot: Path, file: str) -> Path | None:
    if file:
        return snapshot / file if is_file(snapshot / file) else None
    for name in WEIGHTS:
        path = snapshot / name
        if is_file(path) and all(map(is_file, parts_of(path))):
            return path
    others = [path for path in _entries(snapshot) if is_checkpoint(path.name) and is_file(path)]
    return others[0] if len(others) == 1 else None


def promised(weights: Path) -> str:
    """The SHA-256 that a file of a Hugging Face cache is kept under; "" for any other file.

    Whoever fetched it may have been cut off, or not have looked.
    """
    blob = resolved(weights)
    is_blob = blob.parent.name == "blobs" and blob.parent.parent.name.startswith("models--")
    return blob.name if is_blob and re.fullmatch(r"[0-9a-f]{64}", blob.name) else ""


def parts_of(weights: Path) -> tuple[Path, ...]:
    """The files that hold weights: those that an index names, or the file itself."""
    if weights.name.endswith(".index.json"):
        named = _json(weights).get("weight_map")
        if isinstance(named, dict):
            names = dict.fromkeys(Path(str(name)).name for name in named.values())
            return tuple(weights.parent / name for name in names)
    return (weights,)


def in_folder(folder: Path, where: str, progress: Progress = silent) -> list[Found]:
    """The files in a folder, and in those within it, that may be checkpoints."""
    found: list[Found] = []
    for path in _files(folder, 0):
        progress(Stage("looking_for_models"), 0.0)
        if is_checkpoint(path.name):
            generic = path.name in WEIGHTS
            title = f"{path.parent.name}/{path.name}" if generic else path.name
            found.append(Found(title, path, _size(path), where))
        if len(found) == MOST:
            break
    return found


def is_checkpoint(name: str) -> bool:
    """Whether a file may be one to open, by its name alone."""
    lower = name.casefold()
    if SHARD.search(lower) or BESIDE.match(lower):
        return False
    return lower.endswith(SUFFIXES)


def _files(folder: Path, depth: int) -> Iterator[Path]:
    inside = []
    for path in _entries(folder):
        if is_folder(path):
            if not path.is_symlink() and not path.name.startswith("."):  # circles, and .git
                inside.append(path)
        elif is_file(path):
            yield path
    if depth < DEEPEST:
        for path in inside:
            yield from _files(path, depth + 1)


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, by name; nothing where it cannot be looked into."""
    try:
        return sorted(folder.iterdir())
    except (OSError, ValueError):
        return []


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _may_see(snapshot: Path) -> bool:
    """Whether it may be a network for pictures: caches are full of those for words."""
    config = snapshot / "config.json"
    if not is_file(config):
        return True
    fields = _json(config)
    return any(mark in fields for mark in MARKS)


def _json(path: Path) -> dict[str, object]:
    try:
        with path.open("rb") as file:
            value = json.loads(file.read(LARGEST_CONFIG))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}

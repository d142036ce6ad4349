"""Where a checkpoint's files are: one file, a folder of a hub or of its cache, or several parts.

Nothing outside the folder of an index is read, whatever the index says.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.filetype import READABLE, distributed
from vitviz.paths import is_file, is_folder
from vitviz.reading import Within, parse, taken

STANDARD = (
    "model.safetensors", "model.safetensors.index.json", "open_clip_model.safetensors",
    "pytorch_model.bin", "pytorch_model.bin.index.json", "open_clip_pytorch_model.bin",
)  # fmt: skip
"""What hubs call weights, the one that is read where there are several first."""

BESIDE = (
    "config.json", "open_clip_config.json", "preprocessor_config.json", "processor_config.json",
)  # fmt: skip
"""What hubs put beside them."""

TOKENIZER = "tokenizer.json"
"""And beside models of images and words. Source: huggingface/tokenizers, ``Tokenizer.save``."""

WEIGHTS = (".safetensors", ".pth", ".pt", ".bin", ".ckpt", ".npz", ".tar")
"""Ends of the names of weights, for a look into a folder only: content decides what a file is."""

NOT_WEIGHTS = re.compile(
    r"(optimizer|scheduler|scaler|training_args|rng_state\w*|trainer_state|adapter_model)\.\w+$"
)
"""What training leaves beside them under the same ends."""

INDEX = ".index.json"

LONGEST_INDEX = 4 << 20
"""Characters."""

MOST_SHARDS = 1000


@dataclass(frozen=True)
class Place:
    """Where a checkpoint is.

    Args:
        name: For people, and for the model's name: the file's, or the folder's.
        files: Of the weights, one after another.
        beside: Files that may say more of them, by what hubs call them.
        tokenizer: The file that says how a model of images and words cuts texts; None where none
            lies there.
    """

    name: str
    files: tuple[Path, ...]
    beside: dict[str, Path]
    tokenizer: Path | None = None


@dataclass(frozen=True)
class _Map:
    """Each parameter to the file that has it."""

    weight_map: Annotated[dict[str, str], Within(1, 100_000)]


def find(path: Path) -> Place:
    """The files that a path stands for.

    Args:
        path: Of weights, of an index of their parts, of a ``config.json`` beside them, of a folder
            with one checkpoint in it, or of one model in the cache of a hub.

    Raises:
        CheckpointError: There are no weights, several, or an index that cannot be followed.
    """
    if is_folder(path):
        return _in_folder(path)
    if path.name.endswith(INDEX) and is_file(path):
        return _place(path.name.removesuffix(INDEX), _shards(path), path.parent)
    if path.name in BESIDE and is_file(path):
        return _in_folder(path.parent)
    index = _index_of(path)
    if index:
        files = _shards(index)
        if path.name in {file.name for file in files}:
            return _place(index.name.removesuffix(INDEX), files, path.parent)
    link = _link_to(path)
    if not _is_of_folder(link):
        return Place(link.name, (path,), {})
    return _place(link.name, (path,), link.parent)


def _place(name: str, files: tuple[Path, ...], folder: Path) -> Place:
    """Files with what lies in their folder."""
    beside = {one: folder / one for one in BESIDE if is_file(folder / one)}
    tokenizer = folder / TOKENIZER
    return Place(name, files, beside, tokenizer if is_file(tokenizer) else None)


def _in_folder(folder: Path) -> Place:
    """The one checkpoint of a folder."""
    folder = _snapshot(folder)
    for name in STANDARD:
        if is_file(folder / name):
            files = _shards(folder / name) if name.endswith(INDEX) else (folder / name,)
            return _place(_folder_name(folder), files, folder)
    try:
        inside = sorted(entry for entry in folder.iterdir() if not entry.name.startswith("."))
    except OSError as error:
        raise CheckpointError(f"{folder.name} cannot be opened: {error}.") from error
    found = [
        entry for entry in inside
        if entry.suffix.lower() in WEIGHTS and not NOT_WEIGHTS.search(entry.name) and is_file(entry)
    ]  # fmt: skip
    if len(found) == 1:
        return _place(found[0].name, (found[0],), folder)
    if found:
        names = ", ".join(entry.name for entry in found[:4])
        more = f" and {len(found) - 4} more" if len(found) > 4 else ""
        raise CheckpointError(
            f"The folder {folder.name} holds {len(found)} checkpoints: {names}{more}.",
            "Choose one of them.",
        )
    if any(entry.suffix == ".distcp" for entry in inside):
        raise distributed(next(entry for entry in inside if entry.suffix == ".distcp"))
    if any(entry.name.startswith("adapter_") for entry in inside):
        raise CheckpointError(
            f"The folder {folder.name} holds an adapter (LoRA) without the model it changes.",
            MERGE_FIRST,
        )
    raise CheckpointError(f"The folder {folder.name} holds no weights.", READABLE)


MERGE_FIRST = (
    "Merge it first: PeftModel.from_pretrained(model, FOLDER).merge_and_unload()"
    ".save_pretrained(OUT), and open OUT."
)


def _snapshot(folder: Path) -> Path:
    """The newest files of a model in the cache of a hub; other folders as they are.

    Source: huggingface_hub's cache: models--OWNER--NAME/{blobs, refs, snapshots/REVISION}.
    """
    snapshots = folder if folder.name == "snapshots" else folder / "snapshots"
    if not is_folder(snapshots) or any(is_file(folder / name) for name in STANDARD):
        return folder
    try:
        main = (snapshots.parent / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        main = ""
    if re.fullmatch(r"[0-9a-f]{7,64}", main) and is_folder(snapshots / main):
        return snapshots / main
    revisions = sorted(one for one in snapshots.iterdir() if is_folder(one))
    return revisions[-1] if revisions else folder


def _folder_name(folder: Path) -> str:
    """A name for a model in a folder: in a cache, its own and not that of a revision."""
    owner = next((one.name for one in folder.parents if one.name.startswith("models--")), "")
    in_cache = folder.parent.name == "snapshots" and owner
    return owner.removeprefix("models--").replace("--", "/") if in_cache else folder.name


def _link_to(path: Path) -> Path:
    """The named link of a snapshot to a nameless file among a cache's blobs; else the path."""
    if path.parent.name != "blobs" or not is_folder(path.parent.parent / "snapshots"):
        return path
    for link in sorted((path.parent.parent / "snapshots").glob("*/*")):
        if link.is_symlink() and link.resolve() == path.resolve():
            return link
    return path


def _is_of_folder(path: Path) -> bool:
    """Whether what lies beside one file is of it: it has a hub's name, or is the only one there."""
    folder = path.parent
    if not any(is_file(folder / name) for name in (*BESIDE, TOKENIZER)):
        return False
    if path.name in STANDARD or path.name.startswith(("pytorch_model", "model")):
        return True
    try:
        return not any(
            entry.suffix.lower() in WEIGHTS and entry.name != path.name
            and not NOT_WEIGHTS.search(entry.name)
            for entry in folder.iterdir()
        )  # fmt: skip
    except OSError:
        return False


def _index_of(path: Path) -> Path | None:
    """The index of the parts that a file is one of, by what such parts are called."""
    match = re.fullmatch(r"(.+)-\d{5}-of-\d{5}(\.safetensors|\.bin)", path.name)
    index = path.with_name(f"{match[1]}{match[2]}{INDEX}") if match else path
    if not match:
        return None
    if not is_file(index):
        raise CheckpointError(
            f"{path.name} is one part of several, and {index.name}, which lists them, is not "
            "beside it.",
            "Download all files of the folder.",
        )
    return index


def _shards(index: Path) -> tuple[Path, ...]:
    """The files that an index names, all of them in its own folder.

    Raises:
        CheckpointError: It is no such index, names files elsewhere, or one is missing.
    """
    try:
        with index.open(encoding="utf-8") as file:
            values = parse(file.read(LONGEST_INDEX + 1), LONGEST_INDEX)
        if not isinstance(values, dict) or "weight_map" not in values:
            raise ValueError("it has no weight_map")
        shards = taken(_Map, {"weight_map": values["weight_map"]}).weight_map
        names = list(dict.fromkeys(shards.values()))
        outside = [name for name in names if Path(name).name != name or "\\" in name or ":" in name]
        if outside:
            raise ValueError(f"it names a file outside of its folder ({outside[0][:60]})")
        if len(names) > MOST_SHARDS:
            raise ValueError("it names far too many files")
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{index.name}, which lists the parts of weights, cannot be used: {error}.",
            "Download the folder again.",
        ) from error
    missing = [name for name in names if not is_file(index.parent / name)]
    if missing:
        raise CheckpointError(
            f"{len(missing)} of the {len(names)} parts of {index.name.removesuffix(INDEX)} are "
            f"missing: {missing[0]}.",
            "Download all files of the folder.",
        )
    return tuple(index.parent / name for name in names)

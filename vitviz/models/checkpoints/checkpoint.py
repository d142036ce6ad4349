"""Reads the tensors of a checkpoint that may come from anywhere, and runs nothing in it.

Every refusal is a ``CheckpointError`` that names what the file is and what would work. What a
file claims is compared with what it holds before anything is allocated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.filetype import (
    MOST_TENSORS,
    READABLE,
    SAVE_STATE_DICT,
    distributed,
    holds_torchscript,
    is_safetensors,
    open_checked,
    refuse_foreign,
    torchscript,
)
from vitviz.models.checkpoints.heads import HEAD, attached_head
from vitviz.models.checkpoints.networks import (
    NOT_A_NETWORK,
    Part,
    Recognises,
    networks,
    without_common_prefix,
)
from vitviz.models.checkpoints.npz_file import is_npz, read_npz
from vitviz.models.checkpoints.pickle_reader import (
    BadPickle,
    Items,
    RunsCode,
    Table,
    TooMuch,
    describe,
)
from vitviz.models.checkpoints.safetensors_file import read_safetensors
from vitviz.models.checkpoints.said import Assumption, Notes
from vitviz.models.checkpoints.torch_file import TorchFile, open_archive, open_legacy, read_tensor
from vitviz.models.checkpoints.torch_names import OddTensor, TensorView

DEEPEST = 8
"""Dictionaries within each other that are looked into."""

MOST_OPTIONS = 500
"""Of a training script, that are looked at."""

SHOWN = 3
"""Names in a note."""


class Checkpoint(NamedTuple):
    """What a file holds.

    Args:
        tensors: Of its network by name, wrappers and prefixes taken off; may be views of the file.
        notes: What was chosen where there was a choice, and what was left out.
        parts: What its networks are called, the one that is read first; empty where it is one.
        options: What a training script wrote beside them: "arch", "args.patch_size".
        prefix: What stood before each name in the file.
    """

    tensors: dict[str, Tensor]
    notes: Notes = ()
    parts: tuple[str, ...] = ()
    options: Mapping[str, Any] = {}
    prefix: str = ""


_OPENAI_CLIP = {"class_embedding", "positional_embedding", "conv1.weight", "ln_pre.weight"}
"""In TorchScript, since OpenAI publishes CLIP so; others of its kind are refused, for what a
program does with its parameters need not be what their names say."""

Leaf = TensorView | OddTensor | Tensor


@dataclass(frozen=True)
class _Content:
    """All that a file has, by dotted name.

    Args:
        leaves: Tensors that may be of a network.
        options: Whatever else is a text, a number or a truth value.
        read: The numbers of a leaf.
    """

    leaves: Mapping[str, Leaf]
    options: Mapping[str, Any]
    read: Callable[[Leaf], Tensor]


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name. Raises as ``read_checkpoint`` does."""
    return read_checkpoint((path,)).tensors


def read_checkpoint(
    files: tuple[Path, ...], recognises: Recognises = lambda _: False, part: str = ""
) -> Checkpoint:
    """The network of a ``.safetensors`` or ``.npz`` file, or of a file by torch.save.

    Args:
        files: Its bytes say what each is, its suffix does not matter. More than one: the parts of a
            checkpoint that is divided.
        recognises: Whether some reader knows these names. Where none does, all tensors are given.
        part: Which network, where the file holds several: "student"; "": the best.

    Raises:
        CheckpointError: It is no checkpoint, is cut short, has code in it, claims to hold more than
            it does, or has no such network.
    """
    contents = [_content(file) for file in files]
    leaves: dict[str, Leaf] = {}
    home: dict[str, _Content] = {}
    for content in contents:
        leaves |= content.leaves
        home |= dict.fromkeys(content.leaves, content)
    options = {name: value for content in contents for name, value in content.options.items()}
    path = files[0]
    if not leaves or len(leaves) > 4 * MOST_TENSORS:
        some = ", ".join(list(dict.fromkeys(name.rpartition(".")[2][:40] for name in options))[:5])
        what = "no tensors" if not leaves else "far too many tensors"
        raise CheckpointError(
            f"{path.name} holds {what}" + (f" (it has {some})." if some else "."), READABLE
        )
    shapes = {name: _meta(leaf) for name, leaf in leaves.items()}
    found = networks(shapes, recognises)
    chosen = _chosen(found, part, path, list(leaves))
    size = sum(file.stat().st_size for file in files)
    _check({name: leaves[key] for name, key in chosen.keys.items()}, path, size)
    keys = chosen.keys | _head_beside(chosen, shapes, found)
    tensors = {name: _read(home[key], leaves[key], path) for name, key in keys.items()}
    notes = _notes(chosen, found, part, leaves, set(keys.values()))
    labels = tuple(dict.fromkeys([chosen.label, *(one.label for one in found)]))
    parts = labels if len(found) > 1 else ()
    return Checkpoint(tensors, notes, parts, options, chosen.prefix)


def _content(path: Path) -> _Content:
    size = open_checked(path)
    if path.suffix == ".distcp":
        raise distributed(path)
    with path.open("rb") as file:
        start = file.read(4096)
    if is_safetensors(start):
        return _Content(read_safetensors(path, size), {}, _same)
    if is_npz(start):
        return _Content(read_npz(path, size), {}, _same)
    return _torch_content(path, size, start)


def _same(leaf: Leaf) -> Tensor:
    assert isinstance(leaf, Tensor)
    return leaf


def _torch_content(path: Path, size: int, start: bytes) -> _Content:
    zipped = start.startswith(b"PK")
    if not zipped:
        refuse_foreign(path, start)
    with _refusing(path, zipped):
        file = open_archive(path, size) if zipped else open_legacy(path)
        if not isinstance(file.content, Table):
            one = isinstance(file.content, TensorView)
            what = "a single tensor" if one else describe(file.content)
            raise CheckpointError(f"{path.name} holds {what}, not named weights.", SAVE_STATE_DICT)
        leaves: dict[str, Leaf] = {}
        options: dict[str, Any] = {}
        for name, value in _flat(file.content, "", DEEPEST):
            if isinstance(value, TensorView | OddTensor):
                leaves[name] = value
            elif len(options) < MOST_OPTIONS:
                options[name] = value
        if (
            file.torchscript
            and not {name.rpartition("visual.")[2] for name in leaves} >= _OPENAI_CLIP
        ):
            raise torchscript(path)
        if file.torchscript:
            options["openai_clip"] = True
        return _Content(leaves, options, lambda leaf: _read_view(leaf, file))


def _read_view(leaf: Leaf, file: TorchFile) -> Tensor:
    assert isinstance(leaf, TensorView)
    return read_tensor(leaf, file)


def _flat(table: Table, prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Everything in a dictionary of dictionaries, by dotted name."""
    for key, value in {str(key): value for key, value in table.pairs}.items():
        if isinstance(value, Table):
            if depth and not NOT_A_NETWORK.match(key):
                yield from _flat(value, f"{prefix}{key}.", depth - 1)
            else:
                yield f"{prefix}{key}", None
        elif isinstance(value, Items):
            plain = value.values[:MOST_OPTIONS]
            yield f"{prefix}{key}", tuple(v for v in plain if isinstance(v, str | int | float))
        else:
            known = isinstance(value, str | int | float | TensorView | OddTensor)
            yield f"{prefix}{key}", value if known else None


class _refusing:  # noqa: N801 (used like a function)
    """Says in words what went wrong with a file of torch's."""

    def __init__(self, path: Path, zipped: bool = False) -> None:
        self.name = path.name
        self.path = path
        self.zipped = zipped

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        match error:
            case BadPickle() if self.zipped and holds_torchscript(self.path):
                raise torchscript(self.path) from error
            case RunsCode():
                names = ", ".join(name[:100] for name in error.names[:4])
                raise CheckpointError(
                    f"{self.name} holds more than weights: opening it would run code "
                    f"({names}{', ...' if len(error.names) > 4 else ''}).",
                    "Do not open it elsewhere unless you trust where it comes from. "
                    + SAVE_STATE_DICT,
                ) from error
            case TooMuch():
                raise CheckpointError(
                    f"{self.name} describes more than weights need: {error}.", SAVE_STATE_DICT
                ) from error
            case BadPickle():
                raise CheckpointError(
                    f"{self.name} is cut short or damaged: {error}.", "Download or copy it again."
                ) from error
            case MemoryError() | RuntimeError() | OSError():  # torch's allocator: RuntimeError
                raise CheckpointError(
                    f"{self.name} cannot be read: {error or 'there is too little memory'}.",
                    "Close other programs, or copy the file to another disk.",
                ) from error


def _read(content: _Content, leaf: Leaf, path: Path) -> Tensor:
    with _refusing(path):
        return content.read(leaf)
    raise AssertionError


def _meta(leaf: Leaf) -> Tensor:
    """A tensor of the same shape without numbers."""
    if isinstance(leaf, OddTensor):
        return torch.empty(0, device="meta")
    size = leaf.size if isinstance(leaf, TensorView) else leaf.shape
    return torch.empty(size, dtype=leaf.dtype, device="meta")


def _chosen(found: tuple[Part, ...], part: str, path: Path, keys: list[str]) -> Part:
    if not found:
        return Part("", "", without_common_prefix(keys))
    if not part:
        return found[0]
    for one in found:
        if part in (one.label, one.prefix.rstrip(".")):
            return one
    names = ", ".join(one.label for one in found if one.label)
    raise CheckpointError(
        f"{path.name} holds no network called “{part}”.",
        f"It has {names}." if names else "It holds one network only: say no part.",
    )


def _head_beside(
    part: Part, shapes: Mapping[str, Tensor], found: tuple[Part, ...]
) -> dict[str, str]:
    """A linear layer that a module of the user's put beside its backbone, as "head.weight"."""
    if not found or any(HEAD.match(name) for name in part.keys):
        return {}
    others = {key for one in found for key in one.keys.values()}
    around = part.prefix.rstrip(".").rpartition(".")[0]
    beside = [
        key for key in shapes if key not in others and key.startswith(around and f"{around}.")
    ]
    own = {name: shapes[key] for name, key in part.keys.items()}
    return attached_head(own, {key[len(around) + bool(around) :]: key for key in beside}, shapes)


def _notes(
    chosen: Part, found: tuple[Part, ...], asked: str, leaves: Mapping[str, Leaf], used: set[str]
) -> Notes:
    notes: Notes = ()
    if len(found) > 1:
        names = _listed([one.label for one in found])
        text = f'The file holds {names}: "{chosen.label}" is shown.'
        notes += (text if asked else Assumption("part", text),)
    others = {key for one in found for key in one.keys.values()}
    left = [name for name in leaves if found and name not in used and name not in others]
    if left:
        shown = ", ".join(name[:60] for name in left[:SHOWN])
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        notes += (f"Beside the network the file holds {shown}{more}: left out.",)
    return notes


def _listed(names: list[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}"


def _check(leaves: Mapping[str, Leaf], path: Path, size: int) -> None:
    """Refuses tensors that are odd, or show more numbers than they have."""
    if len(leaves) > MOST_TENSORS:
        raise CheckpointError(f"{path.name} holds far too many tensors.", READABLE)
    shown = 0
    for name, tensor in leaves.items():
        if isinstance(tensor, OddTensor):
            raise CheckpointError(
                f'{path.name}: "{name[:100]}" is not a plain tensor of numbers, but a '
                f"{tensor.kind}.",
                SAVE_STATE_DICT,
            )
        if not isinstance(tensor, TensorView):
            continue
        shown += tensor.nbytes
        if tensor.nbytes > tensor.storage.nbytes:
            raise CheckpointError(
                f'{path.name}: "{name[:100]}" claims {tensor.count:,} numbers and holds fewer.',
                SAVE_STATE_DICT,
            )
    if shown > 2 * size:
        raise CheckpointError(f"{path.name} shows the same numbers many times over.", READABLE)

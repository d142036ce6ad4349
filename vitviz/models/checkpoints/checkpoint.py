"""Reads the tensors of a checkpoint that may come from anywhere, and runs nothing in it.

Every refusal is a ``CheckpointError`` that names what the file is and what would work. What a
file claims is compared with what it holds before anything is allocated.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.filetype import (
    MOST_TENSORS,
    READABLE,
    SAVE_STATE_DICT,
    is_safetensors,
    open_checked,
    refuse_foreign,
)
from vitviz.models.checkpoints.pickle_reader import BadPickle, RunsCode, Table, TooMuch, describe
from vitviz.models.checkpoints.safetensors_file import read_safetensors
from vitviz.models.checkpoints.torch_file import open_archive, open_legacy, read_tensor
from vitviz.models.checkpoints.torch_names import OddTensor, TensorView

WRAPPERS = ("state_dict_ema", "model_ema", "teacher", "state_dict", "model", "module", "student")
"""Where training scripts put the weights, the better ones first.

Source: timm ``_helpers.py``, DINO ``utils.py``, DeiT and MAE ``main*.py``.
"""

PREFIXES = (
    "module.", "_orig_mod.", "backbone.", "encoder.", "model.", "teacher.", "student.",
    "visual.trunk.", "trunk.", "net.", "vision_encoder.",
)  # fmt: skip
"""What wrappers of networks put before every name (DataParallel, torch.compile, DINO, timm)."""


class Checkpoint(NamedTuple):
    """What a file holds.

    Args:
        tensors: By name, wrappers and common prefixes taken off; may be views of the file.
        notes: What was chosen where there was a choice, one line each.
    """

    tensors: dict[str, Tensor]
    notes: tuple[str, ...] = ()


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint by name. Raises as ``read_checkpoint`` does."""
    return read_checkpoint(path).tensors


def read_checkpoint(path: Path) -> Checkpoint:
    """The tensors of a ``.safetensors`` file, or of a file by torch.save with a state dict in it.

    Args:
        path: Of the file; its bytes say what it is, its suffix does not matter.

    Raises:
        CheckpointError: It is no checkpoint, is cut short, has code in it or claims to hold more
            than it does.
    """
    size = open_checked(path)
    with path.open("rb") as file:
        start = file.read(4096)
    if is_safetensors(start):
        found = Checkpoint(read_safetensors(path, size))
    else:
        found = _read_torch(path, size, start)
    return Checkpoint(_without_prefixes(found.tensors), found.notes)


def _read_torch(path: Path, size: int, start: bytes) -> Checkpoint:
    zipped = start.startswith(b"PK")
    if not zipped:
        refuse_foreign(path, start)
    try:
        file = open_archive(path, size) if zipped else open_legacy(path)
        found, notes = _unwrap(file.content, path)
        views = _check(found, path, size)
        return Checkpoint({name: read_tensor(view, file) for name, view in views.items()}, notes)
    except RunsCode as error:
        names = ", ".join(name[:100] for name in error.names[:4])
        raise CheckpointError(
            f"{path.name} holds more than weights: opening it would run code "
            f"({names}{', ...' if len(error.names) > 4 else ''}).",
            "Do not open it elsewhere unless you trust where it comes from. " + SAVE_STATE_DICT,
        ) from error
    except TooMuch as error:
        raise CheckpointError(
            f"{path.name} describes more than weights need: {error}.", SAVE_STATE_DICT
        ) from error
    except BadPickle as error:
        raise CheckpointError(
            f"{path.name} is cut short or damaged: {error}.", "Download or copy it again."
        ) from error
    except (MemoryError, OSError) as error:
        raise CheckpointError(
            f"{path.name} cannot be read: {error or 'there is too little memory'}.",
            "Close other programs, or copy the file to another disk.",
        ) from error


def _unwrap(found: object, path: Path) -> tuple[dict[str, TensorView | OddTensor], tuple[str, ...]]:
    """The tensors by name inside of what training scripts put around them, and what was chosen."""
    notes: tuple[str, ...] = ()
    values = _named(found, path)
    for _ in range(4):
        inside = [name for name in WRAPPERS if isinstance(values.get(name), Table)]
        if not inside:
            break
        if len(inside) > 1:
            notes += (f'The file holds {" and ".join(inside)}: "{inside[0]}" is shown.',)
        values = _named(values[inside[0]], path)
    # What is no tensor (an epoch, options) cannot be weights.
    tensors = {name: v for name, v in values.items() if isinstance(v, TensorView | OddTensor)}
    if not tensors or len(tensors) > MOST_TENSORS:
        some = ", ".join(name[:40] for name in list(values)[:5])
        what = "no tensors" if not tensors else "far too many tensors"
        raise CheckpointError(
            f"{path.name} holds {what}" + (f" (it has {some})." if some else "."), READABLE
        )
    return tensors, notes


def _named(found: object, path: Path) -> dict[str, object]:
    if isinstance(found, Table):
        return {str(key): value for key, value in found.pairs}
    what = "a single tensor" if isinstance(found, TensorView) else describe(found)
    raise CheckpointError(f"{path.name} holds {what}, not named weights.", SAVE_STATE_DICT)


def _check(
    tensors: Mapping[str, TensorView | OddTensor], path: Path, size: int
) -> dict[str, TensorView]:
    """The tensors, none of which is odd, or shows more numbers than it has."""
    plain: dict[str, TensorView] = {}
    for name, tensor in tensors.items():
        if isinstance(tensor, OddTensor):
            raise CheckpointError(
                f'{path.name}: "{name[:100]}" is not a plain tensor of numbers, but a '
                f"{tensor.kind}.",
                SAVE_STATE_DICT,
            )
        if tensor.nbytes > tensor.storage.nbytes:
            raise CheckpointError(
                f'{path.name}: "{name[:100]}" claims {tensor.count:,} numbers and holds fewer.',
                SAVE_STATE_DICT,
            )
        plain[name] = tensor
    if sum(tensor.nbytes for tensor in plain.values()) > 2 * size:
        raise CheckpointError(f"{path.name} shows the same numbers many times over.", READABLE)
    return plain


def _without_prefixes(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Takes off what every name begins with; a DINO head may stand beside its backbone."""
    for _ in range(len(PREFIXES)):
        body = [name for name in tensors if not name.startswith(("head.", "module.head."))]
        common = (p for p in PREFIXES if body and all(name.startswith(p) for name in body))
        prefix = next(common, "")
        shorter = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
        if not prefix or len(shorter) < len(tensors):
            break
        tensors = shorter
    return tensors

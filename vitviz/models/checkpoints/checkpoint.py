"""Reads the tensors of a checkpoint that may come from anywhere, and runs nothing in it.

Every refusal is a ``CheckpointError`` that names what the file is and what would work. What a
file claims is compared with what it holds before anything is allocated.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy._core import multiarray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from torch.serialization import get_unsafe_globals_in_checkpoint, safe_globals

from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.filetype import (
    READABLE,
    SAVE_STATE_DICT,
    check_zip,
    is_safetensors,
    open_checked,
    refuse_foreign,
)

LARGEST_HEADER = 16 << 20
"""Bytes that may describe tensors; a ViT of 40 blocks needs a tenth of a megabyte."""

MOST_TENSORS = 20_000
"""A ViT of 40 blocks has 600."""

WRAPPERS = ("state_dict_ema", "model_ema", "teacher", "state_dict", "model", "module", "student")
"""Where training scripts put the weights, the better ones first.

Source: timm ``_helpers.py``, DINO ``utils.py``, DeiT and MAE ``main*.py``.
"""

PREFIXES = (
    "module.", "_orig_mod.", "backbone.", "encoder.", "model.", "teacher.", "student.",
    "visual.trunk.", "trunk.", "net.", "vision_encoder.",
)  # fmt: skip
"""What wrappers of networks put before every name (DataParallel, torch.compile, DINO, timm)."""

_NUMPY_MAKERS = tuple(
    (getattr(multiarray, maker), f"numpy.{core}.multiarray.{maker}")
    for maker in ("scalar", "_reconstruct")
    for core in ("core", "_core")
)
"""What makes numbers and arrays of NumPy, under the names of its versions 1 and 2."""


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
        found: object = _read_safetensors(path, size)
    elif start.startswith(b"PK"):
        check_zip(path, size, LARGEST_HEADER)
        found = _read_torch(path, mmap=True)
    else:
        refuse_foreign(path, start)
        found = _read_torch(path, mmap=False)
    tensors, notes = _unwrap(found, path)
    for name, tensor in tensors.items():
        _check_tensor(name, tensor, path)
    if sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > 2 * size:
        raise CheckpointError(f"{path.name} shows the same numbers many times over.", READABLE)
    return Checkpoint(_without_prefixes(tensors), notes)


def _read_safetensors(path: Path, size: int) -> dict[str, Tensor]:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(LARGEST_HEADER, size - 8):
            what = (
                "is cut short" if length <= LARGEST_HEADER else "has a header that is far too big"
            )
            raise CheckpointError(f"{path.name} {what}.", "Download or copy it again.")
        header = file.read(length)
    try:
        entries = json.loads(header)
        ends = [e["data_offsets"][1] for name, e in entries.items() if name != "__metadata__"]
        missing = 8 + length + int(max(ends, default=0)) - size
    except (
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        RecursionError,
        OverflowError,
    ) as error:
        raise CheckpointError(
            f"{path.name} starts like a safetensors file, but its header cannot be read.",
            "Download or copy it again.",
        ) from error
    if missing > 0:
        raise CheckpointError(
            f"{path.name} is cut short: {missing:,} of its {size + missing:,} bytes are missing.",
            "Download or copy it again.",
        )
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, RuntimeError, KeyError) as error:
        raise CheckpointError(
            f"{path.name} is a damaged safetensors file ({error}).", "Download or copy it again."
        ) from error


@contextmanager
def _plain_data() -> Iterator[None]:
    """Besides tensors, lets a checkpoint hold what training scripts add: options, paths, numbers.

    Each is data only. Paths become pure ones, which exist on every system.
    """
    allowed: list[Callable[..., object] | tuple[Callable[..., object], str]] = [
        argparse.Namespace,
        np.dtype,
        np.ndarray,
        *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "?")),
        *_NUMPY_MAKERS,
        *((pathlib.PurePosixPath, f"{m}.PosixPath") for m in ("pathlib", "pathlib._local")),
        *((pathlib.PureWindowsPath, f"{m}.WindowsPath") for m in ("pathlib", "pathlib._local")),
    ]
    with safe_globals(allowed):
        yield


def _read_torch(path: Path, *, mmap: bool) -> object:
    with _plain_data(), path.open("rb") as file:
        # torch goes by the suffix, too, where it is given a path, which mapping needs.
        mmap = mmap and path.suffix != ".safetensors"
        try:
            return torch.load(
                path if mmap else file, map_location="cpu", weights_only=True, mmap=mmap
            )
        except pickle.UnpicklingError as error:
            raise _unpickling_refusal(path, error) from error
        except (MemoryError, OverflowError) as error:
            raise CheckpointError(
                f"{path.name} asks for more memory than there is before it shows anything.",
                READABLE,
            ) from error
        except Exception as error:  # a damaged pickle can raise anything
            raise CheckpointError(
                f"{path.name} is cut short or damaged ({_first_line(error)}).",
                "Download or copy it again.",
            ) from error


def _unpickling_refusal(path: Path, error: pickle.UnpicklingError) -> CheckpointError:
    offenders = _offenders(path, str(error))
    if not offenders:
        return CheckpointError(
            f"{path.name} is damaged, or holds more than weights ({_first_line(error)}).",
            SAVE_STATE_DICT,
        )
    names = ", ".join(offenders[:4]) + (", ..." if len(offenders) > 4 else "")
    return CheckpointError(
        f"{path.name} holds more than weights: opening it would run code ({names}).",
        "Do not open it elsewhere unless you trust where it comes from. " + SAVE_STATE_DICT,
    )


def _offenders(path: Path, message: str) -> list[str]:
    """The functions and classes a file asks for that are not data."""
    try:
        names = get_unsafe_globals_in_checkpoint(path)
    except Exception:  # no zip, or too damaged: the message has the first name
        names = []
    named = re.findall(r"GLOBAL ([\w.]+)", message)
    return sorted(set(names)) or named[:1]


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]


def _unwrap(found: object, path: Path) -> Checkpoint:
    notes: tuple[str, ...] = ()
    for _ in range(4):
        inside = [name for name in WRAPPERS if isinstance(_named(found, path).get(name), Mapping)]
        if not inside:
            break
        if len(inside) > 1:
            notes += (f'The file holds {" and ".join(inside)}: "{inside[0]}" is shown.',)
        found = _named(found, path)[inside[0]]
    values = _named(found, path)
    # What is no tensor (an epoch, options) cannot be weights.
    tensors = {str(key): value for key, value in values.items() if isinstance(value, Tensor)}
    if not tensors or len(tensors) > MOST_TENSORS:
        some = ", ".join(str(key)[:40] for key in list(values)[:5])
        what = "no tensors" if not tensors else "far too many tensors"
        raise CheckpointError(
            f"{path.name} holds {what}" + (f" (it has {some})." if some else "."), READABLE
        )
    return Checkpoint(tensors, notes)


def _named(found: object, path: Path) -> Mapping[object, object]:
    if isinstance(found, Mapping):
        return found
    what = "a single tensor" if isinstance(found, Tensor) else f"a {type(found).__name__}"
    raise CheckpointError(f"{path.name} holds {what}, not named weights.", SAVE_STATE_DICT)


def _check_tensor(name: str, tensor: Tensor, path: Path) -> None:
    """Refuses what is not plain numbers in memory, or shows more numbers than it has."""
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu"
    if not plain or tensor.is_quantized or tensor.is_complex():
        raise CheckpointError(
            f'{path.name}: "{name[:100]}" is not a plain tensor of numbers.', SAVE_STATE_DICT
        )
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise CheckpointError(
            f'{path.name}: "{name[:100]}" claims {tensor.numel():,} numbers and holds fewer.',
            SAVE_STATE_DICT,
        )


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

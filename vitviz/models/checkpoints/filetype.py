"""What a file is, told from its first bytes: never from its name, never by running anything.

Source of the signatures: each format's specification or its own reader.
"""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vitviz.errors import CheckpointError
from vitviz.paths import is_file, is_folder, is_something_else

READABLE = (
    "vitviz reads .safetensors files, .pth, .pt, .bin or .ckpt files that hold a state dict, and "
    "Google's .npz."
)

SAVE_STATE_DICT = (
    "Where the model can be loaded, save its weights alone: "
    "torch.save(model.state_dict(), 'weights.pth')."
)

LARGEST_HEADER = 16 << 20
"""Bytes that may describe tensors; a ViT of 40 blocks needs a tenth of a megabyte."""

MOST_TENSORS = 20_000
"""A ViT of 40 blocks has 600."""

LARGEST_DIRECTORY = 8 << 20
"""Bytes that may list the contents of an archive: some 80,000 tensors."""

TORCH_LEGACY = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."
"""What stood first in files by torch.save before 1.6, in a pickle of any version.

Source: ``MAGIC_NUMBER`` in torch/serialization.py.
"""


PYTORCH = (
    "Take the same model's PyTorch weights (model.safetensors or pytorch_model.bin), which most "
    "pages have beside it."
)


@dataclass(frozen=True)
class _Signature:
    """A format that is not read: its mark, where the mark stands, what to call it, what to do."""

    mark: bytes
    what: str
    hint: str = READABLE
    at: int = 0


_NOT_WEIGHTS = (
    _Signature(b"\x89HDF", "an HDF5 file (TensorFlow, Keras or MATLAB)", PYTORCH),
    _Signature(b"GGUF", "a GGUF file (llama.cpp)"),
    _Signature(b"\x93NUMPY", "a NumPy array"),
    _Signature(b"TFL3", "a TensorFlow Lite model", PYTORCH, at=4),
    _Signature(b"\x08\x01\x12", "a TensorFlow SavedModel or an ONNX model", SAVE_STATE_DICT),
    _Signature(b"version https://git-lfs", "a Git LFS pointer: the weights themselves were not "
               "downloaded", "Fetch them with 'git lfs pull', or download the file itself."),
    _Signature(b"<", "a web page or XML", "The download may have failed; download it again."),
    _Signature(b"\x1f\x8b", "a gzip archive", "Unpack it first."),
    _Signature(b"7z\xbc\xaf", "a 7-Zip archive", "Unpack it first."),
    _Signature(b"Rar!", "a RAR archive", "Unpack it first."),
    _Signature(b"\x89PNG", "a PNG image", "Open it as a photo."),
    _Signature(b"\xff\xd8\xff", "a JPEG image", "Open it as a photo."),
    _Signature(b"\x7fELF", "a program"),
    _Signature(b"MZ", "a program"),
    _Signature(b"%PDF", "a PDF document"),
)  # fmt: skip


def open_checked(path: Path) -> int:
    """The size of a file that can be read, in bytes.

    Raises:
        CheckpointError: Missing, a folder, empty or not permitted.
    """
    try:
        if is_folder(path):
            raise CheckpointError(f"{path.name} is a folder.", "Choose a file with weights in it.")
        if is_something_else(path):  # a pipe would be waited for
            raise CheckpointError(f"{path.name} is no ordinary file.", READABLE)
        with path.open("rb") as file:
            empty = not file.read(1)
            size = file.seek(0, 2)
    except FileNotFoundError as error:
        raise CheckpointError(f"There is no file {path}.", "Check its name and place.") from error
    except PermissionError as error:
        raise CheckpointError(
            f"{path.name} may not be read.", "Ask for permission to read it, or copy it elsewhere."
        ) from error
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be opened: {error}.") from error
    if empty:
        raise CheckpointError(
            f"{path.name} is empty.", "The download may have failed; download it again."
        )
    return size


def is_safetensors(start: bytes) -> bool:
    """Whether it starts like safetensors: a header's length, and the header."""
    return len(start) >= 9 and start[8:9] == b"{" and start[5:8] == b"\0\0\0"


def is_torchscript(members: Iterable[str]) -> bool:
    """Whether an archive of these members, without their folder, is a program of TorchScript."""
    return any(name == "constants.pkl" or name.startswith("code/") for name in members)


def holds_torchscript(path: Path) -> bool:
    """Whether an archive that can be listed is such a program."""
    with zipfile.ZipFile(path) as archive:
        return is_torchscript(name.partition("/")[2] for name in archive.namelist())


def torchscript(path: Path) -> CheckpointError:
    """The refusal of such a program."""
    return CheckpointError(
        f"{path.name} is a TorchScript program, not weights alone.",
        "Export them: torch.save(torch.jit.load(PATH).state_dict(), 'weights.pth').",
    )


def looks_like_weights(path: Path) -> bool:
    """Whether a file begins as weights do, whatever its name; False for what cannot be read."""
    try:
        if not is_file(path):  # a pipe would be waited for
            return False
        with path.open("rb") as file:
            start = file.read(512)
    except (OSError, ValueError):
        return False
    if start.startswith(b"PK\x03\x04"):  # torch.save puts its pickle first
        (length,) = struct.unpack_from("<H", start.ljust(30, b"\0"), 26)
        return start[30 : 30 + length].endswith(b"/data.pkl")
    return is_safetensors(start) or (start[:1] == b"\x80" and TORCH_LEGACY in start[:32])


def refuse_foreign(path: Path, start: bytes) -> None:
    """Says what a file is if it is something else than weights.

    Raises:
        CheckpointError: It is something else, and the message names it.
    """
    for sign in _NOT_WEIGHTS:
        if start[sign.at :].startswith(sign.mark):
            raise CheckpointError(f"{path.name} is {sign.what}.", sign.hint)
    if 0x81 <= start[0] <= 0x8F and 0xA1 <= start[1] <= 0xBF:  # a short map whose first key is text
        raise CheckpointError(f"{path.name} is msgpack, as Flax writes weights.", PYTORCH)
    # A protobuf whose first field is a small number and whose second is a short text: ONNX.
    if start[:1] == b"\x08" and start[2:3] == b"\x12":
        raise CheckpointError(f"{path.name} is an ONNX model.", SAVE_STATE_DICT)
    if start.lstrip()[:1] in (b"{", b"["):
        raise _json(path, start)
    pickled = start.startswith(b"\x80")
    if pickled and TORCH_LEGACY in start[:32]:
        return
    if pickled:
        raise CheckpointError(
            f"{path.name} is a Python pickle, not a checkpoint written by torch.save; opening it "
            "would run whatever it says.",
            SAVE_STATE_DICT,
        )
    raise CheckpointError(f"{path.name} is not a checkpoint.", READABLE)


_CODE = re.compile(r"/code/|/extra/")
"""What lies beside the data of a TorchScript archive, is compressed there and never looked at."""


def distributed(path: Path) -> CheckpointError:
    """The refusal of one part of a checkpoint of many processes."""
    return CheckpointError(
        f"{path.name} is one part of a distributed checkpoint (torch.distributed.checkpoint).",
        "Put it together first: python -m torch.distributed.checkpoint.format_utils dcp_to_torch "
        "FOLDER weights.pth",
    )


def _json(path: Path, start: bytes) -> CheckpointError:
    hint = "Choose the weights themselves."
    if b"weight_map" in start:
        hint = "It lists the parts of weights in several files: choose the folder of all of them."
    return CheckpointError(f"{path.name} is JSON, not weights.", hint)


class _Directory(io.FileIO):
    """A file of which only so much is read at once as the directory of a checkpoint takes.

    zipfile reads the directory in one piece, as long as the file says, and then all of its entries.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > LARGEST_DIRECTORY:
            raise zipfile.BadZipFile("its list of contents is far too long")
        return super().read(size) or b""


def zip_members(path: Path, size: int) -> dict[str, zipfile.ZipInfo]:
    """What an archive as torch.save writes it has in it, by name without the folder.

    Args:
        path: Of the archive.
        size: Of the file, in bytes.

    Raises:
        CheckpointError: Cut short, another kind of archive, compressed, or claiming more than it
            holds.
    """
    try:
        with _Directory(path) as file, zipfile.ZipFile(file) as archive:
            members, end = archive.infolist(), archive.start_dir
    except (zipfile.BadZipFile, NotImplementedError, OSError, ValueError, struct.error) as error:
        raise CheckpointError(
            f"{path.name} is cut short or damaged: its archive has no end.",
            "Download or copy it again.",
        ) from error
    _refuse_other_archives(path, [member.filename for member in members])
    honest = all(
        member.compress_type == zipfile.ZIP_STORED and member.file_size == member.compress_size
        for member in members
        if not _CODE.search(member.filename)
    )
    if not honest or sum(member.compress_size for member in members) > size:
        raise CheckpointError(
            f"{path.name} would grow when unpacked; torch.save never compresses.",
            "Save it again with torch.save.",
        )
    found = _without_folder(path, members, end)
    if found["data.pkl"].file_size > LARGEST_HEADER:
        raise CheckpointError(
            f"{path.name} describes far too many objects to be a checkpoint.", SAVE_STATE_DICT
        )
    return found


def _without_folder(
    path: Path, members: list[zipfile.ZipInfo], end: int
) -> dict[str, zipfile.ZipInfo]:
    """The members of the first one's folder; each at a place of its own before the directory."""
    folder = members[0].filename.partition("/")[0] + "/"
    inside = [member for member in members if member.filename.startswith(folder)]
    found = {member.filename.removeprefix(folder): member for member in inside}
    places = sorted((m.header_offset, m.header_offset + 30 + m.compress_size) for m in members)
    starts = [start for start, _ in places[1:]] + [end]
    # Of an archive that is cut at its front, zipfile gives places before the file.
    apart = places[0][0] >= 0 and all(
        stop <= start for (_, stop), start in zip(places, starts, strict=True)
    )
    encrypted = any(member.flag_bits & 1 for member in members)
    if len(found) < len(inside) or "data.pkl" not in found or not apart or encrypted:
        raise CheckpointError(
            f"{path.name} is damaged: the members of its archive are encrypted, lie over each "
            "other or are there twice.",
            "Download or copy it again.",
        )
    return found


def _refuse_other_archives(path: Path, names: list[str]) -> None:
    inside = [name.partition("/")[2] for name in names]
    if any(name.startswith(("models/", "data/weights/weight_")) for name in inside):
        raise CheckpointError(
            f"{path.name} is a program of torch.export, not weights alone.",
            "Export them: torch.save(torch.export.load(PATH).state_dict, 'weights.pth').",
        )
    if "data.pkl" in inside:
        return
    kinds = (
        (".weights.h5", "a Keras model"),
        ("flax_model.msgpack", "a Flax model"),
        (".safetensors", "a zip archive with weights in it"),
        (".pth", "a zip archive with weights in it"),
        (".mlmodel", "a Core ML package"),
    )
    for suffix, what in kinds:
        if any(name.endswith(suffix) for name in names):
            hint = "Unpack it first." if "with weights" in what else PYTORCH
            raise CheckpointError(f"{path.name} is {what}, whose names vitviz cannot read.", hint)
    raise CheckpointError(f"{path.name} is a zip archive, but not one of torch.save.", READABLE)

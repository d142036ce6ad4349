"""Files by torch.save: the same numbers as torch.load gives, and none from outside the file."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.bench.nasty_checkpoints import archive, archive_of, good_files, legacy_of
from tests.bench.nasty_pickles import call, name, number, numbers, storage, table, tensor, text
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.checkpoint import read_checkpoint, read_tensors

BASE = torch.arange(240.0).reshape(4, 6, 10)

TYPES = [
    torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.int32,
    torch.int16, torch.int8, torch.uint8, torch.bool,
]  # fmt: skip

NEW_TYPES = [torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn, torch.float8_e5m2]
"""Which torch.load itself cannot read from the older layout."""


def tensors() -> dict[str, Tensor]:
    of_types = {f"{kind}": torch.linspace(0, 90, 15).reshape(3, 5).to(kind) for kind in TYPES}
    parameter = torch.nn.Parameter(torch.ones(4))
    parameter.note = "kept in its attributes"  # type: ignore[attr-defined]
    return of_types | {
        "whole": BASE, "transposed": BASE.transpose(0, 2), "cut": BASE[1:3, ::2, 3:7],
        "repeated": BASE[0, 0].expand(3, 10)[:1], "number": torch.tensor(3.5),
        "empty": torch.empty(0, 4), "none wide": torch.zeros(3, 0),
        "parameter": parameter, "buffer": torch.nn.Buffer(torch.full((2,), torch.nan)),
    }  # fmt: skip


def bits(tensor: Tensor) -> bytes:
    return tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def check_same(path: Path, wanted: dict[str, Tensor]) -> None:
    found = read_tensors(path)
    assert list(found) == list(wanted)
    for key, one in wanted.items():
        assert (found[key].dtype, found[key].shape) == (one.dtype, one.shape)
        assert bits(found[key]) == bits(one)
        if one.numel():
            assert found[key].stride() == one.stride()


@pytest.mark.parametrize("zipped", [True, False])
def test_the_same_as_torch_load_bit_for_bit(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / "w.pth"
    new = {f"{kind}": torch.linspace(0, 9, 6).to(kind) for kind in NEW_TYPES if zipped}
    torch.save(tensors() | new, path, _use_new_zipfile_serialization=zipped)
    check_same(path, torch.load(path, weights_only=True))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("protocol", [4, 5])
def test_newer_pickles_are_read_too(tmp_path: Path, zipped: bool, protocol: int) -> None:
    path = tmp_path / "w.pth"
    torch.save(tensors(), path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    check_same(path, tensors())


def test_views_of_one_storage_share_its_memory(tmp_path: Path) -> None:
    torch.save({"a": BASE, "b": BASE[1]}, tmp_path / "w.pth")
    found = read_tensors(tmp_path / "w.pth")
    found["a"][1] = -1
    assert (found["b"] == -1).all()


def test_numbers_of_the_other_byte_order(tmp_path: Path) -> None:
    torch.save({"a": BASE}, tmp_path / "little.pth")
    with zipfile.ZipFile(tmp_path / "little.pth") as source:
        members = {n.partition("/")[2]: source.read(n) for n in source.namelist()}
    members |= {"byteorder": b"big", "data/0": BASE.numpy().astype(">f4").tobytes()}
    (tmp_path / "big.pth").write_bytes(archive(members))
    check_same(tmp_path / "big.pth", {"a": BASE})


@pytest.mark.parametrize("zeros", range(8))
def test_numbers_at_odd_places(tmp_path: Path, zeros: int) -> None:
    content = table(a=tensor(storage("Double", "0", 6), 1, [2, 2], [1, 2])) + b"." + bytes(zeros)
    numbers_there = torch.arange(6.0, dtype=torch.float64)
    members = {"data.pkl": b"\x80\2" + content, "data/0": numbers_there.numpy().tobytes()}
    (tmp_path / "w.pth").write_bytes(archive(members))
    assert read_tensors(tmp_path / "w.pth")["a"].tolist() == [[1, 3], [2, 4]]


def test_parts_of_a_storage_as_the_older_layout_has_them(tmp_path: Path) -> None:
    whole = legacy_of(b"\x80\2" + table(a=tensor(part_of(start=5, count=8), 1, [2], [3])) + b".")[
        :-96
    ]
    path = tmp_path / "w.pth"
    path.write_bytes(whole + torch.arange(24.0).numpy().tobytes())
    wanted = torch.load(path, weights_only=True)
    assert wanted["a"].tolist() == [6, 9]
    check_same(path, wanted)


def part_of(start: int, count: int) -> bytes:
    view = b"(" + text("view") + number(start) + number(count) + b"t"
    return storage("Float", "0", 24, part=view)


def refusal(path: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        read_tensors(path)
    assert caught.value.hint
    return str(caught.value)


@pytest.mark.parametrize("layout", [archive_of, legacy_of])
@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, [25], [1]), (1, [24], [1]), (23, [2], [1]), (0, [2, 3], [22, 1]), (24, [1], [1]),
        (0, [2], [1 << 62]), (1 << 62, [1], [1]), (1 << 64, [1], [1]),
        (0, [1 << 62, 1 << 62], [0, 0]),
        (-1, [2], [1]), (0, [-2], [1]), (0, [2], [-1]), (0, [2], []), (0, [1] * 17, [1] * 17),
        (0, [0, 1 << 62, 1 << 62], [0, 0, 0]),
    ],
)  # fmt: skip
def test_no_tensor_reaches_outside_of_its_storage(
    tmp_path: Path, layout: object, offset: int, size: list[int], stride: list[int]
) -> None:
    assert callable(layout)
    content = table(a=tensor(storage("Float", "0", 24, part=b"N"), offset, size, stride))
    (tmp_path / "w.pth").write_bytes(layout(b"\x80\2" + content + b"."))
    assert "is cut short or damaged: a tensor" in refusal(tmp_path / "w.pth")


@pytest.mark.parametrize("layout", [archive_of, legacy_of])
def test_no_storage_is_longer_than_what_the_file_has(tmp_path: Path, layout: object) -> None:
    assert callable(layout)
    content = table(a=tensor(storage("Float", "0", 25, part=b"N"), 0, [2], [1]))
    (tmp_path / "w.pth").write_bytes(layout(b"\x80\2" + content + b"."))
    assert "missing" in refusal(tmp_path / "w.pth")


@pytest.mark.parametrize(("start", "count"), [(0, 25), (20, 5), (1 << 63, 1), (-1, 2), (1, -1)])
def test_no_part_is_outside_of_its_storage(tmp_path: Path, start: int, count: int) -> None:
    content = table(a=tensor(part_of(start, count), 0, [1], [1]))
    (tmp_path / "w.pth").write_bytes(legacy_of(b"\x80\2" + content + b"."))
    assert "is cut short or damaged" in refusal(tmp_path / "w.pth")


def test_one_storage_is_not_described_in_two_ways(tmp_path: Path) -> None:
    both = [tensor(storage(kind, "0", 12), 0, [2], [1]) for kind in ("Float", "Double")]
    (tmp_path / "w.pth").write_bytes(archive_of(b"\x80\2" + table(a=both[0], b=both[1]) + b"."))
    assert "two ways" in refusal(tmp_path / "w.pth")


def odd_tensors() -> dict[str, bytes]:
    plain = tensor(storage("Float", "0", 24), 0, [2], [1])
    made = {
        f"_rebuild_{kind}": call(f"torch._utils._rebuild_{kind}", plain, b"N")
        for kind in ("sparse_tensor", "nested_tensor", "qtensor", "meta_tensor_no_storage")
    }
    state = b"(K\3" + text("<") + b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    array = call("numpy.ndarray", numbers([1]), call("numpy.dtype", text("f4")) + state)
    made["numpy"] = call(
        "torch._utils._rebuild_device_tensor_from_numpy",
        array, name("torch.float64"), text("cpu"), b"\x89",
    )  # fmt: skip
    made["complex"] = tensor(storage("ComplexFloat", "0", 12), 0, [2], [1])
    made["quantised storage"] = tensor(storage("QInt8", "0", 12), 0, [2], [1])
    return made


@pytest.mark.parametrize("kind", list(odd_tensors()))
def test_tensors_that_are_not_plain_are_refused_as_weights_only(tmp_path: Path, kind: str) -> None:
    odd, plain = odd_tensors()[kind], tensor(storage("Float", "1", 2), 0, [2], [1])
    path = tmp_path / "w.pth"
    path.write_bytes(archive_of(b"\x80\2" + table(a=odd) + b"."))
    assert '"a" is not a plain tensor of numbers, but a ' in refusal(path)
    whole = table(a=plain, b=plain, c=plain, d=plain)
    path.write_bytes(archive_of(b"\x80\2" + table(extra=odd, model=whole) + b"."))
    found = read_checkpoint((path,), lambda tensors: set(tensors) == set("abcd"))
    assert found.tensors["a"].tolist() == [0, 0]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_that_are_there_twice(tmp_path: Path) -> None:
    buffer = io.BytesIO(good_files()["zip 2"])
    with zipfile.ZipFile(buffer, "a") as target:
        target.writestr("archive/data.pkl", b"\x80\2}.")
    (tmp_path / "w.pth").write_bytes(buffer.getvalue())
    assert "twice" in refusal(tmp_path / "w.pth")


def test_members_that_lie_over_each_other(tmp_path: Path) -> None:
    whole = bytearray(good_files()["zip 2"])
    first = whole.index(b"PK\x01\x02")
    second = whole.index(b"PK\x01\x02", first + 4)
    whole[second + 42 : second + 46] = whole[first + 42 : first + 46]
    (tmp_path / "w.pth").write_bytes(whole)
    assert "lie over each other" in refusal(tmp_path / "w.pth")


def test_a_list_of_contents_that_goes_on_and_on(tmp_path: Path) -> None:
    buffer = io.BytesIO(good_files()["zip 2"])
    with zipfile.ZipFile(buffer, "a") as target:
        for i in range(150):
            target.writestr(f"archive/{i:060000}", b"")
    (tmp_path / "w.pth").write_bytes(buffer.getvalue())
    assert "no end" in refusal(tmp_path / "w.pth")

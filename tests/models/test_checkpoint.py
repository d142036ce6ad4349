"""Files that are checkpoints, and files that are not: each refusal names the file and a way out."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import pathlib
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from tests.bench.fuzz_checkpoints import Outcome, failures, report, try_file
from tests.bench.nasty_checkpoints import archive_of, legacy_of
from vitviz.errors import CheckpointError
from vitviz.models.checkpoints.checkpoint import Checkpoint, read_checkpoint, read_tensors
from vitviz.models.checkpoints.filetype import SAVE_STATE_DICT
from vitviz.models.checkpoints.said import texts

TENSORS = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.ones(4, dtype=torch.float16)}


class Unwanted:
    """What a hostile pickle would do."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.system, ("echo this must never run",)


def saved(value: object, path: Path, **how: bool) -> Path:
    torch.save(value, path, **how)
    return path


def refusal(path: Path) -> str:
    """What the user reads; every refusal also says what to do."""
    with pytest.raises(CheckpointError) as caught:
        read_checkpoint((path,))
    return str(caught.value)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt", ".bin", ".legacy", ""])
def test_tensors_come_back(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    if suffix == ".safetensors":
        save_file(TENSORS, path)
    else:
        saved(TENSORS, path, _use_new_zipfile_serialization=suffix != ".legacy")
    read = read_tensors(path)
    assert sorted(read) == sorted(TENSORS)
    for name, tensor in TENSORS.items():
        torch.testing.assert_close(read[name], tensor, rtol=0, atol=0)


def test_the_content_counts_and_not_the_suffix(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "weights.pth")
    assert set(read_tensors(tmp_path / "weights.pth")) == set(TENSORS)
    saved(TENSORS, tmp_path / "weights.safetensors")
    assert set(read_tensors(tmp_path / "weights.safetensors")) == set(TENSORS)


def known(tensors: Mapping[str, Tensor]) -> bool:
    """Stands for a reader that knows these names."""
    return {"a.weight", "b", "c.weight", "d.weight"} <= tensors.keys()


NETWORK = TENSORS | {"c.weight": torch.ones(2, 2), "d.weight": torch.zeros(2, 2)}


def found(value: object, path: Path, part: str = "") -> Checkpoint:
    return read_checkpoint((saved(value, path),), known, part)


WRAPPERS = (
    "state_dict_ema",
    "model",
    "model_state_dict",
    "net",
    "weights",
    "target_encoder",
    "x.y",
)


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_wrappers_are_opened(tmp_path: Path, wrapper: str) -> None:
    value = {wrapper: NETWORK, "epoch": 3, "optimizer": {"state": {0: torch.ones(2)}}}
    read = found(value, tmp_path / "w.pth")
    assert set(read.tensors) == set(NETWORK)
    assert read.notes == ()  # an optimiser's state is nobody's concern


def test_wrappers_in_wrappers_and_the_choice_between_two(tmp_path: Path) -> None:
    student = {f"module.{name}": tensor + 1 for name, tensor in NETWORK.items()}
    value = {"state_dict": {"student": student, "teacher": {"backbone": NETWORK}}}
    read = found(value, tmp_path / "w.pth")
    assert torch.equal(read.tensors["b"], NETWORK["b"])
    assert texts(read.notes) == ('The file holds teacher and student: "teacher" is shown.',)
    assert read.parts == ("teacher", "student")
    other = found(value, tmp_path / "w.pth", "student")
    assert torch.equal(other.tensors["b"], NETWORK["b"] + 1)
    assert other.parts == ("student", "teacher")
    with pytest.raises(CheckpointError, match="no network called") as caught:
        found(value, tmp_path / "w.pth", "parent")
    assert "teacher, student" in caught.value.hint


@pytest.mark.parametrize(
    "prefix",
    ["module.", "_orig_mod.", "module._orig_mod.backbone.", "_fsdp_wrapped_module.", "0.model.",
     "timm_model.", "vit.", "a.b.c.d."],
)  # fmt: skip
def test_prefixes_are_taken_off(tmp_path: Path, prefix: str) -> None:
    value = {prefix + name: tensor for name, tensor in NETWORK.items()}
    value |= {"criterion.weight": torch.ones(3), "n_averaged": torch.tensor(5)}
    read = found(value, tmp_path / "w.pth")
    assert set(read.tensors) == set(NETWORK)
    (note,) = read.notes
    assert "criterion.weight, n_averaged" in note


def test_a_linear_layer_beside_a_backbone_is_its_head(tmp_path: Path) -> None:
    body = NETWORK | {"norm.weight": torch.ones(6)}
    value = {f"backbone.{name}": tensor for name, tensor in body.items()}
    head = {"fc.weight": torch.ones(3, 6), "fc.bias": torch.ones(3)}
    read = found(value | head, tmp_path / "w.pth")
    assert set(read.tensors) == {*body, "head.weight", "head.bias"}
    # Not where it reads something else, nor where there are several layers.
    for other in ({"fc.weight": torch.ones(3, 5)}, head | {"fc.2.weight": torch.ones(6, 6)}):
        assert set(found(value | other, tmp_path / "w.pth").tensors) == set(body)


def test_what_training_scripts_add_is_let_through(tmp_path: Path) -> None:
    value = {
        "model": TENSORS,
        "args": argparse.Namespace(output=pathlib.Path("runs"), lr=1e-3),
        "best": np.float64(81.5),
        "history": np.arange(4.0),
    }
    assert set(read_tensors(saved(value, tmp_path / "w.pth"))) == set(TENSORS)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_is_refused_by_name_and_not_run(
    tmp_path: Path, zipped: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    value = {"model": TENSORS, "extra": Unwanted()}
    path = saved(value, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    message = refusal(path)
    assert "would run code" in message
    assert f"{os.system.__module__}.system" in message
    assert "must never run" not in capfd.readouterr().out


def test_a_pickled_module_is_refused_with_a_way_out(tmp_path: Path) -> None:
    message = refusal(saved(nn.Linear(2, 3), tmp_path / "model.pth"))
    assert "torch.nn.modules.linear.Linear" in message
    assert "model.state_dict()" in message


def test_a_program_of_torchscript_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "scripted.pt", "w") as archive:
        for name in ("data.pkl", "constants.pkl", "code/__torch__.py", "version"):
            archive.writestr(f"scripted/{name}", b"x")
    message = refusal(tmp_path / "scripted.pt")
    assert "TorchScript" in message
    assert "state_dict" in message


def test_a_numpy_archive_is_refused_by_name(tmp_path: Path) -> None:
    np.savez(tmp_path / "w.npz", np.ones(3))
    assert "NumPy archive" in refusal(tmp_path / "w.npz")


@pytest.mark.parametrize(
    ("start", "named"),
    [
        (b"\x89HDF\r\n\x1a\n", "Keras"),
        (b"GGUF\x03\x00", "GGUF"),
        (b"\x93NUMPY\x01\x00", "NumPy array"),
        (b"\x1c\x00\x00\x00TFL3", "TensorFlow Lite"),
        (b"\x08\x07\x12\x07pytorch\x1a\x05", "ONNX"),
        (b"\x08\x01\x12\x90\x01", "TensorFlow SavedModel"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\xff\xd8\xff\xe0", "JPEG"),
        (b'{"weight_map": {}}', "several files"),
        (b"[1, 2]", "JSON"),
        (pickle.dumps({"a": 1}), "Python pickle"),
        (b"hello, these are no weights", "not a checkpoint"),
        (b"\x00", "not a checkpoint"),
        (bytes(range(256)), "not a checkpoint"),
    ],
)
def test_other_formats_are_called_by_name(tmp_path: Path, start: bytes, named: str) -> None:
    path = tmp_path / "file.pth"
    path.write_bytes(start + (b"" if len(start) == 1 else b"\0" * 50))
    assert named in refusal(path)


def test_empty_missing_and_folder_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "empty.pth").touch()
    assert "empty" in refusal(tmp_path / "empty.pth")
    assert "no file" in refusal(tmp_path / "missing.pth")
    assert "folder" in refusal(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.pth")
    assert "no ordinary file" in refusal(tmp_path / "pipe.pth")


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(TENSORS, tmp_path / "w.pth")

    def denied(self: Path, *args: object, **kwargs: object) -> io.BytesIO:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert "may not be read" in refusal(path)


@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_file_cut_short_is_refused(tmp_path: Path, kind: str, share: float) -> None:
    path = tmp_path / "w.pth"
    tensors = {f"layer{i}": torch.ones(50, 50) for i in range(20)}
    if kind == "safetensors":
        save_file(tensors, path)
    else:
        saved(tensors, path, _use_new_zipfile_serialization=kind == "zip")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    assert "cut short" in refusal(path) or "damaged" in refusal(path)


def test_safetensors_cut_short_says_by_how_much(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file({"a": torch.ones(1000)}, path)
    path.write_bytes(path.read_bytes()[:-1000])
    assert "1,000 of its" in refusal(path)


@pytest.mark.parametrize(
    "entries",
    [
        {"a": {"dtype": "F32", "shape": [10**9, 10**9], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 10**18]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [4, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, float("inf")]}},
        {"a": {"dtype": "XYZ", "shape": [2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, float("nan")]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [-8, 0]}},
        {"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}},
        {"a": {"dtype": "F32", "shape": [1] * 17, "data_offsets": [0, 4]}},
        {"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], "more": 1}},
        {name: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for name in "ab"},
        {"a": {"shape": [2]}},
        {"a": 3},
        [],
    ],
)
def test_safetensors_that_claim_what_is_not_there(
    tmp_path: Path, entries: dict[str, object]
) -> None:
    header = json.dumps(entries).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    assert "safetensors" in refusal(path) or "cut short" in refusal(path)


@pytest.mark.parametrize(
    ("header", "named"),
    [
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested more than"),
        (b'{"a":' + b"9" * 100_000 + b"}", "not a number of 64 bits"),
        (b'{"a":[' + b"[]," * 300_000 + b"[]]}", "describes more than weights need"),
        (b'{"a":{},"a":{}}', "two fields"),
        (b'{"a\xff":1}', "header cannot be read"),
        (b'{"__metadata__":{}}', "holds no tensors"),
    ],
    ids=["deep", "nested", "long number", "wide", "twice", "no text", "empty"],
)
def test_headers_of_safetensors_are_bounded(tmp_path: Path, header: bytes, named: str) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(8))
    assert named in refusal(path)


def test_safetensors_with_far_too_many_tensors(tmp_path: Path) -> None:
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    header = json.dumps({f"t{i}": entry for i in range(20_001)}).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header)
    assert "far too many tensors" in refusal(path)


def test_a_giant_header_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    path.write_bytes(struct.pack("<Q", 1 << 38) + b'{"a":' + bytes(100))
    assert "far too big" in refusal(path)


def test_a_compressed_archive_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    plain = saved({"a": torch.zeros(100_000)}, tmp_path / "plain.pth")
    with (
        zipfile.ZipFile(plain) as source,
        zipfile.ZipFile(tmp_path / "bomb.pth", "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for member in source.namelist():
            target.writestr(member, source.read(member))
    assert (tmp_path / "bomb.pth").stat().st_size < 10_000
    assert "would grow" in refusal(tmp_path / "bomb.pth")


@pytest.mark.parametrize("zipped", [True, False])
def test_a_tensor_that_claims_more_numbers_than_it_has(tmp_path: Path, zipped: bool) -> None:
    value = {"a": torch.zeros(1).expand(10**6, 10**5)}
    path = saved(value, tmp_path / "w.pth", _use_new_zipfile_serialization=zipped)
    assert path.stat().st_size < 10_000
    assert "claims 100,000,000,000 numbers" in refusal(path)


def test_many_views_of_the_same_numbers(tmp_path: Path) -> None:
    one = torch.zeros(10_000)
    path = saved({f"a{i}": one for i in range(100)}, tmp_path / "w.pth")
    assert "many times over" in refusal(path)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.empty(10**6, 10**6, device="meta"),
        torch.eye(3).to_sparse(),
        torch.ones(3, dtype=torch.complex64),
    ],
    ids=["meta", "sparse", "complex"],
)
@pytest.mark.filterwarnings("ignore:Validating sparse tensor")
def test_tensors_that_are_not_plain(tmp_path: Path, tensor: torch.Tensor) -> None:
    assert "not a plain tensor" in refusal(saved({"a": tensor}, tmp_path / "w.pth"))


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (torch.ones(3), "a single tensor"),
        ([torch.ones(3)], "a list"),
        ({}, "no tensors"),
        ({"epoch": 3, "options": "x"}, "it has epoch, options"),
        ({"model": {"lr": 0.1}}, "it has lr"),
    ],
)
def test_a_torch_file_without_named_weights(tmp_path: Path, value: object, named: str) -> None:
    assert named in refusal(saved(value, tmp_path / "w.pth"))


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("nasty", "named"),
    [
        (b"}" + b")q\0" + b"h\0\x86q\0" * 60 + b"K\1s", "a tuple is a key"),
        (b"}" + b")" + b"\x85" * 500_000 + b"K\1s", "nested more than 100 deep"),
        (b"]" * 500_000, "it takes"),  # too many steps, or too long
        (b"}" + bytes.fromhex("8b00000100") + b"\1" * 65536 + b"Ns", "524,281 bits"),
    ],
    ids=["endless hash", "stack overflow", "millions of lists", "long number"],
)
def test_what_would_hang_or_crash_is_refused_in_words(
    tmp_path: Path, zipped: bool, nasty: bytes, named: str
) -> None:
    content = b"\x80\2" + nasty + b"."
    (tmp_path / "w.pth").write_bytes((archive_of if zipped else legacy_of)(content))
    message = refusal(tmp_path / "w.pth")
    assert named in message
    assert "describes more than weights need" in message
    assert SAVE_STATE_DICT in message


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("freeze_hash.pth", "a tuple is a key"),
        ("segv_deep_key.pth", "nested more than 100 deep"),
        ("recursion_key.pth", "nested more than 100 deep"),
        ("nested.pth", "a nested tensor"),
        ("numpy_oob.pth", "a tensor of NumPy"),
    ],
)
def test_checkpoints_that_froze_or_crashed_the_window(shared: Path, name: str, named: str) -> None:
    assert named in refusal(shared / "data" / "attacks" / name)


@pytest.mark.parametrize("number", range(200))
def test_fuzzing_finds_refusals_only(tmp_path: Path, number: int) -> None:
    outcome = try_file(7, number, tmp_path)
    assert not failures([outcome]), outcome


def test_fuzzing_reads_what_is_good_and_sees_what_is_not() -> None:
    good = Outcome(0, "zip, cut", "read", 0.1)
    bad = [
        Outcome(1, "zip, cut", "ValueError: x", 0.1),
        Outcome(2, "zip, cut", "refused", 5.5),
        Outcome(3, "zip, cut", "crashes with code -11", 0.1),
    ]
    assert failures([good, *bad]) == bad
    assert "4 files: 1 read, 1 refused, 3 failures" in report([good, *bad])


def test_any_damage_is_a_refusal_and_never_a_crash(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for kind in ("zip", "legacy", "safetensors"):
        path = tmp_path / f"{kind}.pth"
        if kind == "safetensors":
            save_file(TENSORS, path)
        else:
            saved(TENSORS, path, _use_new_zipfile_serialization=kind == "zip")
        whole = path.read_bytes()
        for trial in range(60):
            data = bytearray(whole)
            for place in generator.integers(0, min(len(data), 900), size=4):
                data[place] = generator.integers(0, 256)
            damaged = tmp_path / f"{kind}{trial}.pth"
            damaged.write_bytes(data)
            with contextlib.suppress(CheckpointError):
                read_tensors(damaged)


@pytest.mark.parametrize(
    ("name", "named"), [("vit_cifar10.npz", "NumPy"), ("vit4mnist_torchscript.ptl", "TorchScript")]
)
def test_real_files_that_cannot_be_read(shared: Path, name: str, named: str) -> None:
    assert named in refusal(shared / "data" / "checkpoints" / name)

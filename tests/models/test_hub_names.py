"""What names of models mean, and where they are found; no network is asked."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from vitviz.errors import CheckpointError
from vitviz.models.caches import Found, in_folder, in_hub_cache, on_this_computer, weights_of
from vitviz.models.hub_names import hub_name, resolve
from vitviz.models.licence_words import is_non_commercial, licence_words


@pytest.fixture(autouse=True)
def _no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("HOME", str(tmp_path))


def _keep(
    cache: Path, repo: str, *files: str, commit: str = "c0ffee", config: object = None
) -> Path:
    """A repository as huggingface_hub keeps it."""
    folder = cache / f"models--{repo.replace('/', '--')}"
    snapshot = folder / "snapshots" / commit
    snapshot.mkdir(parents=True)
    (folder / "blobs").mkdir(exist_ok=True)
    (folder / "refs").mkdir(exist_ok=True)
    (folder / "refs" / "main").write_text(commit)
    for name in files:
        blob = folder / "blobs" / f"{commit}{name}"
        blob.write_bytes(b"12345")
        (snapshot / name).symlink_to(blob)
    if config is not None:
        (snapshot / "config.json").write_text(json.dumps(config))
    return snapshot


@pytest.mark.parametrize(
    ("text", "repo", "revision", "file"),
    [
        ("timm/vit_small_patch16_224.dino", "timm/vit_small_patch16_224.dino", "main", ""),
        ("vit_small_patch16_224.dino", "timm/vit_small_patch16_224.dino", "main", ""),
        ("dinov2_vits14", "timm/vit_small_patch14_dinov2.lvd142m", "main", ""),
        ("hf-hub:google/vit-base-patch16-224", "google/vit-base-patch16-224", "main", ""),
        ("hf_hub:a/b@v1.0", "a/b", "v1.0", ""),
        ("a/b.c@abc", "a/b.c", "abc", ""),
        ("https://huggingface.co/a/b", "a/b", "main", ""),
        ("https:/huggingface.co/a/b/tree/dev", "a/b", "dev", ""),
        ("https://hf.co/a/b/blob/main/x/y.pth", "a/b", "main", "x/y.pth"),
        ("HTTPS://huggingface.co/a/b/resolve/v2/m.bin?download=true", "a/b", "v2", "m.bin"),
    ],
)
def test_names_of_the_hub(text: str, repo: str, revision: str, file: str) -> None:
    name = hub_name(text)
    assert name is not None
    assert (name.repo, name.revision, name.file, name.url) == (repo, revision, file, "")


def test_addresses_elsewhere_are_https_and_go_where_torch_looks(tmp_path: Path) -> None:
    name = hub_name("https://dl.fbaipublicfiles.com/deit/deit_tiny_patch16_224-a1311bcf.pth")
    assert name is not None
    assert name.hash_start == "a1311bcf"
    assert name.url_file == (
        tmp_path / "torch" / "hub" / "checkpoints" / "deit_tiny_patch16_224-a1311bcf.pth"
    )
    assert hub_name("http://example.org/vit.pth") is None
    assert hub_name("torchvision/vit_b_16").url.startswith("https://download.pytorch.org/")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "text",
    ["runs/best.pth", "a/b/c", "/a/b", "../a", "a//b", "a", "", "https://huggingface.co/../../etc",
     "https://huggingface.co/a", "C:\\models\\vit.pth", "~/x", "a/b@", "a/b@;rm", "a/\u202eb"],
)  # fmt: skip
def test_what_is_no_name_of_the_hub(text: str) -> None:
    assert hub_name(text) is None


def test_a_file_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "timm").mkdir()
    (tmp_path / "timm" / "vit_small_patch16_224.dino").write_bytes(b"")
    assert resolve("timm/vit_small_patch16_224.dino") == "timm/vit_small_patch16_224.dino"


@pytest.mark.parametrize(
    "model", ["timm/vit_small_patch16_224.dino", "hf-hub:a/b", "https://huggingface.co/a/b",
              "torchvision/vit_b_16"]
)  # fmt: skip
def test_what_is_not_here_is_said_with_the_command_that_fetches_it(model: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        resolve(model)
    assert f"{model} is not on this computer" in caught.value.message
    assert f"vitviz download {model}" in caught.value.hint


def test_a_name_that_is_nearly_one_is_guessed() -> None:
    with pytest.raises(CheckpointError, match="Did you mean timm/vit_base_patch16_224"):
        resolve("vit_base_patch16_224")
    assert resolve("vitviz-small-v1") == "vitviz-small-v1"
    assert resolve("there/is/none.pth") == "there/is/none.pth"


def test_a_repository_is_found_by_branch_and_commit(tmp_path: Path) -> None:
    cache = tmp_path / "hf" / "hub"
    old = _keep(cache, "a/b", "model.safetensors", commit="old")
    new = _keep(cache, "a/b", "pytorch_model.bin", "model.safetensors", commit="new")
    assert resolve("a/b") == str(new / "model.safetensors")
    assert resolve("a/b@old") == str(old / "model.safetensors")
    assert weights_of("a/b", file="pytorch_model.bin", cache=cache) == new / "pytorch_model.bin"
    (cache / "models--a--b" / "refs" / "main").unlink()
    assert weights_of("a/b", cache=cache) in (old / "model.safetensors", new / "model.safetensors")
    assert weights_of("a/b", "gone", cache=cache) is None


def test_the_cache_lists_what_may_see(tmp_path: Path) -> None:
    cache = tmp_path / "hf" / "hub"
    _keep(cache, "timm/vit", "model.safetensors", config={"architecture": "vit_tiny_patch16_224"})
    _keep(cache, "google/vit", "pytorch_model.bin", config={"image_size": 224})
    _keep(cache, "me/words", "model.safetensors", config={"model_type": "bert"})
    _keep(cache, "me/broken", config={"image_size": 224})
    (cache / "models--me--broken" / "snapshots" / "c0ffee" / "model.safetensors").symlink_to("gone")
    _keep(cache, "laion/clip", "open_clip_model.safetensors")
    found = in_hub_cache(cache)
    assert [one.name for one in found] == ["google/vit", "laion/clip", "timm/vit"]
    assert {one.bytes for one in found} == {5}


def test_folders_are_looked_through(tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    names = ("best.pth", "a/model.safetensors", "a/optimizer.pt", "a/config.json", "photo.jpg",
             "a/model-00001-of-00002.safetensors", "b/c/d.ckpt", ".git/x.bin")  # fmt: skip
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"1234567")
    (folder / "circle").symlink_to(folder)
    found = on_this_computer((str(folder), str(tmp_path / "gone"), str(folder)))
    assert found == (
        Found("best.pth", folder / "best.pth", 7, str(folder)),
        Found("a/model.safetensors", folder / "a" / "model.safetensors", 7, str(folder)),
        Found("d.ckpt", folder / "b" / "c" / "d.ckpt", 7, str(folder)),
    )
    assert in_folder(tmp_path / "gone", "") == []


def test_listing_loads_neither_torch_nor_the_hub(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from vitviz.models import caches, catalogue, download, hub_names\n"
        "caches.on_this_computer(); hub_names.hub_name('timm/x')\n"
        "assert not {'torch', 'huggingface_hub', 'timm', 'socket'} & sys.modules.keys(), "
        "sorted(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("licence", "words", "non_commercial"),
    [
        ("apache-2.0", "Apache 2.0", False),
        ("cc-by-nc-4.0", "CC BY-NC 4.0", True),
        ("cc-by-4.0", "CC BY 4.0", False),
        ("fair-noncommercial-research-license", "fair-noncommercial-research-license", True),
        ("dinov3-license", "DINOv3 License", False),
        ("", "not stated", False),
        ("encoder-license", "encoder-license", False),
    ],
)
def test_licences_in_words(licence: str, words: str, non_commercial: bool) -> None:
    assert licence_words(licence) == words
    assert is_non_commercial(licence) is non_commercial


def test_a_name_without_its_tag_is_what_was_fetched(tmp_path: Path) -> None:
    cache = tmp_path / "hf" / "hub"
    first = _keep(cache, "timm/vit_nano_patch9.dino", "model.safetensors")
    _keep(cache, "timm/vit_nano_patch99.dino", "model.safetensors")
    assert resolve("vit_nano_patch9") == str(first / "model.safetensors")
    assert resolve("vit_nano_*") == "vit_nano_*"  # nothing but a name
    _keep(cache, "timm/vit_nano_patch9.mae", "model.safetensors")
    with pytest.raises(CheckpointError, match="several models") as caught:
        resolve("vit_nano_patch9")
    assert "timm/vit_nano_patch9.dino, timm/vit_nano_patch9.mae" in caught.value.hint

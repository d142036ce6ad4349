"""Names of the hub on the command line: told, fetched once said yes, used without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end2end.test_cli import here, refused, small_photo
from tests.models.hub_server import Hub, Served, serving
from vitviz.__main__ import main
from vitviz.bundled import resource
from vitviz.models import download_file

__all__ = ["here"]

REPO = "timm/tiny.test"

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(download_file, "WAIT_S", 0.0)
    weights = resource("models", "vitviz_small_v1.safetensors")
    with serving(Hub({"model.safetensors": Served(weights.read_bytes())})) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def test_from_a_name_to_a_map(here: Path, hub: Hub, capsys: Capture) -> None:
    photo = small_photo(here / "photo.png")
    err = refused(capsys, "explain", photo, "--model", REPO)
    assert f"vitviz download {REPO}" in err
    assert not hub.asked
    hub.licence = "cc-by-nc-4.0"
    assert main(["download", REPO, "--yes"]) == 0
    out = capsys.readouterr().out
    assert "Licence: CC BY-NC 4.0 (no commercial use)" in out
    assert f"from {hub.address}/{REPO}" in out
    hub.asked.clear()
    assert main(["explain", str(photo), "--model", f"hf-hub:{REPO}", "--device", "cpu"]) == 0
    assert (here / "photo-rollout.png").exists()
    assert main(["download", REPO]) == 0
    assert "is on this computer" in capsys.readouterr().out
    assert main(["models"]) == 0
    assert f"  {REPO}  (" in capsys.readouterr().out
    assert not hub.asked


@pytest.mark.parametrize(("answer", "code"), [("y", 0), ("", 1), ("no", 1)])
def test_nothing_comes_before_a_yes(
    here: Path, hub: Hub, monkeypatch: pytest.MonkeyPatch, answer: str, code: int
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: answer)
    assert main(["download", REPO]) == code
    assert any("resolve" in path for _, path, *_ in hub.asked) is (code == 0)


def test_a_script_has_to_say_yes(here: Path, hub: Hub, capsys: Capture) -> None:
    assert main(["download", REPO]) == 1
    assert "--yes" in capsys.readouterr().err
    assert not any("resolve" in path for _, path, *_ in hub.asked)


def test_what_goes_wrong_is_said(here: Path, hub: Hub, capsys: Capture) -> None:
    hub.gated = "auto"
    hub.files["model.safetensors"].status = 401
    hub.files["model.safetensors"].code = "GatedRepo"
    assert main(["download", REPO, "--yes"]) == 1
    out, err = capsys.readouterr()
    assert "terms have to be accepted" in out
    assert "hf auth login" in err
    assert "Traceback" not in err


def test_what_is_no_name_is_told_with_one_that_is(here: Path, capsys: Capture) -> None:
    assert "timm/vit_base_patch16_224" in refused(capsys, "download", "vit_base_patch16_224")
    assert "vitviz models" in refused(capsys, "download", "/x")

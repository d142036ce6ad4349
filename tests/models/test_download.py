"""Checkpoints from a hub on the loopback: fetched whole and right, or not at all, and told why."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.models.hub_server import COMMIT, Hub, Served, serving
from vitviz.bundled import resource
from vitviz.errors import Cancelled, CheckpointError, DownloadError
from vitviz.models import download_file
from vitviz.models.caches import hub_cache, on_this_computer
from vitviz.models.catalogue import CATALOGUE, Known
from vitviz.models.download import ask, fetch
from vitviz.models.hub_names import HubName, hub_name, local, resolve
from vitviz.models.loading import load_model
from vitviz.progress import Stage

WEIGHTS = bytes(range(256)) * 64
CONFIG = b'{"architecture": "vit_tiny_patch16_224"}'
REPO = "timm/tiny.test"


@pytest.fixture(autouse=True)
def _caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME", "HF_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(download_file, "WAIT_S", 0.0)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    files = {"config.json": Served(CONFIG, large=False), "model.safetensors": Served(WEIGHTS),
             "pytorch_model.bin": Served(b"other")}  # fmt: skip
    with serving(Hub(files)) as served:
        monkeypatch.setenv("HF_ENDPOINT", served.address)
        yield served


def _name(text: str = REPO) -> HubName:
    name = hub_name(text)
    assert name is not None
    return name


def _problem(name: HubName) -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        fetch(ask(name))
    return caught.value


def _left() -> list[str]:
    blobs = hub_cache() / "models--timm--tiny.test" / "blobs"
    return sorted(path.name for path in blobs.glob("*"))


def test_what_is_fetched_lies_where_every_other_program_looks(hub: Hub) -> None:
    offer = ask(_name())
    assert (offer.bytes, offer.licence, offer.gated) == (len(WEIGHTS + CONFIG), "apache-2.0", False)
    assert not list(hub_cache().glob("*"))  # asking fetches nothing
    path = fetch(offer)
    assert path.read_bytes() == WEIGHTS
    assert (path.parent / "config.json").read_bytes() == CONFIG
    from huggingface_hub import try_to_load_from_cache

    theirs = try_to_load_from_cache(REPO, "model.safetensors", cache_dir=hub_cache())
    assert Path(str(theirs)).samefile(path)
    assert path.parent.name == COMMIT
    assert resolve(REPO) == str(local(_name())) == resolve(f"hf-hub:{REPO}")
    assert [found.name for found in on_this_computer()] == [REPO]


def test_it_is_told_how_far_it_is(hub: Hub) -> None:
    told: list[tuple[Stage, float]] = []
    fetch(ask(_name()), lambda stage, done: told.append((stage, done)))
    shares = [done for stage, done in told if stage.kind == "downloading"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


def test_what_is_here_is_not_fetched_again(hub: Hub) -> None:
    fetch(ask(_name()))
    hub.asked.clear()
    fetch(ask(_name()))
    assert [method for method, path, *_ in hub.asked if "resolve" in path] == ["HEAD", "HEAD"]


def test_a_line_that_is_cut_goes_on_where_it_was(hub: Hub) -> None:
    hub.files["model.safetensors"].cuts = [5000, 4000]
    assert fetch(ask(_name())).read_bytes() == WEIGHTS
    ranges = [
        asked for method, path, asked, _ in hub.asked if method == "GET" and "model.s" in path
    ]
    assert ranges == ["", "bytes=5000-", "bytes=9000-"]


def test_it_goes_on_another_day(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download_file, "TRIES", 1)
    hub.files["model.safetensors"].cuts = [5000, 0]
    problem = _problem(_name())
    assert problem.kind == "offline"
    assert "goes on where it was" in problem.hint
    assert [name for name in _left() if name.endswith(".incomplete")]
    hub.asked.clear()
    assert fetch(ask(_name())).read_bytes() == WEIGHTS
    assert ("GET", f"/{REPO}/resolve/{COMMIT}/model.safetensors", "bytes=5000-", "") in hub.asked
    assert not [name for name in _left() if name.endswith(".incomplete")]


def test_a_server_that_cannot_go_on_begins_anew(hub: Hub) -> None:
    file = hub.files["model.safetensors"]
    file.cuts, file.ranges = [5000], False
    assert fetch(ask(_name())).read_bytes() == WEIGHTS


def test_what_was_begun_and_is_another_file_now_begins_anew(hub: Hub) -> None:
    blob = hub_cache() / "models--timm--tiny.test" / "blobs" / hub.files["model.safetensors"].digest
    blob.parent.mkdir(parents=True)
    blob.with_name(f"{blob.name}.incomplete").write_bytes(b"x" * (len(WEIGHTS) - 10))
    assert _problem(_name()).kind == "broken"  # the hash of the whole is wrong, and it is gone
    assert fetch(ask(_name())).read_bytes() == WEIGHTS


def test_wrong_bytes_never_take_the_place_of_a_model(hub: Hub) -> None:
    hub.files["model.safetensors"].sent = WEIGHTS[:-1] + b"x"
    problem = _problem(_name())
    assert problem.kind == "broken"
    assert "model.safetensors" in problem.message
    assert local(_name()) is None
    assert hub.files["model.safetensors"].digest not in " ".join(_left())


def test_wrong_bytes_of_a_small_file_are_refused_too(hub: Hub) -> None:
    hub.files["config.json"].sent = CONFIG.replace(b"tiny", b"huge")
    assert _problem(_name()).kind == "broken"


@pytest.mark.parametrize("sent", [WEIGHTS[:-100], WEIGHTS + b"more"], ids=["shorter", "longer"])
def test_a_file_of_another_length_is_refused(hub: Hub, sent: bytes) -> None:
    hub.files["model.safetensors"].sent = sent
    assert _problem(_name()).kind == "broken"
    assert local(_name()) is None


def test_a_server_that_lies_about_length_is_given_up(hub: Hub) -> None:
    file = hub.files["model.safetensors"]
    file.sent, file.claims, file.ranges = WEIGHTS[:3000], len(WEIGHTS), False
    problem = _problem(_name())
    assert problem.kind == "offline"
    assert local(_name()) is None


@pytest.mark.parametrize(
    ("status", "code", "kind", "words"),
    [
        (401, "", "refused", "nobody it does not know"),
        (401, "RepoNotFound", "refused", "no such repository"),
        (403, "GatedRepo", "refused", "gated"),
        (404, "RepoNotFound", "missing", "capital letters"),
        (404, "RevisionNotFound", "missing", "There is no"),
        (429, "", "busy", "few minutes"),
        (503, "", "busy", "few minutes"),
    ],
)
def test_refusals_say_why_and_what_to_do(
    hub: Hub, status: int, code: str, kind: str, words: str
) -> None:
    hub.api_status, hub.api_code = status, code
    problem = _problem(_name())
    assert problem.kind == kind
    assert words in f"{problem.message} {problem.hint}"


def test_a_gated_file_says_where_its_terms_are(hub: Hub) -> None:
    hub.gated = "manual"
    assert ask(_name()).gated
    for file in hub.files.values():
        file.status, file.code = 401, "GatedRepo"
    problem = _problem(_name())
    assert problem.kind == "refused"
    assert f"https://huggingface.co/{REPO}" in problem.hint
    assert "hf auth login" in problem.hint


def test_the_token_goes_to_the_hub(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(ask(_name()))
    assert {authorization for *_, authorization in hub.asked} == {"Bearer hf_secret"}


def test_no_network_is_an_ordinary_state(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    problem = _problem(_name())
    assert problem.kind == "offline"
    assert "http://127.0.0.1:9" in problem.message
    assert "open without a network" in problem.hint


def test_what_answers_and_is_no_hub_is_told(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "info", lambda: "Log in to the hotel")
    hub.info = lambda: "no dictionary"  # type: ignore[method-assign, return-value, assignment]
    with pytest.raises(DownloadError) as caught:
        ask(_name())
    assert caught.value.kind == "broken"


def test_cancelling_keeps_what_came(hub: Hub) -> None:
    hub.files["model.safetensors"].pause_s = 0.01

    def progress(stage: Stage, done: float) -> None:
        if stage.kind == "downloading" and done > 0.4:
            raise Cancelled

    offer = ask(_name())
    with pytest.raises(Cancelled):
        fetch(offer, progress)
    part = next(iter(hub_cache().glob("**/*.incomplete")))
    assert WEIGHTS.startswith(part.read_bytes())
    hub.asked.clear()
    assert fetch(offer).read_bytes() == WEIGHTS
    assert any(asked.startswith("bytes=") for _, _, asked, _ in hub.asked)


def test_a_full_disk_is_told_before(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    offer = ask(_name())
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    hub.asked.clear()
    with pytest.raises(DownloadError) as caught:
        fetch(offer)
    assert caught.value.kind == "disk"
    assert not hub.asked


def test_a_repository_without_weights_is_told(hub: Hub) -> None:
    del hub.files["model.safetensors"], hub.files["pytorch_model.bin"]
    assert _problem(_name()).kind == "missing"


def test_weights_in_several_files_come_together(hub: Hub) -> None:
    del hub.files["model.safetensors"]
    shards = [f"model-{i:05}-of-00002.safetensors" for i in (1, 2)]
    index = {"weight_map": {"a": shards[0], "b": shards[1]}}
    hub.files["model.safetensors.index.json"] = Served(json.dumps(index).encode(), large=False)
    for shard in shards:
        hub.files[shard] = Served(shard.encode() * 100)
    path = fetch(ask(_name()))
    assert path.name == "model.safetensors.index.json"
    assert (path.parent / shards[1]).read_bytes() == shards[1].encode() * 100
    (path.parent / shards[1]).unlink()
    assert local(_name()) is None  # a part is missing


def test_an_address_of_its_own_goes_where_torch_looks(hub: Hub, tmp_path: Path) -> None:
    file = Served(WEIGHTS)
    hub.files[f"vit-{file.digest[:8]}.pth"] = file
    row = Known("torchvision/vit", "ViT", "", 1, "mit",
                url=f"{hub.address}/models/vit-{file.digest[:8]}.pth")  # fmt: skip
    name = HubName(row.name, url=row.url, row=row)
    offer = ask(name)
    assert (offer.bytes, offer.licence, offer.is_checked) == (len(WEIGHTS), "mit", True)
    file.cuts = [700]
    path = fetch(offer)
    assert path == tmp_path / "torch" / "hub" / "checkpoints" / f"vit-{file.digest[:8]}.pth"
    assert path.read_bytes() == WEIGHTS
    path.unlink()
    file.sent = WEIGHTS[::-1]
    assert _problem(name).kind == "broken"
    assert not path.exists()


def test_an_address_whose_name_has_no_hash_is_said_not_to_be_checked(hub: Hub) -> None:
    hub.files["vit.pth"] = Served(WEIGHTS)
    offer = ask(HubName("x", url=f"{hub.address}/vit.pth"))
    assert not offer.is_checked


def test_a_cache_that_holds_something_else_is_not_believed(hub: Hub) -> None:
    weights = resource("models", "vitviz_small_v1.safetensors").read_bytes()
    hub.files = {"model.safetensors": Served(weights)}
    path = fetch(ask(_name()))
    assert load_model(path, "cpu").card.bytes == len(weights)
    path.resolve().write_bytes(weights[:-1] + bytes([weights[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="is not what was fetched"):
        load_model(path, "cpu")


def test_every_row_of_the_catalogue_is_a_name_of_its_own() -> None:
    for row in CATALOGUE:
        name = hub_name(row.name)
        assert name is not None
        assert name.row is row
        assert bool(name.repo) != bool(name.url)
        if row.url:
            assert name.hash_start
    names = [other.casefold() for row in CATALOGUE for other in (row.name, *row.also)]
    assert len(names) == len(set(names))

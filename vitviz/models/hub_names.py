"""Names of models that are not files: what they mean, and where what they mean is on this computer.

``--model timm/vit_small_patch16_224.dino``, ``hf-hub:google/vit-base-patch16-224``, an address of
the hub, ``torchvision/vit_b_16``. Finding what was fetched before asks no network.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from vitviz.errors import CheckpointError
from vitviz.models.caches import SUFFIXES, hub_cache, torch_cache, weights_of
from vitviz.models.catalogue import Known, known, similar
from vitviz.paths import is_file, is_folder, is_there

REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9_][\w.-]{0,95}", re.ASCII)
"""An owner and a name, as the hub allows them."""

PREFIXES = ("hf-hub:", "hf_hub:", "hf://")
"""What timm and others put before a repository's name."""

ADDRESS = re.compile(r"https?:/{1,2}", re.IGNORECASE)
"""Of one slash, too: a path loses the other."""

HASH = re.compile(r"-([0-9a-f]{8,64})\.")
"""The first letters of a file's SHA-256 in its name, as torch.hub has it."""

REVISION = re.compile(r"[\w./-]{1,100}", re.ASCII)


@dataclass(frozen=True)
class HubName:
    """A model that is no file of the user's.

    Args:
        said: As the user called it.
        repo: Of the hub; "" where it has an address of its own.
        revision: Branch, tag or commit of the repository.
        file: Of the repository; "" for what its weights are usually called.
        url: Its own address; "" where it is on the hub.
        row: Of the catalogue, where it is in there.
    """

    said: str
    repo: str = ""
    revision: str = "main"
    file: str = ""
    url: str = ""
    row: Known | None = None

    @property
    def title(self) -> str:
        """For people."""
        return self.row.title if self.row else self.repo or Path(urlsplit(self.url).path).name

    @property
    def url_file(self) -> Path:
        """Where torch.hub puts what has an address of its own."""
        return torch_cache() / (Path(unquote(urlsplit(self.url).path)).name or "checkpoint.pth")

    @property
    def hash_start(self) -> str:
        """What the SHA-256 of the file at the address begins with, as far as its name says."""
        found = HASH.search(self.url_file.name)
        return found[1] if found else ""


def endpoint() -> str:
    """Of the hub, or the mirror that the user has set."""
    return (os.environ.get("HF_ENDPOINT") or "https://huggingface.co").rstrip("/")


def hub_name(text: str) -> HubName | None:
    """What a name means; None where it is none of a model that could be fetched.

    Args:
        text: "timm/...", "hf-hub:...", an https address, or a name of the catalogue.
    """
    text = text.strip()
    if row := known(text):
        return HubName(text, "" if row.url else row.name, url=row.url, row=row)
    if ADDRESS.match(text):
        return _of_address(text)
    prefix = next((prefix for prefix in PREFIXES if text.lower().startswith(prefix)), "")
    repo, at, revision = text[len(prefix) :].partition("@")
    if not REPOSITORY.fullmatch(repo) or (at and not REVISION.fullmatch(revision)):
        return None
    if not prefix and repo.casefold().endswith(SUFFIXES):  # "runs/best.pth" is a file
        return None
    return HubName(text, repo, revision or "main", row=known(repo))


def _of_address(text: str) -> HubName | None:
    """A repository, or a file of one, or a file that lies elsewhere; https only."""
    scheme, _, rest = text.partition(":")
    parts = urlsplit(f"{scheme.lower()}://{rest.lstrip('/')}")
    if parts.hostname in _hub_hosts():
        way = [unquote(part) for part in parts.path.split("/") if part]
        repo = "/".join(way[:2])
        if not REPOSITORY.fullmatch(repo) or ".." in way:
            return None
        if len(way) > 3 and way[2] in ("resolve", "blob", "tree"):
            file = "" if way[2] == "tree" else "/".join(way[4:])
            return HubName(text, repo, way[3], file, row=known(repo))
        return HubName(text, repo, row=known(repo))
    if parts.scheme != "https" or not parts.hostname:
        return None
    return HubName(text, url=parts.geturl())


def _hub_hosts() -> set[str | None]:
    mirror = urlsplit(os.environ.get("HF_ENDPOINT", "")).hostname
    return {"huggingface.co", "hf.co", "www.huggingface.co", mirror} - {None}


def local(name: HubName) -> Path | None:
    """Where the weights are on this computer; None where they are not."""
    if name.url:
        return name.url_file if is_file(name.url_file) else None
    return weights_of(name.repo, name.revision, name.file, cache=hub_cache())


def resolve(model: str) -> str:
    """A model as ``load_model`` takes it, of what people call it: files and bundled ids as they
    are, names of the hub as the file that was fetched before, also a name of timm without its tag
    where one was. No network is asked.

    Raises:
        CheckpointError: It is such a name, and is not on this computer, or is there several times.
    """
    if is_there(model):
        return model
    name = hub_name(model)
    if name is None:
        fetched = _fetched(model)
        if len(fetched) == 1:
            return resolve(fetched[0])
        if fetched:
            raise CheckpointError(
                f'"{model}" may be any of several models on this computer.',
                f"Say which: {', '.join(fetched)}.",
            )
        if guesses := _meant(model):
            raise CheckpointError(
                f'There is no model called "{model}" on this computer.',
                f"Did you mean {' or '.join(guesses)}? vitviz download fetches it by that name.",
            )
        return model
    found = local(name)
    if found is None:
        raise missing(name)
    return str(found)


def _fetched(model: str) -> tuple[str, ...]:
    """The models of timm in the cache that have this name, with any tag."""
    prefix = f"models--timm--{model}."
    if not re.fullmatch(r"\w+", model) or not is_folder(hub_cache()):
        return ()
    there = sorted(one.name for one in hub_cache().iterdir() if one.name.startswith(prefix))
    return tuple(f"timm/{name.removeprefix('models--timm--')}" for name in there)


def _meant(model: str) -> tuple[str, ...]:
    """What a bare name may mean; files have suffixes, and bundled models their own names."""
    bare = Path(model).name == model and not model.casefold().endswith(SUFFIXES)
    return similar(model) if bare and not model.startswith("vitviz") else ()


def missing(name: HubName) -> CheckpointError:
    """What to say of a model that has not been fetched."""
    return CheckpointError(
        f"{name.said} is not on this computer.",
        f"Fetch it: vitviz download {name.said}, or Model > Model Browser in the window.",
    )

"""Fetching checkpoints: told before, resumed, checked, kept where other programs look.

Through huggingface_hub: its endpoint (``HF_ENDPOINT``), proxies, tokens and cache are those of
every other program. What is not on the hub goes where torch.hub would put it. The one difference is
that what came is compared with the hash that the hub gives before it takes its place, and that
what was cut off goes on where it was, also another day.

Nothing here is imported, and no network asked, before the user says so.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitviz.errors import DownloadError
from vitviz.models.caches import SHARD, WEIGHTS, hub_cache, is_checkpoint
from vitviz.models.download_errors import told, wrong_bytes
from vitviz.models.download_file import MB, TIMEOUT_S, Count, RemoteFile, fetch_checked, is_right
from vitviz.models.hub_names import HubName, endpoint
from vitviz.models.licence_words import is_non_commercial
from vitviz.progress import Progress, Stage, silent

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

CONFIGS = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "open_clip_config.json",
    "tokenizer.json",  # how models of images and words cut texts
)
"""Small files that say what weights do not."""

SPARE = 64 << 20
"""Bytes to be left free on the disk."""


@dataclass(frozen=True)
class Offer:
    """What would be fetched, for the user to say yes to.

    Args:
        name: What is meant.
        weights: Of ``files``, the one to open.
        files: All that is missing here.
        licence: As the source calls it; "" where it does not.
        gated: Whether terms have to be accepted first.
        revision: The commit; "" for what is not on the hub.
        page: Where people can read about it.
    """

    name: HubName
    weights: str
    files: tuple[RemoteFile, ...]
    licence: str
    gated: bool = False
    revision: str = ""
    page: str = ""

    @property
    def bytes(self) -> int:
        """Of all files together."""
        return sum(file.bytes for file in self.files)

    @property
    def non_commercial(self) -> bool:
        """Whether its licence's name forbids commercial use."""
        return is_non_commercial(self.licence)

    @property
    def is_checked(self) -> bool:
        """Whether there is a hash to compare each file with."""
        return all(file.hash for file in self.files)


def ask(name: HubName, progress: Progress = silent) -> Offer:
    """Asks the source what there is, how large, and under which licence; fetches nothing.

    Raises:
        DownloadError: There is no such thing, or no network.
    """
    progress(Stage("asking_hub"), 0.0)
    with told(name):
        return _ask_address(name) if name.url else _ask_hub(name)


def fetch(offer: Offer, progress: Progress = silent) -> Path:
    """Fetches what was offered; gives the file to open.

    What is cancelled or cut off stays, and the next time goes on there.

    Raises:
        DownloadError: It could not be had whole and right.
        Cancelled: By ``progress``.
    """
    _require_room(offer)
    count = Count(offer.bytes, progress)
    with told(offer.name):
        if offer.name.url:
            return _fetch_address(offer, count)
        there = {file.name: _fetch_hub(offer, file, count) for file in offer.files}
    return there[offer.weights]


# The hub


def _ask_hub(name: HubName) -> Offer:
    from huggingface_hub.hf_api import HfApi

    try:
        info = HfApi(endpoint=endpoint()).model_info(
            name.repo, revision=name.revision, files_metadata=True, timeout=TIMEOUT_S
        )
    except (TypeError, KeyError, AttributeError) as error:  # JSON, but not a hub's
        raise ValueError("its answer has not the fields of a hub's") from error
    there = {file.name: file for file in map(_remote, info.siblings or ())}
    weights = name.file or _usual_weights(list(there))
    if weights not in there:
        raise _no_weights(name, list(there))
    wanted = [weights, *_shards(weights, list(there))]
    folder = weights.rpartition("/")[0]
    beside = [f"{folder}/{config}".lstrip("/") for config in CONFIGS]
    # What is small comes first: who is not let in learns it before the large file.
    files = tuple(there[one] for one in dict.fromkeys([*beside, *wanted]) if one in there)
    return Offer(name, weights, files, _licence(info), bool(info.gated), info.sha or name.revision,
                 f"{endpoint()}/{name.repo}")  # fmt: skip


def _remote(sibling: Any) -> RemoteFile:
    if sibling.lfs is not None:
        size = sibling.lfs.size or sibling.size or 0
        return RemoteFile(sibling.rfilename, size, "sha256", sibling.lfs.sha256.lower())
    digest = (sibling.blob_id or "").lower()
    return RemoteFile(sibling.rfilename, sibling.size or 0, "git" if digest else "", digest)


def _usual_weights(names: list[str]) -> str:
    usual = next((weights for weights in WEIGHTS if weights in names), "")
    others = [name for name in names if is_checkpoint(name)]
    return usual or (others[0] if len(others) == 1 else "")


def _shards(weights: str, names: list[str]) -> list[str]:
    if not weights.endswith(".index.json"):
        return []
    stem = weights.removesuffix(".index.json").rpartition(".")[0]
    return [name for name in names if name.startswith(stem) and SHARD.search(name)]


def _no_weights(name: HubName, names: list[str]) -> DownloadError:
    files = [one for one in names if is_checkpoint(one)][:6]
    hint = (
        f"Name one of its files: {endpoint()}/{name.repo}/resolve/main/{files[0]}" if files else ""
    )
    what = f"the file {name.file}" if name.file else "weights that vitviz knows how to choose"
    return DownloadError(f"{name.repo} has not got {what}.", hint or "Choose another repository.",
                         kind="missing")  # fmt: skip


def _licence(info: ModelInfo) -> str:
    card = info.card_data
    said = str(getattr(card, "license", None) or "")
    if said == "other":
        said = str(getattr(card, "license_name", None) or said)
    return said[:200]


def _fetch_hub(offer: Offer, file: RemoteFile, count: Count) -> Path:
    """Puts a checked file into the cache's store, and has huggingface_hub make the rest."""
    from huggingface_hub.file_download import hf_hub_download, hf_hub_url
    from huggingface_hub.utils import WeakFileLock, build_hf_headers

    cache, repo = hub_cache(), offer.name.repo
    folder = f"models--{repo.replace('/', '--')}"
    if file.digest:
        blob = cache / folder / "blobs" / file.digest
        lock = cache / ".locks" / folder / f"{file.digest}.lock"
        for needed in (blob.parent, lock.parent):
            needed.mkdir(parents=True, exist_ok=True)
        url = hf_hub_url(repo, file.name, revision=offer.revision, endpoint=endpoint())
        with WeakFileLock(lock):
            if blob.exists():
                count.add(file.bytes)
            else:
                fetch_checked(url, blob, file, count, build_hf_headers())
    there = Path(
        hf_hub_download(
            repo,
            file.name,
            revision=offer.name.revision,
            cache_dir=cache,
            endpoint=endpoint(),
        )
    )
    # It took what was put there, unless the hub has another file by now.
    if there.resolve().name != file.digest and not is_right(there, file, count):
        there.unlink()
        raise wrong_bytes(file.name)
    return there


# An address of its own


def _ask_address(name: HubName) -> Offer:
    from huggingface_hub.file_download import get_hf_file_metadata

    size = get_hf_file_metadata(name.url, token=False, timeout=TIMEOUT_S).size or 0
    start = name.hash_start
    file = RemoteFile(name.url_file.name, size, "sha256 start" if start else "", start)
    licence = name.row.licence if name.row else ""
    return Offer(name, file.name, (file,), licence, page=name.url)


def _fetch_address(offer: Offer, count: Count) -> Path:
    from huggingface_hub.utils import WeakFileLock

    target = offer.name.url_file
    target.parent.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(target.with_name(f".{target.name}.lock")):
        if not target.exists():
            fetch_checked(offer.name.url, target, offer.files[0], count, {})
    return target


def _require_room(offer: Offer) -> None:
    folder = offer.name.url_file.parent if offer.name.url else hub_cache()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    with contextlib.suppress(OSError):
        free = shutil.disk_usage(folder).free
        if free < offer.bytes + SPARE:
            raise DownloadError(
                f"{offer.name.title} has {offer.bytes / MB:,.0f} MB, and {free / MB:,.0f} MB are "
                f"free where it would go, {folder}.",
                "Make room, or have HF_HOME (torchvision's: TORCH_HOME) name another folder.",
                kind="disk",
            )

"""What can go wrong with a download, in words: what happened, why, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vitviz.errors import CheckpointError, DownloadError
from vitviz.models.hub_names import HubName, endpoint


@contextmanager
def told(name: HubName) -> Iterator[None]:
    """Errors of the libraries below become ``DownloadError``."""
    try:
        yield
    except (DownloadError, CheckpointError):
        raise
    except OSError as error:  # HfHubHTTPError and OfflineModeIsEnabled are some, too
        raise _of_hub(name, error) or _of_disk(name, error) from error
    except ValueError as error:
        raise _of_answer(name, error) from error
    except Exception as error:
        if not isinstance(error, http_error()):
            raise
        raise _offline(name, error) from error


def _of_answer(name: HubName, error: ValueError) -> DownloadError:
    from huggingface_hub import errors

    if isinstance(error, errors.HFValidationError):
        return DownloadError(
            f"{name.said} is no name that the hub understands: {error}.",
            "Names are like timm/vit_small_patch16_224.dino.",
            kind="missing",
        )
    return _no_hub(error)


def _no_hub(error: Exception) -> DownloadError:
    return DownloadError(
        f"What answered is no hub ({_reason(error)}).",
        "See where HF_ENDPOINT points, and whether a proxy or a page to log in answers instead.",
        kind="broken",
    )


def http_error() -> type[Exception]:
    """What the library that speaks HTTP raises: httpx or its successor, as the hub's has it."""
    from huggingface_hub import errors

    return errors.HTTPError


def _of_hub(name: HubName, error: OSError) -> DownloadError | None:
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return DownloadError(
            "HF_HUB_OFFLINE is set, so nothing is fetched.",
            "Unset it to download; what is on this computer opens without.",
            kind="offline",
        )
    if isinstance(error, errors.FileMetadataError):
        return _no_hub(error)
    if isinstance(error, errors.LocalEntryNotFoundError):
        return _offline(name, error)
    response = getattr(error, "response", None)
    if response is None:
        return None
    gated = isinstance(error, errors.GatedRepoError)
    return _of_status(
        name, response.status_code, gated, str(response.headers.get("X-Error-Message") or "")
    )


def _of_status(name: HubName, status: int, gated: bool, said: str) -> DownloadError:
    where = name.repo or name.url
    if gated or (name.row and name.row.gated and status in (401, 403)):
        return DownloadError(
            f"{where} is gated: its terms have to be accepted first.",
            f"Accept them at https://huggingface.co/{where}, then run: hf auth login "
            "(or set HF_TOKEN), and try again.",
            kind="refused",
        )
    if status in (401, 403):
        token = " The token that is set is not accepted." if _has_token() else ""
        return DownloadError(
            f"The hub gives {where} to nobody it does not know ({status}).{token}",
            "There may be no such repository: look at its name. If it is private, run: hf auth "
            "login (or set HF_TOKEN).",
            kind="refused",
        )
    if status in (404, 410):
        file = f" with {name.file}" if name.file else ""
        return DownloadError(
            f"There is no {where}{file} ({status}).",
            "Look at its name; capital letters count.",
            kind="missing",
        )
    if status == 429 or status >= 500:
        return DownloadError(
            f"The server of {where} cannot give it now ({status}).",
            "Try again in a few minutes.",
            kind="busy",
        )
    return DownloadError(
        f"The server of {where} refused it ({status}{': ' if said else ''}{said[:200]}).",
        "Try again later.",
        kind="busy",
    )


def _has_token() -> bool:
    from huggingface_hub import get_token

    return bool(get_token())


def _offline(name: HubName, error: BaseException) -> DownloadError:
    host = name.url.split("/")[2] if name.url else endpoint()
    return DownloadError(
        f"{host} could not be reached ({_reason(error)}).",
        "Models that are on this computer open without a network. Behind a proxy, set HTTPS_PROXY; "
        "for a mirror of the hub, HF_ENDPOINT.",
        kind="offline",
    )


def _reason(error: BaseException) -> str:
    """The innermost cause, in the library's words."""
    while error.__cause__ is not None:
        error = error.__cause__
    words: Any = str(error).strip().splitlines() or [type(error).__name__]
    return str(words[0])[:200] or type(error).__name__


def _of_disk(name: HubName, error: OSError) -> DownloadError:
    return DownloadError(
        f"{name.title} could not be kept: {error.strerror or error}.",
        "Make room, or have HF_HOME (torchvision's: TORCH_HOME) name another folder.",
        kind="disk",
    )


def wrong_bytes(file: str) -> DownloadError:
    """What came is not what its source says it is."""
    return DownloadError(
        f"{file} arrived, but is not what its source says it is: size or hash differ. It was "
        "deleted.",
        "Try again. If it happens again, a proxy or mirror in between changes what it passes on.",
        kind="broken",
    )


def cut_off(file: str) -> DownloadError:
    """The line broke again and again."""
    return DownloadError(
        f"The connection was lost while fetching {file}.",
        "Try again: it goes on where it was.",
        kind="offline",
    )

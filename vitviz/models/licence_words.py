"""What licences of models are called, and which forbid commercial use."""

from __future__ import annotations

import re

NON_COMMERCIAL = re.compile(r"(^|[-_ ])nc([-_ ]|$)|non-?commercial", re.IGNORECASE)
"""As in "cc-by-nc-4.0" and "fair-noncommercial-research-license"."""

WRITTEN = {
    "apache-2.0": "Apache 2.0",
    "mit": "MIT",
    "bsd-3-clause": "BSD 3-Clause",
    "openrail": "OpenRAIL",
    "dinov3-license": "DINOv3 License",
}


def licence_words(licence: str) -> str:
    """ "Apache 2.0" for the hub's "apache-2.0", "not stated" for none."""
    if not licence:
        return "not stated"
    if licence.lower().startswith("cc-") or licence.lower() == "cc0-1.0":
        kind, _, version = licence.upper().rpartition("-")
        return f"{kind.replace('CC-', 'CC ')} {version}".strip()
    return WRITTEN.get(licence.lower(), licence)


def is_non_commercial(licence: str) -> bool:
    """Whether a licence's name says that it forbids commercial use.

    Licences that say so only in their text are not found: what cannot be told is not claimed, and
    the name is shown before anything is fetched.
    """
    return bool(NON_COMMERCIAL.search(licence))

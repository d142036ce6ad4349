"""The licence texts of everything that runs when vitviz does.

A program folder carries them as files, written when it is built; an installation has them beside
each package. Qt's and PySide6's wheels hold no text, so the LGPL and the GPL come with vitviz.
"""

from __future__ import annotations

import re
import sys
import sysconfig
from importlib import metadata
from pathlib import Path, PurePosixPath

from vitviz.bundled import resource

PACKAGES = (
    "torch", "PySide6-Essentials", "shiboken6", "pillow", "numpy", "safetensors", "platformdirs",
    "psutil", "tifffile", "pi-heif", "typing-extensions", "matplotlib", "contourpy", "cycler",
    "fonttools", "kiwisolver", "packaging", "pyparsing", "python-dateutil",
    "huggingface-hub", "httpx2", "httpcore2", "h11", "anyio", "idna", "truststore", "filelock",
    "fsspec", "pyyaml", "tqdm", "click", "hf-xet",
)  # fmt: skip
"""Distributions that vitviz imports, itself or through another."""

LGPL = "GNU Lesser General Public License 3"
GPL = "GNU General Public License 3"

QT = f"""Qt and PySide6 (Qt for Python, with Shiboken) are used under the {LGPL}.
Copyright (C) The Qt Company Ltd. and other contributors.

Their libraries are separate files that you may replace by your own builds of the same version; in a
program folder they lie in _internal/PySide6. Their source code is at https://download.qt.io and
https://code.qt.io. Qt contains parts under other licences, which are listed at
https://doc.qt.io/qt-6/licenses-used-in-qt.html.

The texts of the {LGPL}, and of the {GPL} that it
refers to, are under their own names in this list.
"""

PI_HEIF = f"""

libheif and libde265, which pi-heif carries as separate, replaceable files, are used under the
{LGPL}, whose text is under its own name in this list.
"""


def licences() -> list[tuple[str, str]]:
    """What is used, and its licence text; vitviz first, then by name.

    Where a text is not installed, a sentence says so.
    """
    folder = frozen_folder()
    if folder is None:
        found = {
            name: text or "Its licence text is not installed here."
            for name, text in installed().items()
        }
    else:
        found = {path.stem: path.read_text(encoding="utf-8") for path in folder.glob("*.txt")}
    return sorted(found.items(), key=lambda item: (item[0] != "vitviz", item[0].casefold()))


def frozen_folder() -> Path | None:
    """Where a program folder keeps the texts, one file each; None where this is none."""
    contents = getattr(sys, "_MEIPASS", None)
    return Path(contents) / "licences" if contents else None


def installed(packages: tuple[str, ...] = PACKAGES) -> dict[str, str]:
    """The texts by name, "" where there is none; of these distributions, Python, Qt and vitviz."""
    found = {
        "vitviz": of_distribution("vitviz") or _of_repository(),
        "Python": _of_python(),
        "Qt and PySide6": QT,
        LGPL: resource("licences", "LGPL-3.0.txt").read_text(encoding="utf-8"),
        GPL: resource("licences", "GPL-3.0.txt").read_text(encoding="utf-8"),
    }
    for name in packages:
        if name not in ("PySide6-Essentials", "shiboken6"):  # both said above
            text = of_distribution(name)
            found[name] = text + PI_HEIF if text and name == "pi-heif" else text
    return found


def of_distribution(name: str) -> str:
    """Every licence and notice that an installed distribution carries; "" for none."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return ""
    texts: dict[str, list[str]] = {}  # third parties' are often the same, letter by letter
    for path in filter(is_licence, _files_beside(distribution)):
        text = Path(str(distribution.locate_file(path))).read_bytes().decode(errors="replace")
        inside = path.parts[1:] if path.parts[1:2] != ("licenses",) else path.parts[2:]
        texts.setdefault(text.strip(), []).append("/".join(inside))
    return "\n\n\n".join(f"{', '.join(names)}\n\n{text}" for text, names in texts.items())


def _files_beside(distribution: metadata.Distribution) -> list[PurePosixPath]:
    """The files in a distribution's own folder of what is said of it.

    ``metadata.files`` makes an object of each file: of torch's 13,000 in a tenth of a second.
    """
    record = distribution.read_text("RECORD") or ""
    names = re.findall(r"^[^/,\n]+\.dist-info/[^,\n]+", record, re.MULTILINE)
    return [PurePosixPath(name) for name in names]


def is_licence(path: PurePosixPath) -> bool:
    """Whether a distribution's file is a licence or notice of its own."""
    name = path.name.upper()
    return (
        path.parts[0].endswith(".dist-info")
        and path.suffix.lower() in ("", ".txt", ".md", ".rst", ".apache", ".bsd")
        and name.startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE"))
    )


def _of_repository() -> str:
    path = Path(__file__).parent.parent / "LICENSE"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _of_python() -> str:
    """Python's own; distributions of it keep it in different places."""
    for folder in (sysconfig.get_path("stdlib"), sys.base_prefix):
        path = Path(folder) / "LICENSE.txt"
        if path.is_file():
            return path.read_text(encoding="utf-8")
    return ""

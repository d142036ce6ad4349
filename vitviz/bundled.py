"""The one way to the files that come with vitviz: icons, colour maps, class names, models, ...

They lie in ``resources/``: beside the package in the repository, and so where it is installed as
editable; inside the package in a wheel and in a program folder (``pyproject.toml`` and
``build.spec`` put them there).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from vitviz.errors import VitvizError

PACKAGE = Path(__file__).parent

KNOWN_BY = "guide.md"
"""The folder is the one with this file in it: a checkout may keep an empty one at the old place,
and beside an installed package "resources" may be anybody's."""


def resource(*parts: str) -> Path:
    """A file or folder that comes with vitviz.

    Args:
        parts: Of its path below ``resources/``: "icons", "vitviz.svg". None for the folder itself.

    Returns:
        An existing path.

    Raises:
        VitvizError: It is not there.
    """
    path = _folder(PACKAGE).joinpath(*parts)
    if not path.exists():
        raise _missing(path)
    return path


@cache
def _folder(package: Path) -> Path:
    inside, beside = package / "resources", package.parent / "resources"
    for folder in (inside, beside):
        if (folder / KNOWN_BY).is_file():
            return folder
    raise _missing(inside, beside)


def _missing(*paths: Path) -> VitvizError:
    places = " or ".join(str(path) for path in paths)
    return VitvizError(
        f"Something that comes with vitviz is not there: {places}.", "Install vitviz again."
    )

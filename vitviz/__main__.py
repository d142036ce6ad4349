"""``vitviz``: no arguments, or only files, open the window; a subcommand is the command line."""

from __future__ import annotations

import os
import sys
from multiprocessing import freeze_support
from pathlib import Path

from vitviz import __version__, cli
from vitviz.cli.terminal import Parser

NO_DISPLAY = (
    "vitviz: there is no display to open a window on "
    "(neither DISPLAY nor WAYLAND_DISPLAY is set).\n"
    "Without one, write maps to files: vitviz explain PHOTO\n"
)

NO_QT = (
    "vitviz: the window needs PySide6, which is not installed: pip install PySide6-Essentials\n"
    "Without a window: vitviz explain PHOTO\n"
)

MISSING_LIBRARY = (
    "vitviz: the window cannot be opened: {error}\n"
    "On Debian or Ubuntu: apt-get install libegl1 libgl1 libxkbcommon0 libdbus-1-3 "
    "libfontconfig1 libglib2.0-0\n"
    "Without a window: vitviz explain PHOTO\n"
)


def main(arguments: list[str] | None = None) -> int:
    """Runs vitviz; returns the exit code."""
    freeze_support()
    if sys.stdout is None or sys.stderr is None:  # a program of Windows without a console
        nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 (until the end)
        sys.stdout, sys.stderr = sys.stdout or nowhere, sys.stderr or nowhere
    given = sys.argv[1:] if arguments is None else arguments
    if given[:1] == ["--decode-photo"]:  # child.FLAG: a frozen program starts itself as a child
        from vitviz.imaging import child

        return child.main()
    if given and given[0] in cli.COMMANDS:
        return cli.main(given)
    options = window_options().parse_args(given)
    try:
        from vitviz.gui import app
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and (error.name or "").startswith("PySide6"):
            sys.stderr.write(NO_QT)
        elif ".so" in str(error) or "DLL" in str(error):
            sys.stderr.write(MISSING_LIBRARY.format(error=error))
        else:
            raise
        return 2
    if not app.has_display():
        sys.stderr.write(NO_DISPLAY)
        return 2
    return app.start([Path(path) for path in options.files], options.screenshot, once=options.once)


def window_options() -> Parser:
    """What the command line of the window understands."""
    parser = Parser(
        prog="vitviz",
        description="See where a Vision Transformer looks, laid exactly over the photo.",
        epilog=f"Without a window: vitviz {{{','.join(cli.COMMANDS)}}} --help",
    )
    parser.add_argument("--version", action="version", version=f"vitviz {__version__}")
    parser.add_argument(
        "--screenshot",
        type=Path,
        metavar="PNG",
        help="save a picture of the window once its first map is there, and close",
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="leave what was open last time as it is, for the next start without FILE",
    )
    parser.add_argument(
        "files",
        nargs="*",
        metavar="FILE",
        help="photos, folders of photos, a session (.vitviz) or a checkpoint",
    )
    return parser


if __name__ == "__main__":
    raise SystemExit(main())

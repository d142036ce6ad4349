"""What goes into a program folder and what stays out; ``build.spec`` asks here.

Sizes are of torch 2.13 (CPU) and PySide6 6.11 on Linux.
"""

from __future__ import annotations

import importlib.util
import pkgutil
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from importlib import metadata
from pathlib import Path

from vitviz.licences import PACKAGES, installed, of_distribution

Entry = tuple[str, str, str]
"""PyInstaller's: path in the folder, path on this computer, kind."""

OPTIONAL = ("av", "scipy", "tokenizers")
"""What the program says it lacks. PyAV's wheels carry x264, which is under the GPL; scipy is large,
and one method asks for it; those of tokenizers carry no licence's text."""

EXCLUDED = (
    # Of torch: what compiles, exports and reports, with what only that imports. torch.optim
    # needs some of it, and so is there but cannot be imported; training does without it.
    "sympy", "mpmath", "networkx", "jinja2", "markupsafe", "triton", "tensorboard",
    "torch._dynamo", "torch._inductor", "torch.onnx", "torch.utils.tensorboard",
    # Python's, and what tests and builds need.
    "tkinter", "setuptools", "pip", "pytest", "hypothesis", "beartype", "typeguard", "timm",
    "torchvision", "torchaudio", "IPython", "pandas", "jax",
    # Of matplotlib: what draws in windows; figures are drawn without one.
    "matplotlib.backends.qt_compat", "matplotlib.backends.backend_qt",
    "matplotlib.backends.backend_qtagg", "matplotlib.backends.backend_qt5agg",
    "matplotlib.backends._backend_tk", "matplotlib.backends.backend_tkagg",
    "matplotlib.backends.backend_webagg", "matplotlib.tests", "matplotlib.sphinxext",
    *OPTIONAL,
    # Of Qt: all but Core, Gui, Widgets and Svg, with what Widgets loads (DBus).
    "PySide6.QtConcurrent", "PySide6.QtDesigner", "PySide6.QtHelp", "PySide6.QtNetwork",
    "PySide6.QtOpenGL", "PySide6.QtOpenGLWidgets", "PySide6.QtPrintSupport", "PySide6.QtQml",
    "PySide6.QtQuick", "PySide6.QtQuickControls2", "PySide6.QtQuickTest",
    "PySide6.QtQuickWidgets", "PySide6.QtSql", "PySide6.QtSvgWidgets", "PySide6.QtTest",
    "PySide6.QtUiTools", "PySide6.QtXml",
)  # fmt: skip
"""Modules that are not looked for."""

MUST_STAY = (
    "torchgen", "torch.testing", "torch.distributed", "torch.package", "torch.export", "unittest",
    "multiprocessing",
)  # fmt: skip
"""Modules that look superfluous, but without which ``import torch`` fails."""

JUNK = (
    "torch/test/*", "torch/include/*", "torch/share/*", "torch/bin/*",
    "torch/lib/*test.so", "torch/lib/libbackend_with_compiler.so",
    "torch/lib/libaoti_custom_ops.so",
    "torch/_dynamo/*", "torch/_inductor/*", "torch/onnx/*", "torch/utils/benchmark/*",
    "PySide6/*Qml*", "PySide6/*Quick*", "PySide6/*Pdf*", "PySide6/*VirtualKeyboard*",
    "PySide6/Qt/qml/*", "PySide6/qml/*", "PySide6/opengl32sw.dll",
    "*/plugins/platforms/*eglfs*", "*/plugins/platforms/*linuxfb*", "*/plugins/platforms/*vnc*",
    "*/plugins/platforms/*minimalegl*", "*/plugins/platforms/*vkkhr*",
    "*/plugins/platformthemes/*gtk3*", "*/plugins/platforminputcontexts/*virtualkeyboard*",
    "*/plugins/egldeviceintegrations/*", "*/plugins/qmltooling/*", "*/plugins/sqldrivers/*",
    "*/plugins/generic/*", "*/plugins/networkinformation/*", "*/plugins/tls/*",
    "*/plugins/vectorimageformats/*", "*/plugins/imageformats/*pdf*",
    "matplotlib/mpl-data/sample_data/*", "matplotlib/mpl-data/images/*",
    "matplotlib/mpl-data/fonts/afm/*", "matplotlib/mpl-data/fonts/pdfcorefonts/*",
    "matplotlib/mpl-data/plot_directive/*", "matplotlib/mpl-data/stylelib/*",
    "PySide6/*translations/*",  # the program is in English
    "*.dist-info/licenses/*", "*.dist-info/RECORD",  # the texts are in licences/
)  # fmt: skip
"""Files that PyInstaller's hooks collect and nothing uses."""

SOURCES = (
    "_decomp", "_export", "_functorch", "_higher_order_ops", "_inductor", "_numpy", "_prims",
    "_prims_common", "_refs", "_subclasses", "ao", "distributed", "distributions", "export", "fx",
    "masked", "testing", "utils",
)  # fmt: skip
"""Parts of torch whose source text nothing reads; the modules themselves stay."""

KEPT = (
    "torch/bin/torch_shm_manager*",  # without it `import torch` is a RuntimeError
    "torch/*config.py", "torch/*config_module.py",  # read as text when they are imported
)  # fmt: skip
"""Of JUNK and SOURCES."""

DYNAMIC = ("libpython", "libdbus-1.", "libfontconfig.", "libfreetype.")
"""Beginnings of the names of libraries that are loaded without anything linking to them."""

X11_LIBRARIES = (
    "libX11-xcb.so.1", "libX11.so.6", "libxcb-cursor.so.0", "libxcb-glx.so.0", "libxcb-icccm.so.4",
    "libxcb-image.so.0", "libxcb-keysyms.so.1", "libxcb-randr.so.0", "libxcb-render-util.so.0",
    "libxcb-render.so.0", "libxcb-shape.so.0", "libxcb-shm.so.0", "libxcb-sync.so.1",
    "libxcb-util.so.1", "libxcb-xfixes.so.0", "libxcb-xkb.so.1", "libxkbcommon-x11.so.0",
    "libxkbcommon.so.0",
)  # fmt: skip
"""What Qt's xcb plugin links to and PyInstaller takes from the computer that builds."""


def inside(package: str) -> list[str]:
    """The modules of a package, by name."""
    spec = importlib.util.find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return [f"{package}.{found.name}" for found in pkgutil.iter_modules(folders or [])]


def wanted(entries: Iterable[Entry]) -> list[Entry]:
    """The entries without junk, and without links to it."""
    return [
        (path, source, kind)
        for path, source, kind in entries
        if not is_junk(Path(path).as_posix())
        and not (kind == "SYMLINK" and is_junk((Path(path).parent / source).as_posix()))
    ]


def is_junk(path: str) -> bool:
    """Whether a file stays out.

    Args:
        path: In the folder, with "/".
    """
    if any(fnmatchcase(path, pattern) for pattern in KEPT):
        return False
    if path.endswith(".py") and path.startswith(tuple(f"torch/{part}/" for part in SOURCES)):
        return True
    return any(fnmatchcase(path, pattern) for pattern in JUNK)


def linked(entries: list[Entry], imports: Callable[[str], Iterable[str]]) -> list[Entry]:
    """The entries without the shared libraries that only junk, left out by now, was linked to.

    Args:
        entries: Without junk.
        imports: The names of the libraries that a file, given by its path here, is linked to.
    """
    shared = {entry for entry in entries if is_shared_library(entry)}
    kept = [entry for entry in entries if entry not in shared]
    news = kept
    while news:
        names = {name for _, source, _ in news for name in imports(source)}
        news = [entry for entry in shared if Path(entry[0]).name in names]
        shared -= set(news)
        kept = kept + news
    return kept


def unbroken(entries: list[Entry], others: list[Entry]) -> list[Entry]:
    """The entries without the links to what is in neither list."""
    files = {Path(entry[0]) for entry in (*entries, *others)}
    return [
        (path, target, kind)
        for path, target, kind in entries
        if kind != "SYMLINK" or Path(path).parent / target in files
    ]


def is_shared_library(entry: Entry) -> bool:
    """Whether an entry is there only for others that are linked to it."""
    path, _, kind = Path(entry[0]), *entry[1:]
    return (
        kind == "BINARY"
        and path.parent.as_posix() in (".", "PySide6/Qt/lib")
        and not path.name.startswith(DYNAMIC)
    )


def without_symbols(entries: list[Entry], folder: Path) -> list[Entry]:
    """The entries with Python's own libraries stripped: a Python built here has 24 MB of symbols.

    Nothing else is stripped: wheels are already, and some break.

    Args:
        entries: Of libraries.
        folder: For the stripped copies; made anew.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    result = []
    for path, source, kind in entries:
        of_python = "lib-dynload" in source or Path(source).name.startswith("libpython")
        copy = str(folder / Path(source).name)
        if of_python:
            subprocess.run(["strip", "-o", copy, source], check=True)
        result.append((path, copy if of_python else source, kind))
    return result


def check_libraries(entries: Iterable[Entry]) -> None:
    """Ends the build if the folder would not open a window on X11.

    PyInstaller leaves out a library that the computer lacks, and says so in a line of its log.

    Raises:
        SystemExit: Libraries are missing; it names them.
    """
    there = {Path(entry[0]).name for entry in entries}
    missing = [name for name in X11_LIBRARIES if name not in there]
    if missing and sys.platform == "linux":
        raise SystemExit(
            f"build.spec: this computer lacks {', '.join(missing)}, and so would the program "
            "folder. On Debian or Ubuntu: apt-get install libxcb-cursor0 libxkbcommon-x11-0 "
            "libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libxcb-util1"
        )


def write_licences(folder: Path, modules: Iterable[str], binaries: Iterable[Entry]) -> None:
    """Writes the licence text of everything in the program folder, one file each.

    Args:
        folder: Made anew.
        modules: Names of all modules.
        binaries: All libraries.

    Raises:
        SystemExit: A text is missing; it names whose.
    """
    texts = installed(tuple({*PACKAGES, *distributions(modules)}))
    texts["PyInstaller"] = of_distribution("pyinstaller")
    if sys.platform == "linux":
        texts |= of_system_libraries(Path(source) for _, source, _ in binaries)
    missing = [name for name, text in texts.items() if not text.strip()]
    if missing:
        raise SystemExit(f"build.spec: no licence text is to be found of {', '.join(missing)}.")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")


def distributions(modules: Iterable[str]) -> set[str]:
    """The distributions that these modules are of; vitviz and what ``PACKAGES`` has left out."""
    known = {normal(name) for name in (*PACKAGES, "vitviz")}
    of_module = metadata.packages_distributions()
    found = {name for module in modules for name in of_module.get(module.split(".")[0], [])}
    return {name for name in found if normal(name) not in known}


def normal(name: str) -> str:
    """A distribution's name as it is compared."""
    return name.lower().replace("_", "-").replace(".", "-")


def of_system_libraries(paths: Iterable[Path]) -> dict[str, str]:
    """The copyright files of the Debian packages that libraries are of.

    Args:
        paths: Of libraries; those outside the system's folders are somebody else's.

    Raises:
        SystemExit: This is no Debian, which would have said whose they are.
    """
    libraries = sorted({path for path in paths if path.is_relative_to("/usr/lib")
                        or path.is_relative_to("/lib")})  # fmt: skip
    if not libraries:
        return {}
    if not shutil.which("dpkg-query"):
        raise SystemExit(
            "build.spec: build on Debian or Ubuntu, where the licences of the system's libraries "
            f"can be found; {libraries[0]} and {len(libraries) - 1} more are part of the folder."
        )
    return {
        f"{package} (system library)": copyright_of(package)
        for package in sorted({debian_package(path) for path in libraries})
    }


def debian_package(library: Path) -> str:
    """The Debian package that a library is of; its path where there is none."""
    # Packages know their files under /lib or under /usr/lib, which are the same today.
    names = {str(library.resolve()), str(library), str(library.resolve()).removeprefix("/usr")}
    for name in sorted(names):
        done = subprocess.run(
            ["dpkg-query", "--search", name], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout.split(":")[0].split(",")[0]
    return str(library).replace("/", "_")


def copyright_of(package: str) -> str:
    """The text of a Debian package's copyright file; "" where there is none."""
    path = Path("/usr/share/doc") / package / "copyright"
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""

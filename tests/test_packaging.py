"""What is handed to desktops and installers agrees with the program, and builds fail loudly."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

import vitviz
from vitviz import bundled, licences
from vitviz.bundled import resource
from vitviz.session import session_file
from vitviz.session.state import Session

ROOT = Path(__file__).resolve().parent.parent
PACKAGING = ROOT / "tools" / "packaging"
LINUX = PACKAGING / "linux"
ID = "io.github.vitviz.vitviz"
MIME = "application/x-vitviz-session+json"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def imported(name: str, folder: str) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / folder))
        yield importlib.import_module(name)
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def bundle() -> Iterator[ModuleType]:
    yield from imported("bundle", "tools/packaging")


@pytest.fixture(scope="module")
def bundle_macos() -> Iterator[ModuleType]:
    yield from imported("bundle_macos", "tools/packaging")


@pytest.fixture(scope="module")
def build() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        yield from imported("build", "tools")


def test_the_spec_is_python_and_what_it_names_is_there() -> None:
    text = (ROOT / "build.spec").read_text(encoding="utf-8")
    compile(text, "build.spec", "exec")
    for icon in re.findall(r'icons / "([^"]+)"', text):
        assert resource("icons", icon).is_file()


# --- What comes with the program is found there, too ---


class Analysed(Exception):
    """Ends the spec where PyInstaller would begin to look for imports."""


def collected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The data that build.spec asks PyInstaller for: path here, path in the program folder."""
    hooks, imports = ModuleType("hooks"), ModuleType("bindepend")
    hooks.copy_metadata = lambda name: []  # type: ignore[attr-defined]
    imports.get_imports = None  # type: ignore[attr-defined]
    for name in ("PyInstaller", "PyInstaller.utils", "PyInstaller.depend"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "PyInstaller.utils.hooks", hooks)
    monkeypatch.setitem(sys.modules, "PyInstaller.depend.bindepend", imports)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def analysis(scripts: list[str], datas: list[tuple[str, str]], **_: object) -> None:
        assert all(Path(script).is_file() for script in scripts)
        raise Analysed(datas)

    spec = compile((ROOT / "build.spec").read_text(encoding="utf-8"), "build.spec", "exec")
    with pytest.raises(Analysed) as caught:
        exec(spec, {"SPECPATH": str(ROOT), "workpath": "work", "Analysis": analysis})
    return list(caught.value.args[0])


def test_in_a_program_folder(
    bundle: ModuleType,
    bundle_macos: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ((here, there),) = collected(monkeypatch)
    assert Path(here) == resource()
    files = {path.relative_to(here) for path in resource().rglob("*") if path.is_file()}
    assert not [path for path in files if bundle.is_junk((there / path).as_posix())]
    shutil.copytree(here, tmp_path / "_internal" / there)
    monkeypatch.setattr(bundled, "PACKAGE", tmp_path / "_internal" / "vitviz")
    assert {
        path.relative_to(resource()) for path in resource().rglob("*") if path.is_file()
    } == files
    installer = (LINUX / "install.sh").read_text(encoding="utf-8")
    assert f"/_internal/{there}/icons\n" in installer


def test_in_a_wheel(tmp_path: Path) -> None:
    wheels = pytest.importorskip("hatchling.builders.wheel")
    (wheel,) = wheels.WheelBuilder(str(ROOT)).build(directory=str(tmp_path))
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site-packages")
    script = "from vitviz import bundled, __file__ as at; print(at, bundled.resource(), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site-packages")},
        capture_output=True,
        text=True,
        check=True,
    )
    package = tmp_path / "site-packages" / "vitviz"
    assert done.stdout.splitlines() == [str(package / "__init__.py"), str(package / "resources")]
    for path in [path for path in resource().rglob("*") if path.is_file()]:
        copy = package / "resources" / path.relative_to(resource())
        assert copy.read_bytes() == path.read_bytes()
    assert (package / "py.typed").is_file()
    (information,) = (tmp_path / "site-packages").glob("*.dist-info")
    assert information.name == f"vitviz-{vitviz.__version__}.dist-info"
    assert (information / "licenses" / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


# --- What desktops are told ---


def desktop_entry() -> dict[str, str]:
    parser = ConfigParser(interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(LINUX / f"{ID}.desktop", encoding="utf-8")
    return dict(parser["Desktop Entry"])


def test_the_desktop_entry_starts_the_program_and_shows_its_icon() -> None:
    from vitviz.gui.app import DESKTOP_ID

    entry = desktop_entry()
    assert entry["Name"] == PROJECT["name"]
    assert entry["Exec"].split()[0] in PROJECT["scripts"]
    assert entry["Exec"].split()[1:] == ["%F"]  # files, which the window takes as arguments
    assert entry["Icon"] == ID == DESKTOP_ID
    assert MIME in entry["MimeType"].split(";")


def test_the_metainfo_is_about_this_version() -> None:
    root = ElementTree.parse(LINUX / f"{ID}.metainfo.xml").getroot()
    assert root.findtext("id") == ID
    assert root.findtext("launchable") == f"{ID}.desktop"
    assert root.findtext("icon") == ID
    assert root.findtext("project_license") == PROJECT["license"]
    assert next(release.get("version") for release in root.iter("release")) == vitviz.__version__
    assert [kind.text for kind in root.iter("mediatype")] == [MIME]
    assert root.findtext("provides/binary") in PROJECT["scripts"]
    categories = [category.text for category in root.iter("category")]
    assert categories == desktop_entry()["Categories"].rstrip(";").split(";")


def test_the_mime_type_knows_sessions_by_name_and_by_content() -> None:
    space = {"m": "http://www.freedesktop.org/standards/shared-mime-info"}
    (kind,) = ElementTree.parse(LINUX / f"{ID}.xml").getroot().findall("m:mime-type", space)
    assert kind.get("type") == MIME
    (glob,) = kind.findall("m:glob", space)
    assert glob.get("pattern") == f"*{session_file.SUFFIX}"
    now, before = kind.findall("m:magic/m:match", space)
    assert session_file.to_json(Session()).startswith(str(now.get("value")))
    assert str(before.get("value")) == '{\\n "vitviz":'


def test_the_finder_is_told_the_same(bundle_macos: ModuleType) -> None:
    assert bundle_macos.IDENTIFIER == ID
    (exported,) = bundle_macos.INFO["UTExportedTypeDeclarations"]
    assert exported["UTTypeTagSpecification"] == {
        "public.filename-extension": [session_file.SUFFIX.removeprefix(".")],
        "public.mime-type": [MIME],
    }
    opened = [
        t for d in bundle_macos.INFO["CFBundleDocumentTypes"] for t in d["LSItemContentTypes"]
    ]
    assert exported["UTTypeIdentifier"] in opened


def test_the_installer_of_windows_names_files_that_there_are() -> None:
    text = (PACKAGING / "windows" / "vitviz.iss").read_text(encoding="utf-8")
    assert f"/DVersion={vitviz.__version__} " in text
    assert f'"Software\\Classes\\{session_file.SUFFIX}"' in text
    assert MIME in text
    assert (ROOT / "LICENSE").is_file()
    assert "dist\\vitviz\\*" in text  # where tools/build.py puts the folder


def test_icons_of_every_size_are_installed() -> None:
    text = (LINUX / "install.sh").read_text(encoding="utf-8")
    sizes = re.findall(r"\d+", re.findall(r"for size in ([\d ]+);", text)[0])
    icons = resource("icons")
    assert {f"vitviz-{size}.png" for size in sizes} == {p.name for p in icons.glob("vitviz-*.png")}
    assert (icons / "vitviz.svg").is_file()


# --- What goes into the folder ---


def test_nothing_is_excluded_that_must_stay(bundle: ModuleType) -> None:
    for module in bundle.MUST_STAY:
        parts = module.split(".")
        parents = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
        assert not parents & set(bundle.EXCLUDED)


def test_nothing_is_excluded_that_the_program_imports(bundle: ModuleType) -> None:
    excluded = set(bundle.EXCLUDED) - set(bundle.OPTIONAL)
    names = {name for name in excluded if "." not in name or name.startswith("PySide6")}
    pattern = re.compile(r"^\s*(?:from|import) ([\w.]+)", re.MULTILINE)
    for path in (ROOT / "vitviz").rglob("*.py"):
        used = set(pattern.findall(path.read_text(encoding="utf-8")))
        assert not {name for name in used if name in names or name.split(".")[0] in names}, path


@pytest.mark.parametrize("path", [
    "torch/test/cpp/test_api", "torch/include/ATen/ATen.h", "torch/bin/protoc",
    "torch/distributed/rpc/api.py", "PySide6/Qt/lib/libQt6Qml.so.6", "PySide6/Qt6Quick.dll",
    "PySide6/Qt/plugins/platforms/libqeglfs.so", "PySide6/Qt/translations/qtbase_de.qm",
    "PySide6/Qt/plugins/platformthemes/libqgtk3.so", "PySide6/translations/designer_de.qm",
])  # fmt: skip
def test_junk_stays_out(bundle: ModuleType, path: str) -> None:
    assert bundle.is_junk(path)


@pytest.mark.parametrize("path", [
    "torch/bin/torch_shm_manager", "torch/lib/libtorch_cpu.so", "torch/nn/functional.py",
    "torch/distributed/config.py", "torch/_functorch/config.py", "torch/utils/_config_module.py",
    "PySide6/Qt/plugins/platforms/libqxcb.so", "PySide6/Qt/plugins/platforms/libqoffscreen.so",
    "PySide6/Qt/plugins/imageformats/libqjpeg.so",
    "vitviz/resources/samples/panda.jpg",
])  # fmt: skip
def test_what_is_needed_goes_in(bundle: ModuleType, path: str) -> None:
    assert not bundle.is_junk(path)


def test_shared_libraries_stay_only_where_something_kept_needs_them(bundle: ModuleType) -> None:
    needs = {"/plugin": ["libQt6Svg.so.6"], "/svg": ["libQt6Gui.so.6", "libc.so.6"],
             "/gtk-only": ["libcairo.so.2"]}  # fmt: skip
    entries = [
        ("PySide6/Qt/plugins/iconengines/libqsvgicon.so", "/plugin", "BINARY"),
        ("PySide6/Qt/lib/libQt6Svg.so.6", "/svg", "BINARY"),
        ("PySide6/Qt/lib/libQt6Gui.so.6", "/gui", "BINARY"),
        ("libgdk-3.so.0", "/gtk-only", "BINARY"),
        ("libcairo.so.2", "/cairo", "BINARY"),
        ("libpython3.11.so.1.0", "/python", "BINARY"),
        ("torch/lib/libtorch.so", "/torch", "BINARY"),
    ]
    kept = bundle.linked(entries, lambda path: needs.get(path, []))
    dropped = {Path(path).name for path, _, _ in set(entries) - set(kept)}
    assert dropped == {"libgdk-3.so.0", "libcairo.so.2"}
    links = [("libQt6Svg.so.6", "PySide6/Qt/lib/libQt6Svg.so.6", "SYMLINK"),
             ("libQt6Sql.so.6", "PySide6/Qt/lib/libQt6Sql.so.6", "SYMLINK"),
             ("vitviz/resources/guide.md", "/guide", "DATA")]  # fmt: skip
    assert bundle.unbroken(links, kept) == [links[0], links[2]]


def test_links_to_junk_are_junk(bundle: ModuleType) -> None:
    links = [("libQt6Svg.so.6", "PySide6/Qt/lib/libQt6Svg.so.6", "SYMLINK"),
             ("QtQml", "PySide6/Qt/lib/QtQml.framework/Versions/A/QtQml", "SYMLINK")]  # fmt: skip
    assert bundle.wanted(links) == links[:1]


@pytest.mark.parametrize("missing", ["libxcb-cursor.so.0", "libxkbcommon-x11.so.0"])
def test_a_folder_without_an_x11_library_is_not_made(
    bundle: ModuleType, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    entries = [(name, f"/usr/lib/{name}", "BINARY") for name in bundle.X11_LIBRARIES]
    bundle.check_libraries(entries)
    with pytest.raises(SystemExit, match=re.escape(missing)):
        bundle.check_libraries([entry for entry in entries if entry[0] != missing])


def test_a_build_begins_with_a_look_at_the_computer(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(build.bootstrap, "not_loading", lambda libraries: [])
    build.check_host()
    monkeypatch.setattr(build.bootstrap, "not_loading", lambda libraries: ["libxcb-cursor.so.0"])
    with pytest.raises(SystemExit, match=r"lacks libxcb-cursor\.so\.0.*install libxcb-cursor0"):
        build.check_host()


def test_the_folder_is_tried_where_no_python_is(
    build: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/somewhere")
    env = build.bare(tmp_path)
    assert not [name for name in env if name.startswith(("PYTHON", "LD_"))]
    assert list(Path(env["PATH"]).iterdir()) == []


# --- Licences ---


def test_every_dependency_has_its_licence_text() -> None:
    names = {re.split(r"[^\w.-]", name, maxsplit=1)[0].lower() for name in PROJECT["dependencies"]}
    assert names <= {name.lower() for name in licences.PACKAGES}
    texts = licences.installed()
    assert {name for name, text in texts.items() if len(text) < 300} == set()
    assert "END OF TERMS AND CONDITIONS" in texts[licences.GPL]
    assert texts[licences.LGPL].lstrip().startswith("GNU LESSER GENERAL PUBLIC LICENSE")
    for name in ("Qt and PySide6", "pi-heif"):
        assert licences.LGPL in texts[name]
        assert "replace" in texts[name]


def test_a_program_folder_shows_the_texts_it_carries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", str(tmp_path), raising=False)
    (tmp_path / "licences").mkdir()
    for name in ("numpy", "vitviz", "Qt and PySide6"):
        (tmp_path / "licences" / f"{name}.txt").write_text(f"terms of {name}", encoding="utf-8")
    assert [name for name, _ in licences.licences()] == ["vitviz", "numpy", "Qt and PySide6"]
    assert dict(licences.licences())["numpy"] == "terms of numpy"


def test_an_installation_without_a_text_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(licences, "PACKAGES", ("no-such-package",))
    monkeypatch.setattr(licences, "installed", lambda: {"vitviz": "terms", "no-such-package": ""})
    assert dict(licences.licences())["no-such-package"] == "Its licence text is not installed here."
    assert licences.of_distribution("no-such-package") == ""


def test_a_folder_without_a_licence_text_is_not_made(
    bundle: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "licences"
    monkeypatch.setattr(bundle, "of_distribution", lambda name: "its terms")
    bundle.write_licences(folder, ["vitviz.cli", "torch.nn", "json"], [])
    assert (folder / "PyInstaller.txt").read_text(encoding="utf-8") == "its terms"
    assert (folder / "torch.txt").stat().st_size > 1000
    monkeypatch.setattr(bundle, "distributions", lambda modules: {"no-such-package"})
    with pytest.raises(SystemExit, match="no-such-package"):
        bundle.write_licences(folder, [], [])


def test_whatever_else_is_bundled_needs_a_licence_too(bundle: ModuleType) -> None:
    found = bundle.distributions(["torch.nn", "PIL.Image", "vitviz.cli", "pytest", "json"])
    assert found == {"pytest"}


@pytest.mark.skipif(not Path("/usr/bin/dpkg-query").exists(), reason="not a Debian")
def test_system_libraries_come_with_their_packages_terms(bundle: ModuleType) -> None:
    (library,) = sorted(Path("/lib").glob("*-linux-gnu/libz.so.1")) or [None]
    if library is None:
        pytest.skip("zlib is somewhere else")
    texts = bundle.of_system_libraries([library, Path("/opt/somebody/libother.so")])
    assert list(texts) == ["zlib1g (system library)"]
    assert "Jean-loup Gailly" in texts["zlib1g (system library)"]

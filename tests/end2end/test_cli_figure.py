"""``vitviz figure`` and ``vitviz render`` as a user meets them, on the bundled model."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from tests.end2end.test_cli import COFFEE, here, names_in, refused, small_photo
from vitviz.__main__ import main

__all__ = ["here"]

SVG = "{http://www.w3.org/2000/svg}"


def texts(path: Path) -> list[str]:
    """The lines of text in an SVG."""
    root = ElementTree.fromstring(path.read_bytes())
    return ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]


def test_layers_and_heads_as_svg(here: Path) -> None:
    arguments = ["figure", str(COFFEE), "--method", "attention", "--heads", "mean,2", "--layers",
                 "1,last", "--scaling", "root", "--sharing", "row", "--out", "f.svg"]  # fmt: skip
    assert main(arguments) == 0
    told = texts(here / "f.svg")
    assert {"layer 1", "layer 12", "mean", "head 2"} <= set(told)
    assert any("root scale; one range for each row" in text for text in told)
    assert names_in(here) == ["f.svg"]


def test_photos_times_classes_have_rows_and_columns(here: Path) -> None:
    small_photo(here / "a.png"), small_photo(here / "b.png", 1, (48, 64))
    arguments = ["figure", "a.png", "b.png", "--method", "relevance", "--classes", "espresso",
                 "292", "--out", "f.svg"]  # fmt: skip
    assert main(arguments) == 0
    told = texts(here / "f.svg")
    for heading in ("a.png", "b.png", "espresso", "tiger"):
        assert told.count(heading) == 1


def test_a_session_gives_the_same_bytes(here: Path) -> None:
    small_photo(here / "a.png"), small_photo(here / "b.png", 1, (48, 64))
    arguments = ["figure", "a.png", "b.png", "--layers", "1,2", "--method", "attention",
                 "--preset", "double", "--dpi", "60", "--letters"]  # fmt: skip
    assert main([*arguments, "--out", "one.png", "--session", "s.vitviz"]) == 0
    assert main(["render", "s.vitviz", "--out", "two.png"]) == 0
    assert (here / "one.png").read_bytes() == (here / "two.png").read_bytes()
    with Image.open(here / "one.png") as image:
        assert image.width == round(180 / 25.4 * 60)
    assert main(["render", "s.vitviz", "--out", "three.svg", "--no-letters", "--width-mm", "100",
                 "--content", "compare"]) == 0  # fmt: skip
    assert {"a.png", "b.png"} <= set(texts(here / "three.svg"))


def test_letters_that_no_font_has_are_named(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_photo(here / "a.png")
    for command in (["figure", "a.png", "--session", "s.vitviz"], ["render", "s.vitviz"]):
        extra = ["--title", "cat \U00016a50"] if command[0] == "figure" else []
        assert main([*command, *extra, "--out", "f.svg"]) == 0
        assert "No installed font has \U00016a50" in capsys.readouterr().err
    assert "cat □" in texts(here / "f.svg")


def test_what_cannot_be_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(7):
        small_photo(here / f"{number}.png", number)
    many = [f"{number}.png" for number in range(7)]
    assert "7 panels" in refused(capsys, "figure", *many)
    assert "one photo" in refused(capsys, "figure", *many[:2], "--heads", "all")
    assert "no layer 13" in refused(capsys, "figure", "0.png", "--layers", "13")
    assert "overwritten" in refused(capsys, "figure", "0.png", "--out", "0.png")
    assert "figure.gif" in refused(capsys, "figure", "0.png", "--out", "figure.gif")
    assert "not installed" in refused(capsys, "figure", "0.png", "--font", "Nowhere Sans")
    assert names_in(here) == many


@pytest.mark.parametrize(
    "option", [("--dpi", "9"), ("--width-mm", "x"), ("--layers", "0"), ("--sharing", "none")]
)
def test_wrong_usage(here: Path, option: tuple[str, str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["figure", str(COFFEE), *option])
    assert ended.value.code == 2

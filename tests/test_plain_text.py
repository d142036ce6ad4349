"""Text from files: what of it is shown, printed and written into tables."""

from __future__ import annotations

import ast
import csv
import io
from pathlib import Path

import pytest

from tests.hostile import LONG, steering
from vitviz.plain_text import STAND_IN, cell_text, escaped_text, shortened, shown_text

PACKAGE = Path(__file__).resolve().parent.parent / "vitviz"


PERSIAN = "می\u200cخواهم.png"
ASTRONAUT = "\U0001f469\u200d\U0001f680.png"
NAMES = ["photo 1.png", "日本語 – café.png", "שלום.png", PERSIAN, ASTRONAUT, "a\u00a0b", "<b>&amp;"]


@pytest.mark.parametrize("text", NAMES)
def test_names_that_people_give_stay_as_they_are(text: str) -> None:
    assert shown_text(text) == text
    assert escaped_text(text) == text


HIDDEN = (
    "\x00\x07\b\t\n\r\x1b\x7f\x85\x9b\u00ad\u200b\u200d\u200e\u2028\u202a\u202e\u2060\u2066\u2069\u3164\ufeff"
    "\ufffe\uffff\ud800\udcff\U000e0041"
)


@pytest.mark.parametrize("letter", list(HIDDEN), ids=ascii)
def test_what_steers_or_hides_is_seen(letter: str) -> None:
    assert shown_text(f"a{letter}b.png") == f"a{STAND_IN}b.png"
    assert shown_text(letter) == STAND_IN
    assert steering(shown_text(letter * 3, lines=True)) == []


def test_lines_of_our_own_stay() -> None:
    assert shown_text("a\nb\rc", lines=True) == f"a\nb{STAND_IN}c"


@pytest.mark.parametrize("most", [1, 2, 3, 10, 300])
def test_the_middle_goes_and_both_ends_stay(most: int) -> None:
    text = f"begin{LONG}end.png"
    short = shortened(text, most)
    assert len(short) == most
    assert "…" in short
    if most >= 10:
        assert short.startswith("begin")
        assert short.endswith("png")
    assert shortened(short, most) == short
    assert shortened("x" * most, most) == "x" * most


def test_two_names_stay_two_in_tables() -> None:
    names = ["a\x1b.png", "a\x9b.png", "a\u202e.png", "a\udcff.png", "a\udcfe.png", "a\ufffd.png"]
    written = {escaped_text(name) for name in names}
    assert len(written) == len(names)
    assert "a\\x1b.png" in written
    assert "a\\udcff.png" in written
    assert not any(steering(text) for text in written)


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", " =1", "'=1", '"=1'],
)
def test_a_formula_becomes_text(text: str) -> None:
    cell = read_back(cell_text(text))
    assert cell.startswith("'")
    assert cell.replace("'", "") == escaped_text(text).replace("'", "")


@pytest.mark.parametrize("text", ["a;=1", "a\n=1", "a; +1"])
def test_nor_is_there_one_behind_what_some_take_for_the_end_of_a_cell(text: str) -> None:
    place = next(i for i, letter in enumerate(text) if letter in ";\n")
    assert cell_text(text)[: place + 5].count("'") == 1


@pytest.mark.parametrize("text", ["a=b", "3-4", "in/x.jpg", "a; b", "it's", "", "collie"])
def test_other_cells_stay(text: str) -> None:
    assert read_back(cell_text(text)) == text


def read_back(text: str) -> str:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([text, ""])
    file.seek(0)
    ((cell, _),) = csv.reader(file)
    return cell


# Where the rules are held


def calls(folder: Path, *names: str) -> list[str]:
    """Where files of a folder call something of such a name with what is no constant."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = ast.unparse(node.func)
                fixed = all(isinstance(argument, ast.Constant) for argument in node.args)
                wanted = any(called == n or called.endswith(f".{n}") for n in names)
                if wanted and (not fixed or not node.args):
                    found.append(f"{path.relative_to(PACKAGE)}:{node.lineno} {called}")
    return found


def test_commands_print_through_one_door() -> None:
    found = calls(PACKAGE / "cli", "print", "stdout.write", "stderr.write", "ArgumentParser")
    assert {line.partition(":")[0] for line in found} == {"cli/terminal.py"}


def test_the_window_has_one_label_and_one_way_to_set_tooltips() -> None:
    found = calls(PACKAGE / "gui", "QLabel", "setToolTip", "setWhatsThis", "setStatusTip",
                  "setHtml", "QMessageBox")  # fmt: skip
    assert {line.partition(":")[0] for line in found} <= {
        "gui/widgets/text.py", "gui/dialogs/about.py"
    }  # fmt: skip

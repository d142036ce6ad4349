"""Text from files made safe to show, to print and to write down.

Names of photos and classes, titles and notes of models are whatever somebody wrote into a file:
also letters that steer a terminal, turn the writing direction round, break a line or cannot be
seen, and a hundred thousand of them. Here they become letters that stand for themselves.
"""

from __future__ import annotations

import re
import unicodedata

MOST = 300
"""Letters of a text, unless something else is said."""

MOST_OF_NAME = 120
"""Letters of a name within a caption: ImageNet's longest class name has 121."""

STAND_IN = "\N{REPLACEMENT CHARACTER}"

INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that print nothing, which Unicode does not count as controls."""

JOINERS = frozenset("\u200c\u200d")
"""They shape Persian and Indic words and compose emoji; between other letters they only hide."""

FORMULA = re.compile(r"(^|[;\n])(?=[\s\"']*[=+\-@＝＋－＠])")
"""Where spreadsheets would find a formula; some take a semicolon for the end of a cell.

Source: OWASP, CSV Injection, https://owasp.org/www-community/attacks/CSV_Injection
"""


def shown_text(text: str, most: int = MOST, *, lines: bool = False) -> str:
    """The text as it can be shown to people, on one line.

    Each control character, line break, change of writing direction, invisible letter and half of a
    surrogate pair (a byte of a file name that is no text) becomes U+FFFD, so that it is seen.

    Args:
        text: From anywhere.
        most: Letters; of a longer text the middle is left out, since names differ at their ends.
        lines: Line breaks stay: the text is made of lines by this program.
    """
    short = shortened(text, most)
    if short.isprintable() and INVISIBLE.isdisjoint(short):
        return short
    return "".join(
        letter if _is_plain(short, place) or (lines and letter == "\n") else STAND_IN
        for place, letter in enumerate(short)
    )


def shortened(text: str, most: int) -> str:
    """The text with an ellipsis instead of its middle where it has more letters than ``most``."""
    if len(text) <= most:
        return text
    end = (most - 1) // 3
    return f"{text[: most - 1 - end]}…{text[len(text) - end :]}"


def escaped_text(text: str) -> str:
    r"""The whole text, with "\x1b", "\u202e", "\udce4" for what ``shown_text`` replaces.

    For tables, where two names must not become one; they have their own way with line breaks.
    """
    if text.isprintable() and INVISIBLE.isdisjoint(text):
        return text
    return "".join(
        letter if letter == "\n" or _is_plain(text, place) else ascii(letter)[1:-1]
        for place, letter in enumerate(text)
    )


def cell_text(text: str) -> str:
    """The text of a CSV's cell: escaped, and never a formula.

    An apostrophe goes before whatever a spreadsheet would run, which then takes it for text.
    """
    return escaped_text(FORMULA.sub(r"\1'", text))


def _is_plain(text: str, place: int) -> bool:
    letter = text[place]
    if letter in JOINERS:
        beside = text[place - 1 : place] + text[place + 1 : place + 2]
        return len(beside) == 2 and not beside.isascii() and beside.isprintable()
    if letter in INVISIBLE:
        return False
    return letter.isprintable() or unicodedata.category(letter) == "Zs"

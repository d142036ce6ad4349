"""Names that strangers could give their files, titles and classes."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from pathlib import Path

from safetensors.torch import save_file

from tests.models.networks import SMALL, random_network
from tests.samples import CARD
from vitviz.models.card import to_json

MARKUP = '<img src="\\\\host\\share\\x.png"><a href="http://host/">a</a> &amp; &x $x^2$ [*]'
TAGS = ("<img", "<a href", "<b>", "<h1>", "<table")
CONTROLS = "\x1b[2J\x1b]0;title\x07\r\b\x9b31m\u202egpj.exe\u2066\u200b\u2028\u3164"
LONG = "W" * 10_000

FILE_NAMES = (
    "<img src=probe.png><b>bold<b> &amp; &x $x^2$ [*].png",
    "\x1b[2Ja\nb\r\u202egpj\u200b\t.png",
    "W" * 240 + ".png",
    "bytes\udcff\udce4.png",
    "=1+1.png",
    "日本語 – café.png",
)
"""Of photos, as Linux allows them."""

CLASS_NAMES = (
    "<b>class</b> &amp; &x",
    f"c{CONTROLS}",
    "W" * 500,
    "=HYPERLINK(1);=2",
    '<img src="file:///etc/hostname">',
    "@SUM(A1)",
    "a\n=b",
)


def steering(text: str, *, lines: bool = True) -> list[str]:
    """What no text that people see may hold: controls, directions, halves of pairs."""
    return [
        letter
        for letter in text
        if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        and not (lines and letter == "\n")
    ]


def save_hostile_checkpoint(path: Path) -> Path:
    """3 x 5 patches, CLS and two registers, 7 classes; everything said of it is hostile."""
    network = random_network(SMALL)
    save_file(dict(network.state_dict()), path)
    card = replace(CARD, id="small", title=f"{MARKUP}{CONTROLS}"[:200], names=CLASS_NAMES,
                   licence=MARKUP, notes=(MARKUP, CONTROLS, "W" * 500))  # fmt: skip
    value = json.loads(to_json(card)) | {
        "source": MARKUP + CONTROLS, "trained_by": "W" * 2000, "trained_on": MARKUP,
        "weak": CONTROLS,
    }  # fmt: skip
    path.with_suffix(".json").write_text(json.dumps(value), encoding="utf-8")
    return path

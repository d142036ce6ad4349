"""What stands in the model browser, and what a search leaves of it."""

from __future__ import annotations

from pathlib import Path

from vitviz.gui.browser.rows import matching, rows
from vitviz.models.caches import Found
from vitviz.models.catalogue import CATALOGUE
from vitviz.models.loading import bundled


def test_what_is_here_is_not_offered_again() -> None:
    here = (
        Found("t", Path("/c/model.safetensors"), 5, "cache", "timm/vit_small_patch16_224.dino"),
        Found("vit_b_16-c867db91.pth", Path("/t/vit_b_16-c867db91.pth"), 6, "torch cache"),
        Found("best.pth", Path("/runs/best.pth"), 7, "/runs"),
    )  # fmt: skip
    shown = rows(here)
    by_section = {name: [row for row in shown if row.section == name] for name in
                  ("bundled", "here", "known")}  # fmt: skip
    assert [row.opens for row in by_section["bundled"]] == [card.id for card in bundled()]
    assert [(row.title, row.licence) for row in by_section["here"]] == [
        ("DINO S/16", "apache-2.0"), ("ViT-B/16", "bsd-3-clause"), ("best.pth", ""),
    ]  # fmt: skip
    assert len(by_section["known"]) == len(CATALOGUE) - 2
    assert all(row.opens for row in (*by_section["bundled"], *by_section["here"]))
    assert all(row.name and not row.opens for row in by_section["known"])


def test_words_of_a_search_may_stand_anywhere() -> None:
    found = matching(rows(()), "dinov2 REGISTERS b/14")
    assert [row.detail for row in found] == ["timm/vit_base_patch14_reg4_dinov2.lvd142m"]
    assert [row.title for row in matching(rows(()), "dinov2_vits14_reg")] == [
        "DINOv2 S/14, registers"
    ]
    assert {row.non_commercial for row in matching(rows(()), "by-nc")} == {True}
    assert matching(rows(()), "no such thing") == ()


def test_what_is_typed_whole_can_be_asked_for() -> None:
    (row,) = matching(rows(()), "someone/vit-of-theirs")
    assert (row.section, row.detail, row.opens) == ("known", "someone/vit-of-theirs", "")
    (row,) = matching(rows(()), "https://example.org/x/vit-0a1b2c3d.pth")
    assert row.title == "vit-0a1b2c3d.pth"
    (row,) = matching(rows(()), "timm/vit_base_patch16_224.mae")
    assert row.title == "MAE B/16, encoder"
    assert matching(rows(()), "a/b/c") == ()

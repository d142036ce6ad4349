"""Finding by letters: what fits, and what fits better."""

from __future__ import annotations

import pytest

from vitviz.gui.fuzzy import Entry, fit, found


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("", "anything"),
        ("roll", "Attention rollout"),
        ("rlt", "Attention rollout"),
        ("map save", "Save Map…"),
        ("AR", "attention rollout"),
    ],
)
def test_letters_in_order_fit(wanted: str, text: str) -> None:
    assert fit(wanted, text) is not None


@pytest.mark.parametrize(
    ("wanted", "text"), [("xyz", "Attention"), ("tta", "rat"), ("map x", "Map")]
)
def test_others_do_not(wanted: str, text: str) -> None:
    assert fit(wanted, text) is None


@pytest.mark.parametrize(
    ("wanted", "better", "worse"),
    [
        ("map", "Save Map…", "Mean amplitude"),
        ("map", "Map Follows Cursor", "Save Heatmap"),
        ("sm", "Save Map…", "Same"),
        ("roll", "Attention rollout", "Reader of long lines"),
        ("light", "Theme: Light", "Highlight"),
    ],
)
def test_beginnings_of_words_and_letters_in_a_row_are_better(
    wanted: str, better: str, worse: str
) -> None:
    second = fit(wanted, worse)
    first = fit(wanted, better)
    assert first is not None
    assert second is None or first > second


def entry(title: str, kind: str = "command") -> Entry:
    return Entry(title, title, lambda: None, kind)


ENTRIES = [entry("Save Map"), entry("Export Figure"), entry("tiger", "class"),
           entry("tiger.jpg", "photo"), entry("t i g e r.jpg", "photo")]  # fmt: skip


def titles(words: str, recent: tuple[str, ...] = ()) -> list[str]:
    return [one.title for one in found(ENTRIES, words, recent)]


def test_nothing_typed_lists_commands_and_what_was_done_lately_before() -> None:
    assert titles("") == ["Save Map", "Export Figure"]
    assert titles("", ("tiger", "Export Figure")) == ["tiger", "Export Figure", "Save Map"]


def test_kinds_are_searched_and_photos_by_whole_words() -> None:
    assert titles("tiger") == ["tiger", "tiger.jpg"] or titles("tiger") == ["tiger.jpg", "tiger"]
    assert titles("class tig") == ["tiger"]
    assert titles("exp fig") == ["Export Figure"]
    assert titles("nothing of that") == []


def test_what_was_done_lately_wins_among_equals() -> None:
    two = [entry("Zoom In"), entry("Zoom Out")]
    assert [one.title for one in found(two, "zoom")] == ["Zoom In", "Zoom Out"]
    assert [one.title for one in found(two, "zoom", ["Zoom Out"])] == ["Zoom Out", "Zoom In"]

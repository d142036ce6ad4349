"""What a colour bar says: marks, titles, and the two ends by themselves."""

from __future__ import annotations

from vitviz.maps.bar import ColourBar
from vitviz.maps.style import Style


def test_a_title_has_power_of_ten_scaling_and_note() -> None:
    bar = ColourBar(0.0, 4e-5, "attention", Style(scaling="root"), ("shared by", "a, c"))
    factor = bar.ticks(3).factor
    assert factor == "× 10⁻⁵"
    assert bar.title(factor) == "attention × 10⁻⁵, root scale, shared by a, c"
    assert bar.title_lines(factor) == ["attention", factor, "root scale", "shared by", "a, c"]
    plain = ColourBar(0.0, 1.0, "rollout", Style())
    assert (plain.title(), plain.title_lines()) == ("rollout", ["rollout"])


def test_the_ends_in_words_have_the_power_of_ten_too() -> None:
    bar = ColourBar(0.0, 4e-5, "attention", Style(), ("all frames",))
    assert bar.description == "attention × 10⁻⁵, all frames, from 0 to 4"


def test_end_labels_are_short_and_tell_a_floor() -> None:
    assert ColourBar(1e-6, 0.0123, "attention", Style()).end_labels(-3) == ("0", "12")
    log = ColourBar(0.0, 2.0, "attention", Style(scaling="log"))
    assert log.end_labels(0) == ("≤ 0.0020", "2.0")

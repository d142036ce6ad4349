"""Amounts and times for people."""

from __future__ import annotations


def amount(count: float) -> str:
    """ "3.0 M", for parameters and the like."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f}"


def byte_size(count: float) -> str:
    """ "1.2 GB", decimal."""
    return f"{amount(count)}B"


def measured_time(seconds: float) -> str:
    """Of what took a moment: "0.4 ms", "41 ms", "3.2 s"."""
    if seconds < 0.001:
        return f"{1000 * seconds:.1f} ms"
    return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def duration(seconds: float) -> str:
    """Of long work, as exact as an estimate is: "40 s", "3 min 20 s", "2 h 5 min", "4 days"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 100 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{round(whole / 86400)} days"


def rough_time(seconds: float) -> str:
    """Of what has not been measured yet: "less than a second", "about 20 s", "about 5 min"."""
    if seconds < 0.95:
        return "less than a second"
    for unit, size in (("s", 1), ("min", 60), ("h", 3600), ("days", 86400)):
        count = seconds / size
        if count < (100 if unit == "days" else 95 if unit != "h" else 47):
            break
    step = 1 if count < 10 else 5
    return f"about {max(1, step * round(count / step)):,} {unit}"


def score(number: float, outputs: str) -> str:
    """What a head says of a class: "45.4 %"; of a head whose outputs are values: "-1.284"."""
    return f"{number:.4g}" if outputs == "values" else percent(number)


def percent(probability: float) -> str:
    """ "45.4 %"; "< 0.1 %" rather than a zero that it is not."""
    return f"{100 * probability:.1f} %" if probability >= 0.0005 else "< 0.1 %"

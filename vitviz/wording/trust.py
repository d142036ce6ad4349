"""What was found out about a map, in words."""

from __future__ import annotations

from vitviz.engine.answers import HeadGrid, Sanity, Trust
from vitviz.engine.requests import Test
from vitviz.errors import VitvizError
from vitviz.methods import METHODS
from vitviz.plain_text import MOST_OF_NAME, shown_text
from vitviz.probing.removal import Removal
from vitviz.trust.localisation import Localisation
from vitviz.wording.caption import ablation_words
from vitviz.wording.numbers import duration, measured_time

SEPARATOR = " · "

REMOVALS: dict[Removal, str] = {
    "drop": "patches dropped",
    "mean": "patches in the mean colour",
    "blur": "patches blurred",
    "road": "patches filled in from around (ROAD)",
}

MIXED = "It shows what is mixed, not what decides."


def trust_line(trust: Trust) -> str:
    """The line under a map: "Removing what this map marks hurts “tabby” more than 97 of 100 random
    orders do; 61 % of what leave-one-out reaches." Where it is no better than chance, that it is.
    """
    found = trust.judgement
    name = class_words(trust)
    orders = f"{found.beaten} of {found.orders} random orders do"
    if found.verdict == "better":
        reached = ""
        if found.normalised_gain is not None:
            reached = f"; {100 * found.normalised_gain:.0f} % of what leave-one-out reaches"
        line = f"Removing what this map marks hurts {name} more than {orders}{reached}."
        return f"{line} {MIXED}" if shows_mixing(trust) else line
    than = "no better" if found.verdict == "chance" else "worse"
    mixed = f" {MIXED}" if shows_mixing(trust) else ""  # before the numbers: lines may be cut
    return (
        f"On this photo the map is {than} than chance.{mixed} Removing what it marks hurts {name} "
        f"more than {orders}."
    )


def class_words(trust: Trust) -> str:
    """ "“tabby”", or "the predicted “tabby”" where the map is about no class."""
    name = f"“{shown_text(trust.target_name, MOST_OF_NAME)}”"
    if trust.against:
        name = f"{name} against “{shown_text(trust.against, MOST_OF_NAME)}”"
    return name if trust.about_class else f"the predicted {name}"


def shows_mixing(trust: Trust) -> bool:
    """The map is of attention alone, without what the answer depends on."""
    needs = METHODS[trust.request.explain.method].needs
    return "attention" in needs and not needs & {"classes", "gradients"}


def trust_caption(trust: Trust) -> str:
    """How it was found out: "patches dropped · 6 steps · 100 random orders · seed 0 · ..."."""
    request, known = trust.request, trust.judgement.references
    steps = len(known.counts)
    return SEPARATOR.join(
        (
            REMOVALS[trust.removal],
            f"{steps} steps" if steps != 1 else "1 step",
            f"{request.orders} random orders, half of them the others' reverses",
            f"seed {request.seed}",
            f"{known.forwards + trust.judgement.forwards:,} forwards",
            f"{_took(trust.seconds)} now",
        )
    )


def _took(seconds: float) -> str:
    return measured_time(seconds) if seconds < 60 else duration(seconds)


def trust_numbers(trust: Trust) -> tuple[tuple[str, str, str], ...]:
    """The numbers of a judgement: what each is, its value, and what it means."""
    found, known = trust.judgement, trust.judgement.references
    low, high = known.band
    rows = [
        ("Gain", f"{found.gain:+.3f}",
         f"Area between the two removal curves; chance lies from {low:+.3f} to {high:+.3f}"),
        ("Of leave-one-out", _percent(found.normalised_gain),
         f"The gain as a part of leave-one-out's, {known.best.gain:+.3f}; chance is 0 %"),
        ("Random orders beaten", f"{found.beaten} of {found.orders}",
         "Orders drawn at random that have a smaller gain"),
        ("Removal area", f"{found.curve.removal:.3f}",
         "Mean probability as the marked patches go first; small is good"),
        ("Insertion area", f"{found.curve.insertion:.3f}",
         "Mean probability as the marked patches come first; great is good"),
        ("SaCo", _number(found.saco),
         "Whether groups that the map holds for more are worth more: 1 always, 0 chance, -1 never"),
        ("Agreement with leave-one-out", _number(found.rank),
         "Rank correlation with what the answer loses without each block of "
         f"{known.block} x {known.block} patches"),
        ("Gain of the middle", f"{known.centre.gain:+.3f}",
         "Of a Gaussian in the middle of the photo, which knows nothing of the model"),
        ("Gain of the edges", f"{known.edges.gain:+.3f}",
         "Of the photo's own edges, which know nothing of the model"),
    ]  # fmt: skip
    adds_up = trust.heat_map.completeness
    if adds_up is not None:
        rows.append((
            "Missing to " + adds_up.name, f"{adds_up.error:.2g}",
            f"The method promises that the map adds up to {adds_up.name}, {adds_up.whole:.3f}",
        ))  # fmt: skip
    if trust.outlier_share is not None:
        patches = "1 patch" if trust.outliers == 1 else f"{trust.outliers} patches"
        rows.append((
            "On outlier patches", _percent(trust.outlier_share),
            f"Part of the map on {patches} of its layer with a norm far above the others'",
        ))  # fmt: skip
    return tuple(rows)


def head_grid_line(grid: HeadGrid) -> str:
    """What a grid of heads is of."""
    fill = "its own mean" if grid.request.fill == "mean" else "zero"
    name = shown_text(grid.target_name, MOST_OF_NAME)
    without = ablation_words(grid.request.ablation)
    return (
        f"{f'In the model {without}: h' if without else 'H'}ow much the logit of “{name}” "
        f"({grid.logit:.2f}) falls while each head alone is silent ({fill} in its place)"
    )


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.0f} %"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:+.2f}"


def state_words(
    phase: str, trust: Trust | None, problem: BaseException | None, fraction: float,
    expected_s: float,
) -> str:  # fmt: skip
    """The line while there is no answer yet, and where there is none."""
    if trust is not None:
        return trust_line(trust)
    if problem is not None:
        said = problem.message if isinstance(problem, VitvizError) else "something unexpected"
        return f"Not tested: {said[:1].lower()}{said[1:]}"
    if phase == "working":
        return f"Testing the map against random orders: {100 * fraction:.0f} %"
    if phase == "offered":
        return f"Test this map against random orders (about {duration(expected_s)})"
    return ""


def short_line(trust: Trust) -> str:
    """For a small pane: "beats 97 of 100 random orders · 61 % of leave-one-out"."""
    found = trust.judgement
    beats = f"beats {found.beaten} of {found.orders} random orders"
    if found.verdict != "better":
        return f"{beats}: {'no better' if found.verdict == 'chance' else 'worse'} than chance"
    if found.normalised_gain is None:
        return beats
    return f"{beats}{SEPARATOR}{100 * found.normalised_gain:.0f} % of leave-one-out"


TESTS: dict[Test, tuple[str, str]] = {
    "class": (
        "Other Classes",
        "Rank correlation with the same method's maps for the five most probable other classes: "
        "near 1, the map would look the same for any class",
    ),
    "weights down": (
        "Shuffled Weights, Last First",
        "Rank correlation with its map once the numbers of the last blocks are shuffled, more and "
        "more of them: near 1, it does not show what the model has learned",
    ),
    "weights up": (
        "Shuffled Weights, First First",
        "The same from the first block up, which leaves nothing learned below",
    ),
    "photo": (
        "Same Photo, Almost",
        "Rank correlation with its map of the photo moved by a pixel, and compressed as JPEG: "
        "should stay near 1",
    ),
}
"""What each test is called, and what it says."""


def sanity_words(test: Test, outcome: Sanity | BaseException | None) -> str:
    """What a test gave: "+0.31 collie, +0.28 tabby"; what it is for, where it was not run."""
    if outcome is None:
        return {
            "class": "Would the map look the same for another class?",
            "weights down": "Does the map show what the last blocks have learned?",
            "weights up": "Does the map show what the first blocks have learned?",
            "photo": "Does the map stay when the photo hardly changes?",
        }[test]
    if isinstance(outcome, BaseException):
        return outcome.message if isinstance(outcome, VitvizError) else "It failed unexpectedly."
    return ", ".join(
        f"{_number(check.rank)} {shown_text(check.what, 40)}" for check in outcome.checks
    )


def place_words(place: Localisation, name: str) -> str:
    """How a map lies to a mask."""
    energy = "no" if place.energy is None else f"{100 * place.energy:.0f} % of its"
    return (
        f"{shown_text(name, 40)}: greatest value {'inside' if place.pointing else 'outside'}, "
        f"{energy} energy inside (the mask is {100 * place.share:.0f} %), "
        f"IoU {place.overlap:.2f}, AP {place.precision:.2f}"
    )

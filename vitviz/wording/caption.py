"""Lines that say exactly what is shown, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from vitviz.maps.heat_map import Completeness, Components
from vitviz.maps.mass import Mass
from vitviz.maps.outliers import OnOutliers
from vitviz.methods.text import named_word
from vitviz.plain_text import MOST_OF_NAME, shown_text
from vitviz.plurals import count_of
from vitviz.probing.ablation import Ablation, Registers
from vitviz.wording.description import Description
from vitviz.wording.names import heads_name, layer_name, layers_name, prefix_name

SEPARATOR = " · "


def caption(of: Description) -> str:
    """ "Attention of CLS · layer 8 · mean of 3 heads · 6.3 % on CLS, not shown".

    Where the map is about a class: "Class relevance of CLS for “collie” · layers 1 to 8 · ...".
    """
    hidden = [f"{share}, not shown" for share in hidden_shares([of])]
    sums = [] if of.completeness is None else [sums_words(of.completeness)]
    zero = ["0 everywhere"] if of.is_zero else []
    line = [] if of.mass is None else [mass_words(of.mass)]
    on = "" if of.outliers is None else outlier_words(of.outliers)
    colours = [] if of.components is None else [components_words(of.components)]
    framed = [f"framed: {matches_words(of.matches)}"] if of.matches else []
    return SEPARATOR.join(
        filter(None, (*parts(of), *hidden, *sums, *zero, *colours, *framed, on, *line))
    )


def components_words(of: Components) -> str:
    """ "red, green and blue: components 1, 2 and 3, which hold 31, 12 and 8 % of the variance",
    "..., of 4 photos together".
    """
    numbers = [f"{abs(c)}{' flipped' if c < 0 else ''}" for c in of.channels]
    held = [f"{100 * of.shares[abs(c) - 1]:.3g}" for c in of.channels]
    together = f", of {of.photos} photos together" if of.photos > 1 else ""
    return (
        f"red, green and blue: components {listed(numbers)}, which hold {listed(held)} % of the "
        f"variance{together}"
    )


def matches_words(count: int) -> str:
    """ "the patch that matches best", "the 5 patches that match best"."""
    return "the patch that matches best" if count == 1 else f"the {count} patches that match best"


def listed(words: Sequence[str]) -> str:
    """ "a, b and c"."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def outlier_words(of: OnOutliers) -> str:
    """ "3 outlier patches hold 41 % of this map", "left out: 3 outlier patches, which hold 41 % of
    this map"; "" where they are like all others and hold little.
    """
    count, held = count_of(of.count, "outlier patch", "outlier patches"), percent(of.share)
    whole = "the positive values of this map" if of.signed else "this map"
    if of.choice != "show":
        done = "left out, hatched" if of.choice == "exclude" else "framed"
        return f"{done}: {count}, which {'holds' if of.count == 1 else 'hold'} {held} of {whole}"
    verb = "holds" if of.count == 1 else "hold"
    return f"{count} {verb} {held} of {whole}" if of.dominate else ""


def outlier_words_of_each(maps: Sequence[OnOutliers]) -> str:
    """The same of several maps: "left out, hatched: outlier patches, which hold up to 41 % of a
    map".
    """
    told = [one for one in maps if one.choice != "show" or one.dominate]
    if not told:
        return ""
    held = f"hold up to {percent(max(one.share for one in told))} of a map"
    done = {"exclude": "left out, hatched: ", "highlight": "framed: ", "show": ""}
    choices = {one.choice for one in told}
    if len(choices) > 1:  # panes that differ in it are headed by it
        return f"outlier patches {held}"
    choice = choices.pop()
    return f"{done[choice]}outlier patches{'' if choice == 'show' else ', which'} {held}"


def mass_words(of: Mass) -> str:
    """ "outlined: the 12 patches that hold 60 % of the map"."""
    if not of.patches:
        return "nothing outlined: no patch is above 0"
    those = "the patch that holds" if of.patches == 1 else f"the {of.patches} patches that hold"
    return f"outlined: {those} {percent(of.share)} of {_whole(of, 'the map')}"


def mass_words_of_each(maps: Sequence[Mass]) -> str:
    """ "outlined: the patches that hold 60 % of each map"; "" where no map has such a line.

    Args:
        maps: Of several maps with lines for one share.
    """
    if not maps:
        return ""
    most = Mass(maps[0].share, 0, any(m.signed for m in maps), any(m.partial for m in maps))
    return f"outlined: the patches that hold {percent(most.share)} of {_whole(most, 'each map')}"


def _whole(of: Mass, name: str) -> str:
    rest = f"what is left of {name}" if of.partial else name
    return f"the positive values of {rest}" if of.signed else rest


def percent(share: float) -> str:
    """ "60 %", "62.5 %"."""
    return f"{100 * share:.3g} %"


def sums_words(of: Completeness) -> str:
    """ "adds up to the logit, 9.31, within 3e-06: patches 4.1, prefix tokens 2.2, biases 3.01".

    "misses the logit, 9.31, by 0.82: ...", where that is more than a hundredth of the greatest of
    these.
    """
    terms = [("patches", of.patches), ("prefix tokens", of.prefix), ("biases", of.biases)]
    said = ", ".join(f"{name} {value:.3g}" for name, value in terms if value or name == "patches")
    largest = max(abs(number) for number in (of.whole, of.patches, of.prefix, of.biases))
    if of.error > largest / 100:
        return f"misses {of.name}, {of.whole:.3g}, by {of.error:.2g}: {said}"
    return f"adds up to {of.name}, {of.whole:.3g}, within {of.error:.1g}: {said}"


def parts(of: Description) -> list[str]:
    """A caption in parts, without what is not shown."""
    # What the layers have said is not said again.
    said = {p.name for p in of.method.parameters if p.first_layer}
    settings = [_setting(name, value) for name, value in of.given if name not in said]
    words = [_subject(of), layers(of), heads_name(of.head, of.heads), *settings,
             ablation_words(of.ablation)]  # fmt: skip
    return [word for word in words if word]


def ablation_words(ablation: Ablation) -> str:
    """ "without 3 heads (mean in their place) and 5 patches", "intervention: test-time register of
    10 neurons"; "" where the network is as it was trained.
    """
    heads, places = len(ablation.heads), len(ablation.places)
    instead = " (its mean in its place)" if ablation.fill == "mean" and heads == 1 else (
        " (their means in their place)" if ablation.fill == "mean" else "")  # fmt: skip
    parts = [
        f"{count} {one}{'' if count == 1 else many}{more}"
        for count, one, many, more in ((heads, "head", "s", instead), (places, "patch", "es", ""))
        if count
    ]
    taken = f"without {' and '.join(parts)}" if parts else ""
    return ", ".join(filter(None, (taken, register_words(ablation.registers))))


def register_words(registers: Registers) -> str:
    """ "intervention: test-time register of 10 neurons"; "" without one."""
    if not registers:
        return ""
    return f"intervention: test-time register of {count_of(len(registers.neurons), 'neuron')}"


def layers(of: Description) -> str:
    """ "layer 8", "layers 1 to 8"; "last layer" where there is no answer yet; "" of the whole
    network.
    """
    if of.layer is None:
        return ""
    if of.layer < 0:
        return "last layer"
    if of.first is None:
        return layer_name(of.layer, of.outline)
    return layers_name(of.first, of.layer, of.outline)


def hidden_shares(maps: Sequence[Description]) -> list[str]:
    """What went to each prefix token, of one map or several: "6.3 % on CLS", "6.3 to 41.0 % on
    CLS".
    """
    shares: dict[str, list[float]] = {}
    for one in maps:
        for name, share in one.prefix_share:
            shares.setdefault(name, []).append(100 * share)
    texts = []
    for name, found in shares.items():
        low, high = f"{min(found):.1f}", f"{max(found):.1f}"
        texts.append(f"{low if low == high else f'{low} to {high}'} % on {prefix_name(name)}")
    return texts


def _subject(of: Description) -> str:
    """ "Attention of CLS", "Class relevance of CLS for “collie”, not “tabby”", "Feature norm"."""
    token = f" {of.direction} {query_words(of)}" if of.method.about_token else ""
    target = f" for “{of.target_name}”" if of.target_name else ""
    contrast = f"{', ' if target else ' for '}not “{of.contrast_name}”" if of.contrast_name else ""
    word = f" “{shown_text(named_word(of.given), MOST_OF_NAME)}”" if of.method.reads else ""
    return of.method.title_for(of.outline) + word + token + target + contrast


def query_words(of: Description) -> str:
    """ "CLS", "row 3, column 5", "row 3, column 5 of bear.jpg" where that is another photo."""
    if of.query_photo is None:
        return of.query
    name = shown_text(Path(of.query_photo.path).name, MOST_OF_NAME)
    frame = f", frame {of.query_photo.frame + 1}" if of.query_photo.frame else ""
    return f"{of.query} of {name}{frame}"


def _setting(name: str, value: object) -> str:
    return f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"

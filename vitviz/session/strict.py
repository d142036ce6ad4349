"""What was asked for exists, or is refused.

The window goes to the nearest layer, head and patch; a script must not be given another than it
asked for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from vitviz.errors import VitvizError
from vitviz.imaging.geometry import Geometry
from vitviz.maps.heat_map import Explanation
from vitviz.methods import METHODS
from vitviz.methods.base import Direction, Method, Parameter, ParameterValue
from vitviz.models.outline import Outline
from vitviz.plurals import count_of
from vitviz.session.queries import points_of
from vitviz.session.state import MOST_REFERENCES, Point, Query, View

MOST_LAYERS = 1000
"""What "the number of layers" can be before a model is known."""


def method_called(name: str) -> Method:
    """A method by its name.

    Raises:
        VitvizError: There is no such method.
    """
    if name not in METHODS:
        raise VitvizError(f"There is no method “{name}”.", f"There are: {', '.join(METHODS)}.")
    return METHODS[name]


def check_direction(method: Method, direction: Direction) -> None:
    """Refuses a direction that a method does not answer.

    Raises:
        VitvizError: It is such a direction.
    """
    if direction not in method.directions:
        raise VitvizError(
            f"{method.title} has no direction “{direction}”.",
            f"It has: {', '.join(method.directions)}.",
        )


def check_parameters(method: Method, params: Mapping[str, ParameterValue]) -> None:
    """Refuses names that a method does not have, and values that it cannot have.

    Raises:
        VitvizError: There is one.
    """
    known = {parameter.name: parameter for parameter in method.parameters}
    for name, value in params.items():
        if name not in known:
            raise VitvizError(
                f"{method.title} has no parameter “{name}”.",
                f"It has: {', '.join(known) or 'none'}.",
            )
        if not _is_value(known[name], value):
            shown = f"{value:g}" if isinstance(value, float) else value
            raise VitvizError(f"“{shown}” is not a value of {name}.", _allowed(known[name]))


def read_parameter(method: Method, assignment: str) -> tuple[str, ParameterValue]:
    """Name and value of "discard=0.9", of the parameter's type.

    Raises:
        VitvizError: There is no such parameter, or it cannot have such a value.
    """
    name, _, text = assignment.partition("=")
    value: ParameterValue = text
    for parameter in method.parameters:
        if parameter.name == name:
            value = _read(parameter, text)
    check_parameters(method, {name: value})
    return name, value


def check_map(view: View, explanation: Explanation, outline: Outline) -> None:
    """Refuses a layer or head that an explanation does not have.

    Args:
        view: Its layer and head.
        explanation: The answer.
        outline: Of the network.

    Raises:
        VitvizError: There is no such layer or head.
    """
    layers = explanation.layers
    depth = layers[-1] + 1
    if explanation.span == "network":
        if view.layer not in (-1, *layers):
            raise VitvizError(
                f"{METHODS[view.method].title} has one map of the whole network here, not one of "
                "each layer.",
                "Leave the layer out.",
            )
        _check_head(view, explanation, outline)
        return
    if (view.layer + depth if view.layer < 0 else view.layer) not in layers:
        number = view.layer + 1 if view.layer >= 0 else view.layer
        raise VitvizError(
            f"There is no layer {number}: "
            + (f"it starts at layer {layers[0] + 1}, and the model " if layers[0] else "the model ")
            + f"has {depth}.",
            f"Choose one from {layers[0] + 1} to {depth}.",
        )
    _check_head(view, explanation, outline)


def _check_head(view: View, explanation: Explanation, outline: Outline) -> None:
    method = METHODS[view.method]
    if not method.has_heads and view.head != explanation.head:
        raise VitvizError(
            f"{method.title} has one map of each layer, not one of each head.",
            "Leave the head out.",
        )
    heads = outline.layers[view.layer].heads
    if isinstance(view.head, int) and not 0 <= view.head < heads:
        raise VitvizError(
            f"There is no head {view.head + 1}: the model has {heads}.",
            f"Choose one from 1 to {heads}, or mean, max, min.",
        )


def check_query(method: Method, query: Query, prefix: tuple[str, ...], geometry: Geometry) -> None:
    """Refuses a prefix token that a model does not have, and a point that it did not see; nothing
    for a method that asks about no token.

    Raises:
        VitvizError: It is such a query.
    """
    if not method.about_token:
        return
    if isinstance(query, str) and query not in (*prefix, "patches", "auto"):
        raise VitvizError(
            f"The model has no token “{query}” (it has: {', '.join(prefix) or 'none'}).",
            "Give one of those, patches for the mean over all of them, or a point X,Y of the "
            "photo.",
        )
    for point in points_of(query):
        _check_point(point, geometry)


def _check_point(point: Point, geometry: Geometry) -> None:
    (x, y), (height, width) = point, geometry.photo_size
    if not (0 <= x < width and 0 <= y < height):
        raise VitvizError(
            f"The point {x:g},{y:g} is not on the photo, which is {width} x {height} pixels.",
            "Points are X,Y from the top left.",
        )
    if geometry.patch_at(x, y) is None:
        seen = geometry.seen
        raise VitvizError(
            f"The model did not see the point {x:g},{y:g}: it was given x "
            f"{seen.left:.0f} to {seen.right:.0f}, y {seen.top:.0f} to {seen.bottom:.0f}.",
            "Choose a point in there, or give it the whole photo.",
        )


def check_references(method: Method, count: int) -> None:
    """Refuses photos that a map cannot refer to.

    Raises:
        VitvizError: The method refers to no other photos, or to fewer.
    """
    if not count:
        return
    most = {"": 0, "photo": 1, "photos": MOST_REFERENCES}[method.refers]
    if count > most:
        able = ", ".join(other.name for other in METHODS.values() if other.refers)
        raise VitvizError(
            f"{method.title} refers to no other photos."
            if most == 0
            else f"{method.title} refers to at most {count_of(most, 'photo')}, not to {count}.",
            f"Methods that do are {able}." if most == 0 else "Name fewer.",
        )


def check_target(method: Method, target: int | None, classes: int) -> None:
    """Refuses a class for a method that asks about none, and one that a model does not have.

    Args:
        method: Which method.
        target: Index of the class; None is the most probable one.
        classes: How many the model has; 0 where it has none, or is not known yet.

    Raises:
        VitvizError: It is such a class.
    """
    if target is None:
        return
    if not method.class_specific:
        known = ", ".join(name for name, each in METHODS.items() if each.class_specific)
        raise VitvizError(f"{method.title} is not about a class.", f"Those are: {known}.")
    if classes and not 0 <= target < classes:  # without classes the method says so
        raise VitvizError(
            f"There is no class {target}: the model has {classes}.",
            f"Choose one from 0 to {classes - 1}.",
        )


def check_contrast(method: Method, target: int | None, contrast: int | None, classes: int) -> None:
    """Refuses a class to set another one against, as ``check_target`` does, and twice the same.

    Raises:
        VitvizError: It is such a class.
    """
    check_target(method, contrast, classes)
    if contrast is not None and contrast == target:
        raise VitvizError(
            "A class cannot be set against itself.", "Choose another class for one of them."
        )


def class_called(text: str, names: Sequence[str]) -> int:
    """The index of a class.

    Args:
        text: Its name, in whatever case, or its index, from 0.
        names: Of all classes, in order; empty where they are not known.

    Raises:
        VitvizError: No class is called so, or more than one.
    """
    if text.isdecimal():
        return int(text)
    wanted = text.strip().casefold()
    found = [index for index, name in enumerate(names) if name.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(map(str, found))
        raise VitvizError(f"{len(found)} classes are called “{text}”.", f"Give one of {numbers}.")
    raise VitvizError(f"There is no class “{text}”.", _alike(wanted, names))


def _alike(wanted: str, names: Sequence[str], most: int = 6) -> str:
    """What may have been meant: names with the same words in them, or spelled almost so."""
    if not names:
        return "The names of this model's classes are not known: give a number, from 0."
    by_case = {name.casefold(): name for name in names}
    inside = [name for folded, name in by_case.items() if wanted and wanted in folded]
    close = [by_case[folded] for folded in get_close_matches(wanted, by_case, most)]
    alike = list(dict.fromkeys([*inside, *close]))[:most]
    return f"Did you mean {', '.join(alike)}?" if alike else "Give a name or a number, from 0."


def _read(parameter: Parameter, text: str) -> ParameterValue:
    """The text as a value of the parameter's type; the text itself where it is none."""
    truths = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
    kind = type(parameter.default)
    try:
        return truths.get(text.lower(), text) if kind is bool else kind(text)
    except ValueError:
        return text


def _is_value(parameter: Parameter, value: object) -> bool:
    kind = type(parameter.default)
    # An int may stand where a float is asked for; a bool, which Python calls an int, may not.
    if type(value) is not kind and not (kind is float and type(value) is int):
        return False
    if parameter.choices:
        return value in parameter.choices
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = parameter.bounds or (-math.inf, math.inf)
        most = MOST_LAYERS if high is None else high
        return low <= value <= most and -math.inf < value < math.inf
    return True


def _allowed(parameter: Parameter) -> str:
    if parameter.choices:
        return f"It can be {', '.join(parameter.choices)}."
    if isinstance(parameter.default, bool):
        return "It can be true or false."
    if parameter.bounds is None:
        return f"Its default is {parameter.default}."
    low, high = parameter.bounds
    whole = "a whole number" if isinstance(parameter.default, int) else "a number"
    return f"It is {whole} from {low:g}" + ("." if high is None else f" to {high:g}.")

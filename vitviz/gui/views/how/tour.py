"""The guided tour: what is to be done next, and when it counts as done; knows no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from vitviz.gui.views.how.sides import SIDES
from vitviz.gui.views.how.subject import Subject
from vitviz.gui.views.how.words import Stop, heading


@dataclass(frozen=True)
class Step:
    """One thing to do.

    Args:
        stop: Where.
        words: What is to be done, and what is to be seen.
        target: The control that does it: attributes from the station, ".next" of the view.
        done: What is said once it was done (``Station.did``).
    """

    stop: Stop
    words: str
    target: str
    done: str


@dataclass(frozen=True)
class Tour:
    """How far one has got.

    Args:
        steps: All of them.
        at: The one that is next; as many as there are: it is done.
    """

    steps: tuple[Step, ...]
    at: int = 0

    @property
    def step(self) -> Step | None:
        """What is to be done now; None at the end."""
        return self.steps[self.at] if self.at < len(self.steps) else None

    def after(self, did: str) -> Tour:
        """Once something was done: one further where it was what is next."""
        step = self.step
        return self.skipped() if step is not None and step.done == did else self

    def skipped(self) -> Tour:
        """Without what is next."""
        return Tour(self.steps, min(self.at + 1, len(self.steps)))


def tour_of(subject: Subject) -> Tour:
    """The tour of a network: only what it has.

    Args:
        subject: What is looked at.
    """
    kind, outline = subject.kind, subject.outline
    convolves = kind == "convolutions"

    def opening(stop: Stop, words: str) -> Step:
        name = heading(stop, kind, subject.has_classes).short.lower()
        return Step(stop, f"Open {name}: press Next. {words}".rstrip(), ".next", f"opened {stop}")

    steps = [opening("cut", "")]
    steps += _cut_steps(convolves, outline.layers[0].patch)
    steps.append(opening("place", ""))
    steps.append(Step("place", "Point at a number of the token: above is its filter, and how the "
                      "pixels make it.", "numbers", "pointed at a number"))  # fmt: skip
    words = "Shuffle the patches, and see what becomes of the scores."
    if kind == "attention":
        words = "Switch the positions off, and see what becomes of the scores."
    target = "unplaced" if kind == "attention" else "shuffled"
    steps.append(Step("place", words, target, "switched"))
    steps.append(opening("blocks", ""))
    steps += _block_steps(subject)
    steps.append(opening("read", ""))
    steps.append(Step("read", "Drag over the photo to erase what you think matters most.",
                      "picture", "erased a patch"))  # fmt: skip
    if subject.has_classes:
        if outline.heads:
            steps.append(Step("read", "Silence a head: click one of these.", "heads",
                              "silenced a head"))  # fmt: skip
        steps.append(Step("read", "Set it against another class: why the one and not the other?",
                          "others", "chose the other class"))  # fmt: skip
    return Tour(tuple(steps))


def _cut_steps(convolves: bool, patch: int) -> list[Step]:
    what = "a place" if convolves else "a patch"
    found = [
        Step("cut", f"Point at {what}: at the right it is as the model gets it.", "picture",
             "pointed at a patch"),
        Step("cut", "Point at one of its numbers: which pixel is it, and of which colour?", "row",
             "pointed at a number"),
    ]  # fmt: skip
    wider = Step("cut", "Make the input larger, and see what that would cost.", "input", "slid")
    finer = Step("cut", "Make the patches smaller, and see what that would cost.", "side", "slid")
    return [*found, wider if convolves or patch <= SIDES[0] else finer]


def _block_steps(subject: Subject) -> list[Step]:
    if subject.kind == "convolutions":
        return [
            Step("blocks", "Click another place: its window, times the kernel, is its number.",
                 "convolution.place", "chose who asks"),
            Step("blocks", "Click a layer in the chart: the deeper, the further a place can see.",
                 "depths.reach", "chose a block"),
        ]  # fmt: skip
    found = [
        Step("blocks", "Click a patch: it asks all others. Follow q · k to the right.",
             "attention.asks", "chose who asks"),
        Step("blocks", "Make the softmax hotter or colder: the model's own is in the middle.",
             "attention.heat", "changed the temperature"),
    ]  # fmt: skip
    if subject.outline.layers[subject.layer].heads > 1:
        found.append(Step("blocks", "Click another head: each asks something else.",
                          "attention.heads", "chose a head"))  # fmt: skip
    chart = "depths.race" if subject.outline.reads_all_depths else "depths.parts"
    found.append(Step("blocks", "Click a block in the chart, and see what changes there.", chart,
                      "chose a block"))  # fmt: skip
    return found

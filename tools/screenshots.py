"""Takes the pictures of the README and the user guide, each in a state the program can be put in.

Run: ``python tools/screenshots.py [--checkpoint FILE] [--classes FOLDER] [NAME...]``; needs no
screen. The font is the system's. The picture of two models needs a second one: another that comes
along, or a file. Those of a fine-tuning and of a batch need class folders, and do that work.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from PIL import Image
from PySide6.QtCore import QSize, QTimer
from PySide6.QtWidgets import QApplication, QWidget

from tests.models.hub_server import Hub, Served, serving
from vitviz.bundled import resource
from vitviz.engine.engine import Engine
from vitviz.exporting.figure_files import write_figure
from vitviz.figures.spec import FigureSpec
from vitviz.gui import app as application
from vitviz.gui.settings import Settings
from vitviz.gui.theme import Theme
from vitviz.gui.trust import watch
from vitviz.gui.window import Window
from vitviz.imaging.geometry import Box
from vitviz.imaging.preprocess import InputChoice
from vitviz.imaging.samples import SAMPLES, sample_photos
from vitviz.maps.style import Style
from vitviz.methods import METHODS
from vitviz.models.loading import bundled
from vitviz.session.ready import vit_or_cnn
from vitviz.session.split import Along, split
from vitviz.session.state import Arrangement, PhotoRef, Session, Tab, View

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"

TRUST = "trust"
"""The name of three pictures: trust-line, trust-better and trust-chance."""

MODELS = "models"
"""The name of six pictures: model-browser, and what it says on the way; what was assumed of a model
and the dialog that corrects it."""

AT_WORK = "at-work"
"""The name of three pictures: batch, finetune and finetune-epochs."""

LIMIT_S = 900.0
"""How long a state is waited for: a fine-tuning takes minutes."""

SAID_EVERY_S = 15.0


@dataclass(frozen=True)
class Shot:
    """One picture.

    Args:
        photo: A sample photo's stem.
        view: What is looked at.
        tab: Which view is open.
        theme: Light or dark.
        size: Width and height of the window.
        whole: The model is given the whole photo.
        fineness: With ``whole``, how fine.
        hover: Where the cursor is, as fractions of the photo, or None.
        along: What the Compare view is split along, or None.
        values: Into what; nothing stands for the models that there are.
        arrangement: Of its panes.
        both: The bundled models of both kinds beside each other.
    """

    photo: str
    view: View
    tab: Tab = "look"
    theme: Theme = "dark"
    size: tuple[int, int] = (1400, 880)
    whole: bool = True
    fineness: int = 1
    hover: tuple[float, float] | None = None
    along: Along | None = None
    values: tuple[object, ...] = ()
    arrangement: Arrangement = "panes"
    both: bool = False


SHOTS = {
    "window": Shot("bison", View(layer=9), hover=(0.36, 0.42)),
    "rollout": Shot("panda", View("rollout", (("discard", 0.5),)), theme="light"),
    "patch-query": Shot("panda", View(layer=9, query=(280.0, 300.0)), hover=None),
    "heads": Shot("bison", View(layer=9), tab="heads"),
    "patches": Shot("coffee", View(layer=9), tab="patches", theme="light"),
    "how-it-sees": Shot("panda", View(layer=9), tab="how", whole=False),
    "charts": Shot("bison", View(layer=9), tab="charts", theme="light"),
    "finer": Shot("bison", View(layer=9), fineness=2),
    "compare-layers": Shot(
        "bison", View(layer=9), hover=(0.36, 0.42), along="layers", values=(1, 3, 5, 7, 9, 11)
    ),
    "compare-heads": Shot(
        "panda",
        View(layer=9, query=(280.0, 300.0)),
        theme="light",
        along="heads",
        values=("mean", 0, 1, 2),
    ),
    "compare-models": Shot("panda", View(layer=9), hover=(0.28, 0.42), along="models"),
    "vit-cnn": Shot("bison", View(), hover=(0.4, 0.45), both=True),
    "compare-difference": Shot(
        "bison", View(layer=9), along="layers", values=(6, 9), arrangement="difference"
    ),
}


def session_of(shot: Shot, session: Session, checkpoint: str) -> Session:
    """The session that a picture shows; with as many models as there are, where it needs two."""
    stems = [Path(name).stem for name in SAMPLES]
    mode = InputChoice("whole photo", shot.fineness) if shot.whole else InputChoice()
    one = replace(
        session, selected=stems.index(shot.photo), input=mode, view=shot.view, tab=shot.tab
    )
    if shot.both:
        vit, cnn = (card.id for card in bundled())
        return vit_or_cnn(one, vit, cnn)
    if shot.along is None:
        return one
    models = models_for(shot, session.model)
    values = shot.values or ([*models, checkpoint] if checkpoint else models)[:2]
    several = split(one, shot.along, values)
    compare = replace(several.compare, arrangement=shot.arrangement)
    return replace(several, compare=compare)


def models_for(shot: Shot, first: str) -> list[str]:
    """The bundled models that the picture's method fits, one of them first."""
    method = METHODS[shot.view.method]
    return [first, *(c.id for c in bundled() if c.id != first and method.fits(c.outline))]


def wait(
    app: QApplication, until: Callable[[], bool], state: Callable[[], object] = lambda: ""
) -> None:
    """Lets the program work until something is the case.

    Args:
        app: The program.
        until: Whether it is.
        state: How far it is, for those who wait long.

    Raises:
        SystemExit: It was not so in time.
    """
    start = said = time.monotonic()
    while not until():
        app.processEvents()
        time.sleep(0.005)  # the work is done elsewhere
        now = time.monotonic()
        if now - said > SAID_EVERY_S:
            said = now
            print(f"waiting for {now - start:.0f} s {state()}", flush=True)
        if now - start > LIMIT_S:
            raise SystemExit(f"no picture: gave up after {LIMIT_S:.0f} s. {state()}")


def ready(window: Window, asked: Session) -> bool:
    """Whether the window shows all of a session."""
    cell, photos = window.controller.shown_cell, window.panels.photos
    several = asked.tab != "compare" or all(
        state.cell is not None and not state.busy for state in window.controller.pane_states
    )
    return (
        several
        and cell is not None
        and not cell.recalled
        and not window.service.is_busy
        and cell.request.photo == asked.photo
        and cell.request.input == asked.input
        and cell.request.method == asked.view.method
        and cell.request.query == asked.view.query
        and window.panels.layers.filmstrip.complete
        and all(photos.photos.preview(ref) is not None for ref in asked.photos)
    )


def point(window: Window, across: float, down: float) -> None:
    """Moves the pointer to a place of the photo, in fractions of it."""
    opened, canvas = window.controller.opened, window.views.canvas
    if opened is not None:
        height, width = opened.photo.size
        area = canvas.on_widget(Box(0, 0, width, height))
        canvas.pointed(area.left() + across * area.width(), area.top() + down * area.height())


def save(app: QApplication, widget: QWidget, name: str) -> None:
    """Writes what a widget looks like once it has come to rest."""
    for _ in range(200):
        app.processEvents()
    IMAGES.mkdir(parents=True, exist_ok=True)
    widget.grab().save(str(IMAGES / f"{name}.png"))
    print(f"wrote {name}.png")


def take(app: QApplication, name: str, shot: Shot, checkpoint: str) -> None:
    """Opens a window in that state and saves it."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder))
        settings.set_preferences(replace(settings.preferences(), theme=shot.theme, hint=False))
        window = Window(settings, QSize(*shot.size))
        window.show()
        window.panels.reset()
        window.begin([])
        window.store.amend(session_of(shot, window.store.session, checkpoint))
        wait(app, lambda: ready(window, window.store.session))
        if shot.hover:
            point(window, *shot.hover)
        save(app, window, name)
        window.close()


def figure() -> None:
    """Writes the figure of the guide."""
    photo = next(path for path in sample_photos() if path.stem == "bison")
    spec = FigureSpec(
        "heads", 150, dpi=130, across="layers", sharing="column", letters=False,
        layers=(1, 3, 5, 7, 9, 11),
    )  # fmt: skip
    session = Session(
        (PhotoRef(str(photo)),), model=bundled()[0].id, input=InputChoice("whole photo"),
        style=Style(scaling="root"), figure=spec,
    )  # fmt: skip
    write_figure(IMAGES / "figure.png", session, Engine(), "cpu")
    print("wrote figure.png")


def trust(app: QApplication) -> None:
    """The line under a map, and the Trust panel of a map that is better than chance and of one that
    is not.
    """
    watch.NICE = 0  # here nobody waits for anything else
    with tempfile.TemporaryDirectory() as folder:
        window = Window(Settings(Path(folder)), QSize(1400, 880))
        window.show()
        window.begin([path for path in sample_photos() if path.stem == "panda"])
        for method, name in (("relevance", "trust-better"), ("attention", "trust-chance")):
            session = window.store.session
            window.store.set(replace(session, view=View(method)))
            wait(app, partial(judged, window, method), partial(judging, window))
            if name == "trust-better":
                save(app, window.views.view("look"), "trust-line")
            window.trust_dialog.show_scene(window.scene)
            window.trust_dialog.show()
            window.trust_dialog.setFocus()  # no button stands out
            save(app, window.trust_dialog, name)
        window.close()


def judged(window: Window, method: str) -> bool:
    """Whether the window knows what to think of its map.

    Raises:
        SystemExit: It will not.
    """
    scene = window.scene
    state, problem = scene.trust_state, scene.error or scene.trust_state.problem
    if problem is not None or state.phase == "offered":
        raise SystemExit(f"no picture: {problem or 'the judgement would take long'}")
    request = state.request
    return state.phase == "done" and request is not None and request.explain.method == method


def judging(window: Window) -> str:
    """How far the judgement is."""
    state = window.scene.trust_state
    return f"({state.phase}, {state.fraction:.0%})"


def models(app: QApplication) -> None:
    """The model browser in each of its states, and a model of which something was assumed.

    What is fetched comes from a server on this computer, which the tests have, and is no model.
    """
    with tempfile.TemporaryDirectory() as folder, empty_caches(Path(folder)):
        window = Window(Settings(Path(folder)), QSize(1400, 880))
        window.show()
        window.begin([path for path in sample_photos() if path.stem == "panda"])
        wait(app, lambda: window.controller.cell is not None)
        window.browser.show()
        dialog = window.browser.dialog
        assert dialog is not None
        facts = dialog.facts
        wait(app, lambda: not dialog._looking)
        dialog.search.setText("mae")
        save(app, dialog, "model-browser")
        facts.button.click()
        wait(app, lambda: facts.button.text().startswith("Download ") and facts.button.isEnabled())
        save(app, dialog, "model-browser-offer")
        facts.button.click()
        wait(app, lambda: facts.bar.value() > 300)
        save(app, dialog, "model-browser-fetching")
        facts.cancel.click()
        wait(app, facts.button.isEnabled)
        os.environ["HF_ENDPOINT"] = "http://127.0.0.1:9"  # where nobody answers
        dialog.search.setText("dino")
        facts.button.click()
        wait(app, lambda: facts.button.text() == "Try Again")
        save(app, dialog, "model-browser-offline")
        dialog.close()
        assumed(app, window, Path(folder) / "my fine-tune.pth")
        window.close()


def assumed(app: QApplication, window: Window, path: Path) -> None:
    """A file with nothing beside it: what had to be assumed, and the dialog that corrects it."""
    from safetensors.torch import load_file
    from torch import save as save_file

    weights = load_file(resource("models", "vitviz_small_v1.safetensors"))
    save_file({"state_dict": {f"module.{name}": t for name, t in weights.items()}}, path)
    window.documents.use_model(str(path))
    wait(app, lambda: window.card is not None and window.card.title == path.stem)
    wait(app, lambda: ready(window, window.store.session))
    save(app, window, "model-assumed")

    def opened() -> None:
        dialog = window.corrections.dialog
        assert dialog is not None
        save(app, dialog, "model-correct")
        dialog.reject()

    QTimer.singleShot(300, opened)
    assert window.card is not None
    window.corrections.show(window.card)


@contextmanager
def empty_caches(folder: Path) -> Iterator[None]:
    """A hub on this computer, and caches that are empty."""
    places = {"HF_HOME": folder / "hf", "TORCH_HOME": folder / "torch", "HOME": folder}
    with serving(
        Hub({"model.safetensors": Served(b"w" * 40_000_000, pause_s=0.001)}, "cc-by-nc-4.0")
    ) as hub:
        os.environ |= {name: str(place) for name, place in places.items()}
        os.environ["HF_ENDPOINT"] = hub.address
        yield


def at_work(app: QApplication, classes: Path) -> None:
    """Takes the pictures of a batch and of a fine-tuning, on a few photos of four classes."""
    shot = Shot("panda", View(layer=9))
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        for path in sorted(path for path in classes.iterdir() if path.is_dir())[:4]:
            (Path("flowers") / path.name).mkdir(parents=True)
            for photo in sorted(path.iterdir())[:30]:
                shutil.copy(photo, Path("flowers") / path.name)
        settings = Settings(Path(folder) / "settings")
        settings.set_preferences(replace(settings.preferences(), theme="dark"))
        window = Window(settings, QSize(*shot.size))
        window.show()
        window.begin([])
        window.store.amend(session_of(replace(shot, whole=False), window.store.session, ""))
        wait(app, lambda: ready(window, window.store.session))
        batch(app, window)
        finetuning(app, window)
        window.close()


def batch(app: QApplication, window: Window) -> None:
    """Maps of all photos of the folder, half done."""
    window.batch.show()
    dialog = window.batch.dialog
    assert dialog is not None
    dialog.folder.line.setText("flowers")
    dialog.out.line.setText("flowers-maps")
    dialog.start.click()
    wait(app, lambda: dialog.bar.value() >= 500 and "left" in dialog.words.text())
    save(app, dialog, "batch")
    dialog.start.click()
    wait(app, lambda: dialog.start.text() == "Continue")
    dialog.close()


def finetuning(app: QApplication, window: Window) -> None:
    """A run in its ninth of twelve epochs, and what the model attends to at its end."""
    window.finetuning.show()
    dialog = window.finetuning.dialog
    assert dialog is not None
    dialog.form.folder.line.setText("flowers")
    dialog.form.epochs.setValue(12)
    wait(app, lambda: dialog.form.is_ready)
    dialog.start.click()
    dialog.follow.setChecked(True)
    wait(app, lambda: len(dialog.chart.epochs) == 9 and "step" in dialog.words.text())
    dialog.adjustSize()
    save(app, dialog, "finetune")
    wait(app, lambda: dialog.state == "done")
    wait(app, lambda: ready(window, window.store.session))
    save(app, window, "finetune-epochs")


GUIDE = "guide"
"""The name of the small copies that the guide shows in the window."""

GUIDE_WIDTH = 760


def small_copies() -> None:
    """Writes the pictures that the guide shows in the window, from those in ``docs/images``."""
    text = resource("guide.md").read_text(encoding="utf-8")
    for name in re.findall(r"!\[[^\]]*\]\(\.\./docs/images/([a-z0-9-]+)\.png\)", text):
        with Image.open(IMAGES / f"{name}.png") as large:
            small = large.convert("RGB")
        small.thumbnail((GUIDE_WIDTH, GUIDE_WIDTH), Image.Resampling.LANCZOS)
        small.save(resource("images") / f"{name}.webp", quality=78, method=6)
        print(f"wrote {name}.webp")


def main() -> None:
    """Takes the named pictures, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = (*SHOTS, "figure", TRUST, MODELS, AT_WORK, GUIDE)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names))
    parser.add_argument("--checkpoint", default="", help="a second model, to be compared with")
    parser.add_argument("--classes", type=Path, help="a folder of class folders with photos")
    parser.add_argument("--out", type=Path, help="where the pictures of layouts are written")
    parser.add_argument("--only", nargs="*", default=[], help="which states of the layouts")
    chosen = parser.parse_args()
    app = application.application(["vitviz"])
    if chosen.names == ["layouts"]:
        from layouts import layouts  # beside this file

        layouts(app, chosen.out or Path(tempfile.gettempdir()) / "layouts", chosen.only)
        return
    others: dict[str, Callable[[], None]] = {
        GUIDE: small_copies,
        "figure": figure,
        TRUST: partial(trust, app),
        MODELS: partial(models, app),
    }
    for name in chosen.names or names:
        if name in others:
            others[name]()
        elif name == AT_WORK and chosen.classes is None:
            print(f"left out {name}: give --classes")
        elif name == AT_WORK:
            at_work(app, chosen.classes.absolute())
        elif lacks_a_model(SHOTS[name], chosen.checkpoint):
            print(f"left out {name}: its method fits one model only; give a --checkpoint")
        else:
            take(app, name, SHOTS[name], chosen.checkpoint)


def lacks_a_model(shot: Shot, checkpoint: str) -> bool:
    """Whether a picture of two models has only one."""
    return shot.along == "models" and len(models_for(shot, bundled()[0].id)) < 2 and not checkpoint


if __name__ == "__main__":
    main()

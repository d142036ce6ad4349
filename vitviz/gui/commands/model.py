"""The Model menu: which model, what it is given, where it runs."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from vitviz.gui.commands.command import App, Command, Menu
from vitviz.gui.commands.edit import set_preferences
from vitviz.gui.commands.rules import is_checkpoint
from vitviz.imaging.preprocess import InputChoice
from vitviz.models.loading import bundled
from vitviz.wording.numbers import rough_time

ASK_FROM_S = 60.0
"""Of computing, in seconds, from which on it is asked about."""

MENU = Menu("model", "&Model")
command = MENU.command


@command("model.open", "&Open Checkpoint…", "Ctrl+M")
def open_model(app: App) -> None:
    app.documents.choose_model()


@command("model.browse", "Model &Browser…", "Ctrl+Shift+M")
def browse_models(app: App) -> None:
    app.browser.show()


def use_bundled_model(id: str, app: App) -> None:
    app.documents.use_model(id)


MENU.submenu("model.recent", "&Recent Models")
MENU.submenu("model.bundled", "&Bundled Model")

for card in bundled():
    does = partial(use_bundled_model, card.id)
    MENU.add(Command(f"model.bundled.{card.id}", card.title, does=does))


@command("model.correct", "C&orrect…", when=is_checkpoint)
def correct_model(app: App) -> None:
    """What the model's file does not say, and was assumed."""
    if app.card is not None:
        app.corrections.show(app.card)


@command("model.finetune", "&Fine-Tune…", separated=True)
def show_finetune(app: App) -> None:
    app.finetuning.show()


@command("model.cancel", "&Cancel Work", "Ctrl+.", separated=True)
def cancel(app: App) -> None:
    was_busy = app.service.is_busy
    app.controller.cancel()
    says_so = app.store.session.tab == "compare"  # in the pane
    if was_busy and not says_so and app.controller.shown_cell is None:
        app.banner.say(
            "Cancelled: this photo has no map yet.",
            (("Compute it", app.controller.retry),),
            until=lambda scene: scene.cell is not None,
        )


# What the Model panel asks for


def choose_input(app: App, choice: InputChoice) -> None:
    """What takes long is asked about first: it was chosen with one click."""
    seconds = app.panels.model.seconds_of(choice)
    if seconds is None or seconds < ASK_FROM_S or choice == app.store.session.input:
        use_input(app, choice)
        return
    app.refresh()  # the panel shows what is in force
    app.banner.say(
        f"That input takes {rough_time(seconds)} of computing on this device.",
        (("Compute It", partial(use_input, app, choice)), ("Leave It", lambda: None)),
        about="input",
    )


def use_input(app: App, choice: InputChoice) -> None:
    app.store.set(replace(app.store.session, input=choice))


def choose_device(app: App, device: str) -> None:
    set_preferences(app, replace(app.preferences, device=device))


def choose_part(app: App, part: str) -> None:
    """Another network of the model's file."""
    if app.card is not None:
        app.corrections.choose_part(app.card, part)


def show_card(app: App) -> None:
    """All that is known about the model."""
    if app.card is not None:
        from vitviz.gui.dialogs.about import TextDialog, card_text

        dialog = TextDialog("Model card", card_text(app.card), None, app.widget)
        dialog.exec()
        dialog.deleteLater()

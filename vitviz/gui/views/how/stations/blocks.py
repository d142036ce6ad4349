"""Blocks: one of them opened on a token, and what happens from the first to the last."""

from __future__ import annotations

from PySide6.QtCore import Signal

from vitviz.engine.requests import Request
from vitviz.engine.station_answers import BlockSteps, Lens
from vitviz.engine.station_requests import BlockRequest, LensRequest
from vitviz.gui.views.how.guess import GuessCard
from vitviz.gui.views.how.pieces.picture import PatchPicture
from vitviz.gui.views.how.station import Columns, Station, column, quiet, strong
from vitviz.gui.views.how.stations.attention import AttentionPanel
from vitviz.gui.views.how.stations.convolution import ConvolutionPanel
from vitviz.gui.views.how.stations.depths import DepthPanel, patch_picture, race_guess, reach_guess
from vitviz.gui.views.how.subject import Facts, Subject
from vitviz.wording.names import capitalised, patch_name
from vitviz.wording.numbers import percent


class BlocksStation(Station):
    """The depth above, one block below it.

    Signals:
        token_chosen(str): A prefix token that is to ask.
    """

    token_chosen = Signal(str)

    stop = "blocks"

    def __init__(self) -> None:
        super().__init__()
        self._channel: int | None = None
        self._lens: Lens | None = None
        self.depths = DepthPanel()
        self.depths.layer_chosen.connect(self._on_layer)
        self.attention = AttentionPanel()
        self.attention.patch_chosen.connect(self._on_patch)
        self.attention.token_chosen.connect(self.token_chosen)
        self.attention.head_chosen.connect(self.head_chosen)
        self.convolution = ConvolutionPanel()
        self.convolution.place_chosen.connect(self._on_patch)
        self.convolution.channel_chosen.connect(self._on_channel)
        for panel in (self.attention, self.convolution):
            panel.did.connect(self.did)
        self.waiting = quiet("Asking the model…")
        self.says = PatchPicture("What each patch would say", 300)
        self.says.pointed.connect(self._on_pointed)
        self.says.chosen.connect(self._on_patch)
        self.says_title, self.says_words, self.says_own = strong(), quiet(), strong()
        self.says_row = Columns(
            (self.says, 3),
            (column(self.says_title, self.says_words, self.says_own), 2),
            from_width=430,
        )
        self.guess = GuessCard()
        self.guess.guessed.connect(lambda: self.did.emit("guessed"))
        for widget in (self.waiting, self.attention, self.convolution, self.guess, self.depths,
                       self.says_row):  # fmt: skip
            self.body.addWidget(widget)
        self.body.addStretch(1)

    def _asked(self, subject: Subject) -> BlockRequest:
        view = subject.session.view
        return subject.ask(BlockRequest, layer=subject.layer, query=view.query,
                           channel=self._channel)  # fmt: skip

    def wants(self, subject: Subject) -> tuple[Request, ...]:
        return (self._asked(subject), *DepthPanel.wants(subject))

    def fill(self, subject: Subject, facts: Facts) -> None:
        self.depths.show_subject(subject, facts)
        steps = facts.last(self._asked(subject), subject)
        there = isinstance(steps, BlockSteps)
        self.waiting.setVisible(not there)
        attends = there and steps.attention is not None
        self.attention.setVisible(attends)
        self.convolution.setVisible(there and not attends)
        if attends:
            self.attention.show_steps(subject, steps)
        elif there:
            self.convolution.show_steps(subject, steps)
        self._show_patches(subject, facts)

    def _show_patches(self, subject: Subject, facts: Facts) -> None:
        lens = None
        if subject.outline.reads_all_depths:
            asked = subject.ask(LensRequest, target=subject.session.view.target)
            lens = facts.last(asked, subject)
        picture = patch_picture(subject, lens) if isinstance(lens, Lens) else None
        self.says_row.setVisible(picture is not None)
        guess = reach_guess(subject) if subject.kind == "convolutions" else None
        self.guess.show_guess(race_guess(subject, lens) if isinstance(lens, Lens) else guess)
        if picture is None or not isinstance(lens, Lens):
            return
        name = subject.cell.class_name(lens.target)
        assert lens.patches is not None
        most = percent(float(lens.patches.target_share[subject.layer + 1].max()))
        self.says.show_picture(picture, "", f"“{name}”: 0 to {most}")
        block = subject.outline.layers[subject.layer].name
        self.says_title.setText(f"What each patch would say after {block}")
        best = lens.patches.best[subject.layer + 1]
        agree = int((best == lens.target).sum())
        self.says_words.setText(
            f"The head reads one patch at a time: bright where it would say “{name}”. That is the "
            f"first class of {agree:,} of {len(best):,} patches. Point at one to see its own."
        )
        self._lens = lens
        self._on_pointed(-1 if self.says.pointer is None else self.says.pointer)

    def _on_pointed(self, patch: int) -> None:
        lens, subject = self._lens, self.subject
        if lens is None or lens.patches is None or subject is None or patch < 0:
            self.says_own.setText("")
            return
        depth = subject.layer + 1
        if patch < lens.patches.best.shape[1]:
            where = patch_name(*divmod(patch, lens.tokens.grid[1]))
            name = subject.cell.class_name(int(lens.patches.best[depth, patch]))
            share = percent(float(lens.patches.best_share[depth, patch]))
            self.says_own.setText(f"{capitalised(where)} says “{name}”, {share}")

    def _on_layer(self, layer: int) -> None:
        self._channel = None
        self.layer_chosen.emit(layer)
        self.did.emit("chose a block")

    def _on_patch(self, patch: int) -> None:
        """A patch of the chosen layer becomes the one of the first layer over the same place."""
        assert self.subject is not None
        here = self.subject.geometry_of(self.subject.layer)
        first = self.subject.geometry
        centre = here.patch_box(*divmod(patch, here.grid[1])).centre
        row, col = first.nearest_patch(*centre)
        self.patch_chosen.emit(row * first.grid[1] + col)

    def _on_channel(self, channel: int) -> None:
        self._channel = channel
        self.changed.emit()

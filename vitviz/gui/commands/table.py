"""Every command of the program, one line each: title, key, what it does, where it stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from vitviz.gui.commands.commands import Commands


@dataclass(frozen=True)
class Command:
    """A line of the table.

    Args:
        id: "file.open"; its first part is the menu, the first two of three its submenu.
        title: In the menu; & marks the mnemonic.
        keys: Shortcuts, the first one shown; "" for none.
        does: Name of the method of ``Commands``, called without arguments.
        checkable: It is a state that is on or off.
        separated: A separator stands before it in the menu.
    """

    id: str
    title: str
    keys: str
    does: str
    checkable: bool = False
    separated: bool = False


COMMANDS: tuple[Command, ...] = (
    Command("file.open", "&Open Photos…", "Ctrl+O", "open_photos"),
    Command("file.folder", "Open &Folder…", "Ctrl+Shift+O", "open_folder"),
    Command("file.recent", "Open &Recent", "", ""),
    Command("file.samples", "Sample &Photos", "", "open_samples"),
    Command("file.session", "Open &Session…", "Ctrl+Alt+O", "open_session", separated=True),
    Command("file.save", "&Save Session", "Ctrl+S", "save_session"),
    Command("file.save_as", "Save Session &As…", "Ctrl+Shift+S", "save_session_as"),
    Command("file.export_figure", "Export F&igure…", "Ctrl+E", "export_figure", separated=True),
    Command("file.save_map", "Save &Map…", "Ctrl+Shift+E", "save_map"),
    Command("file.export_data", "Export &Data…", "Ctrl+Shift+D", "export_data"),
    Command("file.export_animation", "Export A&nimation…", "Ctrl+Shift+N", "export_animation"),
    Command("file.batch", "&Batch…", "Ctrl+Shift+B", "show_batch"),
    Command("file.close", "&Close Photo", "Ctrl+W", "close_photo", separated=True),
    Command("file.close_all", "Close All Photos", "Ctrl+Shift+W", "close_all_photos"),
    Command("file.quit", "&Quit", "Ctrl+Q", "close", separated=True),
    Command("edit.undo", "&Undo", "Ctrl+Z", "undo"),
    Command("edit.redo", "&Redo", "Ctrl+Shift+Z; Ctrl+Y", "redo"),
    Command("edit.paste", "&Paste Photo", "Ctrl+V", "paste", separated=True),
    Command("edit.copy", "&Copy Picture", "Ctrl+C", "copy_picture"),
    Command("edit.copy_values", "Copy &Values", "Ctrl+Alt+C", "copy_values"),
    Command("edit.copy_view", "Copy View as S&hown", "Ctrl+Shift+C", "copy_view"),
    Command("edit.preferences", "Pre&ferences…", "Ctrl+,", "show_preferences", separated=True),
    Command("view.look", "&Look", "Ctrl+1", "show_look"),
    Command("view.heads", "&Heads", "Ctrl+2", "show_heads"),
    Command("view.patches", "&Patches", "Ctrl+3", "show_patches"),
    Command("view.compare", "&Compare", "Ctrl+4", "show_compare"),
    Command("view.zoom_in", "Zoom &In", "Ctrl++; Ctrl+=", "zoom_in", separated=True),
    Command("view.zoom_out", "Zoom &Out", "Ctrl+-", "zoom_out"),
    Command("view.actual", "&100 %", "Ctrl+0", "zoom_actual"),
    Command("view.fit", "&Fit", "F", "zoom_fit"),
    Command("view.grid", "Patch &Grid", "G", "toggle_grid", checkable=True, separated=True),
    Command("view.smooth", "&Smooth Edges", "S", "toggle_smooth", checkable=True),
    Command("view.follow", "Map Follows &Cursor", "H", "toggle_follow", checkable=True),
    Command("view.panels", "&Panels", "", "", separated=True),
    Command("view.reset", "&Reset Layout", "", "reset_layout"),
    Command("view.full", "F&ull Screen", "F11", "toggle_full_screen", checkable=True),
    Command("view.palette", "Command Palette…", "Ctrl+Shift+P", "show_palette"),
    Command("go.next_photo", "&Next Photo", "PgDown", "next_photo"),
    Command("go.previous_photo", "&Previous Photo", "PgUp", "previous_photo"),
    Command("go.next_layer", "Next &Layer", "]", "next_layer", separated=True),
    Command("go.previous_layer", "Previous La&yer", "[", "previous_layer"),
    Command("go.play", "Pla&y Layers", "P", "toggle_play", checkable=True),
    Command("go.next_head", "Next &Head", ".", "next_head", separated=True),
    Command("go.previous_head", "Previous H&ead", ",", "previous_head"),
    Command("go.next_class", "Next &Class", "C", "next_class", separated=True),
    Command("go.previous_class", "Previous Cl&ass", "Shift+C", "previous_class"),
    Command("go.class", "F&ind Class…", "Ctrl+F", "find_class"),
    Command("go.direction", "&Swap “of” and “to”", "T", "swap_direction", separated=True),
    Command("go.cls", "Query: &First Token (CLS)", "Esc", "query_cls"),
    Command("go.next_frame", "Next &Frame of Animation", "Alt+Right", "next_frame", separated=True),
    Command("go.previous_frame", "Previous Frame", "Alt+Left", "previous_frame"),
    Command("compare.add", "&Add Pane", "Ctrl+D", "add_pane"),
    Command("compare.remove", "&Remove Pane", "Ctrl+Backspace", "remove_pane"),
    Command("compare.split", "S&plit Along…", "Ctrl+\\", "split", separated=True),
    Command("compare.along", "&Split Along", "", ""),
    Command("compare.along.layers", "Split Along &Layers…", "", "split_layers"),
    Command("compare.along.heads", "Split Along &Heads…", "", "split_heads"),
    Command("compare.along.methods", "Split Along &Methods…", "", "split_methods"),
    Command("compare.along.models", "Split Along M&odels…", "", "split_models"),
    Command("compare.along.photos", "Split Along &Photos…", "", "split_photos"),
    Command("compare.along.classes", "Split Along &Classes…", "", "split_classes"),
    Command("compare.next", "&Next Pane", "Ctrl+PgDown", "next_pane", separated=True),
    Command("compare.previous", "&Previous Pane", "Ctrl+PgUp", "previous_pane"),
    Command("compare.go", "&Go to Pane", "", ""),
    Command("compare.go.a", "Go to Pane &a", "Alt+1", "first_pane"),
    Command("compare.go.b", "Go to Pane &b", "Alt+2", "second_pane"),
    Command("compare.go.c", "Go to Pane &c", "Alt+3", "third_pane"),
    Command("compare.go.d", "Go to Pane &d", "Alt+4", "fourth_pane"),
    Command("compare.go.e", "Go to Pane &e", "Alt+5", "fifth_pane"),
    Command("compare.go.f", "Go to Pane &f", "Alt+6", "sixth_pane"),
    Command("compare.on", "Move Pane &On", "Ctrl+Shift+PgDown", "move_pane_on"),
    Command("compare.back", "Move Pane &Back", "Ctrl+Shift+PgUp", "move_pane_back"),
    Command("compare.linked", "&Link Panes", "L", "toggle_linked", checkable=True, separated=True),
    Command("compare.shared", "Shared &Range", "R", "toggle_shared", checkable=True),
    Command("compare.panes", "Show Pan&es", "", "show_panes", checkable=True, separated=True),
    Command("compare.difference", "Show &Difference", "D", "show_difference", checkable=True),
    Command("compare.wipe", "Show &Wipe", "W", "show_wipe", checkable=True),
    Command("compare.pair", "Compare with Ne&xt Pane", "", "pair_with_next", separated=True),
    Command("compare.swap", "S&wap the Two", "X", "swap_pair"),
    Command("model.open", "&Open Checkpoint…", "Ctrl+M", "open_model"),
    Command("model.bundled", "&Bundled Model", "", "use_bundled_model"),
    Command("model.finetune", "&Fine-Tune…", "", "show_finetune", separated=True),
    Command("model.cancel", "&Cancel Work", "Ctrl+.", "cancel", separated=True),
    Command("help.guide", "&User Guide", "F1", "show_guide"),
    Command("help.keys", "&Keyboard", "Shift+F1", "show_keys"),
    Command("help.about", "&About vitviz", "", "show_about", separated=True),
)

EXPORTS = ("file.export_figure", "file.save_map", "file.export_data", "file.export_animation")
"""What the button at the top offers."""

MENUS = {
    "file": "&File",
    "edit": "&Edit",
    "view": "&View",
    "go": "&Go",
    "compare": "&Compare",
    "model": "&Model",
    "help": "&Help",
}

ROLES = {
    "file.quit": QAction.MenuRole.QuitRole,
    "edit.preferences": QAction.MenuRole.PreferencesRole,
    "help.about": QAction.MenuRole.AboutRole,
}


def build(window: QWidget, commands: Commands) -> dict[str, QAction]:
    """The actions by id, bound to ``commands``; those without a method are submenus."""
    actions = {}
    for command in COMMANDS:
        action = QAction(command.title, window)
        action.setObjectName(command.id)
        action.setCheckable(command.checkable)
        action.setMenuRole(ROLES.get(command.id, QAction.MenuRole.NoRole))
        if command.keys:
            action.setShortcuts([QKeySequence(key) for key in command.keys.split("; ")])
        if command.does:
            # A bound method of a QObject that takes no argument: triggered(bool) is cut to fit.
            action.triggered.connect(getattr(commands, command.does))
        window.addAction(action)
        actions[command.id] = action
    return actions


def menu_bar(actions: dict[str, QAction], submenus: dict[str, QMenu]) -> QMenuBar:
    """The menu bar, in the table's order."""
    bar = QMenuBar()
    for name, title in MENUS.items():
        menu = bar.addMenu(title)
        for command in COMMANDS:
            if not command.id.startswith(f"{name}."):
                continue
            if command.separated:
                menu.addSeparator()
            if command.id in submenus:
                submenus[command.id].setTitle(command.title)
                menu.addMenu(submenus[command.id])
            else:
                parent = submenus.get(command.id.rpartition(".")[0], menu)
                parent.addAction(actions[command.id])
    return bar

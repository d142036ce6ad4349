"""Every command of the program, in the order of the menus."""

from __future__ import annotations

from vitviz.gui.commands import compare, edit, file, go, help, model, palette

# The palette is the last of the View menu, and is about all others.
MENUS = (file.MENU, edit.MENU, palette.MENU, go.MENU, compare.MENU, model.MENU, help.MENU)

COMMANDS = tuple(command for menu in MENUS for command in menu.commands)

EXPORTS = ("file.export_figure", "file.save_map", "file.export_data", "file.export_animation",
           "file.batch")  # fmt: skip
"""What the button at the top offers."""

CANVAS_MENU = ("go.query", "go.direction", "edit.copy", "edit.copy_values", "file.save_map",
               "view.fit", "view.actual", "file.show_in_folder", "file.copy_path")  # fmt: skip
"""What can be done with a right click on the photo."""

LIST_MENU = ("file.open", "file.close", "file.close_others", "file.close_all",
             "file.show_in_folder", "file.copy_path")  # fmt: skip
"""The same in the list of photos."""

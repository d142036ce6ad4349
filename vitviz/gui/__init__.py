"""The window. Qt lives here and nowhere else."""

# PySide6 reads the source of every module that is imported after it, to see whether it uses Qt.
# What the window stands on does not, and is imported before: a tenth of the time to the window.
import vitviz.engine.engine  # noqa: F401

"""The dialog that exports a figure."""

"""The border between threads and Qt."""

"""What a network did with one photo: run it, and keep what questions about it need."""

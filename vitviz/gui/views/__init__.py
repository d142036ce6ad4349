"""What can stand in the middle of the window."""

"""Whether the numbers and the window are right on this computer: ``vitviz check``."""

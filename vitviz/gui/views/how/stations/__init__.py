"""The stations, a file each."""

"""Many photos: maps, figures and one table for a folder, resumable at any time."""

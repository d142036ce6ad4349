"""A photo with a map laid exactly over it, and everything that is drawn there."""

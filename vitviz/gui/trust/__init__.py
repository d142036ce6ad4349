"""Whether the map can be trusted: the line under it, and the panel behind the line."""

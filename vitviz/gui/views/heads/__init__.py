"""The Heads view: every layer and head at a glance."""

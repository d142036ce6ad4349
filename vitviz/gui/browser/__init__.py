"""The model browser: what is bundled, what is on this computer, what can be fetched."""

"""The few dialogs: preferences, model card, about, keyboard, command palette."""

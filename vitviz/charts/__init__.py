"""Charts of a model on one photo or many: what each asks, and what becomes of the answers."""

"""What people correct of a model that its file does not say."""

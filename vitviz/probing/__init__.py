"""What a network says when something is taken from it: patches of its input, or heads."""

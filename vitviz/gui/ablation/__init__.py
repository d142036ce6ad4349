"""What is taken from the network while it is looked at: the chip, the brush, the grid of heads."""

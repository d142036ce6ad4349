"""ResNet and its wider and grouped relatives."""

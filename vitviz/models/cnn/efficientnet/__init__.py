"""EfficientNet and the MobileNets: networks of inverted residual blocks."""

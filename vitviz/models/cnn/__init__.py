"""Convolutional networks: EfficientNet and the MobileNets, ResNet, ConvNeXt; a folder each."""

"""A deep decoder: 1x1 convolutions, bilinear upsampling, ReLU and channel normalisation, no other weights."""

import torch
from torch import nn


def deep_decoder(channels=64, scales=3, out_channels=1):
    layers = []
    for _ in range(scales):
        layers += [
            nn.Conv2d(channels, channels, kernel_size=1, bias=False),
            nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False),
            nn.ReLU(),
            nn.BatchNorm2d(channels, affine=True),
        ]
    layers += [
        nn.Conv2d(channels, channels, kernel_size=1, bias=False),
        nn.ReLU(),
        nn.BatchNorm2d(channels, affine=True),
        nn.Conv2d(channels, out_channels, kernel_size=1, bias=False),
        nn.Sigmoid(),
    ]
    return nn.Sequential(*layers)


def factory():
    noise = 0.1 * torch.rand(1, 64, 4, 4)
    return deep_decoder(), noise

"""A decoder of residual blocks with nearest-neighbour upsampling, as generators of adversarial networks have it."""

import torch
import torch.nn.functional as F
from torch import nn


class ResBlockUp(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x):
        h = F.interpolate(F.relu(self.bn1(x)), scale_factor=2, mode="nearest")
        h = self.conv1(h)
        h = self.conv2(F.relu(self.bn2(h), inplace=True))
        return h + self.shortcut(F.interpolate(x, scale_factor=2, mode="nearest"))


class ResNetDecoder(nn.Module):
    def __init__(self, latent=64, width=32):
        super().__init__()
        self.width = width
        self.fc = nn.Linear(latent, 4 * width * 4 * 4)
        self.blocks = nn.Sequential(
            ResBlockUp(4 * width, 2 * width), ResBlockUp(2 * width, width), ResBlockUp(width, width // 2)
        )
        self.bn = nn.BatchNorm2d(width // 2)
        self.out = nn.Conv2d(width // 2, 1, 3, padding=1)

    def forward(self, z):
        h = self.fc(z).view(-1, 4 * self.width, 4, 4)
        return torch.tanh(self.out(F.relu(self.bn(self.blocks(h)))))


def factory():
    return ResNetDecoder(), torch.randn(1, 64)

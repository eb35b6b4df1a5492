"""An MLP-Mixer from image to image: patches, mixed over positions and over channels in turn, and put together again."""

import torch
from torch import nn


class Mlp(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class MixerBlock(nn.Module):
    def __init__(self, patches, channels):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(channels), nn.LayerNorm(channels)
        self.tokens = Mlp(patches, 2 * patches)
        self.channels = Mlp(channels, 2 * channels)

    def forward(self, x):
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


class MlpMixer(nn.Module):
    def __init__(self, side=28, patch=4, in_channels=3, width=48, depth=3):
        super().__init__()
        self.side, self.patch = side, patch
        across = side // patch
        self.embed = nn.Conv2d(in_channels, width, patch, stride=patch)
        self.blocks = nn.Sequential(*(MixerBlock(across**2, width) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.unembed = nn.Linear(width, patch**2)

    def forward(self, x):
        h = self.embed(x).flatten(2).transpose(1, 2)
        h = self.unembed(self.norm(self.blocks(h)))
        across = self.side // self.patch
        h = h.view(-1, across, across, self.patch, self.patch).permute(0, 1, 3, 2, 4)
        return h.reshape(-1, 1, self.side, self.side)


def make():
    return MlpMixer(), torch.randn(1, 3, 28, 28)

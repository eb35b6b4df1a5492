"""A SIREN: an image as a function of its coordinates, with sines for activations."""

import math

import torch
from torch import nn

OMEGA = 30.0


class Sine(nn.Module):
    def __init__(self, inputs, outputs, first=False):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        bound = 1 / inputs if first else math.sqrt(6 / inputs) / OMEGA
        nn.init.uniform_(self.linear.weight, -bound, bound)

    def forward(self, x):
        return torch.sin(OMEGA * self.linear(x))


class Siren(nn.Module):
    def __init__(self, width=64, hidden=2):
        super().__init__()
        self.layers = nn.ModuleList([Sine(2, width, first=True), *(Sine(width, width) for _ in range(hidden))])
        self.last = nn.Linear(width, 1)
        bound = math.sqrt(6 / width) / OMEGA
        nn.init.uniform_(self.last.weight, -bound, bound)

    def forward(self, coords):
        h = coords
        for layer in self.layers:
            h = layer(h)
        return self.last(h)


def grid(side=32):
    line = torch.linspace(-1, 1, side)
    ys, xs = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([ys, xs], dim=-1).reshape(1, side * side, 2)


def make():
    return Siren(), grid()

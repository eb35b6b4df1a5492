import torch

from untrained.sims.operators.base import Operator


class ColumnSums(Operator):
    """The sum of each column, channel by channel: one projection of a tomograph."""

    name = "column-sums"
    gain = 1.0

    def __init__(self, shape):
        super().__init__(shape, shape[0] * shape[2])

    def _product(self, x: torch.Tensor) -> torch.Tensor:
        return x.sum(-2).flatten(1)

    def _transposed(self, y: torch.Tensor) -> torch.Tensor:
        channels, height, width = self.shape
        return y.reshape(-1, channels, 1, width).expand(-1, -1, height, -1)

"""Products with the Jacobian of a network, without ever forming it: J v, J^T u and J J^T u."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property

import torch
from torch.autograd import forward_ad

from untrained.sims.networks.network import Network

Product = Callable[[torch.Tensor], torch.Tensor]


class Jacobian:
    """The Jacobian J (n, count) of a network's output by its weights, in the network's dtype and on its device.

    The network runs once; what is kept of that run takes some times the memory of its activations.
    """

    def __init__(self, network: Network) -> None:
        self.network = network
        self._weights = [network.parameter(name) for name in network.weights]
        self._y = network.output()
        self.n, self.count = len(self._y), sum(weight.numel() for weight in self._weights)

    def adjoint(self, u: torch.Tensor) -> torch.Tensor:
        """J^T u (count,) of a vector u (n,), by back-propagation.

        Raises
        ------
        ValueError
            where u has another shape.
        """
        u = self._checked("u", u, self.n)
        parts = torch.autograd.grad(self._y, self._weights, u, retain_graph=True, allow_unused=True)
        return torch.cat([
            torch.zeros_like(weight).flatten() if part is None else part.flatten()
            for weight, part in zip(self._weights, parts, strict=True)
        ])  # fmt: skip

    def forward(self, v: torch.Tensor) -> torch.Tensor:
        """J v (n,) of a vector v (count,), by differentiating J^T u by u, else by forward-mode differentiation.

        Raises
        ------
        ValueError
            where v has another shape, or where the network can be differentiated in neither way.
        """
        return self._forward(self._checked("v", v, self.count))

    def gram(self, u: torch.Tensor) -> torch.Tensor:
        """J J^T u (n,) of a vector u (n,).

        Raises
        ------
        ValueError
            as `forward` does.
        """
        return self.forward(self.adjoint(u))

    def _checked(self, name: str, vector: torch.Tensor, size: int) -> torch.Tensor:
        if vector.shape != (size,):
            raise ValueError(f"{name} must have shape ({size},), got {tuple(vector.shape)}")
        return vector.detach().to(self._y)

    @property
    def has_products(self) -> bool:
        """Whether products J v can be had, in either way."""
        return not isinstance(self._way, Exception)

    @property
    def _forward(self) -> Product:
        if isinstance(self._way, Exception):
            raise ValueError(
                f"{self.network.name} must be differentiable twice or in forward mode for products J v, "
                "got a network that is neither: give its autograd.Function a differentiable backward or a jvp"
            ) from self._way
        return self._way

    @cached_property
    def _way(self) -> Product | Exception:
        """The first way that agrees with the adjoint, else why the last one does not; one may fail without a word."""
        reason: Exception = ArithmeticError("products J v do not agree with products J^T u")
        for way in (self._by_double_backward, self._by_forward_mode):
            try:
                product = way()
                if self._agrees(product):
                    return product
            except torch.cuda.OutOfMemoryError:
                raise
            except RuntimeError as error:  # what torch raises where a derivative is not defined
                reason = error
        return reason

    def _agrees(self, product: Product) -> bool:
        """<u, J v> = <J^T u, v> at one u and one v that no layer prefers."""
        u = torch.cos(1 + 1.7 * torch.arange(self.n, dtype=self._y.dtype, device=self._y.device))
        v = self.adjoint(u)
        v = v + v.norm() / self.count**0.5 * torch.cos(2.3 * torch.arange(self.count).to(v) + 1)
        mine, its = product(v), self.adjoint(u)
        tolerance = torch.finfo(v.dtype).eps ** 0.5 * (u.norm() * mine.norm() + its.norm() * v.norm())
        return bool((u @ mine - its @ v).abs() <= tolerance)

    def _by_double_backward(self) -> Product:
        """J^T u kept as a graph in u, through which v is sent back."""
        u = torch.zeros_like(self._y, requires_grad=True)
        parts = torch.autograd.grad(self._y, self._weights, u, create_graph=True, allow_unused=True)
        used = [place for place, part in enumerate(parts) if part is not None and part.requires_grad]
        back = [parts[place] for place in used]

        def product(v: torch.Tensor) -> torch.Tensor:
            pieces = self._split(v)
            (product,) = torch.autograd.grad(back, u, [pieces[place] for place in used], retain_graph=True)
            return product.detach()

        return product

    def _by_forward_mode(self) -> Product:
        """The network run again with dual numbers as weights."""
        network = self.network

        def product(v: torch.Tensor) -> torch.Tensor:
            with torch.no_grad(), warnings.catch_warnings(), forward_ad.dual_level():
                warnings.simplefilter("ignore")  # torch warns of itself
                dual = {
                    name: forward_ad.make_dual(weight.detach(), piece)
                    for name, weight, piece in zip(network.weights, self._weights, self._split(v), strict=True)
                }
                tangent = forward_ad.unpack_dual(network.output_at(dual)).tangent
            return torch.zeros_like(self._y) if tangent is None else tangent.detach()

        return product

    def _split(self, v: torch.Tensor) -> list[torch.Tensor]:
        sizes = [weight.numel() for weight in self._weights]
        return [part.view_as(weight) for part, weight in zip(v.split(sizes), self._weights, strict=True)]

"""Convolution kernels, and the spectrum of Sigma(U) = E[J J^T] of the generator G(C) = ReLU(UC)v with circulant U.

[Sigma]_ij = (1/2)(1 - arccos(rho_ij)/pi)<u_i, u_j> over Gaussian C, rho_ij the cosine of rows i and j of U. For a
circulant U, on a line or a torus, Sigma is circulant too: its eigenvalues are the Fourier transform of its first row,
the dual kernel ||u||^2 g(<u_0, u_j>/||u||^2), g(t) = (1/2)(1 - arccos(t)/pi) t. Source: heckel20a Theorem 1
"""

from __future__ import annotations

import numpy as np

from untrained.theory.objects.shapes import Array, real_array, whole_number


def triangle_kernel(length: int, half_width: int) -> Array:
    """A triangle of a half-width around 0 on a circle of so many points, shape (length,), of norm 1.

    Weights fall linearly from half_width at 0 to 1 at distance half_width - 1; a half-width of 1 is the delta.

    Raises
    ------
    ValueError
        where the triangle does not fit on the circle.
    """
    n, w = whole_number("length", length, 1), whole_number("half_width", half_width, 1)
    if 2 * w - 1 > n:
        raise ValueError(f"half_width must be at most {(n + 1) // 2} for {n} points, got {w}")
    return _unit(np.maximum(w - circle_distance(n), 0).astype(float))


def gaussian_kernel(length: int, width: float) -> Array:
    """exp(-(t/width)^2) with t the distance around a circle of circumference 1, shape (length,), of norm 1.

    Raises
    ------
    ValueError
        where the width is not positive.
    """
    n = whole_number("length", length, 1)
    if not width > 0:
        raise ValueError(f"width must be positive, got {width}")
    return _unit(np.exp(-np.square(circle_distance(n) / n / width)))


def circle_distance(length: int) -> Array:
    """Distance of each point of a circle from point 0, in steps."""
    i = np.arange(length)
    return np.minimum(i, length - i)


def _unit(kernel: Array) -> Array:
    result: Array = kernel / np.linalg.norm(kernel)
    return result


def kernel_array(kernel: Array) -> Array:
    """A kernel on a line (n,) or a torus (h, w), not 0.

    Raises
    ------
    ValueError
        where it has another number of axes, an entry that is not finite, or is 0.
    """
    values = np.asarray(kernel, dtype=float)
    if values.ndim not in (1, 2) or not values.size:
        raise ValueError(f"kernel must have shape (n,) or (h, w), got {values.shape}")
    real_array("kernel", values, values.ndim)
    if not values.any():
        raise ValueError("kernel must not be 0")
    return values


def padded(kernel: Array, shape: tuple[int, ...]) -> Array:
    """A kernel on a larger circle or torus, its middle at 0.

    Raises
    ------
    ValueError
        where it is longer than that along an axis, or has another number of axes.
    """
    values = kernel_array(kernel)
    if values.ndim != len(shape) or any(a > b for a, b in zip(values.shape, shape, strict=False)):
        raise ValueError(f"kernel must fit into shape {shape}, got {values.shape}")
    whole = np.zeros(shape)
    whole[tuple(slice(k) for k in values.shape)] = values
    result: Array = np.roll(whole, [-(k // 2) for k in values.shape], tuple(range(values.ndim)))
    return result


def transfer(kernel: Array) -> Array:
    """|Fu|, the sizes of the eigenvalues of U, in the order of frequencies of numpy's fft."""
    result: Array = np.abs(np.fft.fftn(kernel_array(kernel)))
    return result


def correlations(kernel: Array) -> Array:
    """<u_0, u_j>/||u||^2 for every shift j, exactly 1 at shift 0."""
    u = kernel_array(kernel)
    inner = np.fft.ifftn(np.square(np.abs(np.fft.fftn(u)))).real / float(np.square(u).sum())
    inner.flat[0] = 1.0
    result: Array = np.clip(inner, -1.0, 1.0)
    return result


def active_share(cosine: Array) -> Array:
    """(1/2)(1 - arccos(t)/pi): how often two Gaussian vectors of this correlation are both positive."""
    result: Array = (1 - np.arccos(cosine) / np.pi) / 2
    return result


def dual_kernel(kernel: Array) -> Array:
    """The first row of Sigma(U): ||u||^2 g(correlation), in the shape of the kernel."""
    t = correlations(kernel)
    result: Array = float(np.square(kernel_array(kernel)).sum()) * active_share(t) * t
    return result


def dual_spectrum(kernel: Array) -> Array:
    """Eigenvalues sigma_i^2 of Sigma(U) by frequency, in the shape of the kernel; each is that of cos and of sin."""
    result: Array = np.fft.fftn(dual_kernel(kernel)).real
    return result


def trigonometric_basis(length: int, turns: float = 2) -> Array:
    """Orthonormal columns (n, n): 1, then cos and sin of each frequency in turn, and (-1)^j last for an even n.

    With another number of half-turns for a frequency of one the columns are neither normalised nor orthogonal.
    """
    n = whole_number("length", length, 1)
    j = np.arange(n)
    columns = [np.full(n, 1.0)]
    for i in range(1, (n - 1) // 2 + 1):
        angle = np.pi * np.fmod(turns * i * j, 2 * n) / n
        columns += [np.sqrt(2) * np.cos(angle), np.sqrt(2) * np.sin(angle)]
    if n % 2 == 0:
        columns.append(np.cos(np.pi * np.fmod(turns * j, 4) / 2))
    result: Array = np.stack(columns, axis=1) / np.sqrt(n)
    return result


def basis_spectrum(kernel: Array) -> Array:
    """sigma_i^2 of each column of the trigonometric basis, for a kernel on a line."""
    values = dual_spectrum(kernel)
    n = len(values)
    order = [0, *(i for pair in range(1, (n - 1) // 2 + 1) for i in (pair, pair)), *([n // 2] if n % 2 == 0 else [])]
    result: Array = values[np.array(order)]
    return result

"""The numbers that the CS-DIP paper prints of its experiments; those of its curves are in pictures only."""

from __future__ import annotations

from collections.abc import Mapping

MEASUREMENTS = (500, 1000, 2000, 4000, 8000)
"""m of Table 1, and of the reconstructions of x-rays and retinas in Figures 2 and 7 to 12."""

TABLE_1: Mapping[int, tuple[float, ...]] = {
    0: (9.9, 2.9, 0.2, 2.0, 0.6),
    10: (11.6, 4.6, 4.5, 2.4, 1.0),
    100: (14.9, 19.2, 5.0, 3.9, 2.8),
    1000: (37.4, 30.6, 19.8, 3.0, 6.2),
}
"""Percent by which learned regularisation lowers the MSE: by sigma^2, in the order of MEASUREMENTS."""

TABLE_2_MEASUREMENTS = (1000, 2000, 4000, 8000)
TABLE_2: Mapping[str, tuple[float, ...]] = {
    "csdip": (15.6, 17.1, 20.4, 29.9),
    "damp": (51.1, 54.0, 67.8, 71.2),
    "tv": (13.8, 22.1, 31.9, 56.7),
    "lasso-dct": (27.1, 33.0, 52.2, 96.4),
}
"""Seconds a reconstruction of an x-ray took, in the order of TABLE_2_MEASUREMENTS."""

COEFFICIENTS: Mapping[int, int] = {3: 381, 5: 634, 10: 1260, 20: 2500}
"""Fourier coefficients on so many radial lines of a 256x256 image (Appendix A, Fourier Sampling)."""

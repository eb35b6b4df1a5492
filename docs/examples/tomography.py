"""Parallel-beam tomography as a matrix, a column for each pixel's sinogram."""

import numpy as np
from scipy.sparse import csr_array
from skimage.transform import radon


def matrix(shape, angles=20):
    """scikit-image's Radon transform of images (1, H, W); the transpose is its exact adjoint, which iradon is not."""
    theta = np.linspace(0, 180, angles, endpoint=False)
    pixels = np.eye(shape[1] * shape[2]).reshape(-1, *shape[1:])
    return csr_array(np.stack([radon(pixel, theta, circle=False).ravel() for pixel in pixels], axis=1))

"""Images as short texts: PNG of 8 bits in base64, for records and for the pictures that are drawn from them."""

from __future__ import annotations

import base64
import io

import numpy as np
import torch
from PIL import Image

from untrained.sims.images.resizing import resize


def encoded(image: torch.Tensor, side: int | None = None) -> str:
    """Return an image (C, H, W) on [-1, 1] as text, clipped to 8 bits; no side longer than `side` pixels."""
    pixels = image.detach().cpu().double().numpy()
    longest = max(pixels.shape[1:])
    if side is not None and longest > side:
        height, width = (max(1, round(s * side / longest)) for s in pixels.shape[1:])
        pixels = resize(pixels, (height, width))
    codes = np.rint((np.clip(pixels, -1, 1) + 1) * 127.5).astype(np.uint8)
    layers = codes[0] if len(codes) == 1 else np.moveaxis(codes, 0, -1)
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(layers)).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def decoded(text: str) -> torch.Tensor:
    """Return the image (C, H, W) on [-1, 1] of a text."""
    with Image.open(io.BytesIO(base64.b64decode(text))) as file:
        codes = np.asarray(file, dtype=np.float64)
    planes = codes[None] if codes.ndim == 2 else np.moveaxis(codes, -1, 0)
    return torch.from_numpy((planes / 127.5 - 1).astype(np.float32))

"""What files say of the meaning of their codes, which are taken as they are: as those of sRGB."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageCms, ImageFile

from untrained.sims.images.png import coding_points

_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
"""White, red, green and blue of sRGB, each x and y, as a PNG has them."""
_NEAR_PRIMARY = 0.01
"""How far off a primary may be: other standards' are further, other roundings nearer."""
_SRGB_POINTS = (1, 13)
"""The numbers of H.273 for the primaries and the transfer function of sRGB."""
_PATCHES = (64, 64, 64, 128, 128, 128, 192, 192, 192, 200, 100, 100, 100, 200, 100, 100, 100, 200)
_NEAR_CODE = 6
"""By how many codes of 255 a profile may move a patch and still be sRGB's: a gamma of 2.2 does so by 3, P3 by 12."""
_SPACES = {"RGB": "RGB", "GRAY": "L"}
_TAKEN = "ignored: the codes are taken as they are"


def colour_notes(path: Path, image: ImageFile.ImageFile) -> tuple[str, ...]:
    """What to know of the colours of an open image: the first that a PNG says of these counts, as its standard has it.

    Source: PNG, third edition, section 4.3: cICP, iCCP, sRGB, then gAMA and cHRM.
    """
    profile, gamma = image.info.get("icc_profile") or b"", image.info.get("gamma")
    points = coding_points(path) if image.format == "PNG" else None
    notes: tuple[str, ...] = ()
    if points is not None:
        if points != _SRGB_POINTS:
            notes += (f"its cICP chunk, which does not say sRGB, is {_TAKEN}",)
    elif profile:
        notes += profile_notes(profile)
    elif "srgb" not in image.info:
        if gamma and not 0.4 < gamma < 0.5:
            notes += (f"its gamma of {gamma:g} is {_TAKEN}",)
        primaries = image.info.get("chromaticity", _PRIMARIES)
        if image.mode in ("P", "RGB", "RGBA") and not np.allclose(primaries, _PRIMARIES, rtol=0, atol=_NEAR_PRIMARY):
            notes += (f"its primaries, which are not those of sRGB, are {_TAKEN}",)
    if image.mode == "CMYK":
        notes += ("its four inks are turned into RGB without a colour profile",)
    return notes


def profile_notes(profile: bytes) -> tuple[str, ...]:
    """What to know of a colour profile of the ICC."""
    if not profile or _is_srgb(profile):
        return ()
    return (f"its colour profile, which is not sRGB, is {_TAKEN}",)


def _is_srgb(profile: bytes) -> bool:
    """Whether a profile takes codes to those of sRGB, nearly, whatever it is called; one that is damaged does not."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        mode = _SPACES.get(source.profile.xcolor_space.strip())
        if mode is None:
            return False
        target = ImageCms.createProfile("sRGB")
        intent = ImageCms.Intent.RELATIVE_COLORIMETRIC
        transform = ImageCms.buildTransform(source, target, mode, "RGB", intent)
    except (ImageCms.PyCMSError, OSError):
        return False
    codes = np.array(_PATCHES, np.uint8).reshape(1, -1, 3)
    pixels = codes if mode == "RGB" else codes[:, :3, 0]
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(np.ascontiguousarray(pixels)), transform)).astype(int)
    return int(np.abs(moved - codes[:, : moved.shape[1]]).max()) <= _NEAR_CODE

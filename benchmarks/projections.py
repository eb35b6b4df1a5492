"""Time exact projections onto two-layer ranges, with certificates and without, and enclosures of isometry constants.

Prints one JSON object.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from untrained.theory.objects.decoders import integer_decoder, upsampling_line
from untrained.theory.objects.isometry_enclosures import difference_faces, enclose_on_differences, enclose_on_span
from untrained.theory.objects.projections import TwoLayerRange

T = TypeVar("T")
CASES = {"(2,2,1), d = 16": ((2, 2), 8), "(3,2,1), d = 32": ((3, 2), 16)}


def timed(call: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def set_up(widths: tuple[int, int], rows: int) -> TwoLayerRange:
    code = integer_decoder(widths, 4, 4, signed=True)[0][:rows]
    range_ = TwoLayerRange(code, upsampling_line(rows), 2)
    _ = range_.spans
    return range_


def projections(widths: tuple[int, int], rows: int, points: int, seed: int) -> dict[str, float]:
    setting_up, range_ = timed(lambda: set_up(widths, rows))
    v = np.random.default_rng(seed).standard_normal((points, 2 * rows))
    range_.nearest(v[:1])
    plain, projection = timed(lambda: range_.nearest(v))
    pairs = list(zip(v, projection.distances.tolist(), strict=True))
    duals, _ = timed(lambda: [range_.dual(point, distance) for point, distance in pairs])
    return {
        "cones": len(range_.cones),
        "set_up_seconds": setting_up,
        "seconds_per_point": plain / points,
        "seconds_per_point_with_certificate": (plain + duals) / points,
    }


def enclosures(n: int, matrices: int, seed: int) -> dict[str, object]:
    """Of Gaussian matrices on S - S for (2,2,1), d = 16."""
    range_ = set_up((2, 2), 8)
    setting_up, faces = timed(lambda: difference_faces(range_))
    rng = np.random.default_rng(seed)
    A = [rng.standard_normal((n, 16)) / np.sqrt(n) for _ in range(matrices)]
    first, _ = timed(lambda: enclose_on_differences(A[0], faces))
    seconds, inner = timed(lambda: [enclose_on_differences(one, faces) for one in A])
    outer = [enclose_on_span(one, range_.upsampling) for one in A]
    return {
        "enumeration_seconds": setting_up,
        "first_matrix_seconds": first,
        "seconds_per_matrix": seconds / matrices,
        "widest": max(one.width for one in inner),
        "most_refined": max(one.refined for one in inner),
        "gamma": inner[0].gamma,
        "beta": inner[0].beta,
        "gamma_on_range_of_U": outer[0].gamma,
        "beta_on_range_of_U": outer[0].beta,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=32)
    parser.add_argument("--measurements", type=int, default=12)
    parser.add_argument("--matrices", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    result: dict[str, object] = {name: projections(*case, args.points, args.seed) for name, case in CASES.items()}
    name = f"isometry constants, {args.measurements} x 16 Gaussian"
    result[name] = enclosures(args.measurements, args.matrices, args.seed)
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()

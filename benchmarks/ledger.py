"""Wall time and memory of the main job: `untrained verify --budget quick` with one worker and with two."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time


def run(workers: int) -> float:
    start = time.perf_counter()
    command = [sys.executable, "-m", "untrained", "verify", "--budget", "quick", "--workers", str(workers)]
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    one, two = run(1), run(2)
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(
        json.dumps(
            {
                "seconds, one worker": round(one, 1),
                "seconds, two workers": round(two, 1),
                "ratio": round(one / two, 2),
                "largest process, MB": round(largest),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()

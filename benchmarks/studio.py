"""How many pictures a second the studio draws on one core, by size; and what mask and lines cost besides.

Run: python benchmarks/studio.py [pictures]
"""

from __future__ import annotations

import os
import sys
import time


def pictures_per_second(draw, size: int, count: int) -> tuple[float, float]:
    """Pictures a second of processor time and of wall time."""
    from tfproductgan import studio

    items = [studio.product(0, index) for index in range(count)]
    for item in items[:20]:
        draw(item, size)
    wall, processor = time.perf_counter(), time.process_time()
    for item in items:
        draw(item, size)
    return count / (time.process_time() - processor), count / (time.perf_counter() - wall)


def main() -> None:
    """Print the table."""
    # one core means one core: set before NumPy loads its matrix library
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    from tfproductgan import studio

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    started = time.process_time()
    for index in range(count):
        studio.product(0, index)
    print(f"labels alone: {count / (time.process_time() - started):.0f} products/s of processor time")
    print(f"{'size':>6} {'what':<24} {'per processor s':>16} {'per wall s':>12}")
    for size in (28, 32, 64, 128, 256):
        for name, draw in (("photo", studio.render_image), ("photo, mask and lines", studio.render)):
            processor, wall = pictures_per_second(draw, size, max(20, count * 64 // max(64, size * size // 64)))
            print(f"{size:>6} {name:<24} {processor:>16.0f} {wall:>12.0f}")


if __name__ == "__main__":
    main()

"""Height of the tide from its two strongest constituents."""

import math
import sys
from datetime import datetime, timedelta, timezone

MEAN_LEVEL = 3.10  # metres above chart datum
CONSTITUENTS = [
    (1.42, 12.4206, 0.8),  # amplitude in metres, period in hours, phase
    (0.47, 12.0000, 1.9),
]


def height(hours: float) -> float:
    return MEAN_LEVEL + sum(
        amplitude * math.cos(2 * math.pi * hours / period - phase)
        for amplitude, period, phase in CONSTITUENTS
    )


def main(month: str) -> None:
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=timezone.utc)
    for hour in range(24 * 28):
        print(f"{start + timedelta(hours=hour):%Y-%m-%d %H:%M} {height(hour):.2f}")


if __name__ == "__main__":
    main(sys.argv[1])

"""The shortest berth that fits is the best one: long berths stay free for long vessels."""

BERTHS = {"North 1": 120, "North 2": 150, "South": 210}


def berth_for(length: int, taken: set[str]) -> str | None:
    fitting = [name for name, metres in BERTHS.items() if metres >= length and name not in taken]
    return min(fitting, key=BERTHS.__getitem__, default=None)

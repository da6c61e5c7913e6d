"""The embedded forge with a rate limiter whose clock runs as fast as the plugin's waits: the suite's
own test of rate limits has to wait 20 windows of 3 seconds, which would be a minute of nothing."""

import sys
import time
import types

from localforge import throttle
from localforge.__main__ import main

SPEED = 25

if __name__ == "__main__":
    throttle.time = types.SimpleNamespace(time=lambda: time.time() * SPEED)
    sys.exit(main())

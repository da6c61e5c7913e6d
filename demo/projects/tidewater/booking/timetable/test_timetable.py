import unittest
from datetime import datetime

from timetable import Departure, apply

MORNING = Departure("HV-0730", "Heron", datetime(2026, 3, 1, 7, 30))


class ApplyTest(unittest.TestCase):
    def test_delay(self):
        after = apply({"HV-0730": MORNING}, {"sailing": "HV-0730", "delayMinutes": 12})
        self.assertEqual(after["HV-0730"].delay_minutes, 12)

    def test_unknown_sailing(self):
        before = {"HV-0730": MORNING}
        self.assertEqual(apply(before, {"sailing": "XX-0000", "delayMinutes": 5}), before)

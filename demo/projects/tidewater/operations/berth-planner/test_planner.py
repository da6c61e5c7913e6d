import unittest

from planner import berth_for


class BerthTest(unittest.TestCase):
    def test_shortest_that_fits(self):
        self.assertEqual(berth_for(118, set()), "North 1")

    def test_port_is_full(self):
        self.assertIsNone(berth_for(200, {"South"}))

import unittest

from service_kit import health


class HealthTest(unittest.TestCase):
    def test_raising_check_has_failed(self):
        self.assertEqual(health({"db": lambda: 1 / 0}), (False, {"db": False}))

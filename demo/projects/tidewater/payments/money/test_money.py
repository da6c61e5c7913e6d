import unittest

from money import Money


class MoneyTest(unittest.TestCase):
    def test_split_loses_nothing(self):
        parts = Money(1000, "EUR").split(3)
        self.assertEqual([part.cents for part in parts], [334, 333, 333])

    def test_currencies_do_not_mix(self):
        with self.assertRaises(ValueError):
            Money(1, "EUR") + Money(1, "NOK")

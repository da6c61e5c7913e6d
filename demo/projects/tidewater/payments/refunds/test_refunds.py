import unittest
from datetime import timedelta

from refunds import refund


class RefundTest(unittest.TestCase):
    def test_late_passenger(self):
        self.assertEqual(refund(1000, timedelta(minutes=10)), 0)

    def test_our_fault(self):
        self.assertEqual(refund(1000, timedelta(minutes=10), cancelled_by_us=True), 1000)

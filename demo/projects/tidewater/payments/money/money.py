"""Amounts in the smallest unit of a currency."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Money:
    cents: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"cannot add {other.currency} to {self.currency}")
        return Money(self.cents + other.cents, self.currency)

    def split(self, parts: int) -> list["Money"]:
        """Parts that differ by a cent at most and add up to the whole."""
        share, rest = divmod(self.cents, parts)
        return [Money(share + (i < rest), self.currency) for i in range(parts)]

"""A payment moves from started to captured or declined, once."""

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Payment:
    booking: str
    cents: int
    state: str = "started"


class AlreadyDecided(Exception):
    """The payment was captured or declined before."""


def decide(payment: Payment, accepted: bool) -> Payment:
    if payment.state != "started":
        raise AlreadyDecided(payment.booking)
    return replace(payment, state="captured" if accepted else "declined")

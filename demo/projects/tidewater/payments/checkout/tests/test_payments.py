import pytest
from checkout.payments import AlreadyDecided, Payment, decide


def test_accepted_card():
    assert decide(Payment("HV2Q7", 11800), accepted=True).state == "captured"


def test_nobody_pays_twice():
    captured = decide(Payment("HV2Q7", 11800), accepted=True)
    with pytest.raises(AlreadyDecided):
        decide(captured, accepted=True)

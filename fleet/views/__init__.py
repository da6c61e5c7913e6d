"""Pages of the fleet."""

from fleet.views.adopting import adopt
from fleet.views.campaigns import (
    abort,
    again,
    answer,
    block,
    campaign,
    campaigns,
    decide,
    new,
    new_change,
    pause,
    resume,
    start,
    target,
    targets_csv,
)

__all__ = [
    "abort",
    "adopt",
    "again",
    "answer",
    "block",
    "campaign",
    "campaigns",
    "decide",
    "new",
    "new_change",
    "pause",
    "resume",
    "start",
    "target",
    "targets_csv",
]

"""A campaign's targets as CSV, a row at a time."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.exports import csv_lines
from fleet.models import TargetQuerySet

COLUMNS = {
    "repository": "repository",
    "entity": "entity_ref",
    "owner": "owner_ref",
    "wave": "wave__name",
    "state": "state",
    "from": "from_version",
    "merge request": "merge_request_url",
    "opened": "opened_at",
    "finished": "finished_at",
    "postponed until": "waived_until",
    "reason": "waiver_reason",
    "problem": "problem",
}


def as_csv(targets: TargetQuerySet) -> Iterator[str]:
    rows = targets.values_list(*COLUMNS.values()).iterator(chunk_size=1_000)
    return csv_lines(COLUMNS, rows)

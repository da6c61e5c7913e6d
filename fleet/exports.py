"""A campaign's targets as CSV, a row at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from catalog.exports import Line, cell
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
    writer = csv.writer(Line())
    yield str(writer.writerow(COLUMNS))
    for row in targets.values_list(*COLUMNS.values()).iterator(chunk_size=1_000):
        yield str(writer.writerow(["" if value is None else cell(value) for value in row]))

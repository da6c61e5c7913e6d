"""A run's log as Backstage's events: as a list, or as a stream that ends with the run."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponseBase, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import APIException
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder
from rest_framework.views import APIView

from scaffolder.api import OBJECT, STATUS, visible_run
from scaffolder.models import Run

PAUSE_SECONDS = 0.3
LONGEST_POLL = 6  # pauses: clients ask again at once
LONGEST_STREAM_SECONDS = 600
_streams = threading.BoundedSemaphore(2)  # each holds a thread of the web server


class EventStreamRenderer(BaseRenderer):
    """Lets clients ask for a stream; errors before it begins are JSON all the same."""

    media_type = "text/event-stream"
    format = "eventstream"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        return JSONRenderer().render(data)


class TooManyStreams(APIException):
    status_code = 503
    default_detail = "Too many streams are open here: read /events instead."


class TaskEvents(APIView):
    """GET /v2/tasks/{id}/events: the log; with `?after=` what is new, waiting a moment for it"""

    @extend_schema(operation_id="task_events", responses={200: {"type": "array", "items": OBJECT}})
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        run, after = visible_run(request, pk), request.query_params.get("after", "")
        found = events_of(run, _whole(after))
        for _ in range(LONGEST_POLL if after else 0):
            if found or run.is_over:
                break
            time.sleep(PAUSE_SECONDS)
            run.refresh_from_db()
            found = events_of(run, _whole(after))
        return Response(found)


class TaskEventStream(APIView):
    """GET /v2/tasks/{id}/eventstream: server-sent events"""

    renderer_classes = [JSONRenderer, EventStreamRenderer]

    @extend_schema(operation_id="task_event_stream", responses={(200, "text/event-stream"): str})
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        run = visible_run(request, pk)
        if not _streams.acquire(blocking=False):
            raise TooManyStreams
        stream = _Stream(run, _whole(request.query_params.get("after", "")))
        answer = StreamingHttpResponse(stream, content_type="text/event-stream")
        answer["Cache-Control"] = "no-store"
        answer["X-Accel-Buffering"] = "no"
        return answer


class _Stream:
    """Gives its place back when it ends, and when the client goes away."""

    def __init__(self, run: Run, after: int) -> None:
        self.parts = _streamed(run, after)
        self.is_open = True

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            return next(self.parts)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self.is_open:
            self.is_open = False
            _streams.release()


def _streamed(run: Run, after: int) -> Iterator[str]:
    end = time.monotonic() + LONGEST_STREAM_SECONDS
    while time.monotonic() < end:
        run.refresh_from_db()
        found = events_of(run, after)
        for event in found:
            after = max(after, event["id"])
            yield f"event: {event['type']}\ndata: {json.dumps(event, cls=JSONEncoder)}\n\n"
        if run.is_over:
            return
        if not found:
            yield ": still going on\n\n"
        time.sleep(PAUSE_SECONDS)


def _whole(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 19 else 0


def events_of(run: Run, after: int) -> list[dict[str, Any]]:
    """`run` was read before its log, so a run that is over has all of its log here."""
    ids = {step.index: step.step_id for step in run.steps.all()}
    events: list[dict[str, Any]] = [
        {"id": line.pk, "taskId": str(run.pk), "type": "log", "createdAt": line.at,
         "body": {"message": line.text, "stepId": ids.get(line.step_index or 0)}}
        for line in run.log.filter(pk__gt=after)
    ]  # fmt: skip
    if run.is_over:
        last = events[-1]["id"] if events else after
        status = STATUS.get(Run.Status(run.status), run.status)
        body: dict[str, Any] = {"message": run.error or "Done.", "output": run.output,
                                "status": status}  # fmt: skip
        if run.error:
            body["error"] = {"name": "Error", "message": run.error}
        events.append({"id": last + 1, "taskId": str(run.pk), "type": "completion",
                       "createdAt": run.finished_at, "body": body})  # fmt: skip
    return events

"""The scaffolder's REST API, in Backstage's shapes: tasks are runs."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.requests import signed_in
from catalog import refs
from catalog.models import Entity
from scaffolder import services
from scaffolder.actions import actions
from scaffolder.blocks import golden_path
from scaffolder.models import Release, Run

OBJECT = {"type": "object", "additionalProperties": True}


def _release(request: Request, ref: str) -> Release:
    """The newest release of a golden path that the person may see; 404 otherwise."""
    try:
        full = str(refs.parse(ref, default_kind="template"))
    except refs.InvalidRef as error:
        raise ValidationError({"templateRef": [str(error)]}) from error
    get_object_or_404(Entity.objects.visible_to(signed_in(request)), ref=full, orphaned_at=None)
    release = Release.objects.newest(full)
    if release is None:
        raise NotFound("This golden path has not been released yet.")
    return release


class ParameterSchema(APIView):
    """GET /v2/templates/{namespace}/{kind}/{name}/parameter-schema"""

    @extend_schema(operation_id="parameter_schema", responses={200: OBJECT})
    def get(self, request: Request, namespace: str, kind: str, name: str) -> Response:
        release = _release(request, f"{kind}:{namespace}/{name}")
        path = golden_path(release)
        steps = [{"title": page.title, "description": page.description, "schema": page.schema}
                 for page in path.pages]  # fmt: skip
        return Response({"title": release.title, "description": path.blueprint.description,
                         "steps": steps})  # fmt: skip


class Actions(APIView):
    """GET /v2/actions"""

    @extend_schema(operation_id="actions", responses={200: {"type": "array", "items": OBJECT}})
    def get(self, request: Request) -> Response:
        return Response(
            [
                {
                    "id": action.id,
                    "description": action.title,
                    "schema": {"input": action.input_schema, "output": action.output_schema},
                }
                for action in actions().values()
            ]
        )


class NewTask(serializers.Serializer[dict[str, Any]]):
    templateRef = serializers.CharField()
    values = serializers.DictField()


def as_json(run: Run) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "status": run.status,
        "createdAt": run.created_at,
        "createdBy": run.user.entity_ref,
        "spec": {
            "templateInfo": {"entityRef": run.template_ref, "version": run.release.version},
            "parameters": run.values,
            "steps": [
                {"id": step.step_id, "name": step.name, "action": step.action,
                 "status": step.status, "error": step.error}
                for step in run.steps.all()
            ],
            "output": run.output,
        },
        "error": run.error,
        "made": run.made,
    }  # fmt: skip


class Tasks(APIView):
    """GET and POST /v2/tasks"""

    @extend_schema(operation_id="tasks", responses={200: OBJECT})
    def get(self, request: Request) -> Response:
        runs = Run.objects.visible_to(signed_in(request)).select_related("release", "user")
        if status := request.query_params.get("status"):
            runs = runs.filter(status=status)
        rows = runs.prefetch_related("steps")[:50]
        return Response({"tasks": [as_json(run) for run in rows], "totalTasks": runs.count()})

    @extend_schema(operation_id="start_task", request=NewTask, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        form = NewTask(data=request.data)
        form.is_valid(raise_exception=True)
        release = _release(request, form.validated_data["templateRef"])
        try:
            run = services.start_run(
                release=release, answers=form.validated_data["values"], by=signed_in(request)
            )
        except Invalid as error:
            detail = error.message_dict if hasattr(error, "error_dict") else error.messages
            raise ValidationError({"values": detail}) from error
        return Response({"id": str(run.pk)}, status=201)


class Task(APIView):
    """GET /v2/tasks/{id}"""

    @extend_schema(operation_id="task", responses={200: OBJECT})
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(as_json(_run(request, pk)))


class TaskEvents(APIView):
    """GET /v2/tasks/{id}/events: the log so far; `?after=` leaves out what was read already"""

    @extend_schema(operation_id="task_events", responses={200: {"type": "array", "items": OBJECT}})
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        run = _run(request, pk)
        after = request.query_params.get("after", "0")
        lines = run.log.filter(pk__gt=int(after) if after.isdigit() else 0)
        ids = {step.index: step.step_id for step in run.steps.all()}
        events = [
            {"id": line.pk, "taskId": str(run.pk), "type": "log", "createdAt": line.at,
             "body": {"message": line.text, "stepId": ids.get(line.step_index or 0)}}
            for line in lines
        ]  # fmt: skip
        if run.is_over:
            events.append({"id": 0, "taskId": str(run.pk), "type": "completion",
                           "createdAt": run.finished_at,
                           "body": {"message": run.error, "output": run.output}})  # fmt: skip
        return Response(events)


class CancelTask(APIView):
    """POST /v2/tasks/{id}/cancel"""

    @extend_schema(operation_id="cancel_task", request=None, responses={200: OBJECT})
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        run = services.cancel_run(run=_run(request, pk), by=signed_in(request))
        return Response({"status": run.status})


class RetryTask(APIView):
    """POST /v2/tasks/{id}/retry"""

    @extend_schema(operation_id="retry_task", request=None, responses={201: OBJECT})
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        run = services.retry_run(run=_run(request, pk), by=signed_in(request))
        return Response({"id": str(run.pk)}, status=201)


def _run(request: Request, pk: uuid.UUID) -> Run:
    visible = Run.objects.visible_to(signed_in(request)).select_related("release", "user")
    return get_object_or_404(visible, pk=pk)

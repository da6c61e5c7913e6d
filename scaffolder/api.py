"""The scaffolder's REST API, in Backstage's shapes: tasks are runs."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
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
from scaffolder.weave.dialect import known_filters

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
                    "description": " ".join(filter(None, [f"{action.title}.", action.notes])),
                    "schema": {"input": action.input_schema, "output": action.output_schema},
                    "examples": [],
                }
                for action in actions().values()
                if not action.refusal()
            ]
        )


class TemplatingExtensions(APIView):
    """GET /v2/templating-extensions"""

    @extend_schema(operation_id="templating_extensions", responses={200: OBJECT})
    def get(self, request: Request) -> Response:
        filters: dict[str, Any] = {name: {} for name in sorted(known_filters())}
        return Response({"filters": filters, "globals": {"functions": {}, "values": {}}})


class NewTask(serializers.Serializer[dict[str, Any]]):
    templateRef = serializers.CharField()
    values = serializers.DictField()
    secrets = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)


STATUS = {
    Run.Status.QUEUED: "open",
    Run.Status.RUNNING: "processing",
    Run.Status.WAITING: "processing",  # Backstage knows no waiting: its clients go on polling
}
"""Backstage's names; those that are not here are the same."""


def as_json(run: Run) -> dict[str, Any]:
    return {
        "id": str(run.pk),
        "status": STATUS.get(Run.Status(run.status), run.status),
        "createdAt": run.created_at,
        "lastHeartbeatAt": run.heartbeat_at,
        "createdBy": run.user.entity_ref,
        "spec": {
            "apiVersion": "scaffolder.backstage.io/v1beta3",
            "templateInfo": {"entityRef": run.template_ref, "version": run.release.version},
            "user": {"ref": run.user.entity_ref},
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

    @extend_schema(
        operation_id="tasks",
        parameters=[
            OpenApiParameter("createdBy", str, many=True),
            OpenApiParameter("status", str, many=True),
            OpenApiParameter("order", str, description="asc:created_at or desc:created_at"),
            OpenApiParameter("limit", int),
            OpenApiParameter("offset", int),
        ],
        responses={200: OBJECT},
    )
    def get(self, request: Request) -> Response:
        query = request.query_params
        runs = Run.objects.visible_to(signed_in(request)).select_related("release", "user")
        if people := query.getlist("createdBy"):
            runs = runs.filter(user__entity_ref__in=people)
        if wanted := query.getlist("status"):
            runs = runs.filter(
                status__in=[own for own in Run.Status if STATUS.get(own, own) in wanted]
            )
        runs = runs.order_by(_order(query.get("order", "desc:created_at")))
        first, most = _number(query, "offset", 0), min(_number(query, "limit", 50), 200)
        rows = runs.prefetch_related("steps")[first : first + most]
        return Response({"tasks": [as_json(run) for run in rows], "totalTasks": runs.count()})

    @extend_schema(operation_id="start_task", request=NewTask, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        form = NewTask(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        release = _release(request, given["templateRef"])
        try:
            run = services.start_run(
                release=release, answers=given["values"], by=signed_in(request),
                secrets=given["secrets"],
            )  # fmt: skip
        except Invalid as error:
            detail = error.message_dict if hasattr(error, "error_dict") else error.messages
            raise ValidationError({"values": detail}) from error
        return Response({"id": str(run.pk)}, status=201)


def _order(text: str) -> str:
    direction, _, field = text.partition(":")
    if direction not in ("asc", "desc") or field not in ("created_at", "status"):
        raise ValidationError({"order": ["Write asc:created_at, desc:created_at or …:status."]})
    return field if direction == "asc" else f"-{field}"


def _number(query: QueryDict, name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.isdigit() or len(text) > 9:
        raise ValidationError({name: ["This must be a whole number."]})
    return int(text)


class Task(APIView):
    """GET /v2/tasks/{id}"""

    @extend_schema(operation_id="task", responses={200: OBJECT})
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        return Response(as_json(visible_run(request, pk)))


class CancelTask(APIView):
    """POST /v2/tasks/{id}/cancel"""

    @extend_schema(operation_id="cancel_task", request=None, responses={200: OBJECT})
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        try:
            run = services.cancel_run(run=visible_run(request, pk), by=signed_in(request))
        except Invalid as error:
            raise ValidationError({"task": error.messages}) from error
        return Response({"status": STATUS.get(Run.Status(run.status), run.status)})


class RetryOf(serializers.Serializer[dict[str, Any]]):
    secrets = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)


class RetryTask(APIView):
    """POST /v2/tasks/{id}/retry"""

    @extend_schema(operation_id="retry_task", request=RetryOf, responses={201: OBJECT})
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        form = RetryOf(data=request.data)
        form.is_valid(raise_exception=True)
        secrets = form.validated_data["secrets"]
        try:
            run = services.retry_run(
                run=visible_run(request, pk), by=signed_in(request), secrets=secrets
            )
        except Invalid as error:
            raise ValidationError({"task": error.messages}) from error
        return Response({"id": str(run.pk)}, status=201)


def visible_run(request: Request, pk: uuid.UUID) -> Run:
    visible = Run.objects.visible_to(signed_in(request)).select_related("release", "user")
    return get_object_or_404(visible, pk=pk)

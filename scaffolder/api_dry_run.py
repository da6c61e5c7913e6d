"""POST /v2/dry-run: a template that is in no repository yet, tried out on files sent with it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django.core.exceptions import PermissionDenied
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.requests import signed_in
from scaffolder import services
from scaffolder.api import OBJECT
from scaffolder.blocks import GoldenPath
from scaffolder.blueprint import parse_blueprint
from scaffolder.models import Release
from scaffolder.reports import problems
from scaffolder.services.preview import Preview, preview
from scaffolder.weave.tree import EXECUTABLE, File, TreeTooLarge, UnsafePath, check_tree


class _Content(serializers.Serializer[dict[str, Any]]):
    path = serializers.CharField()
    base64Content = serializers.CharField(allow_blank=True)


class DryRunOf(serializers.Serializer[dict[str, Any]]):
    template = serializers.DictField()
    values = serializers.DictField(default=dict)
    secrets = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    directoryContents = _Content(many=True, default=list)


class DryRun(APIView):
    """POST /v2/dry-run"""

    @extend_schema(operation_id="dry_run", request=DryRunOf, responses={200: OBJECT})
    def post(self, request: Request) -> Response:
        user = signed_in(request)
        if not services.may_start(user):
            raise PermissionDenied("Your role cannot try out golden paths.")
        form = DryRunOf(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        files = _files(given["directoryContents"])
        path = _path(given["template"], files)
        values, errors = path.check(given["values"])
        if errors:
            raise ValidationError({"values": errors})
        chosen = path.chosen(given["values"])
        shown = preview(path, values, chosen, user, source=files, secrets=given["secrets"])
        if shown.error:
            raise ValidationError({"template": [shown.error]})
        return Response(_as_json(path, shown))


def _files(contents: list[dict[str, str]]) -> dict[str, File]:
    """Raises ValidationError for what is no Base64, no safe path, or too much."""
    try:
        files = {
            item["path"]: File(base64.b64decode(item["base64Content"], validate=True))
            for item in contents
        }
        check_tree(files)
    except (binascii.Error, UnsafePath, TreeTooLarge) as error:
        raise ValidationError({"directoryContents": [str(error)]}) from error
    return files


def _path(template: dict[str, Any], files: dict[str, File]) -> GoldenPath:
    blueprint, _ = parse_blueprint(template)
    if found := problems("template", template, files):
        raise ValidationError({"template": found})
    assert blueprint is not None, "it would be among the problems"
    ref = f"template:{blueprint.namespace}/{blueprint.name}".lower()
    release = Release(
        block_ref=ref, kind="template", version=blueprint.version or "0.0.0",
        path="template.yaml", descriptor=template, tree={},
    )  # fmt: skip
    return GoldenPath(release, blueprint)


def _as_json(path: GoldenPath, shown: Preview) -> dict[str, Any]:
    return {
        "log": [{"body": {"stepId": step, "message": text}} for step, text in shown.lines],
        "directoryContents": [
            {
                "path": name,
                "base64Content": base64.b64encode(file.content).decode(),
                "executable": file.mode == EXECUTABLE,
            }
            for name, file in sorted(shown.files.items())
        ],
        "output": shown.output,
        "steps": [
            {"id": step["id"], "name": step["name"], "action": step["action"]}
            for step in path.steps
        ],
    }

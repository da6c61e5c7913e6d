"""The fleet's REST API: campaigns, their targets, and what one may do with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import ValidationError as Invalid
from django.http import HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.requests import signed_in
from catalog.models import Entity
from fleet import exports, services, showing
from fleet.models import Campaign, Target, TargetQuerySet
from scaffolder.models import Release

OBJECT = {"type": "object", "additionalProperties": True}
PAGE = [OpenApiParameter("limit", int), OpenApiParameter("offset", int)]
MOST = 200
Result = TypeVar("Result")


def campaign_json(campaign: Campaign) -> dict[str, Any]:
    return {
        "key": campaign.key,
        "title": campaign.title,
        "kind": campaign.kind,
        "release": str(campaign.release) if campaign.release else None,
        "settings": campaign.options,
        "status": campaign.status,
        "reason": campaign.reason,
        "waitingFor": campaign.waiting_for,
        "branch": campaign.branch,
        "roll": {name: getattr(campaign, name) for name in services.Roll.__slots__},
        "selection": campaign.selection,
        "createdBy": campaign.created_by.entity_ref,
        "createdAt": campaign.created_at,
        "startedAt": campaign.started_at,
        "finishedAt": campaign.finished_at,
    }


def target_json(target: Target) -> dict[str, Any]:
    return {
        "id": target.pk,
        "repository": target.repository,
        "entity": target.entity_ref or None,
        "owner": target.owner_ref or None,
        "wave": target.wave.name,
        "state": target.state,
        "problem": target.problem,
        "fromVersion": target.from_version or None,
        "summary": target.summary,
        "shape": target.shape,
        "conflicts": [finding["path"] for finding in target.conflicts],
        "mergeRequest": target.merge_request_url or None,
        "openedAt": target.opened_at,
        "finishedAt": target.finished_at,
        "postponedUntil": target.waived_until,
        "reason": target.waiver_reason,
    }


class NewCampaign(serializers.Serializer[dict[str, Any]]):
    release = serializers.CharField(
        default="", help_text="A block's ref, or ref@version; the newest if none"
    )
    settings = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)
    kind = serializers.CharField()
    title = serializers.CharField(max_length=200)
    notes = serializers.CharField(default="", allow_blank=True)
    roll = serializers.DictField(default=dict)
    selection = serializers.DictField(child=serializers.CharField(allow_blank=True), default=dict)

    def validate_roll(self, value: dict[str, Any]) -> services.Roll:
        _check_names(value, services.Roll.__slots__)
        for name, given in value.items():
            if not isinstance(given, type(getattr(services.Roll(), name))):
                raise serializers.ValidationError(f"{name} is of the wrong type.")
        return services.Roll(**value)

    def validate_selection(self, value: dict[str, str]) -> services.Selection:
        _check_names(value, services.Selection.__slots__)
        return services.Selection(**value)


def _check_names(value: dict[str, Any], known: tuple[str, ...]) -> None:
    if unknown := sorted(value.keys() - set(known)):
        raise serializers.ValidationError(
            f"There is no {', '.join(unknown)}; there are {', '.join(known)}."
        )


class Campaigns(APIView):
    """GET and POST /campaigns"""

    @extend_schema(
        operation_id="campaigns",
        parameters=[OpenApiParameter("status", str), *PAGE],
        responses={200: OBJECT},
    )
    def get(self, request: Request) -> Response:
        rows = Campaign.objects.visible_to(signed_in(request)).with_progress()
        if status := request.query_params.get("status"):
            rows = rows.filter(status=status)
        first, most = _page(request.query_params)
        page = rows.select_related("release", "created_by")[first : first + most]
        items = [
            campaign_json(row) | {"targets": row.target_count, "finished": row.finished_count}
            for row in page
        ]
        return Response({"items": items, "total": rows.count()})

    @extend_schema(operation_id="new_campaign", request=NewCampaign, responses={201: OBJECT})
    def post(self, request: Request) -> Response:
        form = NewCampaign(data=request.data)
        form.is_valid(raise_exception=True)
        given, user = dict(form.validated_data), signed_in(request)
        given["release"] = _release(user, given["release"]) if given["release"] else None
        campaign = _done(lambda: services.create_campaign(by=user, **given))
        return Response(campaign_json(campaign), status=201)


def _release(user: User, text: str) -> Release:
    ref, _, version = text.partition("@")
    get_object_or_404(Entity.objects.visible_to(user), ref=ref)
    rows = Release.objects.filter(block_ref=ref)
    if version:
        rows = rows.filter(version=version)
    release = rows.order_by("-current_since").first()
    if release is None:
        raise ValidationError({"release": [f"There is no release {text}."]})
    return release


def _done(verb: Callable[[], Result]) -> Result:
    """What the verb gives; its complaints as answers, by field where it names fields."""
    try:
        return verb()
    except Invalid as error:
        detail = error.message_dict if hasattr(error, "error_dict") else error.messages
        raise ValidationError(detail) from error


def _page(query: QueryDict) -> tuple[int, int]:
    numbers = []
    for name, default in (("offset", "0"), ("limit", "50")):
        text = query.get(name, default)
        if not text.isdigit() or len(text) > 9:
            raise ValidationError({name: ["This must be a whole number."]})
        numbers.append(int(text))
    return numbers[0], min(numbers[1], MOST)


def _campaign(request: Request, key: str) -> Campaign:
    rows = Campaign.objects.visible_to(signed_in(request))
    return get_object_or_404(rows.select_related("release", "created_by"), key=key)


class OneCampaign(APIView):
    """GET /campaigns/{key}"""

    @extend_schema(operation_id="campaign", responses={200: OBJECT})
    def get(self, request: Request, key: str) -> Response:
        campaign = _campaign(request, key)
        targets = _targets(request, key)
        return Response(
            campaign_json(campaign)
            | {"counts": targets.counts()}
            | {"shapes": [{"shape": s, "count": n} for s, n, _ in targets.shapes()]}
        )


class Saying(serializers.Serializer[dict[str, Any]]):
    reason = serializers.CharField(default="", allow_blank=True)
    stop_percent = serializers.IntegerField(default=None, allow_null=True)


class CampaignVerb(APIView):
    """POST /campaigns/{key}/start, pause, resume, abort"""

    verb = ""

    @extend_schema(request=Saying, responses={200: OBJECT})
    def post(self, request: Request, key: str) -> Response:
        form = Saying(data=request.data)
        form.is_valid(raise_exception=True)
        campaign, user = _campaign(request, key), signed_in(request)
        reason, percent = form.validated_data["reason"], form.validated_data["stop_percent"]
        verbs: dict[str, Callable[[], None]] = {
            "start": lambda: services.start_campaign(campaign=campaign, by=user),
            "pause": lambda: services.pause_campaign(campaign=campaign, reason=reason, by=user),
            "resume": lambda: services.resume_campaign(
                campaign=campaign, by=user, stop_percent=percent
            ),
            "abort": lambda: services.abort_campaign(campaign=campaign, reason=reason, by=user),
        }
        _done(verbs[self.verb])
        campaign.refresh_from_db()
        return Response(campaign_json(campaign))


def _targets(request: Request, key: str) -> TargetQuerySet:
    rows = Target.objects.visible_to(signed_in(request)).filter(campaign__key=key)
    return rows.select_related("wave", "campaign")


class Targets(APIView):
    """GET /campaigns/{key}/targets"""

    @extend_schema(
        operation_id="campaign_targets",
        parameters=[
            *(OpenApiParameter(name, str) for name in ("state", "wave", "shape", "q")), *PAGE
        ],
        responses={200: OBJECT},
    )  # fmt: skip
    def get(self, request: Request, key: str) -> Response:
        _campaign(request, key)
        rows = showing.filtered(_targets(request, key), request.query_params)
        first, most = _page(request.query_params)
        items = [target_json(row) for row in rows[first : first + most]]
        return Response({"items": items, "total": rows.count()})


class TargetsCsv(APIView):
    """GET /campaigns/{key}/targets.csv, with the same filters"""

    @extend_schema(operation_id="campaign_targets_csv", responses={(200, "text/csv"): str})
    def get(self, request: Request, key: str) -> HttpResponseBase:
        campaign = _campaign(request, key)
        rows = showing.filtered(_targets(request, key), request.query_params)
        name = f'attachment; filename="campaign-{campaign.key}.csv"'
        headers = {"Content-Disposition": name}
        return StreamingHttpResponse(exports.as_csv(rows), content_type="text/csv", headers=headers)


class OneTarget(APIView):
    """GET /campaigns/{key}/targets/{id}: with its difference, file by file"""

    @extend_schema(operation_id="campaign_target", responses={200: OBJECT})
    def get(self, request: Request, key: str, pk: int) -> Response:
        target = get_object_or_404(_targets(request, key), pk=pk)
        files = [
            {"path": f["path"], "kind": f["kind"], "diff": [line.text for line in f["lines"]]}
            for f in showing.files(target)
        ]
        findings = [{name: f[name] for name in ("path", "kind", "text")} for f in target.findings]
        return Response(target_json(target) | {"files": files, "findings": findings})


class Waiver(serializers.Serializer[dict[str, Any]]):
    reason = serializers.CharField()
    until = serializers.DateField()


class Postpone(APIView):
    """POST /campaigns/{key}/targets/{id}/postpone"""

    @extend_schema(operation_id="postpone_target", request=Waiver, responses={200: OBJECT})
    def post(self, request: Request, key: str, pk: int) -> Response:
        target = get_object_or_404(_targets(request, key), pk=pk)
        form = Waiver(data=request.data)
        form.is_valid(raise_exception=True)
        _done(lambda: services.waive(target=target, by=signed_in(request), **form.validated_data))
        target.refresh_from_db()
        return Response(target_json(target))


class PlanAgain(APIView):
    """POST /campaigns/{key}/targets/{id}/plan-again"""

    @extend_schema(operation_id="plan_target_again", request=None, responses={200: OBJECT})
    def post(self, request: Request, key: str, pk: int) -> Response:
        target = get_object_or_404(_targets(request, key), pk=pk)
        _done(lambda: services.plan_again(target=target, by=signed_in(request)))
        target.refresh_from_db()
        return Response(target_json(target))

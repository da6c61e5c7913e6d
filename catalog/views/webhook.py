"""The door for the forge's webhooks."""

from __future__ import annotations

import json
import time

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from catalog import services
from forge.webhooks import InvalidSignature, verify

log = structlog.get_logger(__name__)


@csrf_exempt
@login_not_required
@require_POST
def gitlab_webhook(request: HttpRequest) -> HttpResponse:
    """Keeps a signed delivery and answers at once; a worker does the rest."""
    try:
        delivery_id = verify(
            settings.WEBHOOK_SECRET, request.headers, request.body, now=time.time()
        )
    except InvalidSignature as error:
        log.warning("webhook refused", reason=str(error))
        return HttpResponse("signature refused\n", status=401, content_type="text/plain")
    try:
        payload = json.loads(request.body)
    except ValueError:
        return HttpResponse("the body is not JSON\n", status=400, content_type="text/plain")
    event = request.headers.get("X-Gitlab-Event", "")[:60]
    if isinstance(payload, dict):
        services.receive_delivery(delivery_id=delivery_id, event=event, payload=payload)
    return HttpResponse(status=204)

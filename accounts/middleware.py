"""Every page needs a signed-in user unless its view says otherwise."""

from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware as DjangoLoginRequired
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django_htmx.http import HttpResponseClientRedirect


class LoginRequiredMiddleware(DjangoLoginRequired):
    """Django's own, except that the API answers by itself (401, no redirect) and that htmx
    is sent to the login page as a whole page instead of swapping it into a fragment.
    """

    def process_view(
        self, request: HttpRequest, view_func: Any, view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        if request.path.startswith("/api/"):
            return None
        response = super().process_view(request, view_func, view_args, view_kwargs)
        if response is not None and request.headers.get("HX-Request"):
            return HttpResponseClientRedirect(f"{reverse('accounts:login')}?next=/")
        return response

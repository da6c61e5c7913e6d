"""Pages of accounts: signing in, API tokens, the audit trail."""

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_GET, require_POST

from accounts import services
from accounts.forms import LoginForm, TokenForm
from accounts.models import ApiToken, AuditEvent, User
from accounts.requests import signed_in


@method_decorator(login_not_required, name="dispatch")
class Login(LoginView):
    template_name = "accounts/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def form_valid(self, form: Form) -> HttpResponse:
        response = super().form_valid(form)  # type: ignore[arg-type]
        services.note_login(user=signed_in(self.request))
        return response


logout = LogoutView.as_view()


def tokens(request: HttpRequest) -> HttpResponse:
    """The user's own API tokens; the secret of a new one is shown once, on this answer only."""
    user = signed_in(request)
    form = TokenForm(request.POST if request.method == "POST" else None)
    secret = None
    if request.method == "POST" and form.is_valid():
        _token, secret = form.save(user)
        form = TokenForm()
    context = {"form": form, "secret": secret, "tokens": user.api_tokens.all()}
    return render(request, "accounts/tokens.html", context, status=422 if form.errors else 200)


@require_POST
def revoke_token(request: HttpRequest, pk: int) -> HttpResponse:
    user = signed_in(request)
    token = get_object_or_404(ApiToken, pk=pk, user=user)
    services.revoke_token(token=token, by=user)
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("accounts:tokens")


@require_GET
def audit_trail(request: HttpRequest) -> HttpResponse:
    """Every write in the portal, newest first; for platform engineers and approvers."""
    user: User = signed_in(request)
    if not user.sees_everything:
        raise PermissionDenied("The audit trail is for platform engineers and approvers.")
    events = AuditEvent.objects.all()
    if actor := request.GET.get("actor"):
        events = events.filter(actor=actor)
    if object_type := request.GET.get("type"):
        events = events.filter(object_type=object_type)
    page = Paginator(events, 50).get_page(request.GET.get("page"))
    return render(request, "accounts/audit.html", {"page": page})


@require_GET
def notifications(request: HttpRequest) -> HttpResponse:
    """What the person was told, newest first; `?unread=1` leaves out what was read."""
    user = signed_in(request)
    found = user.notifications.unread() if request.GET.get("unread") else user.notifications.all()
    page = Paginator(found, 30).get_page(request.GET.get("page"))
    return render(request, "accounts/notifications.html", {"page": page})


@require_POST
def open_notification(request: HttpRequest, pk: int) -> HttpResponse:
    """Marks one as read and goes to what it is about."""
    user = signed_in(request)
    notification = get_object_or_404(user.notifications, pk=pk)
    services.mark_read(user=user, pk=pk)
    return redirect(notification.link)


@require_POST
def read_notifications(request: HttpRequest) -> HttpResponse:
    services.mark_read(user=signed_in(request))
    return redirect("accounts:notifications")

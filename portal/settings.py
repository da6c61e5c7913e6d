"""Every setting, read from the environment; docs/install.md lists the variables.

`./dev up` keeps the values of its embedded parts in DATA/environment, which is read here too,
so that `./dev manage` reaches the running installation. A variable that is set wins over it.
"""

import sys
from pathlib import Path
from typing import Any

import environ
from django.core.management.utils import get_random_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
DATA_DIR = Path(env.str("BESPOKE_DATA", default=str(BASE_DIR / "data"))).resolve()
# `up` writes that file: it must not take its own earlier choices for the administrator's.
if (DATA_DIR / "environment").is_file() and sys.argv[1:2] != ["up"]:
    env.read_env(str(DATA_DIR / "environment"))

DEBUG = env.bool("DEBUG", default=False)
DEMO = env.bool("BESPOKE_DEMO", default=False)
DEMO_PASSWORD = env.str("DEMO_PASSWORD", default="")
# Without one, each process makes its own: good for commands, refused for serving (portal.checks).
SECRET_KEY = env.str("SECRET_KEY", default="") or get_random_secret_key()
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Seals the secrets of runs; SECRET_KEY does where there is none. The first seals, all open.
RUN_SECRETS_KEYS = env.list("RUN_SECRETS_KEYS", default=[])
PUBLIC_URL = env.str("BESPOKE_URL", default="https://localhost").rstrip("/")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=[PUBLIC_URL.split("://")[1].split(":")[0]])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "portal.apps.PortalConfig",
    "fleet.apps.FleetConfig",
    "scorecards.apps.ScorecardsConfig",
    "scaffolder.apps.ScaffolderConfig",
    "catalog.apps.CatalogConfig",
    "accounts.apps.AccountsConfig",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "jazzy_tabler",  # for its copy of Tabler; its admin pages break the policy, Django's do not
    "django_structlog",
    "django_htmx",
    "template_partials",
    "tablericons",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "portal.middleware.request_id_header",
    "portal.middleware.caller",
    "accounts.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": [
                "tablericons.templatetags.tablericons",
                "template_partials.templatetags.partials",
                "django.templatetags.static",
                "portal.templatetags.ui",
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.site",
            ],
        },
    }
]

# -- data ---------------------------------------------------------------------------------------
DATABASES = {
    "default": env.db("DATABASE_URL", default="postgresql://localhost/bespoke")
    | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}
}
# How alike a typo and a word must be for the search to find it (0 to 1; PostgreSQL's own is 0.6).
DATABASES["default"].setdefault("OPTIONS", {})["options"] = (
    "-c pg_trgm.word_similarity_threshold=0.45"
)
# Only statements that ask for it are prepared. A pooler that gives each transaction another
# connection cannot keep them (pgbouncer can from 1.21 on).
DATABASES["default"]["OPTIONS"]["prepare_threshold"] = (
    1_000_000_000 if env.bool("DATABASE_PREPARE", default=True) else None
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- who is asking ------------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = ["accounts.backends.PeopleBackend"]
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "accounts:login"
# Which catalogue groups (and everybody below them) hold which role; see accounts.models.Role.
ROLE_GROUPS: dict[str, list[str]] = {
    "developer": env.list("DEVELOPER_GROUPS", default=["group:default/engineering"]),
    "platform": env.list("PLATFORM_GROUPS", default=["group:default/platform"]),
    "approver": env.list("APPROVER_GROUPS", default=["group:default/security"]),
}

# -- secure by default --------------------------------------------------------------------------
# Plain HTTP is spoken on loopback (the demo, or a developer's own machine) and nowhere else.
PLAIN_HTTP = DEBUG or PUBLIC_URL.startswith(("http://127.0.0.1", "http://localhost"))
SECURE_SSL_REDIRECT = not PLAIN_HTTP
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if not PLAIN_HTTP else None
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not PLAIN_HTTP
SESSION_COOKIE_NAME = "bespoke_session"
CSRF_COOKIE_NAME = "bespoke_csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not PLAIN_HTTP
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5_000_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# -- pages --------------------------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
# `up` collects the static files; where nobody did (tests, DEBUG), the finders serve them.
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "portal.static.ManifestStorage"
    },
}

# -- the REST API -------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["accounts.api.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.errors.api_exception",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Bespoke",
    "DESCRIPTION": "The internal developer portal's REST API.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

# -- background tasks ---------------------------------------------------------------------------
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="redis://localhost:6379/0")
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True  # a task may run twice without harm; it must not be lost
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_TIME_LIMIT = 900
CELERY_TASK_SOFT_TIME_LIMIT = 840
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_MAX_TASKS_PER_CHILD = 1_000
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A web request must not hang on a broker that is gone: the periodic tasks pick the work up.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1}
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 1_000,
    "socket_connect_timeout": 2,
    "socket_timeout": 30,
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "celerybeat-schedule")
# Each finds what nobody was told about. A turn that nobody took before the next is dropped.
CELERY_BEAT_SCHEDULE = {
    name: {"task": name, "schedule": seconds, "options": {"expires": seconds}}
    for name, seconds in {
        "catalog.tasks.read_changes": 60.0,
        "catalog.tasks.read_sources": 600.0,
        "catalog.tasks.handle_left_over_deliveries": 30.0,
        "catalog.tasks.rebuild_memberships": 600.0,
        "catalog.tasks.check_proposals": 60.0,
        "catalog.tasks.remove_orphans": 900.0,
        "scaffolder.tasks.resume_runs": 5.0,
        "scaffolder.tasks.release_changed_blocks": 30.0,
        "scaffolder.tasks.check_merge_requests": 60.0,
        "scaffolder.tasks.look_after_approvals": 60.0,
        "scorecards.tasks.evaluate_outdated": 15.0,
        "fleet.tasks.tick": 10.0,
        "fleet.tasks.follow": 60.0,
    }.items()
}

# -- the forge ----------------------------------------------------------------------------------
GITLAB_URL = env.str("GITLAB_URL", default="").rstrip("/")
GITLAB_TOKEN = env.str("GITLAB_TOKEN", default="")
GITLAB_CA_BUNDLE = env.str("GITLAB_CA_BUNDLE", default="")
GITLAB_PROXY = env.str("GITLAB_PROXY", default="")
# The full paths of the groups in which repositories are looked for; more can be added in /admin/.
GITLAB_GROUPS = env.list("GITLAB_GROUPS", default=[])
GITLAB_TIMEOUT_SECONDS = env.float("GITLAB_TIMEOUT_SECONDS", default=10.0)
# Other host names by which descriptors and templates may call the configured forge.
GITLAB_HOST_ALIASES = env.list("GITLAB_HOST_ALIASES", default=["forge.example"])
# Where the action http:request may go: host names, or host:port. Internal addresses never.
HTTP_REQUEST_HOSTS = env.list("HTTP_REQUEST_HOSTS", default=[])
# Whether publish:github and publish:github:pull-request publish to the configured forge.
PUBLISH_GITHUB_TO_FORGE = env.bool("PUBLISH_GITHUB_TO_FORGE", default=False)
# Projects (patterns as in a shell) whose descriptors may define people, groups, blocks and
# scorecards: who can push to one of these decides over roles and over everybody's repositories.
TRUSTED_REPOSITORIES = env.list("TRUSTED_REPOSITORIES", default=[])
# Which kinds may stand where: JSON, as Backstage's `catalog.rules`. Without it, all may.
CATALOG_RULES = env.str("CATALOG_RULES", default="")
# How many days an entity stays that no file declares any more; until then its owners may keep it.
ORPHAN_GRACE_DAYS = env.float("ORPHAN_GRACE_DAYS", default=7.0)
# `whsec_` and base64, as Standard Webhooks writes it; the forge signs its deliveries with it.
WEBHOOK_SECRET = env.str("WEBHOOK_SECRET", default="")

# -- logs ---------------------------------------------------------------------------------------
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # portal.middleware.caller notes it
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10  # the line that says how a request ended is enough
LOG_FORMAT = env.str("LOG_FORMAT", default="console" if DEBUG else "json")
LOGGING_CONFIG = "portal.logs.configure"
LOGGING = {"level": env.str("LOG_LEVEL", default="INFO"), "format": LOG_FORMAT}

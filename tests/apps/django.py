"""Django's admin and a small API beside it: redirects to a login, CSRF by cookie and header, 403 by rights."""

import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import ClassVar, Final

from aura_browser import Condition, Session, SiteClient
from tests.apps.app import GUEST, MEMBER, App, Form, Refusal
from tests.apps.install import install_from_pypi
from tests.apps.visitor import Visitor

_REQUIREMENT: Final = "Django==5.2.19"
_LOGIN: Final = "/admin/login/?next=/admin/"

_PROBE: Final = (
    'probe = { get = "/api/me", good = "200 application/json", dropped = "302 /admin/login/*", identity = "json:user" }'
)
_SETTINGS: Final = """
from pathlib import Path
SECRET_KEY = "only-for-tests"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = [
    "django.contrib." + name for name in ("admin", "auth", "contenttypes", "sessions", "messages", "staticfiles")
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]},
}]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3", "NAME": Path(__file__).parent / "db.sqlite3", "OPTIONS": {"timeout": 20},
}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "/admin/login/"
STATIC_URL = "/static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
_URLS: Final = """
from pathlib import Path
from django.contrib import admin
from django.contrib.auth import authenticate, login
from django.contrib.auth.decorators import login_required
from django.http import HttpResponseForbidden, HttpResponseRedirect, JsonResponse
from django.urls import path

NOTE = Path(__file__).parent / "note"

@login_required
def me(request):
    return JsonResponse({"user": request.user.username})

@login_required
def note(request):
    if request.method == "POST":
        NOTE.write_text(request.POST["text"])
    return JsonResponse({"text": NOTE.read_text() if NOTE.exists() else ""})

@login_required
def staff(request):
    if request.user.is_staff:
        return JsonResponse({})
    return HttpResponseForbidden("<h1>For the staff only.</h1>")

def log_in(request):
    login(request, authenticate(request, username=request.POST["username"], password=request.POST["password"]))
    return HttpResponseRedirect("/admin/")

urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/login", log_in),
    path("api/me", me),
    path("api/note", note),
    path("api/staff", staff),
]
"""
_PEOPLE: Final = """
import os
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
call_command("migrate", verbosity=0)
User.objects.create_superuser("boss", password=os.environ["PASSWORD"])
User.objects.create_user("guest", password=os.environ["PASSWORD"])
"""


class Django(App):
    """Django on an SQLite file."""

    application = "django"
    page = "/admin/"
    member_is_at = "/admin/"
    member_sees = "#user-tools"
    private = "/api/me"
    private_text = MEMBER
    holds_dead = Condition("cookie", "csrftoken")
    checks: ClassVar[Mapping[str, set[str]]] = {"good": {"valid"}, "dropped": {"refused"}, "nobody": {"refused"}}

    @property
    def environment(self) -> Mapping[str, str]:
        """Where Django is installed, and which settings it takes."""
        return {
            "PYTHONPATH": f"{install_from_pypi(_REQUIREMENT)}:{self.folder}",
            "DJANGO_SETTINGS_MODULE": "settings",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PASSWORD": self.password,
        }

    def prepare(self) -> None:
        """Write the project, its tables and its people."""
        for name, text in {"settings.py": _SETTINGS, "urls.py": _URLS, "people.py": _PEOPLE}.items():
            (self.folder / name).write_text(text)
        self.run(sys.executable, "people.py")

    def command(self, port: int) -> Sequence[str]:
        """Return Django's own server for development."""
        return [sys.executable, "-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}"]

    @property
    def definition(self) -> str:
        """The admin's, proven by the API."""
        admins = 'probe = { get = "/admin/", good = "200 text/html", dropped = "302 */login/*" }'
        assert admins in super().definition
        return super().definition.replace(admins, _PROBE)

    def form(self, user: str = MEMBER) -> Form:
        """Return the admin's form."""
        fields = {"#id_username": user, "#id_password": self.password}
        return Form("/admin/login/", "input[type=submit]", fields)

    async def log_in(self, user: str = MEMBER) -> Session:
        """Log in at the admin's form; Django replaces the CSRF token then."""
        async with Visitor(f"{self.origin}/admin/") as visitor:
            await visitor.get(_LOGIN)
            # The admin's form refuses people who may not enter the admin.
            place = "/api/login" if user == GUEST else _LOGIN
            form = {"username": user, "password": self.password, "csrfmiddlewaretoken": visitor.cookie("csrftoken")}
            answer = await visitor.post(place, form)
            assert (answer.status, answer.location) == (302, "/admin/")
            return visitor.session

    def drop(self) -> None:
        """Delete all sessions from the table."""
        with closing(sqlite3.connect(self.folder / "db.sqlite3", timeout=20)) as base, base:
            base.execute("DELETE FROM django_session")

    async def write(self, client: SiteClient, text: str) -> int:
        """Send a form; the header against forgery is derived from the session."""
        async with client.post("/api/note", data={"text": text}) as response:
            return response.status

    def read(self) -> str:
        """Return the note's file."""
        file = self.folder / "note"
        return file.read_text() if file.exists() else ""

    def refusal(self) -> Refusal:
        """Return a page for the staff only."""
        return Refusal("GET", "/api/staff", 403, "For the staff only.")

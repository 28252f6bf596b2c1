"""A small accounting server: Django, DRF, django-filter and drf-spectacular, in memory.

`python ledger.py [SETTING=VALUE …]` serves it on a free port of 127.0.0.1, which it prints, and
its description at /schema/. A setting is one of drf-spectacular's, and its value is JSON;
`CAMEL=true` writes all names in camelCase.
"""

from __future__ import annotations

import json
import sys
from typing import Any, ClassVar
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
from django.conf import settings

OVERRIDES = {name: json.loads(value) for name, value in (one.split("=") for one in sys.argv[1:])}
CAMEL = OVERRIDES.pop("CAMEL", False)

_RENDERER = "rest_framework.renderers.JSONRenderer"
_PARSERS = ["JSONParser", "FormParser", "MultiPartParser"]
_PARSERS = [f"rest_framework.parsers.{name}" for name in _PARSERS]
_HOOKS = ["drf_spectacular.hooks.postprocess_schema_enums"]
if CAMEL:
    _RENDERER = "djangorestframework_camel_case.render.CamelCaseJSONRenderer"
    _PARSERS = [
        f"djangorestframework_camel_case.parser.CamelCase{name}"
        for name in ("JSONParser", "FormParser", "MultiPartParser")
    ]
    _HOOKS.append(
        "drf_spectacular.contrib.djangorestframework_camel_case.camelize_serializer_fields"
    )

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for tests",
    ALLOWED_HOSTS=["127.0.0.1"],
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "rest_framework",
        "django_filters",
        "drf_spectacular",
    ],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    REST_FRAMEWORK={
        "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
        "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
        "DEFAULT_RENDERER_CLASSES": [_RENDERER],
        "DEFAULT_PARSER_CLASSES": _PARSERS,
    },
    SPECTACULAR_SETTINGS={
        "TITLE": "Ledger",
        "VERSION": "1",
        "POSTPROCESSING_HOOKS": _HOOKS,
        "DISABLE_ERRORS_AND_WARNINGS": True,
        **OVERRIDES,
    },
    USE_TZ=True,
)
django.setup()

import django_filters  # noqa: E402
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.db import connection, models  # noqa: E402
from django.urls import path  # noqa: E402
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema  # noqa: E402
from drf_spectacular.views import SpectacularAPIView  # noqa: E402
from rest_framework import pagination, routers, serializers, status, views, viewsets  # noqa: E402
from rest_framework.decorators import action  # noqa: E402
from rest_framework.renderers import JSONRenderer  # noqa: E402
from rest_framework.response import Response  # noqa: E402


class Entry(models.Model):
    """An entry in the books, with its lines as JSON: one table is enough here."""

    class Status(models.TextChoices):
        DRAFT = "draft"
        POSTED = "posted"

    external_ref = models.CharField(max_length=20)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DRAFT)
    amount = models.DecimalField(max_digits=12, decimal_places=2)
    booked_on = models.DateField()
    created_at = models.DateTimeField(auto_now_add=True)
    line_items = models.JSONField(default=list)

    class Meta:
        app_label = "contenttypes"
        ordering = ("id",)


class LineItem(serializers.Serializer):
    account_code = serializers.CharField(max_length=8)
    amount = serializers.DecimalField(max_digits=12, decimal_places=2)
    tax_rates = serializers.DictField(child=serializers.IntegerField(), required=False)


class EntrySerializer(serializers.ModelSerializer):
    line_items = LineItem(many=True)

    class Meta:
        model = Entry
        fields = (
            "id", "external_ref", "status", "amount", "booked_on", "created_at", "line_items"
        )  # fmt: skip

    def _plain(self, data: dict[str, Any]) -> dict[str, Any]:
        """With its lines as what a JSON column holds."""
        lines = data.get("line_items")
        if lines is None:
            return data
        return {**data, "line_items": [{**one, "amount": str(one["amount"])} for one in lines]}

    def create(self, validated_data: dict[str, Any]) -> Entry:
        return super().create(self._plain(validated_data))

    def update(self, instance: Entry, validated_data: dict[str, Any]) -> Entry:
        return super().update(instance, self._plain(validated_data))


class EntryFilter(django_filters.FilterSet):
    booked_after = django_filters.DateFilter(field_name="booked_on", lookup_expr="gte")
    status_in = django_filters.BaseInFilter(field_name="status", lookup_expr="in")

    class Meta:
        model = Entry
        fields: ClassVar = {"status": ["exact"], "amount": ["exact", "gt"]}


class Pages(pagination.LimitOffsetPagination):
    default_limit = 10


class Entries(viewsets.ModelViewSet):
    queryset = Entry.objects.all()
    serializer_class = EntrySerializer
    filterset_class = EntryFilter
    pagination_class = Pages

    @extend_schema(request=EntrySerializer(many=True), responses={201: EntrySerializer(many=True)})
    @action(detail=False, methods=["post"], filterset_class=None, pagination_class=None)
    def batch(self, request: Any) -> Response:
        given = EntrySerializer(data=request.data, many=True)
        given.is_valid(raise_exception=True)
        given.save()
        return Response(given.data, status=status.HTTP_201_CREATED)


class CardPayment(serializers.Serializer):
    method = serializers.CharField()
    paid_amount = serializers.DecimalField(max_digits=8, decimal_places=2)
    card_number = serializers.CharField()


class CashPayment(serializers.Serializer):
    method = serializers.CharField()
    paid_amount = serializers.DecimalField(max_digits=8, decimal_places=2)
    cash_desk = serializers.CharField(required=False)


PAYMENT = PolymorphicProxySerializer(
    component_name="Payment",
    serializers={"card": CardPayment, "cash": CashPayment},
    resource_type_field_name="method",
)


class Payments(views.APIView):
    @extend_schema(operation_id="payments_create", request=PAYMENT, responses={201: PAYMENT})
    def post(self, request: Any) -> Response:
        kind = CardPayment if request.data.get("method") == "card" else CashPayment
        given = kind(data=request.data)
        given.is_valid(raise_exception=True)
        return Response(given.data, status=status.HTTP_201_CREATED)


class Attachment(serializers.Serializer):
    title = serializers.CharField()
    scanned_file = serializers.FileField()
    more_pages = serializers.ListField(child=serializers.FileField(), required=False)
    labels = serializers.ListField(child=serializers.CharField(), required=False)


class Received(serializers.Serializer):
    title = serializers.CharField()
    file_name = serializers.CharField()
    total_size = serializers.IntegerField()
    page_count = serializers.IntegerField()
    labels = serializers.ListField(child=serializers.CharField())


class Attachments(views.APIView):
    @extend_schema(operation_id="attachments_create", request=Attachment, responses={201: Received})
    def post(self, request: Any) -> Response:
        given = Attachment(data=request.data)
        given.is_valid(raise_exception=True)
        file, more = (
            given.validated_data["scanned_file"],
            given.validated_data.get("more_pages", []),
        )
        answer = {
            "title": given.validated_data["title"],
            "file_name": file.name,
            "total_size": sum(one.size for one in (file, *more)),
            "page_count": 1 + len(more),
            "labels": given.validated_data.get("labels", []),
        }
        return Response(answer, status=status.HTTP_201_CREATED)


class Token(views.APIView):
    """What every client asks for first."""

    renderer_classes = (JSONRenderer,)

    @extend_schema(exclude=True)
    def post(self, request: Any) -> Response:
        return Response({"access_token": "token", "expires_in": 3600, "token_type": "Bearer"})


router = routers.SimpleRouter()
router.register("entries", Entries)
urlpatterns = [
    path("v1/platform/oauth2/token/", Token.as_view()),
    path("schema/", SpectacularAPIView.as_view()),
    path("payments/", Payments.as_view()),
    path("attachments/", Attachments.as_view()),
    *router.urls,
]


def serve() -> None:
    """Serve on one thread, as the database is of one connection, until it is ended."""

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with connection.schema_editor() as editor:
        editor.create_model(Entry)
    with make_server("127.0.0.1", 0, WSGIHandler(), handler_class=Quiet) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    serve()

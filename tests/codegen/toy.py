"""A toy Django project, whose description by drf-spectacular is as hard as real ones get.

Run as a script it prints that description as YAML: `python toy.py [SETTING=VALUE …]`, where a
setting is one of drf-spectacular's and its value is JSON. No database, no migrations.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import django
from django.conf import settings

SPECTACULAR: dict[str, Any] = {
    "TITLE": "Toy",
    "VERSION": "1",
    "ENUM_NAME_OVERRIDES": {},
    "DISABLE_ERRORS_AND_WARNINGS": True,
}

if not settings.configured:
    overrides = dict(argument.split("=", 1) for argument in sys.argv[1:])
    SPECTACULAR |= {name: json.loads(value) for name, value in overrides.items()}
    settings.configure(
        ROOT_URLCONF=__name__,
        INSTALLED_APPS=["django.contrib.contenttypes", "rest_framework", "drf_spectacular"],
        REST_FRAMEWORK={
            "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
            "DEFAULT_AUTHENTICATION_CLASSES": [],
            "UNAUTHENTICATED_USER": None,
            "DEFAULT_PARSER_CLASSES": [
                "rest_framework.parsers.JSONParser",
                "rest_framework.parsers.FormParser",
                "rest_framework.parsers.MultiPartParser",
            ],
        },
        SPECTACULAR_SETTINGS=SPECTACULAR,
        USE_TZ=True,
    )
    django.setup()

from django.urls import path  # noqa: E402
from drf_spectacular.generators import SchemaGenerator  # noqa: E402
from drf_spectacular.renderers import OpenApiYamlRenderer  # noqa: E402
from drf_spectacular.types import OpenApiTypes  # noqa: E402
from drf_spectacular.utils import (  # noqa: E402
    OpenApiParameter,
    OpenApiResponse,
    PolymorphicProxySerializer,
    extend_schema,
    extend_schema_field,
    extend_schema_serializer,
    inline_serializer,
)
from rest_framework import generics, pagination, serializers, status, views  # noqa: E402

COLOURS = [("red", "Red"), ("dark-green", "Dark green"), ("Blau/Grün", "Both"), ("", "None")]
SIZES = [("red", "Confusing"), ("XL", "Large"), ("1/2", "Half"), ("class", "Class")]
LEVELS = [(1, "One"), (2, "Two")]


class Choices(serializers.Serializer):
    """Choices: nullable, blank, of integers, with one name for two lists of values."""

    colour = serializers.ChoiceField(COLOURS, allow_null=True, allow_blank=True)
    colours = serializers.MultipleChoiceField(choices=COLOURS, required=False)
    status = serializers.ChoiceField(SIZES)
    level = serializers.ChoiceField(LEVELS)
    maybe_level = serializers.ChoiceField(LEVELS, allow_null=True, required=False)
    defaulted = serializers.ChoiceField(SIZES, default="XL", help_text="Has a default.")
    sizes = serializers.ListField(child=serializers.ChoiceField(SIZES), required=False)


class OtherChoices(serializers.Serializer):
    """`status` again, with other values: drf-spectacular has to invent a name."""

    status = serializers.ChoiceField([("open", "Open"), ("OPEN", "Open, loudly")])
    level = serializers.ChoiceField([("low", "Low")], allow_null=True)


class Leaf(serializers.Serializer):
    id = serializers.UUIDField(read_only=True)
    amount = serializers.DecimalField(max_digits=8, decimal_places=2)
    secret = serializers.CharField(write_only=True)
    at = serializers.DateTimeField()
    day = serializers.DateField(allow_null=True)
    time = serializers.TimeField(required=False)
    length = serializers.DurationField(required=False)


class Node(serializers.Serializer):
    """Refers to itself, both ways. Its text has "quotes", a \\ backslash and
    two lines."""

    name = serializers.CharField(max_length=20, min_length=2, help_text='Ends with a "quote"')
    leaf = Leaf(required=False, allow_null=True)
    leaves = Leaf(many=True)
    parent = serializers.SerializerMethodField()
    tags = serializers.SerializerMethodField()

    def get_tags(self, _: Any) -> dict[str, list[int]]:
        return {}

    def get_parent(self, _: Any) -> str | None:
        return None


class Tree(serializers.Serializer):
    """Truly recursive: a tree of trees."""

    label = serializers.RegexField(r"^[a-z]{2,}$", required=False)

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        fields["children"] = Tree(many=True, required=False)
        fields["best"] = Tree(required=False, allow_null=True)
        fields["named"] = serializers.DictField(child=Tree(), required=False)
        return fields


class FreeForm(serializers.Serializer):
    anything = serializers.JSONField()
    maybe = serializers.JSONField(required=False, allow_null=True)
    mapping = serializers.DictField()
    numbers = serializers.DictField(child=serializers.IntegerField(min_value=0), required=False)
    nullable_numbers = serializers.DictField(
        child=serializers.FloatField(allow_null=True), required=False
    )
    listing = serializers.ListField()
    matrix = serializers.ListField(
        child=serializers.ListField(child=serializers.IntegerField()), min_length=1, max_length=3
    )
    hstore = serializers.HStoreField(required=False)


class Upload(serializers.Serializer):
    file = serializers.FileField()
    picture = serializers.ImageField(required=False, allow_null=True)
    more = serializers.ListField(child=serializers.FileField(), required=False)
    title = serializers.CharField(allow_blank=True, required=False)


# Names that mean something in Python, in attrs, in the generated modules, or nowhere at all.
_AWKWARD = """
class from import None True async match type list str int dict bytes bool float date datetime time
field check Check Checked id define frozen dt Any UNSET UnsetType OpenEnum Instant ClassVar
Mapping TypeAlias annotations common models self cls name value values mro copy json schema
model_config Meta Config fields validate items keys plain 1st 2nd-place _private __dunder__
__wire_names__ __checks__ __slots__ __init__ __attrs_attrs__ NOTHING attr_dict with-dash with.dot
with/slash @type $ref größe 名前 ﬁne a a_ A Toy Leaf Node Tree Awkward AwkwardName toy default
default2 alias title description
""".split()


class Awkward(serializers.Serializer):
    """Names that mean something in Python, in the generated code, or nowhere at all."""

    def get_fields(self) -> dict[str, Any]:
        names = [
            *_AWKWARD,
            "with space",
            " ",
            "!",
            "a-b",
            "a b",
            "a.b",
            "a_b",
            "x'y",
            'x"y',
            "{{ x }}",
        ]
        fields: dict[str, Any] = {
            name: serializers.CharField(required=index % 2 == 0, allow_null=index % 3 == 0)
            for index, name in enumerate(names)
        }
        fields["choice-of"] = serializers.ChoiceField(SIZES, required=False)
        fields["in-line"] = inline_serializer(
            "In-line thing", {"x-y": serializers.IntegerField(), "z": serializers.IntegerField()}
        )
        return fields


class Numbers(serializers.Serializer):
    small = serializers.IntegerField(min_value=1, max_value=10)
    big = serializers.IntegerField(min_value=-(2**63), max_value=2**63 - 1, required=False)
    ratio = serializers.FloatField(min_value=0.5, max_value=1.5, required=False)
    money = serializers.DecimalField(max_digits=5, decimal_places=2, min_value=0, allow_null=True)
    coerced = serializers.DecimalField(
        max_digits=5, decimal_places=2, coerce_to_string=False, max_value=9, required=False
    )
    flag = serializers.BooleanField(allow_null=True, required=False)
    email = serializers.EmailField(required=False)
    url = serializers.URLField(required=False)
    slug = serializers.SlugField(required=False)
    address = serializers.IPAddressField(required=False)
    pair = serializers.ListField(
        child=serializers.CharField(max_length=3), min_length=2, max_length=2, required=False
    )


class ReadOnly(serializers.Serializer):
    """Nothing to send."""

    id = serializers.IntegerField(read_only=True)
    count = serializers.IntegerField(read_only=True)


class WriteOnly(serializers.Serializer):
    """Nothing comes back."""

    password = serializers.CharField(write_only=True)


class Empty(serializers.Serializer):
    """No field at all."""


class Cat(serializers.Serializer):
    kind = serializers.CharField()
    lives = serializers.IntegerField()


class Dog(serializers.Serializer):
    kind = serializers.CharField()
    barks = serializers.BooleanField()


PET = PolymorphicProxySerializer(
    component_name="Pet", serializers={"cat": Cat, "dog": Dog}, resource_type_field_name="kind"
)
PET_PLAIN = PolymorphicProxySerializer(
    component_name="PlainPet", serializers=[Cat, Dog], resource_type_field_name=None
)


class Owner(serializers.Serializer):
    pets = serializers.SerializerMethodField()
    favourite = serializers.SerializerMethodField()

    @extend_schema_field(PET)
    def get_favourite(self, _: Any) -> Any: ...

    @extend_schema_field(
        PolymorphicProxySerializer(
            component_name="Pets",
            serializers={"cat": Cat, "dog": Dog},
            resource_type_field_name="kind",
            many=True,
        )
    )
    def get_pets(self, _: Any) -> Any: ...


@extend_schema_serializer(component_name="list")
class LowerCase(serializers.Serializer):
    """A component with the name of a builtin."""

    list = serializers.ListField(child=serializers.CharField())


@extend_schema_serializer(component_name="Any")
class AnyThing(serializers.Serializer):
    """A component with a name that the generated modules import."""

    Any = serializers.CharField()


@extend_schema_serializer(component_name="2nd.Thing-Of_all")
class SecondThing(serializers.Serializer):
    """A component whose name is no identifier."""

    value = LowerCase()
    any = AnyThing(many=True)


@extend_schema_serializer(component_name="Colour_enum")
class ColourEnum(serializers.Serializer):
    colour = serializers.CharField()


class Schemaless(serializers.Serializer):
    raw = serializers.SerializerMethodField()
    choice = serializers.SerializerMethodField()
    in_line = serializers.SerializerMethodField()

    @extend_schema_field({"oneOf": [{"type": "string"}, {"type": "integer"}], "nullable": True})
    def get_raw(self, _: Any) -> Any: ...

    @extend_schema_field({"type": "string", "enum": ["one", "two words", "ONE", "3", ""]})
    def get_choice(self, _: Any) -> Any: ...

    @extend_schema_field(
        {
            "type": "object",
            "properties": {"a": {"type": "object", "properties": {"b": {"type": "string"}}}},
            "required": ["a", "absent"],
        }
    )
    def get_in_line(self, _: Any) -> Any: ...


class Pages(pagination.PageNumberPagination):
    page_size = 10


class Cursors(pagination.CursorPagination):
    page_size = 10


def _both_ways(serializer: type[serializers.Serializer], tag: str) -> type[views.APIView]:
    """A view that takes and answers one serializer, in all verbs."""

    class View(generics.ListCreateAPIView):
        serializer_class = serializer
        pagination_class = Pages
        queryset = ()

        def put(self, request: Any) -> None: ...
        def patch(self, request: Any) -> None: ...
        def delete(self, request: Any) -> None: ...

        put = extend_schema(request=serializer, responses=serializer)(put)
        patch = extend_schema(request=serializer, responses={200: serializer})(patch)
        delete = extend_schema(responses={204: None})(delete)

    return extend_schema(tags=[tag])(View)


class Oddities(views.APIView):
    @extend_schema(
        request=inline_serializer(
            "InLineBody",
            {"class": serializers.CharField(), "n": serializers.IntegerField()},
            many=True,
        ),
        responses={200: Leaf(many=True), 201: OpenApiTypes.OBJECT},
        parameters=[
            OpenApiParameter("X-Header", str, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("session", str, OpenApiParameter.COOKIE),
            OpenApiParameter("many", int, many=True),
            OpenApiParameter("commas", str, many=True, explode=False, enum=["a", "b"]),
            OpenApiParameter("since", OpenApiTypes.DATE),
            OpenApiParameter("filter", {"type": "object", "additionalProperties": {}}),
            OpenApiParameter("class", bool),
        ],
        tags=["Odd things", "ignored"],
    )
    def post(self, request: Any) -> None: ...

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY},
        responses={(200, "application/pdf"): OpenApiTypes.BINARY},
        tags=["Odd things"],
    )
    def put(self, request: Any) -> None: ...

    @extend_schema(
        request={"multipart/form-data": Upload, "application/json": Leaf},
        responses={202: OpenApiResponse(description="Later"), 200: PET, 400: OpenApiTypes.STR},
        tags=["Odd things"],
    )
    def patch(self, request: Any) -> None: ...

    @extend_schema(responses={200: serializers.ListSerializer(child=serializers.IntegerField())})
    def get(self, request: Any) -> None: ...

    @extend_schema(responses={status.HTTP_204_NO_CONTENT: None}, request=None)
    def delete(self, request: Any) -> None: ...


class CursorView(generics.ListAPIView):
    serializer_class = Node
    pagination_class = Cursors
    queryset = ()


_SERIALIZERS = {
    "choices": Choices,
    "other-choices": OtherChoices,
    "leaf": Leaf,
    "node": Node,
    "tree": Tree,
    "free": FreeForm,
    "upload": Upload,
    "awkward": Awkward,
    "numbers": Numbers,
    "read-only": ReadOnly,
    "write-only": WriteOnly,
    "empty": Empty,
    "pet": PET,
    "plain-pet": PET_PLAIN,
    "owner": Owner,
    "lower": LowerCase,
    "second": SecondThing,
    "colour": ColourEnum,
    "schemaless": Schemaless,
}
_TAGS = ["Toys", "class", "1st things", "common", "models", "Größe", "-", "fields", "Toys "]

urlpatterns = [
    *(
        path(f"v1/{name}/", _both_ways(serializer, _TAGS[index % len(_TAGS)]).as_view())
        for index, (name, serializer) in enumerate(_SERIALIZERS.items())
    ),
    path("v1/nodes/<uuid:node_id>/", CursorView.as_view()),
    path("v1/odd/<int:class>/", Oddities.as_view()),
]


def description() -> str:
    """The description of this project, as YAML."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return OpenApiYamlRenderer().render(schema, renderer_context={}).decode()


if __name__ == "__main__":
    sys.stdout.write(description())

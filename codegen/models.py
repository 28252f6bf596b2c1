"""Writing the models: datamodel-code-generator lays out the modules, our templates the classes."""

from __future__ import annotations

import json
import re
import tempfile
import textwrap
import warnings
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from datamodel_code_generator import generate
from datamodel_code_generator.enums import DataModelType, InputFileType
from datamodel_code_generator.format import PythonVersion

from .classes import Enumeration, Field, Items, Model, Reference, Type
from .names import REST
from .output import MARK
from .schemas import Schemas
from .survey import COMMON

TEMPLATES = Path(__file__).parent / "templates"

DOCSTRING_WIDTH = 90  # what is left of 100 columns in a class
_IMPORTS = """
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, ClassVar, TypeAlias

from attrs import define, field, frozen

from ..checks import Check, Checked, check, lean
from ..fields import UNSET, FilePart, Instant, OneOf, OpenEnum, UnsetType, sparse, takes
"""


def environment() -> jinja2.Environment:
    """The templates that are rendered by ourselves."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # this writes Python, not HTML
    )


def write_models(schemas: Schemas, folder: Path) -> None:
    """Write all modules of models into an empty folder."""
    classes = _classes(schemas)
    aliases: dict[str, list[str]] = defaultdict(list)
    for alias in schemas.aliases.values():
        module = alias.reference.module
        hint = alias.type.hint(module, alias.side)
        aliases[module].append(f"{alias.reference.name}: TypeAlias = {hint}\n")
    modules = classes.keys() | aliases.keys()
    for module in modules:
        imports = _IMPORTS + (f"from . import {COMMON}\n" if COMMON in modules - {module} else "")
        text = (
            f'{MARK}"""Models of the API: {module.replace("_", " ").strip()}."""\n\n'
            f"from __future__ import annotations\n{imports}\n\n{classes.get(module, '')}\n\n\n"
            + "\n".join(sorted(aliases[module]))
        )
        (folder / f"{module}.py").write_text(text, "utf-8")
    index = sorted(
        (held.reference.name, held.reference.module)
        for group in (schemas.models, schemas.enums, schemas.aliases)
        for held in group.values()
    )
    text = environment().get_template("models_init.jinja2").render(index=index)
    (folder / "__init__.py").write_text(text, "utf-8")


def _classes(schemas: Schemas) -> dict[str, str]:
    """The classes of each module, without imports."""
    components: dict[str, Any] = {}
    data: dict[str, dict[str, Any]] = {}
    for model in schemas.models.values():
        key = f"{model.reference.module}.{model.reference.name}"
        # The template has the fields from us; here it only matters which class uses which.
        kinds = [field.type for field in model.fields] + [model.rest] * (model.rest is not None)
        uses = dict.fromkeys(used for kind in kinds if kind for used in kind.references())
        properties = {f"use{number}": _to(one) for number, one in enumerate(uses)}
        components[key] = {"type": "object", "properties": properties or {"none": {}}}
        data[key] = _model_data(model)
    for enum in schemas.enums.values():
        key = f"{enum.reference.module}.{enum.reference.name}"
        components[key] = {"type": "string", "enum": ["one", "two"]}
        data[key] = _enum_data(enum)
    if not components:
        return {}
    document = {
        "openapi": "3.0.3",
        "info": {"title": "models", "version": "1"},
        "paths": {},
        "components": {"schemas": dict(sorted(components.items()))},
    }
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        source, output = Path(name, "models.json"), Path(name, "output")
        source.write_text(json.dumps(document), "utf-8")
        generate(
            source,
            input_file_type=InputFileType.OpenAPI,
            output=output,
            output_model_type=DataModelType.DataclassesDataclass,
            target_python_version=PythonVersion.PY_311,
            custom_template_dir=TEMPLATES,
            extra_template_data=defaultdict(dict, data),
            disable_timestamp=True,
            formatters=[],
        )
        paths = [path for path in output.glob("*.py") if path.name != "__init__.py"]
        return {path.stem: _from_first_class(path.read_text("utf-8")) for path in paths}


def _from_first_class(text: str) -> str:
    """A generated module without its head: the imports are ours."""
    found = re.search(r"^(@|class )", text, re.MULTILINE)
    return text[found.start() :] if found else ""


def _to(reference: Reference) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{reference.module}.{reference.name}"}


# --- what the templates get ----------------------------------------------------------------


def _enum_data(enum: Enumeration) -> dict[str, Any]:
    return {
        "name": enum.reference.name,
        "docstring": docstring(enum.description),
        "members": [(name, repr(value)) for name, value in enum.members],
        "takes": ", ".join(
            f"{name}=True"
            for name, given in (("blank", enum.takes_blank), ("other", enum.takes_any))
            if given
        ),
    }


def _model_data(model: Model) -> dict[str, Any]:
    module = model.reference.module
    write = _answer_field if model.side == "answer" else _request_field
    empty = "" if model.fields else "Has no fields."
    fields = []
    for one in model.fields:
        hint, arguments = write(one, one.type.hint(module, model.side))
        text = docstring(one.description)
        fields.append({"name": one.name, "hint": hint, "value": _value(arguments), "text": text})
    checked = model.fields if model.side == "request" else ()
    checks = [(one.name, _check(one, module)) for one in checked]
    if model.rest is not None:
        hint = model.rest.hint(module, model.side) + (" | None" if model.rest_nullable else "")
        text = '"""What came under other names, by the name on the wire."""'
        value = "field(factory=dict)"
        fields.append({"name": REST, "hint": f"dict[str, {hint}]", "value": value, "text": text})
        if model.side == "request":
            checks.append((REST, "check(dict)"))
    return {
        "name": model.reference.name,
        "side": model.side,
        "docstring": docstring(model.description or empty),
        "renamed": {one.name: one.wire_name for one in model.fields if one.name != one.wire_name},
        "own_fields": fields,
        "rest": REST if model.rest is not None else None,
        "checks": checks,
        "uuids": [one.wire_name for one in model.fields if one.is_uuid],
    }


def docstring(text: str) -> str:
    """A description as the docstring of a class or field; nothing where it says nothing."""
    lines: list[str] = []
    for line in text.strip().splitlines():
        printable = "".join(char if char.isprintable() else " " for char in line).rstrip()
        if printable or (lines and lines[-1]):
            lines += textwrap.wrap(printable, DOCSTRING_WIDTH, break_on_hyphens=False) or [""]
    written = "\n    ".join(lines).replace("\\", "\\\\")
    if '"""' in written or written.endswith('"'):
        written = written.replace('"', '\\"')
    if len(lines) > 1:
        written += "\n    "
    return f'"""{written}"""' if lines else ""


def _answer_field(field: Field, hint: str) -> tuple[str, list[str]]:
    """The hint and the arguments of `attrs.field`."""
    arguments = []
    if not field.required or field.nullable or hint == "Any":
        hint = hint if hint == "Any" else f"{hint} | None"
        arguments.append("default=None")
    if field.secret:
        arguments.append("repr=False")
    return hint, arguments


def _request_field(field: Field, hint: str) -> tuple[str, list[str]]:
    arguments = []
    if hint != "Any":
        if not field.required:
            hint += " | UnsetType"
        if field.nullable:
            hint += " | None"
    if not field.required:
        arguments.append("default=UNSET")
    if field.secret:
        arguments.append("repr=False")
    return hint, arguments


def _value(arguments: list[str]) -> str:
    match arguments:
        case []:
            return ""
        case [one] if one.startswith("default="):
            return one.removeprefix("default=")
    return f"field({', '.join(arguments)})"


def _check(field: Field, module: str) -> str:
    """The call of `checks.check` for a field of a request."""
    required = field.required and not field.nullable
    return _written_check(field.type, required, field.items, field.constraints, module)


def _written_check(
    kind: Type, required: bool, items: Items | None, constraints: Mapping[str, Any], module: str
) -> str:
    arguments = [*kind.classes(module)]
    if required:
        arguments.append("required=True")
    if items is not None and not items.is_plain:
        held = _written_check(
            items.type, not items.nullable, items.items, items.constraints, module
        )
        arguments.append(f"items={held}")
    elif items is not None:
        classes = items.type.classes(module)
        if len(classes) == 1:  # `check` takes one type there
            arguments.append(f"items={classes[0]}")
    arguments += [f"{name}={value!r}" for name, value in sorted(constraints.items())]
    return f"check({', '.join(arguments)})"

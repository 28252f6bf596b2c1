"""Between bytes, models and mappings: nothing converted silently, nothing lost."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import inspect
import json
import pickle
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from thredfi_async import UNSET, InvalidRequest, UnsetType, codec
from thredfi_async.checks import Check, Checked, check, check_held, lean
from thredfi_async.drift import Drift
from thredfi_async.fields import Instant, OpenEnum, sparse


class Status(OpenEnum):
    SENT = "sent"
    PAID = "paid"


@attrs.frozen(kw_only=True, slots=False)
class AnswerLine:
    quantity: float | None = None
    unit_price: int


@sparse
@attrs.frozen(kw_only=True, slots=False)
class Answer:
    id: str
    status: Status | None = None
    sent_at: Instant | None = None
    day: dt.date | None = None
    paid: bool | None = None
    lines: list[AnswerLine] | None = None
    rates: dict[str, int] | None = None
    anything: Any = None


@attrs.frozen(kw_only=True, slots=False)
class Tree:
    below: list[Tree] | None = None
    quantity: float | None = None


@attrs.frozen(kw_only=True, slots=False)
class Renamed:
    __wire_names__: ClassVar[Mapping[str, str]] = {"class_": "class", "n1": "1st"}

    class_: str | None = None
    n1: list[AnswerLine] | None = None


@lean
@attrs.define(kw_only=True, slots=False)
class Line(Checked):
    quantity: float
    unit_price: int | UnsetType = UNSET
    memo: str | UnsetType | None = UNSET

    __checks__: ClassVar[Mapping[str, Check]] = {
        "quantity": check(float, required=True),
        "unit_price": check(int, minimum=0),
        "memo": check(str, max_length=5),
    }


@lean
@attrs.define(kw_only=True, slots=False)
class Body(Checked):
    external_id: str | UnsetType = UNSET
    sent_at: dt.datetime | dt.date | UnsetType = UNSET
    status: Status | str | UnsetType = UNSET
    lines: list[Line] | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    paid: bool | UnsetType = UNSET
    metadata: dict[str, Any] | UnsetType = UNSET

    __checks__: ClassVar[Mapping[str, Check]] = {
        "external_id": check(str, min_length=1, pattern="^[a-z0-9-]*$"),
        "sent_at": check(dt.datetime, dt.date),
        "status": check(str),
        "lines": check(list, items=lambda: Line),
        "tags": check(list, items=str, max_items=2),
        "paid": check(bool),
        "metadata": check(dict),
    }


@lean
@attrs.define(kw_only=True, slots=False)
class Period(Checked):
    start: dt.date

    __checks__: ClassVar[Mapping[str, Check]] = {"start": check(dt.date, required=True)}


NOON = dt.datetime(2025, 1, 31, 12, tzinfo=dt.UTC)


# --- writing -------------------------------------------------------------------------


def test_unset_is_left_out_and_none_is_null() -> None:
    assert json.loads(codec.encode(Line(quantity=2, memo=None))) == {"quantity": 2, "memo": None}


def test_instants_and_dates_are_written_as_iso_8601() -> None:
    assert json.loads(codec.encode(Body(sent_at=NOON))) == {"sent_at": "2025-01-31T12:00:00Z"}
    assert json.loads(codec.encode(Body(sent_at=dt.date(2025, 1, 31)))) == {"sent_at": "2025-01-31"}


def test_enums_are_written_as_they_were_given() -> None:
    for value in (Status.PAID, "paid"):
        assert json.loads(codec.encode(Body(status=value))) == {"status": "paid"}
    assert json.loads(codec.encode(Body(status=Status("NOVEL")))) == {"status": "NOVEL"}


def test_names_on_the_wire_are_used_both_ways() -> None:
    value = Renamed(class_="a", n1=[AnswerLine(unit_price=5)])
    data = codec.encode(value)
    assert set(json.loads(data)) == {"class", "1st"}
    assert codec.decode(Renamed, data) == (value, ())


# --- reading -------------------------------------------------------------------------


def test_an_answer_as_described_is_read_without_drift() -> None:
    data = (
        b'{"id": "a", "status": "sent", "sent_at": "2025-01-31T12:00:00Z", "day": "2025-01-31",'
        b' "paid": true, "lines": [{"quantity": 2, "unit_price": 5}], "rates": {"x": 1},'
        b' "anything": [1]}'
    )
    value, drift = codec.decode(Answer, data)
    assert drift == ()
    assert value == Answer(
        id="a",
        status=Status.SENT,
        sent_at=NOON,
        day=dt.date(2025, 1, 31),
        paid=True,
        lines=[AnswerLine(quantity=2.0, unit_price=5)],
        rates={"x": 1},
        anything=[1],
    )


def test_absent_fields_read_as_none() -> None:
    value, drift = codec.decode(Answer, b'{"id": "a"}')
    assert value == Answer(id="a")
    assert drift == ()


@pytest.mark.parametrize(
    ("data", "field", "value", "drift"),
    [
        ({"id": 5}, "id", 5, Drift("id", "str", "integer")),
        ({}, "id", None, Drift("id", "str", "absent")),
        ({"id": None}, "id", None, Drift("id", "str", "null")),
        ({"id": "a", "status": 3}, "status", 3, Drift("status", "Status", "integer")),
        ({"id": "a", "day": "31/1/25"}, "day", "31/1/25", Drift("day", "date", "string")),
        (
            {"id": "a", "sent_at": "2025-01-31T12:00:00"},
            "sent_at",
            "2025-01-31T12:00:00",
            Drift("sent_at", "datetime with a time zone", "string"),
        ),
        ({"id": "a", "paid": "yes"}, "paid", "yes", Drift("paid", "bool", "string")),
        ({"id": "a", "lines": {}}, "lines", {}, Drift("lines", "list[AnswerLine]", "object")),
        ({"id": "a", "rates": []}, "rates", [], Drift("rates", "dict[str, int]", "array")),
        ({"id": "a", "rates": {"x": "1"}}, "rates", {"x": "1"}, Drift("rates.*", "int", "string")),
        (
            {"id": "a", "lines": [{"unit_price": 5.0}]},
            "lines",
            [AnswerLine(unit_price=5)],
            Drift("lines[].unit_price", "int", "number with a fraction"),
        ),
        (
            {"id": "a", "lines": [{"unit_price": 5.5}]},
            "lines",
            [AnswerLine(unit_price=5.5)],  # type: ignore[arg-type]
            Drift("lines[].unit_price", "int", "number"),
        ),
    ],
)
def test_what_does_not_fit_is_kept_as_it_came_and_noted(
    data: dict[str, Any], field: str, value: Any, drift: Drift
) -> None:
    read, found = codec.decode(Answer, json.dumps(data).encode())
    assert getattr(read, field) == value
    assert drift in found


def test_what_is_noted_holds_no_values() -> None:
    _, drift = codec.decode(Answer, b'{"id": 5, "day": "secret", "lines": [{"unit_price": "s"}]}')
    assert "secret" not in repr(drift)


@pytest.mark.parametrize("data", [b"", b"{", b"<html>", b"\xff", b'{"id": "a"} x', b"[" * 200_000])
def test_what_is_no_json_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(codec.BrokenJSON) as caught:
        codec.decode(Answer, data)
    assert "html" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "memo", "got"),
    [
        (b'{"id": "a", "anything": "caf\xe9"}', "caf\ufffd", "bad bytes"),
        (b'{"id": "a", "anything": "\\ud83d!"}', "\ufffd!", "almost JSON"),
        (b'{"id": "a", "anything": {"\\udc00": 1}}', {"\ufffd": 1}, "almost JSON"),
        (b'\xef\xbb\xbf{"id": "a", "anything": "x"}', "x", "almost JSON"),
        ('{"id": "a", "anything": "café"}'.encode("utf-16"), "café", "almost JSON"),
    ],
)
def test_bad_text_is_read_all_the_same_and_can_be_written_again(
    data: bytes, memo: Any, got: str
) -> None:
    value, drift = codec.decode(Answer, data)
    assert (value.id, value.anything) == ("a", memo)
    assert drift == (Drift("", "JSON", got),)
    assert codec.encode(value)
    assert codec.at_path(data, "anything") == memo
    assert codec.unknown(Answer, data) == ()


def test_an_integer_of_thousands_of_digits_is_kept_as_text() -> None:
    value, drift = codec.decode(Answer, b'{"id": "a", "anything": %s}' % (b"9" * 5000))
    assert value.anything == "9" * 5000
    assert drift


@given(st.binary(), st.integers(0, 60))
def test_whatever_bytes_come_they_are_read_or_said_to_be_broken(noise: bytes, at: int) -> None:
    data = b'{"id": "a", "lines": [{"unit_price": 5}], "anything": "text"}'
    with contextlib.suppress(codec.BrokenJSON):
        str(codec.decode(Answer, data[:at] + noise + data[at:])).encode()


def test_a_refusal_to_read_does_not_carry_the_bytes_along() -> None:
    for data in (b'{"access_token": "secret', b'{"access_token": "secret\xe9'):
        with pytest.raises(codec.BrokenJSON) as caught:
            codec.decode(Answer, data)
        assert caught.value.__context__ is None


def test_an_answer_of_which_nothing_fits_is_refused_at_once() -> None:
    with pytest.raises(codec.BrokenJSON, match="1000 rows have none of the fields of AnswerLine"):
        codec.decode(Answer, b'{"id": "a", "lines": [%s{}]}' % (b'{"foo": 1},' * 999))
    value, _ = codec.decode(list[AnswerLine], b"[%s{}]" % (b'{"unit_price": 1},' * 5000))
    assert len(value) == 5001


def test_a_misfit_far_down_is_read_once_and_not_once_more_per_level() -> None:
    depth = 60  # reading each level twice would take for ever
    data = b'{"below": [' * depth + b'{"quantity": "x"}' + b"]}" * depth
    _, drift = codec.decode(Tree, data)
    assert drift == (Drift("below[]." * depth + "quantity", "float", "string"),)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(list(attrs.fields_dict(Answer))), inner, max_size=5)
    ),
)


@pytest.mark.no_cover
@given(json_values)
def test_any_json_is_read(data: Any) -> None:
    value, drift = codec.decode(Answer, json.dumps(data).encode())
    assert isinstance(value, Answer) or (value == data and drift)


# --- open enums ----------------------------------------------------------------------


def test_enums_compare_without_regard_to_case() -> None:
    status, _ = codec.decode(Status, b'"SENT"')
    assert status == Status.SENT
    assert status == "sent"
    assert status != "paid"
    assert status in {Status.SENT}
    assert status.value == "SENT"
    assert status.is_known


def test_an_unknown_value_is_kept_as_it_came() -> None:
    status, drift = codec.decode(Status, b'"in_dispute"')
    assert (status.value, status.is_known, drift) == ("in_dispute", False, ())
    assert str(status) == "in_dispute"
    assert len(Status) == 2


# --- mappings ------------------------------------------------------------------------


def test_a_mapping_becomes_the_model_it_describes() -> None:
    mapping = {
        "external_id": "inv-1",
        "sent_at": "2025-01-31T12:00:00Z",
        "lines": [{"quantity": 1.5, "unit_price": 5}, Line(quantity=1)],
        "tags": ["a"],
        "paid": False,
        "metadata": {"any": [1, None]},
    }
    assert codec.structure(Body, mapping) == Body(
        external_id="inv-1",
        sent_at=NOON,
        lines=[Line(quantity=1.5, unit_price=5), Line(quantity=1)],
        tags=["a"],
        paid=False,
        metadata={"any": [1, None]},
    )


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("2025-01-31", dt.date(2025, 1, 31)),
        (dt.date(2025, 1, 31), dt.date(2025, 1, 31)),
        ("2025-01-31T13:00:00+01:00", NOON),
        (NOON, NOON),
        (None, None),
    ],
)
def test_dates_and_instants_are_told_apart(given: Any, value: Any) -> None:
    assert codec.structure(Body, {"sent_at": given}).sent_at == value


def test_ids_may_be_uuids_and_quantities_decimals() -> None:
    name = UUID("3c90c3cc-0d44-4b50-8888-8dd25736052a")
    assert codec.structure(Body, {"external_id": name}).external_id == str(name)
    assert codec.structure(Line, {"quantity": Decimal("1.25")}).quantity == 1.25


@pytest.mark.parametrize(
    ("mapping", "path", "text"),
    [
        ({"lines": [{}]}, "lines[0].quantity", "is required"),
        ({"lines": [{"quantity": "1"}]}, "lines[0].quantity", "must be a number, not str '1'"),
        ({"lines": [{"quantity": True}]}, "lines[0].quantity", "must be a number"),
        ({"lines": [{"quantity": 1, "unit_price": 9.9}]}, "lines[0].unit_price", "minor units"),
        ({"lines": [{"quantity": 1, "unit_price": -1}]}, "lines[0].unit_price", "at least 0"),
        ({"lines": [{"quantity": 1, "memo": "too long"}]}, "lines[0].memo", "at most 5"),
        ({"lines": "abc"}, "lines", "must be a list, not str"),
        ({"lines": ["abc"]}, "lines[0]", "must be a mapping, not str"),
        ({"tags": ["a", "b", "c"]}, "tags", "at most 2 items"),
        ({"tags": ["a", 5]}, "tags[1]", "must be text"),
        ({"external_id": ""}, "external_id", "at least 1"),
        ({"external_id": "NO!"}, "external_id", "must match"),
        ({"external_id": 5}, "external_id", "must be text, not int 5"),
        ({"sent_at": "soon"}, "sent_at", "must be an instant or a date"),
        ({"sent_at": "2025-01-31T12:00:00"}, "sent_at", "no time zone"),
        ({"paid": 1}, "paid", "must be true or false"),
        ({"externalid": "a"}, "externalid", "did you mean external_id?"),
        ({"zzz": 1}, "zzz", "known are external_id"),
    ],
)
def test_a_bad_mapping_is_refused_with_the_path_and_the_remedy(
    mapping: dict[str, Any], path: str, text: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        codec.structure(Body, mapping)
    ((found_path, found_text),) = caught.value.problems
    assert found_path == path
    assert text in found_text


def test_all_bad_fields_are_named_at_once() -> None:
    mapping = {"paid": 1, "novel": 1, "lines": [{"quantity": "1"}, {"quantity": 1, "x": 1}]}
    with pytest.raises(InvalidRequest) as caught:
        codec.structure(Body, mapping)
    assert {path for path, _ in caught.value.problems} == {
        "paid",
        "novel",
        "lines[0].quantity",
        "lines[1].x",
    }


def test_unknown_keys_can_be_ignored() -> None:
    mapping = {"novel": 1, "lines": [{"quantity": 1, "x": 1}]}
    assert codec.structure(Body, mapping, ignore_unknown=True) == Body(lines=[Line(quantity=1)])


@pytest.mark.parametrize("value", ["text", None, [], 5])
def test_what_is_no_mapping_is_refused(value: Any) -> None:
    with pytest.raises(InvalidRequest, match="must be a Body or a mapping"):
        codec.structure(Body, value)


# --- building a model ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"external_id": 5}, "Body.external_id: must be str, not int"),
        ({"external_id": ""}, "at least 1 characters"),
        ({"sent_at": dt.datetime(2025, 1, 31)}, "no time zone"),
        ({"sent_at": "2025-01-31"}, "must be datetime or date, not str"),
        ({"lines": [{"quantity": 1}]}, r"lines\[0\]: must be Line, not dict; pass the whole body"),
        ({"lines": (Line(quantity=1),)}, "must be list"),
        ({"paid": 1}, "must be bool"),
    ],
)
def test_a_model_is_checked_when_it_is_built(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        Body(**arguments)


@pytest.mark.parametrize("quantity", [None, "1", True])
def test_a_required_field_can_not_be_none_or_of_another_type(quantity: Any) -> None:
    with pytest.raises(InvalidRequest, match=r"Line\.quantity"):
        Line(quantity=quantity)


def test_an_amount_with_a_fraction_is_refused_with_the_remedy() -> None:
    with pytest.raises(InvalidRequest, match="minor units"):
        Line(quantity=1, unit_price=9.9)  # type: ignore[arg-type]


def test_a_whole_number_is_a_number() -> None:
    assert Line(quantity=2).quantity == 2


body_models = st.builds(
    Body,
    external_id=st.from_regex("[a-z0-9-]{1,9}", fullmatch=True) | st.just(UNSET),
    sent_at=st.dates() | st.datetimes(timezones=st.just(dt.UTC)) | st.just(UNSET),
    status=st.sampled_from(["sent", "paid"]) | st.just(UNSET),
    lines=st.lists(
        st.builds(Line, quantity=st.floats(0, 1e9), unit_price=st.integers(0, 2**53)), max_size=3
    ),
    paid=st.booleans(),
)


@given(body_models)
def test_what_is_written_reads_back_as_the_same(body: Body) -> None:
    assert codec.structure(Body, json.loads(codec.encode(body))) == body
    assert codec.structure(Body, codec.to_mapping(body)) == body


@pytest.mark.parametrize("quantity", [float("nan"), float("inf")])
def test_a_number_that_json_does_not_have_is_refused(quantity: float) -> None:
    with pytest.raises(InvalidRequest, match=r"Line\.quantity"):
        Line(quantity=quantity)
    with pytest.raises(InvalidRequest, match="quantity"):
        codec.structure(Line, {"quantity": quantity})


def test_a_subclass_of_a_request_keeps_its_own_checks() -> None:
    @attrs.define(kw_only=True)
    class Own(Line):
        built: ClassVar[int] = 0

        def __attrs_post_init__(self) -> None:
            Own.built += 1
            Checked.__attrs_post_init__(self)

    for _ in range(3):
        Own(quantity=1)
    assert Own.built == 3
    with pytest.raises(InvalidRequest, match="quantity"):
        Own(quantity="1")  # type: ignore[arg-type]


@lean
@attrs.define(kw_only=True, slots=False)
class Awkward(Checked):
    """Of names that Python itself has a use for."""

    type: str
    date: int | UnsetType = UNSET
    value: float | UnsetType = UNSET
    checks: list[str] | UnsetType = UNSET
    others: dict[str, Any] = attrs.field(factory=dict)

    __checks__: ClassVar[Mapping[str, Check]] = {
        "type": check(str, required=True),
        "date": check(int),
        "value": check(float),
        "checks": check(list, items=str),
        "others": check(dict),
    }


def test_a_model_holds_only_what_was_given() -> None:
    line = Line(quantity=2, memo=None)
    assert vars(line) == {"quantity": 2, "memo": None}
    assert line.unit_price is UNSET
    assert line == Line(quantity=2, memo=None, unit_price=UNSET) != Line(quantity=2)
    assert "unit_price=UNSET" in repr(line)


def test_names_of_fields_do_not_meet_those_that_the_checks_use() -> None:
    one = Awkward(type="a", date=2, value=3, checks=["b"])
    assert (one.type, one.date, one.value, one.checks) == ("a", 2, 3, ["b"])
    for wrong in ({"type": 1}, {"type": "a", "date": "2"}, {"type": "a", "checks": [1]}):
        with pytest.raises(InvalidRequest, match="must be"):
            Awkward(**wrong)  # type: ignore[arg-type]


def test_each_instance_has_a_mapping_of_its_own_for_what_came_under_other_names() -> None:
    first, second = Awkward(type="a"), Awkward(type="a")
    first.others["b"] = 1
    assert second.others == {}


def test_a_model_says_which_arguments_it_takes_before_the_first_one_is_built() -> None:
    @lean
    @attrs.define(kw_only=True, slots=False)
    class Fresh(Checked):
        quantity: float
        memo: str | UnsetType = UNSET

        __checks__: ClassVar[Mapping[str, Check]] = {"quantity": check(float), "memo": check(str)}

    assert list(inspect.signature(Fresh).parameters) == ["quantity", "memo"]
    for _ in range(2):  # by the function that is there at first, and by the one in its place
        with pytest.raises(TypeError, match=r"Fresh\.__init__\(\) missing .* 'quantity'"):
            Fresh()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="unexpected keyword argument 'novel'"):
            Fresh(quantity=1, novel=1)  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one)), attrs.evolve],
)
def test_a_copy_of_a_model_is_equal_and_as_strict(copied: Callable[[Line], Line]) -> None:
    line = Line(quantity=2, unit_price=5)
    other = copied(line)
    assert other == line
    with pytest.raises(InvalidRequest, match=r"Line\.unit_price"):
        other.unit_price = -1
    assert line.unit_price == 5


def test_a_field_that_a_model_does_not_have_can_not_be_assigned() -> None:
    line = Line(quantity=2)
    with pytest.raises(AttributeError, match="'Line' object has no attribute 'unit_prize'"):
        line.unit_prize = 5  # type: ignore[attr-defined]


# --- changing a model, and what JSON can't hold -----------------------------------------

NAN = float("nan")


class Float(float):
    """Like numpy's float64: a float by inheritance."""


class Unwritable:
    """Like numpy's int64: a number that JSON writers don't know."""


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("unit_price", 9.9, "Line.unit_price: must be int, not float; amounts are whole minor"),
        ("unit_price", -1, "Line.unit_price: must be at least 0"),
        ("quantity", NAN, "Line.quantity: must be a finite number"),
        ("quantity", None, "Line.quantity: is required"),
        ("memo", "too long", "Line.memo: takes at most 5"),
    ],
)
def test_a_field_is_checked_when_it_is_assigned_to(field: str, value: Any, text: str) -> None:
    line = Line(quantity=1)
    with pytest.raises(InvalidRequest, match=text):
        setattr(line, field, value)
    assert line == Line(quantity=1)
    line.unit_price, line.memo = 5, UNSET
    assert line == Line(quantity=1, unit_price=5)


def test_a_field_is_left_out_by_unset_and_not_by_deleting_it() -> None:
    line = Line(quantity=1, memo="x")
    with pytest.raises(InvalidRequest, match=r"Line\.memo: can't be deleted; set it to UNSET"):
        del line.memo
    line.memo = UNSET
    assert codec.encode(line) == b'{"quantity":1}'


def test_a_subclass_that_attrs_makes_checks_assignments_too() -> None:
    @attrs.define(kw_only=True)
    class Own(Line):
        note: str = ""

    own = Own(quantity=1)
    own.note = "free"
    with pytest.raises(InvalidRequest, match=r"Own\.unit_price"):
        own.unit_price = 9.9  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("spoil", "path"),
    [
        (lambda body: body.lines.append({"quantity": 1}), "lines[1]"),
        (lambda body: body.lines.append(None), "lines[1]"),
        (lambda body: body.tags.append(5), "tags[0]"),
        (lambda body: body.tags.extend(["a", "b", "c"]), "tags"),
        (lambda body: body.metadata.update(a={"b": [1, NAN]}), "metadata.a.b[1]"),
        (lambda body: body.metadata.update(a=10**5000), "metadata.a"),
        (lambda body: body.metadata.update(a=dt.datetime(2025, 1, 31)), "metadata.a"),
        (lambda body: body.metadata.update(a=(body.lines, Decimal("NaN"))), "metadata.a[1]"),
        (lambda body: body.metadata.update(a=body.metadata), "metadata"),
        (lambda body: body.metadata.update(a=AnswerLine(quantity=NAN, unit_price=1)),
         "metadata.a.quantity"),
    ],
)  # fmt: skip
def test_what_was_put_into_a_list_or_mapping_later_is_found(spoil: Any, path: str) -> None:
    body = Body(lines=[Line(quantity=1)], tags=[], metadata={})
    check_held("", body)
    spoil(body)
    with pytest.raises(InvalidRequest) as caught:
        check_held("", body)
    assert caught.value.problems[0][0] == path


@pytest.mark.parametrize(
    ("value", "path", "text"),
    [
        ({"a": {"b": ["ok", "\ud800"]}}, "a.b[1]", "not valid Unicode"),
        ({"a": Unwritable()}, "a", "Unwritable can't be written as JSON"),
        ([1, {None: 1}], "[1]", "NoneType can't be"),
        ({"a": 10**5000}, "a", "digits"),
        (Body(external_id="inv", metadata={"x": Unwritable()}), "metadata.x", "Unwritable"),
        (Renamed(class_="\udfff"), "class_", "not valid Unicode"),
    ],
)
def test_what_can_not_be_written_is_named(value: Any, path: str, text: str) -> None:
    with pytest.raises(InvalidRequest, match=text) as caught:
        codec.encode(value)
    assert caught.value.problems[0][0] == path


def test_a_value_within_itself_is_refused() -> None:
    endless: dict[str, Any] = {}
    endless["a"] = [endless]
    with pytest.raises(InvalidRequest, match="within itself"):
        codec.encode(endless)
    with pytest.raises(InvalidRequest, match=r"Body\.metadata: is nested too deeply"):
        Body(metadata=endless)


def test_subclasses_of_plain_types_are_written_as_these() -> None:
    assert codec.encode(Line(quantity=Float(1.5))) == b'{"quantity":1.5}'
    with pytest.raises(InvalidRequest, match=r"Line\.quantity"):
        Line(quantity=Float("nan"))


@pytest.mark.parametrize("build", [lambda **one: Line(**one), lambda **o: codec.structure(Line, o)])
def test_an_integer_beyond_64_bits_is_refused_however_many_digits(build: Any) -> None:
    assert build(quantity=1, unit_price=2**63 - 1)
    for number in (2**63, 10**5000):
        with pytest.raises(InvalidRequest, match="unit_price: is an integer of more than 64 bits"):
            build(quantity=1, unit_price=number)
        with pytest.raises(InvalidRequest, match=r"memo: must be (str|text), not int"):
            build(quantity=1, memo=number)


def test_an_instant_is_no_day_in_a_model_either() -> None:
    with pytest.raises(InvalidRequest, match=r"Period\.start: must be date, not datetime"):
        Period(start=NOON)
    assert Period(start=dt.date(2025, 1, 31)).start == dt.date(2025, 1, 31)

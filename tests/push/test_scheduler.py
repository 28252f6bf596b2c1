"""The order of sending, without any sending."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import cases
from thredfi_async.push.nodes import Need, Node, Settled, Strength, Verdict
from thredfi_async.push.results import Key, Results
from thredfi_async.push.scheduler import Scheduler

CUSTOMER = Key("shop", "customer", "C1")
INVOICE = Key("shop", "invoice", "I1")
PAYMENT = Key("shop", "payment", "P1")


def node(key, *needs, line=1, content=b"same", holds=(), after=()):
    return Node(
        key,
        line,
        content.ljust(8),
        None,
        [Need(need, Strength.REQUIRED) if isinstance(need, Key) else need for need in needs],
        holds,
        after,
    )


def prefers(key):
    return Need(key, Strength.PREFERRED)


def drain(scheduler: Scheduler) -> list[Settled]:
    taken = list(scheduler.settled)
    scheduler.settled.clear()
    return taken


def names(nodes) -> list[str]:
    return [one.key[2] for one in nodes]


def with_need(key, *needs, **more):
    made = node(key, **more)
    made.needs = list(needs)
    return made


def test_a_record_without_references_is_ready_at_once():
    scheduler = Scheduler()
    scheduler.add(node(CUSTOMER))
    assert names(scheduler.ready) == ["C1"]


def test_a_record_waits_until_what_it_refers_to_is_done():
    scheduler = Scheduler()
    customer, invoice = node(CUSTOMER), node(INVOICE, CUSTOMER)
    scheduler.add(customer)
    scheduler.add(invoice)
    assert names(scheduler.ready) == ["C1"]
    scheduler.done(customer, Verdict.CREATED, "id-1")
    assert names(scheduler.ready) == ["C1", "I1"]
    assert scheduler.id_of(Need(CUSTOMER)) == "id-1"


def test_references_that_never_come_may_be_known_from_before():
    scheduler = Scheduler()
    scheduler.add(node(INVOICE, CUSTOMER))
    scheduler.finish()
    assert names(scheduler.ready) == ["I1"]


def test_a_reference_to_something_done_does_not_wait():
    scheduler = Scheduler()
    customer = node(CUSTOMER)
    scheduler.add(customer)
    scheduler.done(customer, Verdict.REPLAYED, "id-1")
    scheduler.add(node(INVOICE, CUSTOMER))
    assert names(scheduler.ready) == ["C1", "I1"]


def test_a_record_that_comes_before_its_reference_is_stuck_until_that_comes():
    scheduler = Scheduler()
    scheduler.add(node(PAYMENT, INVOICE))
    scheduler.add(node(INVOICE, CUSTOMER))
    assert (scheduler.active, scheduler.stuck) == (2, 2), "the payment is stuck through the invoice"
    scheduler.add(node(CUSTOMER))
    assert (scheduler.active, scheduler.stuck) == (3, 0)
    assert names(scheduler.ready) == ["C1"]


def test_what_depends_on_a_failure_fails_and_names_what_it_waited_for():
    scheduler = Scheduler()
    customer = node(CUSTOMER, line=7)
    scheduler.add(customer)
    scheduler.add(node(INVOICE, CUSTOMER, line=8))
    scheduler.add(node(PAYMENT, INVOICE, line=9))
    scheduler.failed(customer, Verdict.FAILED, "no name")
    _, invoice, payment = drain(scheduler)
    assert invoice.verdict is payment.verdict is Verdict.FAILED
    assert "customer 'C1' (line 7), which failed" in invoice.reason
    assert (payment.waited_for.type, payment.waited_for.external_id) == ("invoice", "I1")
    assert payment.waited_for.line == 8
    assert scheduler.active == 0


def test_what_comes_after_the_failure_of_its_reference_fails_too():
    scheduler = Scheduler()
    customer = node(CUSTOMER, line=7)
    scheduler.add(customer)
    scheduler.failed(customer, Verdict.UNKNOWN, "lost")
    scheduler.add(node(INVOICE, CUSTOMER, line=8))
    end = drain(scheduler)[-1]
    assert end.verdict is Verdict.FAILED
    assert "whose outcome is unknown" in end.reason


def test_a_rejected_record_fails_those_that_wait_for_it_and_those_to_come():
    scheduler = Scheduler()
    scheduler.add(node(INVOICE, CUSTOMER, line=1))
    scheduler.reject(CUSTOMER, 2)
    scheduler.add(node(Key("shop", "invoice", "I2"), CUSTOMER, line=3))
    ends = drain(scheduler)
    assert [end.waited_for.line for end in ends] == [2, 2]
    assert scheduler.active == scheduler.stuck == 0


def test_a_broken_repeat_does_not_hurt_the_record_of_that_name():
    scheduler = Scheduler()
    customer = node(CUSTOMER)
    scheduler.add(customer)
    scheduler.reject(CUSTOMER, 2)
    scheduler.done(customer, Verdict.CREATED, "id-1")
    scheduler.add(node(INVOICE, CUSTOMER))
    assert names(scheduler.ready) == ["C1", "I1"]


def test_references_that_never_come_fail_at_the_end():
    scheduler = Scheduler(closed=True)
    scheduler.add(node(INVOICE, CUSTOMER))
    scheduler.add(node(PAYMENT, INVOICE))
    scheduler.finish()
    invoice, payment = drain(scheduler)
    assert "unknown reference: no customer 'C1'" in invoice.reason
    assert invoice.waited_for.line is None
    assert "refers to invoice 'I1'" in payment.reason
    assert scheduler.active == scheduler.stuck == 0


def test_references_that_the_api_may_know_do_not_fail_at_the_end():
    scheduler = Scheduler()
    invoice = with_need(INVOICE, prefers(CUSTOMER))
    scheduler.add(invoice)
    assert not scheduler.ready
    scheduler.finish()
    assert names(scheduler.ready) == ["I1"]
    assert scheduler.stuck == 0


def test_a_preferred_reference_that_failed_in_this_input_fails_the_record():
    scheduler = Scheduler()
    customer = node(CUSTOMER)
    scheduler.add(with_need(INVOICE, prefers(CUSTOMER)))
    scheduler.add(customer)
    scheduler.failed(customer, Verdict.FAILED, "no")
    assert [end.verdict for end in drain(scheduler)] == [Verdict.FAILED] * 2


def test_the_same_record_again_is_not_sent_and_shares_the_first_ones_end():
    scheduler = Scheduler()
    first = node(CUSTOMER, line=1)
    scheduler.add(first)
    scheduler.add(node(CUSTOMER, line=2))
    scheduler.done(first, Verdict.CREATED, "id-1")
    scheduler.add(node(CUSTOMER, line=3))
    _, second, third = drain(scheduler)
    assert second.verdict is third.verdict is Verdict.REPLAYED
    assert second.id == third.id == "id-1"
    assert second.reason == "the same record as line 1, sent once"
    assert names(scheduler.ready) == ["C1"]


def test_the_same_record_again_fails_as_the_first_did():
    scheduler = Scheduler()
    first = node(CUSTOMER, line=1)
    scheduler.add(first)
    scheduler.add(node(CUSTOMER, line=2))
    scheduler.failed(first, Verdict.UNKNOWN, "lost")
    scheduler.add(node(CUSTOMER, line=3))
    _, second, third = drain(scheduler)
    assert second.verdict is third.verdict is Verdict.UNKNOWN


def test_another_record_of_the_same_name_fails_and_names_both_lines():
    scheduler = Scheduler()
    first = node(CUSTOMER, line=1)
    scheduler.add(first)
    scheduler.add(node(CUSTOMER, line=2, content=b"other"))
    scheduler.done(first, Verdict.CREATED, "id-1")
    scheduler.add(node(CUSTOMER, line=3, content=b"other"))
    second, _, third = drain(scheduler)
    for end in second, third:
        assert end.verdict is Verdict.FAILED
        assert "line 1" in end.reason
        assert f"line {end.node.line}" in end.reason
    assert scheduler.id_of(Need(CUSTOMER)) == "id-1"


def test_a_record_starts_after_the_end_of_earlier_ones_that_hold_its_mark():
    scheduler = Scheduler()
    payment = node(PAYMENT, holds=["mark"])
    scheduler.add(payment)
    scheduler.add(node(Key("shop", "refund", "R1"), after=["mark"]))
    late = node(Key("shop", "payment", "P2"), holds=["mark"])
    scheduler.add(late)
    assert names(scheduler.ready) == ["P1", "P2"]
    scheduler.failed(payment, Verdict.FAILED, "no")
    assert names(scheduler.ready) == ["P1", "P2", "R1"], "a later holder is not waited for"


def test_what_fails_together_fails_in_the_order_of_the_input():
    scheduler = Scheduler()
    invoice = node(INVOICE)
    scheduler.add(invoice)
    scheduler.add(node(PAYMENT, INVOICE, line=2, holds=["I1"]))
    refund = Key("shop", "refund", "R1")
    scheduler.add(node(refund, INVOICE, line=3, after=["I1"]))
    scheduler.add(node(Key("shop", "refund_payment", "RP1"), refund, line=4))
    scheduler.failed(invoice, Verdict.FAILED, "refused")
    assert [end.node.key[2] for end in drain(scheduler)] == ["I1", "P1", "R1", "RP1"]


def test_long_chains_fail_without_recursion():
    scheduler = Scheduler()
    first = node(Key("shop", "thing", "0"))
    scheduler.add(first)
    for number in range(1, 5000):
        scheduler.add(
            node(Key("shop", "thing", str(number)), Key("shop", "thing", str(number - 1)))
        )
    scheduler.failed(first, Verdict.FAILED, "no")
    assert len(drain(scheduler)) == 5000
    assert scheduler.active == 0


@st.composite
def inputs(draw):
    """Records of an acyclic graph, in any order, some repeated, some references dangling."""
    size = draw(st.integers(1, 25))
    records = []
    for number in range(size):
        below = draw(st.lists(st.integers(0, number - 1), max_size=3)) if number else []
        strengths = [draw(st.sampled_from([Strength.REQUIRED, Strength.PREFERRED])) for _ in below]
        needs = [Need(Key("s", "t", str(n)), how) for n, how in zip(below, strengths, strict=True)]
        if draw(st.integers(0, 9)) == 0:
            how = draw(st.sampled_from([Strength.REQUIRED, Strength.PREFERRED]))
            needs.append(Need(Key("s", "t", "absent"), how))
        records.append((str(number), needs))
    repeats = draw(st.lists(st.sampled_from(records), max_size=5))
    return draw(st.permutations(records + repeats)), draw(st.integers(0, 2**32))


@pytest.mark.slow
@settings(max_examples=cases(100, 300), deadline=None)
@given(inputs())
def test_in_any_order_each_record_ends_once_and_is_sent_after_what_it_needs(case):
    order, seed = case
    chance = random.Random(seed)
    scheduler: Scheduler[list[Need]] = Scheduler(Results(), closed=True)
    sent: dict[str, Verdict] = {}
    lines: list[int] = []

    def work_off(limit: int) -> None:
        for _ in range(limit):
            if not scheduler.ready:
                return
            scheduler.ready.rotate(chance.randrange(len(scheduler.ready)))
            one = scheduler.ready.popleft()
            name = one.key[2]
            assert name not in sent, "sent twice"
            for need in one.payload:
                if need.key[2] == "absent":
                    assert need.strength is Strength.PREFERRED
                else:
                    assert sent[need.key[2]] in (Verdict.CREATED, Verdict.REPLAYED)
            verdict = chance.choice([Verdict.CREATED, Verdict.CREATED, Verdict.FAILED])
            sent[name] = verdict
            if verdict is Verdict.CREATED:
                scheduler.done(one, verdict, f"id-{name}")
            else:
                scheduler.failed(one, verdict, "by chance")
        assert 0 <= scheduler.stuck <= scheduler.active

    for line, (name, needs) in enumerate(order, 1):
        scheduler.add(Node(Key("s", "t", name), line, name.encode().ljust(8), needs, needs))
        if chance.random() < 0.5:
            work_off(chance.randrange(4))
        in_sight = scheduler.active - scheduler.stuck
        assert in_sight == 0 or scheduler.ready, "what isn't stuck can be worked off"
        lines += [end.node.line for end in drain(scheduler)]
    scheduler.finish()
    work_off(1000)
    lines += [end.node.line for end in drain(scheduler)]
    assert sorted(lines) == list(range(1, len(order) + 1)), "one end for every record"
    assert scheduler.active == scheduler.stuck == 0

# SPDX-License-Identifier: Apache-2.0
"""Counts, asked for on the query socket: equal to the journal, whatever
happened to the daemon, and to a second folding of everything."""

import random
from collections import Counter

import kesu_client
from conftest import until
from kesu.v1 import command_pb2, query_pb2, types_pb2

CHANNELS = [types_pb2.CHANNEL_WEB, types_pb2.CHANNEL_PHONE, types_pb2.CHANNEL_CHAT]
TEXTS = ["包裹泡水了", "等了三個禮拜還沒收到", "The invoice is wrong", "the driver shouted at me", "沒有內容"]


def submit(office, first, n, seed=7):
    choose = random.Random(seed + first)
    replies = office.lane().ask(
        [
            kesu_client.receive_message(
                choose.choice(TEXTS),
                email=f"c{choose.randrange(20)}@example.com",
                channel=choose.choice(CHANNELS),
                object=types_pb2.Object(product=f"cup {choose.randrange(4)}", waybill=f"W{first + i}"),
            )
            for i in range(n)
        ],
        30,
    )
    assert all(r.WhichOneof("result") == "accepted" for r in replies), replies


def ask(office, **fields):
    return office.control("analytics-query", get_stats=query_pb2.GetStats(**fields))


def compare(office, events):
    """What analytics says, against the journal."""
    opened = {e.case_id: e for e in events if e.name == "case_opened"}
    judged = {e.case_id: e.body.judgement for e in events if e.name == "case_classified"}
    expected = Counter(
        (judged[i].category, judged[i].department, e.body.channel, judged[i].severity) for i, e in opened.items()
    )
    stats = ask(office, by=["category", "department", "channel", "severity"])
    assert {(c.category, c.department, c.channel, c.severity): c.opened for c in stats.counts} == expected
    assert (stats.opened, stats.classified) == (len(opened), len(judged))
    products = Counter(e.body.object.product for e in opened.values())
    top = [t for t in stats.top_objects if t.kind == "product"]
    assert {t.value: t.count for t in top} == dict(products)
    for t in top:
        customers = {e.body.customer_id for e in opened.values() if e.body.object.product == t.value}
        assert t.customers == len(customers)
    assert sum(c.opened for c in ask(office, by=["hour"]).counts) == len(opened)


def test_counts_equal_the_journal_after_kills(office):
    office.start_all("intake", "routing", "routing-worker", "analytics")
    office.agents_present()
    for round_ in range(4):
        submit(office, round_ * 100, 100)
        office.kill("analytics")
        office.start("analytics")
    until(lambda: ask(office).assigned == 400, lambda: f"assigned: {ask(office).assigned}")
    office.wait_folded("routing", "analytics")
    events = office.journal().all(30)
    compare(office, events)
    stats = ask(office)
    assert stats.assigned == stats.route.count == sum(stats.route.buckets)
    assert 0 < stats.route.p50 <= stats.route.p90 <= stats.route.p99 <= stats.route.max
    assert [c.opened for c in stats.counts] == [400]
    assert not ask(office, to=1).counts
    for daemon in ("routing", "analytics"):
        verified = office.control(daemon, verify_fold=query_pb2.VerifyFold())
        assert verified.same, f"{daemon}: {verified.difference}"
    office.control("analytics", rebuild_fold=query_pb2.RebuildFold())
    until(lambda: ask(office).opened == 400, "folded again")
    office.wait_folded("analytics")
    compare(office, events)


def test_refusals_say_what_is_allowed(office):
    office.start_all("intake", "analytics")
    refused = ask(office, by=["colour"])
    assert refused.code == command_pb2.E_RANGE and refused.field == "get_stats.by"
    assert "category" in refused.reason
    refused = office.control("analytics-query", info=query_pb2.GetInfo())
    assert refused.code == command_pb2.E_UNKNOWN

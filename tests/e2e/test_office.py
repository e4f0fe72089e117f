# SPDX-License-Identifier: Apache-2.0
"""The whole office: a complaint from receipt to closure, and thousands of real ones."""

import json
import os
import pathlib
import shutil
from collections import Counter

import kesu_client
import pytest
from conftest import ROOT, until
from kesu.v1 import command_pb2, query_pb2, types_pb2

# File, field of the text, rows taken: 10,000 in all, Chinese and English.
REAL = [
    ("zh_merchant_disputes.jsonl", "text", 600),
    ("zh_hotline.jsonl", "text", 800),
    ("zh_finance_labelled.jsonl", "text", 2600),
    ("zh_gov_labelled.jsonl", "detail", 1900),
    ("en_cfpb.jsonl", "narrative", 2100),
    ("en_airline_stream.jsonl", "text", 2000),
]


def start_office(office, smtp):
    office.settings["notification"] = ["--smtp-url", smtp.url]
    office.start_all()
    return office.agents_present()


def story(office, case_id):
    """Events of a case, oldest first, as (name, event)."""
    from kesu.v1 import event_pb2

    found = []
    for record in office.case(case_id).events:
        event = event_pb2.Event.FromString(record.event)
        found.append((event.WhichOneof("body"), event))
    return found


def test_one_complaint_from_receipt_to_closure(office, smtp):
    agents = start_office(office, smtp)
    lane = office.lane()
    reply = lane.ask_one(
        kesu_client.receive_message("包裹送到的時候全濕了，裡面的杯子也破了", email="wang@example.com", name="王小明")
    )
    case_id = reply.accepted.case_id
    assert len(reply.accepted.number.split("-")[1]) == 6

    def delivered():
        return any(n == "delivery_recorded" and e.delivery_recorded.kind == "receipt" for n, e in story(office, case_id))

    until(delivered, lambda: f"receipt of {[n for n, _ in story(office, case_id)]}")
    until(lambda: office.case(case_id).state.agent, "assigned")
    state = office.case(case_id).state
    assert state.category.startswith("damage")
    assert state.agent in agents and state.department
    assert state.severity != types_pb2.SEVERITY_UNSPECIFIED
    assert {c.clock for c in state.clocks if c.running} == {
        "first_reply", "initial_review", "preliminary_opinion", "resolution"}

    # The mail server has taken it; into the mailbox it puts it in its own time.
    to_customer = until(lambda: [m for m in smtp.mails() if m["To"] and "wang@example.com" in m["To"]], "the receipt")
    assert len(to_customer) == 1
    receipt = to_customer[0]
    assert reply.accepted.number in receipt["Subject"]
    assert receipt["Auto-Submitted"] == "auto-generated"
    assert state.reply_tag in receipt["Reply-To"]

    people = office.lane("intake-people")
    staff = {"actor_kind": types_pb2.ACTOR_KIND_STAFF, "actor": state.agent}
    for command in (
        kesu_client.command(start_work=command_pb2.StartWork(case_id=case_id), **staff),
        kesu_client.command(add_note=command_pb2.AddNote(case_id=case_id, text="called him"), **staff),
        kesu_client.command(resolve_case=command_pb2.ResolveCase(case_id=case_id, summary="paid"), **staff),
        kesu_client.command(close_case=command_pb2.CloseCase(case_id=case_id, cause="method"), **staff),
    ):
        assert people.ask_one(command).WhichOneof("result") == "accepted"
    state = office.case(case_id).state
    assert state.stage == types_pb2.STAGE_CLOSED
    assert not any(c.running for c in state.clocks)
    office.wait_folded("analytics", "sla-watch")
    stats = office.stats()
    assert (stats.opened, stats.classified, stats.assigned, stats.resolved, stats.closed) == (1, 1, 1, 1, 1)
    assert office.control("sla-watch", get_clocks=query_pb2.GetClocks(limit=10)).armed == 0


def test_the_customers_answer_to_a_receipt_joins(office, smtp):
    start_office(office, smtp)
    lane = office.lane()
    reply = lane.ask_one(kesu_client.receive_message("The box was crushed and the cup broken", email="amy@example.com"))
    until(lambda: [m for m in smtp.mails() if "amy@example.com" in (m["To"] or "")], "the receipt")
    receipt = [m for m in smtp.mails() if "amy@example.com" in (m["To"] or "")][0]
    # Its Message-ID becomes a name of the case once the outcome is journalled.
    until(
        lambda: any(n == "delivery_recorded" and e.delivery_recorded.kind == "receipt"
                    for n, e in story(office, reply.accepted.case_id)),
        "the outcome",
    )
    again = kesu_client.receive_message(
        "Here are the photos", email="amy@example.com", channel=types_pb2.CHANNEL_EMAIL,
        thread_keys=[receipt["Message-ID"].strip("<>")],
    )
    joined = lane.ask_one(again).accepted
    assert joined.joined and joined.case_id == reply.accepted.case_id


def policy_by_maildir(directory):
    """The shipped policy, its notices going to a Maildir instead of a server."""
    shutil.copytree(ROOT / "deploy/policy", directory)
    notify = directory / "notify.yaml"
    notify.write_text(notify.read_text().replace("transport: smtp", "transport: maildir"))
    return directory


def gauge(office, daemon, name):
    return next(g.value for g in office.info(daemon).gauges if g.name == name)


def real_texts():
    data = os.environ.get("KESU_DATA")
    if not data:
        pytest.skip("KESU_DATA is not set")
    texts = []
    for name, field, rows in REAL:
        with open(pathlib.Path(data) / name, encoding="utf-8") as lines:
            found = [json.loads(line)[field] for line in lines][:rows]
        assert len(found) == rows, f"{name} has {len(found)} rows"
        texts += found
    return texts


def test_ten_thousand_real_complaints_are_all_accounted_for(office):
    texts = real_texts()
    maildir = office.dir / "Sent"
    office.settings["notification"] = ["--maildir", str(maildir)]
    office.settings["intake"] = ["--policy-dir", str(policy_by_maildir(office.dir / "policy"))]
    office.start_all()
    office.agents_present()
    lane = office.lane()
    numbers = {}
    for start in range(0, len(texts), 250):
        commands = [
            kesu_client.receive_message(text.strip()[:20000] or "(empty)", email=f"customer{start + i}@example.com")
            for i, text in enumerate(texts[start : start + 250])
        ]
        for reply in lane.ask(commands, 60):
            assert reply.WhichOneof("result") == "accepted", reply
            numbers[reply.accepted.case_id] = reply.accepted.number
    assert len(numbers) == len(texts) == 10000
    assert sorted(int(n.split("-")[1]) for n in numbers.values()) == list(range(1, 10001))

    until(lambda: office.stats().classified == 10000, lambda: f"classified: {office.stats().classified}", 120)
    office.wait_folded("routing", "sla-watch", "notification", "analytics", seconds=120)
    # Every case has an agent, or waits at routing because its department's agents are full.
    until(
        lambda: office.stats().assigned + gauge(office, "routing", "unassigned") == 10000,
        lambda: f"assigned: {office.stats().assigned}, waiting: {gauge(office, 'routing', 'unassigned')}",
        120,
    )
    assert office.stats().assigned > 3000

    events = office.journal().all(60)
    names = Counter(e.name for e in events)
    assert names["case_opened"] == 10000
    classified = {e.case_id: e.body.judgement for e in events if e.name == "case_classified"}
    assert set(classified) == set(numbers), "every case is classified"
    stats = office.stats()
    assert stats.opened == 10000 and stats.classified == names["case_classified"]
    assert sum(count.opened for count in stats.counts) == 10000
    armed = office.control("sla-watch", get_clocks=query_pb2.GetClocks(limit=1)).armed
    assert armed >= 20000, "initial review and resolution of each case"
    until(lambda: office.stats().delivered >= 10000, lambda: f"delivered: {office.stats().delivered}", 120)
    assert len([m for m in (maildir / "new").iterdir()]) >= 10000
    categories = Counter(j.category for j in classified.values())
    print(f"categories: {categories.most_common()}")
    assert categories["other"] < 4000

# SPDX-License-Identifier: Apache-2.0
"""One person over several identities, against real daemons."""

import kesu_client
from conftest import until
from kesu.v1 import event_pb2, query_pb2, types_pb2

LEAD, AGENT = "song_jing", "bo_lin"
PHONE, EMAIL = types_pb2.Contact.KIND_PHONE, types_pb2.Contact.KIND_EMAIL
LATE = "The delivery is late."


def submit(office, *contacts, lot="L-77", text=LATE):
    """A complaint by these contacts, judged."""
    message = kesu_client.receive_message(text, name="Lin", language=types_pb2.LANGUAGE_EN, object=types_pb2.Object(lot=lot))
    for kind, value in contacts:
        message.receive_message.personal.contacts.add(kind=kind, value=value)
        kesu_client.said.add(value)
    lane = office.lane()
    reply = lane.ask_one(message)
    lane.close()
    assert reply.WhichOneof("result") == "accepted", reply
    case_id = reply.accepted.case_id
    until(lambda: office.case(case_id).state.severity, f"case {case_id} judged")
    return office.case(case_id).state


def person(office, **ask):
    return office.control("intake", get_customer=query_pb2.GetCustomer(personal=True, **ask))


def score(office, case_id):
    """What the severity was judged by: rule -> points."""
    records = [event_pb2.Event.FromString(record.event) for record in office.case(case_id).events]
    judged = next(e.case_classified.judgement for e in records if e.HasField("case_classified"))
    return {e.rule or e.factor: e.weight for e in judged.evidence}


def people(office, lot="L-77"):
    """Distinct customers who complained about it."""
    office.wait_folded("analytics")
    return next(o.customers for o in office.stats().top_objects if (o.kind, o.value) == ("lot", lot))


def test_one_person_by_two_channels(office):
    office.start_all("intake", "routing", "routing-worker", "analytics")
    first = submit(office, (EMAIL, "lin@customer.example"))
    second = submit(office, (PHONE, "0912345678"))
    assert first.customer_id != second.customer_id
    show = office.kesu("customer", "show", "lin@customer.example", "--personal")
    assert first.number in show and second.number not in show

    # One message brings both: somebody has to decide whether they are one.
    third = submit(office, (PHONE, "0912-345-678"), (EMAIL, "lin@customer.example"))
    pair = f"{second.customer_id:<10} may be the same as {first.customer_id}\n"
    assert office.kesu("customer", "suggestions") == pair
    one = str(first.customer_id)
    assert people(office) == 2
    assert score(office, third.case_id)["scoring.count"] == 5  # two people
    office.kesu("customer", "merge", one, f"other_id={second.customer_id}", "reason=called back", "--as", AGENT)
    assert office.kesu("customer", "suggestions") == "nothing to decide\n"
    show = office.kesu("customer", "show", "phone:0912345678", "--personal")
    assert f"Customer {one}, the same as {second.customer_id}\n" in show
    assert [line.split()[0] for line in show.splitlines() if "received" in line] == [
        third.number, second.number, first.number
    ]
    assert people(office) == 1
    assert "lin@customer.example" in show and "0912345678" in show
    assert [s.customer_id for s in person(office, case_id=second.case_id).identities] == [first.customer_id, second.customer_id]

    # What is known of one identity is known of the person; a VIP is judged as one.
    change = ("tier=vip", "vulnerable=yes", "recording=refused", "reason=said so")
    office.kesu("customer", "change", one, *change, "--as", AGENT)
    assert f"customer {second.customer_id}: vip, vulnerable, recording refused" in office.kesu("show", second.number)
    assert office.kesu("customer", "list", "--tier", "vip").split()[:2] == [one, "vip,"]
    fourth = submit(office, (PHONE, "0912345678"))
    assert fourth.tier == types_pb2.TIER_VIP
    judged = score(office, fourth.case_id)
    assert judged["scoring.vip"] == 8
    assert judged["scoring.repeat"] == 12  # three cases before this one
    assert "scoring.count" not in judged  # one person

    # It was wrong: two again, and nobody asks once more.
    office.kesu("customer", "unmerge", one, f"other_id={second.customer_id}", "reason=a brother", "--as", AGENT)
    assert [c.number for c in person(office, customer_id=second.customer_id).cases] == [
        fourth.number, third.number, second.number
    ]
    assert [c.number for c in person(office, customer_id=first.customer_id).cases] == [first.number]
    fifth = submit(office, (PHONE, "0912345678"), (EMAIL, "lin@customer.example"))
    assert fifth.tier == types_pb2.TIER_UNSPECIFIED
    judged = score(office, fifth.case_id)
    assert judged["scoring.count"] == 5 and judged["scoring.repeat"] == 12
    assert people(office) == 2
    assert office.kesu("customer", "suggestions") == "nothing to decide\n"


def test_a_vip_is_served_sooner(office):
    office.start_all("intake", "routing", "routing-worker")
    plain = submit(office, (EMAIL, "wu@customer.example"), text="Where is my invoice?")
    office.kesu("customer", "change", str(plain.customer_id), "tier=vip", "reason=bought a lot", "--as", AGENT)
    vip = submit(office, (EMAIL, "wu@customer.example"), text="Where is my invoice?")
    assert (plain.severity, vip.severity) == (types_pb2.SEVERITY_S4, types_pb2.SEVERITY_S3), score(office, vip.case_id)

    def time(state):
        return next(c.due_at - c.started_at for c in state.clocks if c.clock == "resolution")

    assert time(vip) < time(plain)

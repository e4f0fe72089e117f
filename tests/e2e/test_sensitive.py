# SPDX-License-Identifier: Apache-2.0
"""Cases that only named people read, a shift's open work, and the report of an 8D."""

import html.parser
import json

import pytest
import yaml

import kesu_client
from conftest import ROOT, until
from kesu.v1 import command_pb2, life_pb2, query_pb2, types_pb2
from test_keys import far  # noqa: F401 (a fixture)

STAFF = types_pb2.ACTOR_KIND_STAFF
LEADER, READER, OUTSIDER = "duanmu_qing", "song_jing", "he_rui"


def staff(who, **bodies):
    return kesu_client.command(actor_kind=STAFF, actor=who, **bodies)


def accepted(reply):
    assert reply.WhichOneof("result") == "accepted", reply
    return reply.accepted


def opened(lane, text="業務員對我大吼"):
    return accepted(lane.ask_one(kesu_client.receive_message(text, email="lin@example.com"))).case_id


def marked(lane, case, *readers):
    mark = life_pb2.MarkSensitive(case_id=case, readers=readers, reason="about an employee")
    return accepted(lane.ask_one(staff(LEADER, mark_sensitive=mark)))


def noted(lane, case, text):
    return accepted(lane.ask_one(kesu_client.command(add_note=command_pb2.AddNote(case_id=case, text=text))))


def key_of(journal, seq):
    """The key by which the note of this seq is sealed."""
    return next(e for e in journal if e.seq == seq).body.text.key_id


def told(office, case, reader=""):
    return office.control("intake", get_case=query_pb2.GetCase(case_id=case, personal=True, reader=reader))


def test_who_is_not_named_is_told_number_stage_and_clocks(office):
    office.start("intake")
    lane = office.lane("intake-people")
    case = opened(lane)
    marked(lane, case, READER)
    noted(lane, case, "he was seen by two others")
    for reader in ("", OUTSIDER, LEADER, "nobody"):
        detail = told(office, case, reader)
        assert detail.veiled and not detail.events and not detail.opened
        shown = query_pb2.CaseState(case_id=case, number=detail.state.number, version=detail.state.version,
                                    stage=detail.state.stage, clocks=detail.state.clocks)
        assert detail.state == shown and shown.clocks
    listed = office.control("intake", list_cases=query_pb2.ListCases(limit=10)).cases
    assert [one.case_id for one in listed] == [case] and not listed[0].channel and not listed[0].customer_id
    printed = office.kesu("show", str(case))
    assert "sensitive" in printed and "two others" not in printed


def test_each_reading_is_an_event_before_anything_is_told(office):
    office.start("intake")
    lane = office.lane("intake-people")
    case = opened(lane)
    marked(lane, case, READER)
    noted(lane, case, "he was seen by two others")
    for times in (1, 2, 3):
        detail = told(office, case, READER)
        assert not detail.veiled and any("two others".encode() in text for text in detail.opened)
        reads = [kesu_client.event_pb2.Event.FromString(record.event) for record in detail.events]
        reads = [one for one in reads if one.WhichOneof("body") == "case_read"]
        assert len(reads) == times and all(one.actor.name == READER for one in reads)
    assert detail.state.version == kesu_client.event_pb2.Event.FromString(detail.events[-1].event).version


def test_keys_of_a_sensitive_case_are_for_services_only(far):  # noqa: F811
    far.start()
    lane = far.office.lane("intake-people")
    case = opened(lane)
    before = noted(lane, case, "before it was sensitive").seq
    other = noted(lane, opened(lane, "包裹破了"), "of another case").seq
    marked(lane, case, READER)
    after = noted(lane, case, "while it is sensitive").seq
    near = kesu_client.Journal(far.office.run, personal=True)
    events = near.all()
    old, new, free = key_of(events, before), key_of(events, after), key_of(events, other)
    assert old != new and near.keys[old] and near.keys[new]
    for role in ("reader-with-personal", "gateway", "service"):
        reader = kesu_client.Journal(None, personal=True, far=far.of(role))
        reader.all()
        want = kesu_client.feed_pb2.WantKeys(key_ids=[old, new, free])
        reader.socket.send(kesu_client.feed_pb2.FeedRequest(want_keys=want).SerializeToString())
        reader.keys.pop(free)
        until(lambda r=reader: r._one(1) is not None and free in r.keys, "the keys that were asked for")
        assert reader.keys[free]
        assert all(bool(reader.keys[key]) == (role == "service") for key in (old, new)), role
        reader.close()
    got = kesu_client.control(None, "intake", far=far.of("reader-with-personal"),
                              get_case=query_pb2.GetCase(case_id=case, personal=True, reader=READER))
    assert got.code == command_pb2.E_NOT_ALLOWED and got.field == "get_case.reader"
    got = kesu_client.control(None, "intake", far=far.of("reader-with-personal"),
                              get_case=query_pb2.GetCase(case_id=case, personal=True))
    assert got.veiled and not got.opened
    near.close()


@pytest.fixture
def shifts(office):
    """An office at work: routing gives cases to who is there."""
    office.start_all("intake", "routing")
    return office


def test_a_shift_hands_over_and_no_case_is_without_an_owner(shifts, office):
    lane = office.lane("intake-people")
    org = yaml.safe_load((ROOT / "deploy/policy/org.yaml").read_text())
    agents = [one for one in org["staff"] if one.get("agent") and one["department"] == "service"]
    giver, taker = agents[0]["id"], agents[1]["id"]

    def present(who, yes):
        presence = command_pb2.SetPresence(agent=who, present=yes, capacity=100)
        accepted(lane.ask_one(kesu_client.command(set_presence=presence)))

    present(giver, True)
    cases = [opened(lane, f"第{i}件，服務態度差") for i in range(3)]
    judgement = types_pb2.Judgement(category="other", department="service", severity=types_pb2.SEVERITY_S3)
    for case in cases:
        classify = command_pb2.ClassifyCase(case_id=case, judgement=judgement)
        lane.ask_one(kesu_client.command(classify_case=classify))

    def owners():
        return [office.case(case).state.agent for case in cases]

    until(lambda: owners() == [giver] * 3, lambda: f"all with {giver}: {owners()}")
    present(giver, False)
    handover = life_pb2.OpenHandover(agents=[giver], to=OUTSIDER, due_at=kesu_client.now_us() + 3600 * 10**6)
    seq = accepted(lane.ask_one(staff(LEADER, open_handover=handover))).seq
    shown = office.control("intake", list_handovers=query_pb2.ListHandovers(open=True)).handovers
    assert [sorted(one.case_ids) for one in shown] == [sorted(cases)]
    present(taker, True)
    accept = life_pb2.AcceptHandover(handover_id=seq)
    assert lane.ask_one(staff(READER, accept_handover=accept)).refused.code == command_pb2.E_NOT_ALLOWED
    office.wait_folded("routing")
    assert owners() == [giver] * 3, "who had them has them until it is accepted"
    accepted(lane.ask_one(staff(OUTSIDER, accept_handover=accept)))
    until(lambda: owners() == [taker] * 3, lambda: f"all with {taker}: {owners()}")
    given = [e.body for e in office.journal().all() if e.name == "case_assigned" and e.body.handover_id == seq]
    assert len(given) == 3 and all(one.reason == f"handover {seq}" for one in given)
    assert not office.control("intake", list_handovers=query_pb2.ListHandovers(open=True)).handovers


class Page(html.parser.HTMLParser):
    """Every element is closed in order; texts of the page."""

    VOID = {"meta"}

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.texts, self.tags, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


EVIL = "<script>alert(1)</script> & \"quoted\" 'so' 外箱"


def test_an_8d_is_printed_in_three_languages(office):
    office.start("intake")
    lane = office.lane("intake-people")
    case = opened(lane)
    eightd = accepted(lane.ask_one(staff(
        READER, open_eightd=life_pb2.OpenEightD(case_id=case, title=EVIL, lead=READER)))).seq
    records = [
        dict(discipline=1, team=[READER, OUTSIDER]),
        dict(discipline=2, is_is_not=[life_pb2.IsIsNot(question=EVIL, **{"is": "lot A"}, is_not="lot B")]),
        dict(discipline=4, cause_key="seal:leak", causes=[
            life_pb2.Cause(kind="occurrence", branch="method", text=EVIL),
            life_pb2.Cause(kind="escape", branch="measurement", text="no test")]),
        dict(discipline=5, options=[life_pb2.EightDOption(text=EVIL, pros="+", cons="-", chosen=True)]),
        dict(discipline=6, measures=[life_pb2.Measure(name="defects", unit="PPM", before_e4=40000000, after_e4=3000000)]),
        dict(discipline=7, read_across=[EVIL]),
        dict(discipline=8, text=EVIL),
    ]
    for record in records:
        done = life_pb2.RecordDiscipline(eightd_id=eightd, done=True, **record)
        accepted(lane.ask_one(staff(READER, record_discipline=done)))
    number = office.case(case).state.number
    said = {"en": ("Root cause", "not done"), "zh-Hant": ("根本原因", "預防再發與水平展開"),
            "zh-Hans": ("根本原因", "预防再发与横向展开")}
    for lang, words in said.items():
        printed = office.kesu("eightd", "export", number, "--html", "--lang", lang)
        page = Page(printed)
        assert ("lang", lang) in page.attributes and "script" not in page.tags
        assert not any(name in ("src", "href") or name.startswith("on") for name, _ in page.attributes)
        text = " ".join(page.texts)
        assert page.texts.count(EVIL) == 6 and all(word in text for word in words)
        assert "4000 PPM" in text and "300 PPM" in text and "−92.5 %" in text and number in text
        assert "@media print" in printed
    report = json.loads(office.kesu("eightd", "export", str(eightd), "--json"))
    assert report["number"] == number and len(report["disciplines"]) == len(records)
    listed = office.kesu("eightd", "list", "--case", number)
    assert listed.startswith(f"{eightd}  open") and "7 done" in listed
    assert "D3" in office.kesu("eightd", "show", str(eightd))
    reply = lane.ask_one(staff(READER, close_eightd=life_pb2.CloseEightD(eightd_id=eightd, reason="x")))
    assert reply.refused.code == command_pb2.E_OPEN_WORK and "D3" in reply.refused.reason

# SPDX-License-Identifier: Apache-2.0
"""Cases that only named people read, a shift's open work, and the report of an 8D."""

import email
import email.policy
import html.parser
import json
import shutil
import subprocess

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


def person(office, **ask):
    return office.control("intake", get_customer=query_pb2.GetCustomer(personal=True, **ask))


def test_whose_a_sensitive_case_is_only_its_readers_know(office):
    office.start("intake")
    lane = office.lane("intake-people")
    alone = accepted(lane.ask_one(kesu_client.receive_message("大吼", email="only@example.com"))).case_id
    plain = accepted(lane.ask_one(kesu_client.receive_message("包裹破了", email="both@example.com"))).case_id
    other = accepted(lane.ask_one(kesu_client.receive_message("推我", email="both@example.com"))).case_id
    assert plain != other
    ids = {case: office.case(case).state.customer_id for case in (alone, plain)}
    assert person(office, customer_id=ids[alone]).contacts == ["only@example.com"]
    marked(lane, alone, READER)
    marked(lane, other, READER)
    hidden = person(office, customer_id=ids[alone])
    assert not hidden.cases and not hidden.contacts
    assert person(office, case_id=alone).code == command_pb2.E_UNKNOWN
    shown = person(office, customer_id=ids[plain])
    assert [one.case_id for one in shown.cases] == [plain] and shown.contacts == ["both@example.com"]
    printed = office.kesu("customer", "show", str(ids[alone]), "--personal")
    assert "only@example.com" not in printed and office.case(alone).state.number not in printed


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
        accepted(lane.ask_one(kesu_client.command(classify_case=classify)))

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


def test_who_can_do_it_gets_what_is_handed_over(shifts, office):
    lane = office.lane("intake-people")
    giver, skilled, other = "tao_yue", "wu_ke", "zhu_dan"  # of the service; zhu_dan has no skill for returns

    def present(who, yes):
        presence = command_pb2.SetPresence(agent=who, present=yes, capacity=100)
        accepted(lane.ask_one(kesu_client.command(set_presence=presence)))

    present(giver, True)
    wanted = {}
    for category in ("returns", "conduct.attitude", "returns", "conduct.attitude"):
        case = opened(lane, f"第{len(wanted)}件")
        judgement = types_pb2.Judgement(category=category, department="service", severity=types_pb2.SEVERITY_S3)
        classify = command_pb2.ClassifyCase(case_id=case, judgement=judgement)
        accepted(lane.ask_one(kesu_client.command(classify_case=classify)))
        wanted[case] = category

    def owners():
        return {office.case(case).state.agent for case in wanted}

    until(lambda: owners() == {giver}, lambda: f"all with {giver}: {owners()}")
    present(giver, False)
    present(other, True)
    handover = life_pb2.OpenHandover(agents=[giver], to=OUTSIDER, due_at=kesu_client.now_us() + 3600 * 10**6)
    seq = accepted(lane.ask_one(staff(LEADER, open_handover=handover))).seq
    accepted(lane.ask_one(staff(OUTSIDER, accept_handover=life_pb2.AcceptHandover(handover_id=seq))))
    of = {case: category.split(".")[0] for case, category in wanted.items()}
    until(lambda: all(office.case(c).state.agent == other for c in of if of[c] == "conduct"), "what she can do")
    office.wait_folded("routing")
    assert all(office.case(c).state.agent == giver for c in of if of[c] == "returns"), "not what she cannot"
    present(skilled, True)
    until(lambda: all(office.case(c).state.agent == skilled for c in of if of[c] == "returns"), "who can")


def test_what_is_not_done_in_time_is_told_to_owner_and_manager(office):
    policy = shutil.copytree(ROOT / "deploy/policy", office.dir / "policy")
    notify = (policy / "notify.yaml").read_text()
    (policy / "notify.yaml").write_text(notify.replace("transport: smtp", "transport: maildir"))
    org = (policy / "org.yaml").read_text()
    assert "overdue_after: [4h, 24h]" in org
    (policy / "org.yaml").write_text(org.replace("overdue_after: [4h, 24h]", "overdue_after: [1s]"))
    office.settings["intake"] = ["--policy-dir", str(policy)]
    office.settings["notification"] = ["--maildir", str(office.dir / "out"), "--language-wait", "0s"]
    office.start_all("intake", "sla-watch", "notification")
    lane = office.lane("intake-people")
    case = opened(lane)
    soon = kesu_client.now_us() + 2 * 10**6
    handover = life_pb2.OpenHandover(agents=["tao_yue"], to=OUTSIDER, due_at=soon)
    handed = accepted(lane.ask_one(staff(LEADER, open_handover=handover))).seq
    eightd = accepted(lane.ask_one(staff(
        READER, open_eightd=life_pb2.OpenEightD(case_id=case, title="seals", lead=READER)))).seq
    plan = life_pb2.PlanDiscipline(eightd_id=eightd, discipline=3, owner="ling_er", due_at=soon)
    accepted(lane.ask_one(staff(READER, plan_discipline=plan)))
    journal, told = office.journal(name="told"), {}

    def all_told(event):
        if event.name == "delivery_recorded" and event.body.work_id:
            told.setdefault((event.body.work_id, event.body.kind), (event.body.told, event.body.outcome))
        return len(told) == 3

    journal.until(all_told, 60)
    assert told == {(handed, "handover_overdue"): (LEADER, 1), (eightd, "discipline_overdue"): ("ling_er", 1),
                    (eightd, "discipline_escalated"): (READER, 1)}
    letters = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
               for path in (office.dir / "out").glob("new/*")]
    subjects = [letter["Subject"] for letter in letters]
    assert any(f"{handed}" in one for one in subjects) and any("D3" in one and f"{eightd}" in one for one in subjects)
    shown = office.control("intake", list_handovers=query_pb2.ListHandovers(open=True)).handovers
    assert [one.handover_id for one in shown] == [handed] and shown[0].breached
    accepted(lane.ask_one(staff(OUTSIDER, accept_handover=life_pb2.AcceptHandover(handover_id=handed))))


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


class Rendered(Page):
    """What a browser made of it."""

    VOID = {"meta", "br", "hr", "col"}

    @property
    def title(self):
        return "".join(self.texts)


def browsed(office, printed, lang):
    """The page as a real browser has read it and laid it out."""
    page = office.dir / f"8d-{lang}.html"
    page.write_text(printed)
    profile = office.dir / "browser"
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={profile}"]
    shell = ["/usr/bin/chromium-headless-shell", *flags]
    dom = subprocess.run([*shell, "--dump-dom", page.as_uri()], capture_output=True, check=True, timeout=60).stdout
    paper = office.dir / f"8d-{lang}.pdf"
    subprocess.run([*shell, f"--print-to-pdf={paper}", page.as_uri()], capture_output=True, check=True, timeout=60)
    assert paper.read_bytes().startswith(b"%PDF")
    return Rendered(dom.decode())


# What 'kesu eightd export --json' promises: the type of each field; a list has one shape; None: any.
TEXT, NUMBER, LIST = (str,), (int, str), list
SCHEMA = {
    "number": TEXT,
    "state": {"eightd_id": NUMBER, "title": TEXT, "lead": TEXT, "disciplines": [{"discipline": NUMBER, "done": (bool,)}]},
    "disciplines": [{
        "discipline": (int,), "text": TEXT, "team": [TEXT], "done": (bool,), "cause_key": TEXT,
        "is_is_not": [{"question": TEXT, "is": TEXT, "is_not": TEXT}],
        "causes": [{"kind": TEXT, "branch": TEXT, "text": TEXT}],
        "options": [{"text": TEXT, "pros": TEXT, "cons": TEXT, "chosen": (bool,)}],
        "measures": [{"name": TEXT, "unit": TEXT, "before_e4": NUMBER, "after_e4": NUMBER}],
        "read_across": [TEXT]}],
}


def conforms(value, shape, where="report"):
    """Every field that is there has the shape the schema gives it."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        for key in value.keys() & shape.keys():
            conforms(value[key], shape[key], f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for i, one in enumerate(value):
            conforms(one, shape[0], f"{where}[{i}]")
    else:
        assert isinstance(value, shape), f"{where}: {value!r}"


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
        rendered = browsed(office, printed, lang)
        assert rendered.texts.count(EVIL) == 6 and rendered.tags.count("table") == page.tags.count("table")
        assert "script" not in rendered.tags and EVIL in rendered.title
        for n in range(1, 9):
            assert any(f"D{n}" in one for one in rendered.texts), n
    report = json.loads(office.kesu("eightd", "export", str(eightd), "--json"))
    conforms(report, SCHEMA)
    with pytest.raises(AssertionError):
        conforms({**report, "disciplines": [{**report["disciplines"][0], "discipline": "D1"}]}, SCHEMA)
    assert report["number"] == number and len(report["disciplines"]) == len(records)
    listed = office.kesu("eightd", "list", "--case", number)
    assert listed.startswith(f"{eightd}  open") and "7 done" in listed
    assert "D3" in office.kesu("eightd", "show", str(eightd))
    reply = lane.ask_one(staff(READER, close_eightd=life_pb2.CloseEightD(eightd_id=eightd, reason="x")))
    assert reply.refused.code == command_pb2.E_OPEN_WORK and "D3" in reply.refused.reason

# SPDX-License-Identifier: Apache-2.0
"""Incidents, merged and split cases against real daemons."""

import shutil

import kesu_client
from conftest import until
from kesu.v1 import command_pb2, life_pb2, query_pb2, types_pb2

HANT, HANS, EN = types_pb2.LANGUAGE_ZH_HANT, types_pb2.LANGUAGE_ZH_HANS, types_pb2.LANGUAGE_EN
LEAD, AGENT = "song_jing", "bo_lin"
ANSWER = {HANT: "請勿食用該批湯品，貨款將退還。", EN: "Do not eat this soup; you get your money back."}
# Nobody wrote it in simplified script, and of whoever said no language the office's is taken.
TOLD = {HANT: ANSWER[HANT], HANS: "请勿食用该批汤品，货款将退还。", EN: ANSWER[EN], types_pb2.LANGUAGE_UNSPECIFIED: ANSWER[HANT]}


def submit(office, email="lin@customer.example", **more):
    lane = office.lane()
    more.setdefault("subject", "Sour soup")
    reply = lane.ask_one(kesu_client.receive_message("The soup is sour.", email=email, name="Lin", **more))
    lane.close()
    assert reply.WhichOneof("result") == "accepted", reply
    return reply.accepted


def people(office, actor=AGENT, kind=types_pb2.ACTOR_KIND_STAFF, refused=None, **bodies):
    lane = office.lane("intake-people", "people")
    reply = lane.ask_one(kesu_client.command(actor_kind=kind, actor=actor, **bodies))
    lane.close()
    assert reply.WhichOneof("result") == ("refused" if refused else "accepted"), reply
    if refused:
        assert (command_pb2.ErrorCode.Name(reply.refused.code), reply.refused.field) == refused
        return reply.refused
    return reply.accepted


def give(office, case_id, agent=AGENT):
    """The case is judged and given to this agent."""
    lane = office.lane("intake-services", "test")
    judgement = types_pb2.Judgement(category="quality", department="service", severity=types_pb2.SEVERITY_S3)
    state = office.case(case_id).state
    for body in (
        {"classify_case": command_pb2.ClassifyCase(case_id=case_id, judgement=judgement)},
        {"assign_case": command_pb2.AssignCase(case_id=case_id, agent=agent, reason="test")},
    ):
        made = kesu_client.command(actor_kind=types_pb2.ACTOR_KIND_SERVICE, actor="routing", **body)
        reply = lane.ask_one(made)
        assert reply.WhichOneof("result") == "accepted", (reply, state)
    lane.close()


def events(office, name, n, seconds=60):
    """The first n events of this name."""
    journal = office.journal(name=f"reader-{name}")
    found = []

    def enough(event):
        if event.name == name:
            found.append(event)
        return len(found) == n

    journal.until(enough, seconds)
    journal.close()
    return found


def answers(smtp):
    """Mails that carry an answer: by address, the bodies of each Message-ID."""
    found = {}
    for mail in smtp.mails():
        text = mail.get_body(("plain",)).get_content()
        if any(told in text for told in TOLD.values()):
            found.setdefault(mail["To"].addresses[0].addr_spec, {})[mail["Message-ID"]] = (mail, text)
    return found


def incident(office, incident_id):
    return office.control("intake", get_incident=query_pb2.GetIncident(incident_id=incident_id))


def test_each_member_gets_the_answer_once_in_their_language(office, smtp):
    office.settings["notification"] = ["--smtp-url", smtp.url, "--language-wait", "0s"]
    office.start_all("intake", "routing", "notification")
    spoken = [HANT, HANT, HANS, EN, types_pb2.LANGUAGE_UNSPECIFIED]
    cases = [submit(office, f"c{i}@customer.example", language=lang) for i, lang in enumerate(spoken)]
    made = people(
        office, LEAD,
        create_incident=life_pb2.CreateIncident(
            title="Sour soup", lot="L-7", reason="five of one lot", case_ids=[case.case_id for case in cases]
        ),
    )
    office.kill("routing")
    office.kill("notification")
    people(
        office, LEAD,
        answer_incident=life_pb2.AnswerIncident(
            incident_id=made.seq, texts=[life_pb2.LocalText(language=lang, text=text) for lang, text in ANSWER.items()]
        ),
    )
    office.start("routing")
    events(office, "answer_shared", 1)
    office.kill("routing")
    office.start("routing")
    assert len({event.case_id for event in events(office, "answer_shared", 5)}) == 5
    office.kill("routing")
    shutil.rmtree(office.data / "routing.fold")  # folds all anew
    office.start("routing")
    office.start("notification")
    until(lambda: answers(smtp), "an answer")
    office.kill("notification")
    office.start("notification")
    until(lambda: len(answers(smtp)) == 5, "an answer for each")
    late = submit(office, "late@customer.example", language=HANS)
    people(office, add_to_incident=life_pb2.AddToIncident(case_id=late.case_id, incident_id=made.seq))
    until(lambda: len(answers(smtp)) == 6, "an answer for who came later")
    office.wait_folded("routing", "notification")
    until(lambda: office.info("notification").gauges[0].value == 0, "nothing left to tell")
    numbers = {f"c{i}@customer.example": (case.number, lang) for i, (case, lang) in enumerate(zip(cases, spoken))}
    numbers["late@customer.example"] = (late.number, HANS)
    for address, (number, language) in numbers.items():
        ((mail, text),) = answers(smtp)[address].values()
        assert TOLD[language] in text and number in text and number in mail["Reply-To"], address
    detail = incident(office, made.seq)
    assert detail.state.members == 6 and detail.state.lead == LEAD
    assert [member.case_id for member in detail.members] == [case.case_id for case in [*cases, late]]
    assert {member.answer_seq for member in detail.members} == {detail.state.answer_seq}
    assert len(detail.events) == 2
    listed = office.control("intake", list_incidents=query_pb2.ListIncidents(open=True)).incidents
    assert [one.incident_id for one in listed] == [made.seq]
    assert "the same" in office.kesu("fold", "verify", "routing")
    assert "the same" in office.kesu("fold", "verify", "notification")


def test_what_comes_for_a_merged_case_joins_the_other(office):
    office.start("intake")
    office.agents_present()
    first, second = submit(office, language=EN), submit(office, language=EN)
    for case in (first, second):
        give(office, case.case_id)
    tag = office.case(second.case_id).state.reply_tag
    running = sorted(clock.clock for clock in office.case(second.case_id).state.clocks if clock.running)
    assert running
    people(office, merge_case=life_pb2.MergeCase(case_id=second.case_id, into_id=first.case_id, reason="one parcel"))
    state = office.case(second.case_id).state
    assert state.stage == types_pb2.STAGE_MERGED and not any(clock.running for clock in state.clocks)
    joined = submit(office, reply_tag=tag)
    assert joined.joined and joined.case_id == first.case_id
    loads = {agent.agent: agent.open_cases for agent in office.control("intake", list_agents=query_pb2.ListAgents()).agents}
    assert loads[AGENT] == 1
    people(
        office, merge_case=life_pb2.MergeCase(case_id=first.case_id, into_id=second.case_id, reason="x"),
        refused=("E_STAGE", "merge_case.into_id"),
    )
    office.kill("intake")
    office.start("intake")
    people(office, unmerge_case=life_pb2.UnmergeCase(case_id=second.case_id, reason="two parcels"))
    after = office.case(second.case_id)
    assert after.state.stage == types_pb2.STAGE_TRIAGED
    was = {clock.clock: clock for clock in state.clocks}
    now = {clock.clock: clock for clock in after.state.clocks}
    assert sorted(name for name, clock in now.items() if clock.running) == running
    assert all(now[name].due_at == was[name].due_at and now[name].started_at == was[name].started_at for name in running)
    again = submit(office, reply_tag=tag)
    assert again.joined and again.case_id == second.case_id


def test_a_split_part_is_a_case_of_the_same_customer(office, smtp):
    office.settings["notification"] = ["--smtp-url", smtp.url, "--language-wait", "0s"]
    office.start_all("intake", "notification")
    office.agents_present()
    whole = submit(office, "mei@customer.example", language=EN)
    give(office, whole.case_id)
    words = life_pb2.Words(text="The driver shouted at me, too.")
    part = people(office, split_case=life_pb2.SplitCase(case_id=whole.case_id, words=words, reason="two complaints"))
    assert part.case_id != whole.case_id and part.number != whole.number
    state = office.case(part.case_id).state
    assert state.customer_id == office.case(whole.case_id).state.customer_id
    assert state.life.links[0].other_id == whole.case_id and any(clock.running for clock in state.clocks)
    mails = until(lambda: [m for m in smtp.mails() if part.number in m["Subject"]], "a receipt of the part")
    assert mails[0]["To"].addresses[0].addr_spec == "mei@customer.example"
    office.kesu("customer", "erase", whole.number, "--reason", "asked to", "--yes", "--no-mails")
    until(lambda: office.case(part.case_id).state.erased_seq, "both are erased")

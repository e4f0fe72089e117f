# SPDX-License-Identifier: Apache-2.0
"""Words to the customer, and questions to departments, with a real SMTP server."""

import re
import shutil

import kesu_client
import pytest
from conftest import ROOT, until
from kesu.v1 import command_pb2, life_pb2, query_pb2, types_pb2

REFUSED = "refused"


def office_with_hold(office, smtp, hold):
    """Intake, its clocks and the mail, with a policy that holds replies so long."""
    policy = office.dir / "policy"
    shutil.copytree(ROOT / "deploy/policy", policy)
    org = (policy / "org.yaml").read_text()
    changed, n = re.subn(r"reply_hold: \S+", f"reply_hold: {hold}", org)
    assert n == 1
    (policy / "org.yaml").write_text(changed)
    office.settings["intake"] = ["--policy-dir", str(policy)]
    office.settings["notification"] = ["--smtp-url", smtp.url, "--language-wait", "0s"]
    office.start_all("intake", "sla-watch", "notification")
    office.agents_present()


def send(office, actor, kind=types_pb2.ACTOR_KIND_STAFF, **bodies):
    lane = office.lane("intake-people", "people")
    reply = lane.ask_one(kesu_client.command(actor_kind=kind, actor=actor, **bodies))
    lane.close()
    return reply


def done(office, actor, **bodies):
    reply = send(office, actor, **bodies)
    assert reply.WhichOneof("result") == "accepted", reply
    return reply.accepted


def case_under_review(office, language=types_pb2.LANGUAGE_EN, email="lin@customer.example"):
    lane = office.lane()
    reply = lane.ask_one(
        kesu_client.receive_message(
            "The parcel was soaked.", email=email, name="Lin", language=language
        )
    )
    lane.close()
    case = reply.accepted
    judgement = types_pb2.Judgement(
        category="damage.wet", department="logistics", severity=types_pb2.SEVERITY_S2, language=language
    )
    classify = command_pb2.ClassifyCase(case_id=case.case_id, judgement=judgement)
    done(office, "song_jing", classify_case=classify)
    done(office, "bo_lin", claim_case=life_pb2.ClaimCase(case_id=case.case_id))
    done(office, "bo_lin", start_work=command_pb2.StartWork(case_id=case.case_id))
    return case


def words(text):
    return life_pb2.Words(text=text)


def mails_to(smtp, address, saying=""):
    found = [m for m in smtp.mails() if m["To"].addresses[0].addr_spec == address]
    return [m for m in found if saying in m.get_body(("plain",)).get_content()]


def test_a_held_reply_reaches_the_customer_and_an_undone_one_does_not(office, smtp):
    office_with_hold(office, smtp, "1s")
    case = case_under_review(office)
    hold = life_pb2.ReplyToCustomer(case_id=case.case_id, words=words("It comes tomorrow."))
    done(office, "bo_lin", reply_to_customer=hold)
    refused = send(office, "mu_feng", reply_to_customer=hold)
    assert refused.WhichOneof("result") == REFUSED and "柏琳" in refused.refused.reason
    (mail,) = until(lambda: mails_to(smtp, "lin@customer.example", "It comes tomorrow."), "the reply")
    assert case.number in mail["Reply-To"] and mail["References"]
    names = [c.clock for c in office.case(case.case_id).state.clocks if c.running]
    assert "first_reply" not in names and "progress" in names and "reply_hold" not in names


def test_an_undone_reply_stays_here(office, smtp):
    office_with_hold(office, smtp, "1h")
    case = case_under_review(office)
    done(office, "bo_lin", reply_to_customer=life_pb2.ReplyToCustomer(case_id=case.case_id, words=words("Too early.")))
    done(office, "bo_lin", undo_reply=life_pb2.UndoReply(case_id=case.case_id))
    # What comes after it has left: so would it have.
    review = life_pb2.ReviewCase(
        case_id=case.case_id, finding=life_pb2.FINDING_NOT_FOUNDED, reason="signed for", words=words("It was signed for.")
    )
    done(office, "bo_lin", review_case=review)
    (mail,) = until(lambda: mails_to(smtp, "lin@customer.example", "It was signed for."), "the explanation")
    assert case.number in mail["Reply-To"]
    assert not mails_to(smtp, "lin@customer.example", "Too early.")


def test_who_is_asked_is_told(office, smtp):
    office_with_hold(office, smtp, "1h")
    case = case_under_review(office)
    task = life_pb2.OpenTask(case_id=case.case_id, department="qa", words=words("Was it packed well?"))
    done(office, "bo_lin", open_task=task)
    (mail,) = until(lambda: mails_to(smtp, "yan.shu@kesu.example"), "the sub-task")
    assert case.number in mail["Subject"]
    assert "packed" not in mail.get_body(("plain",)).get_content()
    state = office.case(case.case_id).state
    assert "department_task#1" in [c.clock for c in state.clocks if c.running]


def test_killed_between_hold_and_send_it_leaves_once(office, smtp):
    office_with_hold(office, smtp, "2s")
    case = case_under_review(office)
    done(office, "bo_lin", reply_to_customer=life_pb2.ReplyToCustomer(case_id=case.case_id, words=words("Once only.")))
    for name in ("notification", "sla-watch", "intake"):
        office.kill(name)
    office.start_all("intake", "sla-watch", "notification")
    until(lambda: mails_to(smtp, "lin@customer.example", "Once only."), "the reply")
    office.wait_folded("notification")
    until(lambda: office.info("notification").gauges[0].value == 0, "nothing left to tell")
    office.kill("notification")
    shutil.rmtree(office.data / "notification.fold")  # rebuilt from the journal, it repeats nothing
    office.start("notification")
    done(office, "bo_lin", add_note=command_pb2.AddNote(case_id=case.case_id, text="called"))
    office.wait_folded("notification")
    until(lambda: office.info("notification").gauges[0].value == 0, "nothing to tell")
    assert len(mails_to(smtp, "lin@customer.example", "Once only.")) == 1


LETTERS = {  # language: what the letters say beside the words of staff
    types_pb2.LANGUAGE_EN: ("accept", "who had no part in it", "consumers' association", "how we did"),
    types_pb2.LANGUAGE_ZH_HANT: ("另有提議", "申訴已由另一位人員審理", "消費者保護官", "已結案"),
    types_pb2.LANGUAGE_ZH_HANS: ("另有提议", "申诉已由另一位人员审理", "消费者协会", "已结案"),
}


def to_read(office, who):
    return [c.case_id for c in office.control("intake", list_cases=query_pb2.ListCases(limit=10, read_by=who)).cases]


@pytest.mark.parametrize("language", LETTERS, ids=types_pb2.Language.Name)
def test_each_word_of_the_end_reaches_the_customer(office, smtp, language):
    office_with_hold(office, smtp, "1h")
    opinion, appeal, outside, closed = LETTERS[language]
    case = case_under_review(office, language)

    def letter(said, saying):
        (mail,) = until(lambda: mails_to(smtp, "lin@customer.example", said), said)
        assert case.number in mail["Subject"] and case.number in mail["Reply-To"] and mail["References"]
        assert saying in mail.get_body(("plain",)).get_content()
        assert saying in mail.get_body(("html",)).get_content().replace("&#39;", "'")

    def objects():
        answer = life_pb2.RecordAnswer(case_id=case.case_id, answer=life_pb2.ANSWER_OBJECTED, words=words("No."))
        done(office, "bo_lin", record_answer=answer)

    review = life_pb2.ReviewCase(case_id=case.case_id, finding=life_pb2.FINDING_FOUNDED, reason="the photo shows it")
    done(office, "bo_lin", review_case=review)
    apology = life_pb2.RemedyLine(kind=life_pb2.REMEDY_KIND_APOLOGY)
    done(office, "bo_lin", propose_remedy=life_pb2.ProposeRemedy(case_id=case.case_id, lines=[apology]))
    done(office, "bo_lin", send_opinion=life_pb2.SendOpinion(case_id=case.case_id, words=words("We are sorry.")))
    letter("We are sorry.", opinion)
    # Decided at once: on the list of who leads, until they have read it.
    assert to_read(office, "mu_feng") == [case.case_id] and not to_read(office, "situ_yun")
    done(office, "mu_feng", confirm_reading=life_pb2.ConfirmReading(case_id=case.case_id))
    assert not to_read(office, "mu_feng")

    objects()
    assert office.case(case.case_id).state.life.appeal.reviewer == "mu_feng"
    until(lambda: mails_to(smtp, "mu.feng@kesu.example", case.number), "what the reviewer is asked")
    verdict = life_pb2.DecideAppeal(
        case_id=case.case_id, outcome=life_pb2.APPEAL_OUTCOME_DISMISSED, reason="as before", words=words("It stands.")
    )
    assert send(office, "bo_lin", decide_appeal=verdict).WhichOneof("result") == REFUSED
    done(office, "mu_feng", decide_appeal=verdict)
    letter("It stands.", appeal)

    objects()
    assert office.case(case.case_id).state.stage == types_pb2.STAGE_DEADLOCKED
    final = life_pb2.DeclareDeadlock(case_id=case.case_id, reason="no agreement", words=words("Our last word."))
    done(office, "mu_feng", declare_deadlock=final)
    letter("Our last word.", outside)
    done(office, "bo_lin", close_case=command_pb2.CloseCase(case_id=case.case_id, cause="method"))
    letter(closed, "5")

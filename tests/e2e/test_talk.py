# SPDX-License-Identifier: Apache-2.0
"""Words to the customer, and questions to departments, with a real SMTP server."""

import re
import shutil

import kesu_client
from conftest import ROOT, until
from kesu.v1 import command_pb2, life_pb2, types_pb2

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


def case_under_review(office):
    lane = office.lane()
    reply = lane.ask_one(
        kesu_client.receive_message(
            "The parcel was soaked.", email="lin@customer.example", name="Lin", language=types_pb2.LANGUAGE_EN
        )
    )
    lane.close()
    case = reply.accepted
    judgement = types_pb2.Judgement(
        category="damage.wet", department="logistics", severity=types_pb2.SEVERITY_S2, language=types_pb2.LANGUAGE_EN
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

# SPDX-License-Identifier: Apache-2.0
"""Notification against a real intake and a real SMTP server."""

import http.server
import json
import shutil
import signal
import threading

import kesu_client
from conftest import ROOT, until
from kesu.v1 import command_pb2, query_pb2, types_pb2

DELIVERED, GIVEN_UP, NOT_SENT = 1, 2, 3


def start(office, *flags, url="smtp://127.0.0.1:1"):
    office.settings["notification"] = ["--smtp-url", url, "--language-wait", "0s", *flags]
    office.start("intake")
    office.start("notification")


def submit(office, text="The parcel was soaked.", email="lin@customer.example", name="林小姐", **more):
    lane = office.lane()
    more.setdefault("subject", "Soaked parcel")
    more.setdefault("language", types_pb2.LANGUAGE_EN)
    reply = lane.ask_one(kesu_client.receive_message(text, email=email, name=name, **more))
    lane.close()
    assert reply.WhichOneof("result") == "accepted", reply
    return reply.accepted


def people(office, actor="wu_ke", kind=types_pb2.ACTOR_KIND_STAFF, **bodies):
    lane = office.lane("intake-people", "people")
    reply = lane.ask_one(kesu_client.command(actor_kind=kind, actor=actor, **bodies))
    lane.close()
    assert reply.WhichOneof("result") == "accepted", reply
    return reply.accepted


def deliveries(office, n):
    """The first n outcomes of the journal."""
    journal = office.journal(name="deliveries")
    found = []

    def enough(event):
        if event.name == "delivery_recorded":
            found.append(event)
        return len(found) == n

    journal.until(enough, 40)
    journal.close()
    return found


def letters(office):
    return office.control("notification", list_dead_letters=query_pb2.ListDeadLetters(limit=100)).letters


def test_receipt_reaches_the_customer(office, smtp):
    start(office, url=smtp.url)
    case = submit(office, name='Mallory"\r\nBcc: everyone@customer.example', subject="<b>wet</b>\nX-Evil: 1")
    (event,) = deliveries(office, 1)
    outcome = event.body
    assert (outcome.kind, outcome.outcome, outcome.transport) == ("receipt", DELIVERED, "smtp")
    assert outcome.cause_seq == case.case_id and outcome.attempts == 1
    assert outcome.thread_hash and not outcome.message_id.startswith("<")
    assert [clock.clock for clock in event.event.clocks] == ["receipt"]
    # The server may still have mails of an earlier run in its queue.
    wanted = f"<{outcome.message_id}>"
    (mail,) = until(lambda: [m for m in smtp.mails() if m["Message-ID"] == wanted], "the receipt")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert case.number in mail["Subject"] and case.number in mail["Reply-To"]
    assert mail["Bcc"] is None and mail["X-Evil"] is None
    (to,) = mail["To"].addresses
    assert (to.addr_spec, to.display_name) == ("lin@customer.example", 'Mallory"  Bcc: everyone@customer.example')
    html = mail.get_body(("html",)).get_content()
    assert "&lt;b&gt;wet" in html and "<b>" not in html
    assert case.number in mail.get_body(("plain",)).get_content()
    until(lambda: office.info("notification").gauges[0].value == 0, "nothing left to tell")


def test_each_in_their_language(office, smtp):
    start(office, url=smtp.url)
    said = {
        types_pb2.LANGUAGE_ZH_HANT: "已收到您的投訴",
        types_pb2.LANGUAGE_ZH_HANS: "已收到您的投诉",
        types_pb2.LANGUAGE_EN: "We have received your complaint",
        types_pb2.LANGUAGE_UNSPECIFIED: "已收到您的投訴",
    }
    for language in said:
        submit(office, language=language, email=f"c{language}@customer.example")
    deliveries(office, len(said))
    mails = until(lambda: len(smtp.mails()) == len(said) and smtp.mails(), "all receipts")
    subjects = {mail["To"].addresses[0].addr_spec: mail["Subject"] for mail in mails}
    for language, text in said.items():
        assert text in subjects[f"c{language}@customer.example"]


def test_agent_and_customer_are_told(office, smtp):
    start(office, url=smtp.url)
    case = submit(office)
    office.agents_present()
    lane = office.lane("intake-services", "test")
    judgement = types_pb2.Judgement(
        category="damage.wet", department="logistics", severity=types_pb2.SEVERITY_S2, language=types_pb2.LANGUAGE_EN
    )
    service = {"actor_kind": types_pb2.ACTOR_KIND_SERVICE, "actor": "routing"}
    for body in (
        {"classify_case": command_pb2.ClassifyCase(case_id=case.case_id, judgement=judgement)},
        {"assign_case": command_pb2.AssignCase(case_id=case.case_id, agent="bo_lin", reason="test")},
    ):
        made = kesu_client.command(**service, **body)
        made.expected_version = office.case(case.case_id).state.version
        reply = lane.ask_one(made)
        if reply.WhichOneof("result") == "refused" and reply.refused.version:
            made = kesu_client.command(**service, **body)
            made.expected_version = reply.refused.version
            reply = lane.ask_one(made)
        assert reply.WhichOneof("result") == "accepted", reply
    lane.close()
    people(office, actor="bo_lin", start_work=command_pb2.StartWork(case_id=case.case_id))
    people(
        office, actor="bo_lin", resolve_case=command_pb2.ResolveCase(case_id=case.case_id, summary="Refunded in full.")
    )
    outcomes = {event.body.kind: event.body for event in deliveries(office, 3)}
    assert set(outcomes) == {"receipt", "assigned", "resolved"}
    assert [outcomes[kind].told for kind in ("receipt", "assigned", "resolved")] == ["", "bo_lin", ""]
    mails = until(lambda: len(smtp.mails()) == 3 and smtp.mails(), "three mails")
    by_id = {mail["Message-ID"][1:-1]: mail for mail in mails}
    assigned = by_id[outcomes["assigned"].message_id]
    assert assigned["To"].addresses[0].addr_spec == "bo.lin@kesu.example"
    assert "Damage: wet" in assigned["Subject"] and "S2" in assigned["Subject"]
    assert assigned["Reply-To"] is None
    resolved = by_id[outcomes["resolved"].message_id]
    assert "Refunded in full." in resolved.get_body(("plain",)).get_content()
    assert resolved["References"] == f"<{outcomes['receipt'].message_id}>"


def test_not_sent(office, smtp):
    start(office, url=smtp.url)
    submit(office, automatic=True)
    submit(office, email=None, anonymous=True, name="")
    first, second = deliveries(office, 2)
    assert [first.body.outcome, second.body.outcome] == [NOT_SENT, NOT_SENT]
    assert {first.body.detail, second.body.detail} == {"automatic mail is never answered", "no address to write to"}
    assert smtp.mails() == []


def test_retries_until_the_server_is_back(office, smtp):
    smtp.stop()
    start(office, "--retry-after", "100ms,100ms,200ms,400ms,1s,1s,1s,2s,2s,5s,10s,10s", url=smtp.url)
    submit(office)
    until(lambda: "kesu_notification_retried_total 0" not in office.http("notification", "/metrics")[1], "a retry")
    smtp.start()
    (event,) = deliveries(office, 1)
    assert event.body.outcome == DELIVERED and event.body.attempts > 1
    assert len(until(smtp.mails, "the receipt")) == 1


def test_dead_letter_is_listed_and_sent_again(office, smtp):
    smtp.stop()
    start(office, "--retry-after", "100ms", url=smtp.url)
    case = submit(office)
    (event,) = deliveries(office, 1)
    assert event.body.outcome == GIVEN_UP and event.body.attempts == 2
    (letter,) = until(lambda: letters(office), "a dead letter")
    assert (letter.cause_seq, letter.kind, letter.held) == (case.case_id, "receipt", False)
    again = query_pb2.ResendDeadLetters(cause_seq=case.case_id)
    assert office.control("notification", resend_dead_letters=again).count == 1
    until(lambda: letters(office), "a dead letter again, nobody answers")
    smtp.start()
    assert office.control("notification", resend_dead_letters=query_pb2.ResendDeadLetters()).count == 1
    first, second = deliveries(office, 2)
    assert second.body.outcome == DELIVERED
    assert second.body.message_id == first.body.message_id == until(smtp.mails, "a mail")[0]["Message-ID"][1:-1]
    until(lambda: not letters(office), "no dead letter")
    refused = office.control("notification", resend_dead_letters=query_pb2.ResendDeadLetters(cause_seq=1))
    assert refused.field == "resend_dead_letters.cause_seq"


def test_killed_and_rebuilt_repeats_nothing(office, smtp):
    start(office, "--max-in-flight", "2", url=smtp.url)
    for i in range(20):
        submit(office, email=f"c{i}@customer.example")
        if i == 10:
            office.kill("notification")
            office.start("notification")
    deliveries(office, 20)
    office.kill("notification")
    shutil.rmtree(office.data / "notification.fold")
    office.start("notification")
    submit(office, email="last@customer.example")
    deliveries(office, 21)
    mails = until(lambda: len({mail["Message-ID"] for mail in smtp.mails()}) == 21 and smtp.mails(), "21 mails")
    assert len(mails) <= 23  # the two in flight when it was killed may be there twice
    verified = office.control("notification", verify_fold=query_pb2.VerifyFold(), seconds=20)
    assert verified.same, verified.difference


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((dict(self.headers), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def own_policy(office, notify):
    shutil.copytree(ROOT / "deploy/policy", office.dir / "policy")
    (office.dir / "policy/notify.yaml").write_text(notify)
    office.settings["intake"] = ["--policy-dir", str(office.dir / "policy")]


def test_maildir_and_webhook(office):
    import base64
    import hashlib
    import hmac

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    secrets = [b"0123456789abcdefghijklmnop", b"ponmlkjihgfedcba9876543210"]
    (office.dir / "secrets").write_text("".join(f"whsec_{base64.b64encode(s).decode()}\n" for s in secrets))
    own_policy(
        office,
        "notices:\n"
        "  - {id: receipt, on: opened, to: customer, transport: maildir, template: receipt}\n"
        "  - {id: hook, on: opened, to: customer, transport: webhook, template: receipt,"
        f" url: 'http://127.0.0.1:{server.server_port}/hook'}}\n",
    )
    start(
        office, "--maildir", str(office.dir / "out"), "--webhook-secret-file", str(office.dir / "secrets"),
        "--webhook-allow-private",
    )  # fmt: skip
    case = submit(office)
    outcomes = {event.body.kind: event.body for event in deliveries(office, 2)}
    server.shutdown()
    assert {o.transport: o.outcome for o in outcomes.values()} == {"maildir": DELIVERED, "webhook": DELIVERED}
    (path,) = (office.dir / "out/new").iterdir()
    assert path.name == outcomes["receipt"].message_id.split("@")[0]
    assert b"Auto-Submitted: auto-generated\r\n" in path.read_bytes()
    ((headers, body),) = server.got
    said = json.loads(body)["data"]
    assert (said["kind"], said["number"], said["case_id"]) == ("hook", case.number, str(case.case_id))
    assert outcomes["hook"].detail == "HTTP status 204"
    assert headers["webhook-id"] == outcomes["hook"].message_id
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    for secret, signature in zip(secrets, headers["webhook-signature"].split(" "), strict=True):
        assert signature == "v1," + base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()


class SlowHook(Hook):
    def do_POST(self):
        self.server.asked.set()
        self.server.released.wait(30)
        super().do_POST()


def test_a_stop_lets_what_is_on_its_way_arrive(office):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlowHook)
    server.got, server.asked, server.released = [], threading.Event(), threading.Event()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    own_policy(
        office,
        "notices:\n  - {id: receipt, on: opened, to: customer, transport: webhook, template: receipt,"
        f" url: 'http://127.0.0.1:{server.server_port}/hook'}}\n",
    )
    start(office, "--webhook-allow-private")
    submit(office)
    assert server.asked.wait(20)
    process = office.processes.pop("notification")
    process.send_signal(signal.SIGTERM)
    until(lambda: "stopping" in office.log("notification"), "the signal arrived")
    server.released.set()
    assert process.wait(20) == 0
    assert len(server.got) == 1 and "in the middle" not in office.log("notification")
    office.start("notification")
    assert [event.body.attempts for event in deliveries(office, 1)] == [1]
    server.shutdown()
    assert len(server.got) == 1

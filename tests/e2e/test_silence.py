# SPDX-License-Identifier: Apache-2.0
"""What people said is in no log, metric, hint, answer to operators or command line."""

import pathlib
import threading

import personal
import zmq
from conftest import until
from kesu.v1 import command_pb2, query_pb2
from test_email import OFFICE, deliver, pipe
from test_erasure import HE, SHE, Person, ask, live_through, start_office, wait_all_folded
from test_notification import letters


def broken(who):
    """Complaints that are refused, each for another reason, each full of what somebody said."""
    made = []
    for path in ("received_at", "channel", "text", "too long", "not text", "reply_tag", "kind", "number"):
        command = who.complaint(who.said["text"])
        body = command.receive_message
        if path in ("received_at", "channel"):
            body.ClearField(path)
        elif path == "text":
            body.personal.ClearField("text")
            body.personal.ClearField("subject")
        elif path == "too long":
            body.personal.name = who.name * 100
        elif path == "reply_tag":
            body.reply_tag = who.said["note"]
            body.join_only = True
        elif path == "kind":
            body.personal.contacts[0].kind = 0
        elif path == "number":
            body.thread_keys.extend([who.email] * 65)
        made.append(command)
    return made


def refusals(office, who):
    """Everything intake says to them."""
    lane = office.lane()
    said = b"".join(lane.ask_one(command).SerializeToString() for command in broken(who))
    batch = command_pb2.CommandBatch(client="x", batch=9, commands=[who.complaint(who.said["text"])])
    raw = batch.SerializeToString().replace(who.said["text"].encode(), who.said["text"].encode()[:-1] + b"\xff")
    said += lane.ask_raw(raw).SerializeToString()
    said += lane.ask_raw(raw[: len(raw) // 2]).SerializeToString()
    lane.close()
    return said


def strange_mails(office, who):
    """Mails that are kept beside, and one that is none."""
    (office.dir / "Maildir/tmp").mkdir(exist_ok=True)
    long = who.mail(b"x", b"y").replace(b"Subject: ", b"Subject: " + b"long " * 5000)
    assert pipe(office, long, "--max-mail-size", "2KiB") == 0
    assert pipe(office, f"{who.said['mail text']} is no mail at all {who.email}".encode()) == 0
    deliver(office.dir / "Maildir", f"{who.mark}-file", who.mail(b"x", b"z"))
    until(lambda: not list((office.dir / "Maildir/new").iterdir()), "the Maildir read")


def answers(office):
    """All that operators are told without asking for what is personal."""
    told = b""
    for daemon in ("intake", "routing", "sla-watch", "notification", "analytics", "email"):
        told += office.info(daemon).SerializeToString()
    cases = office.control("intake", list_cases=query_pb2.ListCases(limit=100))
    told += cases.SerializeToString()
    for case in cases.cases:
        told += office.case(case.case_id).SerializeToString()
        told += office.control("intake", get_customer=query_pb2.GetCustomer(case_id=case.case_id)).SerializeToString()
    told += office.control("intake", list_agents=query_pb2.ListAgents()).SerializeToString()
    told += office.control("routing", get_workers=query_pb2.GetWorkers()).SerializeToString()
    told += office.control("sla-watch", get_clocks=query_pb2.GetClocks(limit=100)).SerializeToString()
    told += b"".join(letter.SerializeToString() for letter in letters(office))
    return told + office.stats().SerializeToString()


class Hints:
    """Everything published, as it comes."""

    def __init__(self, office):
        self.socket = zmq.Context.instance().socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.subscribe(b"")
        self.socket.connect(f"ipc://{office.run}/intake-hint.ipc")
        self.heard, self.ended = [], threading.Event()
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        while not self.ended.is_set():
            if self.socket.poll(50):
                self.heard += self.socket.recv_multipart()

    def end(self):
        self.ended.set()
        self.thread.join()
        self.socket.close()
        return b"\n".join(self.heard)


def test_no_daemon_says_what_people_wrote(office, monkeypatch):
    monkeypatch.setenv("KESU_LOG_LEVEL", "debug")
    start_office(office)
    hints = Hints(office)
    people = [Person(**SHE), Person(**HE)]
    said = {f"{who.mark} {name}": words for who in people for name, words in who.said.items()}
    for who in people:
        live_through(office, who, b"a form")
        assert not personal.find_in(refusals(office, who), said), "a refusal repeats what it refuses"
        strange_mails(office, who)
        ask(office, who.complaint(who.said["text"], thread_keys=[who.said["note"]], own_thread_key=who.email), "intake-new")
    office.kesu("deadletters", "resend", "all")
    wait_all_folded(office)

    assert not personal.find_in(answers(office), said)
    heard = hints.end()
    assert b"CaseOpened" in heard and not personal.find_in(heard, said)
    for name, process in office.processes.items():
        status, metrics = office.http(name, "/metrics")
        assert status == 200 and not personal.find_in(metrics.encode(), said), name
        for what in ("cmdline", "environ"):
            assert not personal.find_in(pathlib.Path(f"/proc/{process.pid}/{what}").read_bytes(), said), (name, what)
    office.kill("intake")  # and what is said at a start after a death
    office.start("intake")
    office.stop()
    logs = {path: path.read_bytes() for path in office.dir.glob("*.log")}
    assert len(logs) == 7 and any(b" debug " in log for log in logs.values()), "the logs are those of level debug"
    assert not {path.name: found for path, log in logs.items() if (found := personal.find_in(log, said))}
    assert not personal.find([office.run], said)

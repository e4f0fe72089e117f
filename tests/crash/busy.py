# SPDX-License-Identifier: Apache-2.0
"""A busy office and its audit: what was acknowledged stands in the journal, and nothing was done twice.

A client keeps a ledger of what intake said yes to, mails lie in a Maildir, a
watcher counts every mail that leaves. At the end the ledger must equal the
journal, each fold must have counted, armed, assigned and told each case once,
and nothing whose outcome was journalled may have been done again.
"""

import ctypes
import email
import os
import struct
import threading
import time
from collections import Counter

import kesu_client
import pytest
from conftest import quick_policy, until
from kesu.v1 import command_pb2, query_pb2

DAEMONS = ["intake", "routing", "routing-worker", "sla-watch", "notification", "analytics", "email"]
FOLDS = ["routing", "sla-watch", "notification", "analytics"]
MAILBOX = "complaints@example.com"
BATCH = 10
PAUSE = 0.1  # between batches: the agents of the shipped policy have room for some thousands of cases
TEXTS = [
    "包裹送到的時候全濕了，裡面的杯子也破了，要求賠償",
    "快递三天没有更新，客服电话打不通",
    "The parcel arrived crushed and the driver was rude",
    "银行卡被重复扣款，要求退回",
]


class Load(threading.Thread):
    """Opens cases, batch after batch, asking again until each is accepted; a mail a batch beside them.
    What every fold has done its part for is resolved and closed, so that the agents have room."""

    def __init__(self, office, maildir):
        super().__init__(daemon=True)
        self.office = office
        self.maildir = maildir
        self.ledger = {}  # command id -> Accepted, of complaints
        self.resolved, self.closed = {}, {}
        self.given_up = set()  # command ids refused for good: in hand at two deaths of intake
        self.mails = 0
        self.pause = PAUSE
        self.ending = threading.Event()
        self.failure = None
        self.n = 0

    def run(self):
        lane, people = self.office.lane(client="load"), self.office.lane("intake-people", client="people")
        try:
            while not self.ending.wait(self.pause):
                self.deliver()
                self.settle(lane, [self.complaint() for _ in range(BATCH)], self.ledger)
                self.close_some(people)
        except Exception as problem:  # told by the test
            self.failure = problem
        finally:
            lane.close()
            people.close()

    def close_some(self, lane):
        """Oldest first, in two steps as people do."""
        finished = set.intersection(*map(set, self.office.follower.done.values()))
        cases = sorted(finished - {reply.case_id for reply in self.closed.values()})[: 2 * BATCH]
        resolve = {case: command_pb2.ResolveCase(case_id=case, summary="sent again") for case in cases}
        self.settle(lane, [kesu_client.command(resolve_case=body) for body in resolve.values()], self.resolved)
        close = [command_pb2.CloseCase(case_id=case, cause="man") for case in cases]
        self.settle(lane, [kesu_client.command(close_case=body) for body in close], self.closed)

    def complaint(self):
        self.n += 1
        return kesu_client.receive_message(TEXTS[self.n % len(TEXTS)], email=f"c{self.n}@example.com")

    def deliver(self):
        """A mail into the Maildir, as an MTA writes it."""
        self.mails += 1
        name = f"{self.mails:06}"
        text = (
            f"From: m{self.mails}@example.com\r\nTo: {MAILBOX}\r\nSubject: parcel\r\nMessage-ID: <{name}@example.com>\r\n"
            f"Date: Sun, 22 Nov 2026 10:00:00 +0800\r\n\r\nThe parcel {name} came wet.\r\n"
        )
        (self.maildir / "tmp" / name).write_bytes(text.encode())
        (self.maildir / "tmp" / name).rename(self.maildir / "new" / name)

    def settle(self, lane, commands, ledger):
        """The same commands with the same ids until none is open."""
        while commands:
            try:
                replies = lane.ask(commands, seconds=2)
            except kesu_client.NoAnswer:
                continue
            again = []
            for command, reply in zip(commands, replies):
                if reply.WhichOneof("result") == "accepted":
                    ledger[command.id] = reply.accepted
                elif reply.refused.disposition == command_pb2.DISPOSITION_RETRY:
                    again.append(command)
                elif reply.refused.code == command_pb2.E_INTERNAL:
                    self.given_up.add(command.id)
                else:
                    raise AssertionError(reply.refused)
            commands = again

    def reach(self, n):
        until(lambda: len(self.ledger) >= n or self.failure, lambda: f"{len(self.ledger)} acknowledged, not {n}", 60)
        assert self.failure is None, self.failure

    def go_on(self, n=1):
        self.reach(len(self.ledger) + n)

    def end(self):
        self.ending.set()
        self.join(60)
        assert not self.is_alive() and self.failure is None, self.failure


class Outbox:
    """Every mail that was written into the Maildir, each writing counted: to write it again replaces the file."""

    IN_MOVED_TO, IN_Q_OVERFLOW, IN_NONBLOCK = 0x80, 0x4000, os.O_NONBLOCK
    EVENT = struct.Struct("iIII")

    def __init__(self, maildir):
        (maildir / "new").mkdir(parents=True)
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(self.IN_NONBLOCK)
        assert self.fd >= 0 and libc.inotify_add_watch(self.fd, os.fsencode(maildir / "new"), self.IN_MOVED_TO) >= 0
        self.written = Counter()  # file name, the Message-ID before its @

    def drain(self):
        while True:
            try:
                data = os.read(self.fd, 1 << 20)
            except BlockingIOError:
                return
            while data:
                _, mask, _, n = self.EVENT.unpack_from(data)
                assert not mask & self.IN_Q_OVERFLOW, "mails left uncounted"
                self.written[data[self.EVENT.size : self.EVENT.size + n].rstrip(b"\0").decode()] += 1
                data = data[self.EVENT.size + n :]


class Follower(threading.Thread):
    """Reads the journal as it grows, through every restart of intake, and counts the mails beside it."""

    DONE = {"case_classified": "classified", "case_assigned": "assigned"}

    def __init__(self, office, outbox):
        super().__init__(daemon=True)
        self.office, self.outbox = office, outbox
        self.seen = Counter()  # event names
        self.done = {"classified": set(), "assigned": set(), "receipt": set(), "breached": set()}  # cases
        self.once = {}  # mail whose outcome is journalled -> how often it had been written then
        self.next_seq = 1
        self.ending = threading.Event()
        self.again = False  # intake was killed: subscribe anew, without waiting for its silence
        self.failure = None

    def run(self):
        try:
            while not self.ending.is_set():
                self.follow()
        except Exception as problem:  # told by the test
            self.failure = problem

    def follow(self):
        """As long as intake speaks: it does every second."""
        reader, heard = kesu_client.Journal(self.office.run, "follower", self.next_seq), time.monotonic()
        self.again = False
        while not self.ending.is_set() and not self.again and time.monotonic() - heard < 2:
            events = reader._one(0.2)
            self.outbox.drain()
            heard = heard if events is None else time.monotonic()
            for event in events or []:
                self.take(event)
            self.next_seq = reader.next_seq
        reader.close()

    def take(self, event):
        self.seen[event.name] += 1
        if event.name in self.DONE:
            self.done[self.DONE[event.name]].add(event.case_id)
        elif event.name == "clock_fired" and event.body.clock == "initial_review":
            self.done["breached"].add(event.case_id)
        elif event.name == "delivery_recorded":
            name = event.body.message_id.partition("@")[0]
            self.once[name] = self.outbox.written[name]
            if event.body.kind == "receipt":
                self.done["receipt"].add(event.case_id)

    def reach(self, name, n):
        self.until(lambda: self.seen[name] >= n, lambda: f"{self.seen[name]} of {name}, not {n}")

    def catch_up(self):
        head = self.office.info("intake").head_seq
        self.until(lambda: self.next_seq > head, f"the follower is at {head}")

    def until(self, condition, what, seconds=90):
        until(lambda: self.failure or condition(), what, seconds)
        assert self.failure is None, self.failure

    def end(self):
        self.ending.set()
        self.join(60)
        self.outbox.drain()


@pytest.fixture
def busy(office):
    """All daemons, agents at work, mail into a Maildir, a clock of seconds, and a load."""
    policy = quick_policy(office.dir, r"dues: \{all: 24h\}")  # of the initial review
    maildir = office.dir / "Maildir"
    for part in ("tmp", "new", "cur"):
        (maildir / part).mkdir(parents=True)
    office.settings["intake"] = ["--policy-dir", str(policy)]
    office.settings["notification"] = ["--maildir", str(office.dir / "Sent"), "--language-wait", "0s"]
    office.settings["email"] = ["--maildirs", f"{MAILBOX}={maildir}"]
    office.settings["routing"] = ["--lease-time", "1s", "--silence", "1s", "--heartbeat", "100ms"]
    office.outbox = Outbox(office.dir / "Sent")
    office.start_all(*DAEMONS)
    office.agents_present()
    office.follower = Follower(office, office.outbox)
    office.follower.start()
    office.load = Load(office, maildir)
    office.load.start()
    yield office
    office.load.ending.set()
    office.load.join(60)
    office.follower.end()




def journal(office):
    reader = office.journal()
    try:
        return reader.all(60)
    finally:
        reader.close()


def check_ledger(load, events):
    """What was acknowledged is what stands in the journal, both ways."""
    all_opened = [e for e in events if e.name == "case_opened"]
    opened = {e.event.command_id: e for e in all_opened if e.event.client == "load"}
    missing = set(load.ledger) - set(opened)
    assert not missing, f"{len(missing)} acknowledged cases are not in the journal"
    extra = set(opened) - set(load.ledger)
    assert not extra, f"{len(extra)} cases in the journal were never acknowledged, though asked for to the end"
    for command_id, accepted in load.ledger.items():
        event = opened[command_id]
        assert (event.seq, event.body.number) == (accepted.case_id, accepted.number)
    people = {e.event.command_id for e in events if e.name in ("case_resolved", "case_closed")}
    assert people == set(load.resolved) | set(load.closed)
    serials = sorted(int(e.body.number.split("-")[1]) for e in all_opened)
    assert serials == list(range(1, len(serials) + 1)), "numbers without a gap or a twin"
    mailed = [e for e in all_opened if e.event.client != "load"]
    assert len(mailed) <= load.mails and len({e.body.external.hash for e in mailed}) == len(mailed)
    return {e.seq for e in all_opened}


def facts(events):
    """Every outcome that may happen once."""
    for e in events:
        if e.name == "case_assigned":
            yield ("assigned", e.case_id)
        elif e.name == "clock_fired":
            yield ("fired", e.case_id, e.body.clock, e.body.step, e.body.level)
        elif e.name == "delivery_recorded":
            yield ("told", e.body.cause_seq, e.body.kind, e.body.target)
        elif e.name in ("case_resolved", "case_closed"):
            yield (e.name, e.case_id)
        elif e.name == "case_classified":
            yield ("classified", e.case_id)


def sent(office):
    """The Message-ID of each file in the Maildir."""
    found = {}
    for path in (office.dir / "Sent").glob("new/*"):
        with path.open("rb") as mail:
            found[path.name] = email.message_from_binary_file(mail)["Message-ID"].strip("<>")
    return found


def recorded_mails(events):
    """Message-IDs of what was told and journalled, each with what it told."""
    return [
        (e.body.message_id, (e.body.cause_seq, e.body.kind, e.body.target))
        for e in events
        if e.name == "delivery_recorded" and e.body.outcome == command_pb2.DELIVERY_OUTCOME_DELIVERED
    ]


def wait_done(office, cases):
    """Until every fold has done its part for every case."""
    def lacking():
        return {what: len(cases - have) for what, have in office.follower.done.items() if not cases <= have}

    while before := lacking():  # as long as it takes, but it must go on
        office.follower.until(lambda: lacking() != before, lambda: f"of {len(cases)} cases lack {lacking()}")
    office.wait_folded(*FOLDS, seconds=60)


def wait_mails_taken(office):
    new = office.load.maildir / "new"
    while before := len(list(new.iterdir())):
        until(lambda: len(list(new.iterdir())) < before, f"{before} mails left in the Maildir", 60)


def audit(office, notification_deaths=0):
    """The load ends; then all of it is looked for. Returns the events and how many mails were written again."""
    office.load.end()
    wait_mails_taken(office)
    cases = check_ledger(office.load, journal(office))
    assert len(cases) == len(office.load.ledger) + office.load.mails, "each mail is a case"
    wait_done(office, cases)
    events = journal(office)
    assert check_ledger(office.load, events) == cases
    assert sum(office.follower.seen.values()) >= events[-1].seq
    twice = [fact for fact, n in Counter(facts(events)).items() if n > 1]
    assert not twice, f"done twice: {twice[:10]}"
    stats = office.stats()
    names = Counter(e.name for e in events)
    assert stats.opened == names["case_opened"] == len(cases)
    assert stats.classified == names["case_classified"] and stats.assigned == names["case_assigned"]
    repeats = check_mails(office, events, notification_deaths)
    assert office.kesu("journal", "verify").startswith("intact")
    for name in FOLDS:
        verified = office.control(name, seconds=120, verify_fold=query_pb2.VerifyFold())
        assert verified.same, f"{name}: {verified.difference}"
    return events, repeats


def check_mails(office, events, deaths):
    outbox, follower = office.outbox, office.follower
    follower.until(lambda: follower.next_seq > events[-1].seq, "the follower is at the head")
    follower.end()
    mails, told = sent(office), recorded_mails(events)
    assert len(set(mails.values())) == len(mails), "each mail has a Message-ID of its own"
    assert len({message for message, _ in told}) == len({what for _, what in told}) == len(told)
    lost = {message for message, _ in told} - set(mails.values())
    assert not lost, f"{len(lost)} mails journalled as delivered were never written"
    again = [name for name, n in follower.once.items() if outbox.written[name] != n]
    assert not again, f"{len(again)} of {len(told)} sent again though their outcome was journalled"
    worst = max(outbox.written.values(), default=0)
    assert worst <= 1 + deaths, f"a mail was written {worst} times, notification died {deaths} times"
    return sum(outbox.written.values()) - len(outbox.written)

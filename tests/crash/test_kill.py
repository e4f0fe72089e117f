# SPDX-License-Identifier: Apache-2.0
"""Each daemon killed with -9 under load, then every acknowledgement looked for.

A client keeps a ledger of what intake said yes to. At the end the ledger must
equal the journal, each fold must have counted, armed, assigned and told each
case once, and nothing whose outcome was journalled may have been done again.
"""

import email
import shutil
import threading
from collections import Counter

import kesu_client
import pytest
from conftest import DAEMONS, quick_policy, until
from kesu.v1 import command_pb2, query_pb2

FOLDS = ["routing", "sla-watch", "notification", "analytics"]
BATCH = 20
PAUSE = 0.1  # between batches: the agents of the shipped policy have room for some thousands of cases
KILLS = 3
BEFORE_A_KILL = 100  # acknowledgements
TEXTS = [
    "包裹送到的時候全濕了，裡面的杯子也破了，要求賠償",
    "快递三天没有更新，客服电话打不通",
    "The parcel arrived crushed and the driver was rude",
    "银行卡被重复扣款，要求退回",
]


class Load(threading.Thread):
    """Opens cases, batch after batch, asking again until each is accepted."""

    def __init__(self, office):
        super().__init__(daemon=True)
        self.office = office
        self.ledger = {}  # command id -> Accepted
        self.ending = threading.Event()
        self.failure = None
        self.n = 0

    def run(self):
        lane = self.office.lane(client="load")
        try:
            while not self.ending.wait(PAUSE):
                self.settle(lane, [self.complaint() for _ in range(BATCH)])
        except Exception as problem:  # told by the test
            self.failure = problem
        finally:
            lane.close()

    def complaint(self):
        self.n += 1
        return kesu_client.receive_message(TEXTS[self.n % len(TEXTS)], email=f"c{self.n}@example.com")

    def settle(self, lane, commands):
        """The same commands with the same ids until none is open."""
        while commands:
            try:
                replies = lane.ask(commands, seconds=2)
            except kesu_client.NoAnswer:
                continue
            again = []
            for command, reply in zip(commands, replies):
                if reply.WhichOneof("result") == "accepted":
                    self.ledger[command.id] = reply.accepted
                elif reply.refused.disposition == command_pb2.DISPOSITION_RETRY:
                    again.append(command)
                else:
                    raise AssertionError(reply.refused)
            commands = again

    def reach(self, n):
        until(lambda: len(self.ledger) >= n or self.failure, lambda: f"{len(self.ledger)} acknowledged, not {n}", 60)
        assert self.failure is None, self.failure

    def end(self):
        self.ending.set()
        self.join(60)
        assert not self.is_alive() and self.failure is None, self.failure


@pytest.fixture
def busy(office):
    """All daemons, agents at work, mail into a Maildir, clocks of seconds, and a load."""
    policy = quick_policy(office.dir)
    office.settings["intake"] = ["--policy-dir", str(policy)]
    office.settings["notification"] = ["--maildir", str(office.dir / "Sent"), "--language-wait", "0s"]
    office.start_all()
    office.agents_present()
    load = Load(office)
    office.load = load
    load.start()
    yield office
    load.ending.set()
    load.join(60)


def journal(office):
    reader = office.journal()
    try:
        return reader.all(60)
    finally:
        reader.close()


def check_ledger(load, events):
    """What was acknowledged is what stands in the journal, both ways."""
    opened = {e.event.command_id: e for e in events if e.name == "case_opened" and e.event.client == "load"}
    missing = set(load.ledger) - set(opened)
    assert not missing, f"{len(missing)} acknowledged cases are not in the journal"
    extra = set(opened) - set(load.ledger)
    assert not extra, f"{len(extra)} cases in the journal were never acknowledged, though asked for to the end"
    for command_id, accepted in load.ledger.items():
        event = opened[command_id]
        assert (event.seq, event.body.number) == (accepted.case_id, accepted.number)
    serials = sorted(int(e.body.number.split("-")[1]) for e in opened.values())
    assert serials == list(range(1, len(serials) + 1)), "numbers without a gap or a twin"
    return {e.seq for e in opened.values()}


def facts(events):
    """Every outcome that may happen once."""
    for e in events:
        if e.name == "case_assigned":
            yield ("assigned", e.case_id)
        elif e.name == "clock_fired":
            yield ("fired", e.case_id, e.body.clock, e.body.step, e.body.level)
        elif e.name == "delivery_recorded":
            yield ("told", e.body.cause_seq, e.body.kind, e.body.target)
        elif e.name == "case_classified":
            yield ("classified", e.case_id)


def sent(office):
    """The file of each Message-ID in the Maildir. Sending again makes a new file of the same name."""
    found = {}
    for path in (office.dir / "Sent").glob("new/*"):
        with path.open("rb") as mail:
            found[email.message_from_binary_file(mail)["Message-ID"].strip("<>")] = path.stat().st_ino
    return found


def recorded_mails(events):
    """Message-IDs of what was told and journalled."""
    return {
        e.body.message_id
        for e in events
        if e.name == "delivery_recorded" and e.body.outcome == command_pb2.DELIVERY_OUTCOME_DELIVERED
    }


def wait_done(office, cases):
    """Until every fold has done its part for every case."""
    def lacking():
        done = {"classified": set(), "assigned": set(), "receipt": set(), "breached": set()}
        for e in journal(office):
            if e.name == "case_classified":
                done["classified"].add(e.case_id)
            elif e.name == "case_assigned":
                done["assigned"].add(e.case_id)
            elif e.name == "delivery_recorded" and e.body.kind == "receipt":
                done["receipt"].add(e.case_id)
            elif e.name == "clock_fired" and e.body.clock == "initial_review":
                done["breached"].add(e.case_id)
        return {what: len(cases - have) for what, have in done.items() if cases - have}

    until(lambda: not lacking(), lambda: f"not done yet, of {len(cases)} cases: {lacking()}", 90)
    office.wait_folded(*FOLDS, seconds=60)


class Before:
    """What was done and journalled before a kill: none of it may be done again."""

    def __init__(self, office):
        self.events = journal(office)
        files = sent(office)
        self.files = {m: files[m] for m in recorded_mails(self.events) if m in files}


def audit(office, *before):
    office.load.end()
    cases = check_ledger(office.load, journal(office))
    wait_done(office, cases)
    events = journal(office)
    check_ledger(office.load, events)
    twice = [fact for fact, n in Counter(facts(events)).items() if n > 1]
    assert not twice, f"done twice: {twice[:10]}"
    stats = office.stats()
    names = Counter(e.name for e in events)
    assert stats.opened == names["case_opened"] == len(cases)
    assert stats.classified == names["case_classified"] and stats.assigned == names["case_assigned"]
    mails = sent(office)
    lost = recorded_mails(events) - set(mails)
    assert not lost, f"{len(lost)} mails journalled as delivered were never written"
    for earlier in before:
        again = [m for m, file in earlier.files.items() if mails[m] != file]
        assert not again, f"{len(again)} of {len(earlier.files)} sent again though their outcome was journalled"


@pytest.mark.parametrize("name", DAEMONS)
def test_killed_under_load_nothing_acknowledged_is_lost(busy, name):
    before = []
    for kill in range(1, KILLS + 1):
        busy.load.reach(kill * BEFORE_A_KILL)
        before.append(Before(busy))
        assert before[-1].files
        busy.kill(name)
        if name != "intake":  # the others go on without it
            busy.load.reach(len(busy.load.ledger) + BATCH)
        busy.start(name)
    busy.load.reach(len(busy.load.ledger) + BEFORE_A_KILL)
    audit(busy, *before)


@pytest.mark.parametrize("name", FOLDS)
def test_a_store_deleted_under_load_is_rebuilt_and_nothing_repeated(busy, name):
    busy.load.reach(2 * BEFORE_A_KILL)
    until(lambda: any(e.name == "clock_fired" for e in journal(busy)), "the first clock fired")
    before = Before(busy)
    assert before.files and any(fact[0] == "assigned" for fact in facts(before.events))
    busy.kill(name)
    store = busy.data / f"{name}.fold"
    assert store.is_dir(), sorted(p.name for p in busy.data.iterdir())
    shutil.rmtree(store)
    busy.load.reach(len(busy.load.ledger) + BATCH)
    busy.start(name)
    busy.load.reach(len(busy.load.ledger) + BEFORE_A_KILL)
    audit(busy, before)
    assert store.is_dir()
    verified = busy.control(name, seconds=60, verify_fold=query_pb2.VerifyFold())
    assert verified.same, verified.difference


def test_all_killed_at_once(busy):
    busy.load.reach(2 * BEFORE_A_KILL)
    before = Before(busy)
    for name in list(busy.processes):
        busy.processes[name].kill()
    for name in list(busy.processes):
        busy.kill(name)
    busy.start_all()
    busy.load.reach(len(busy.load.ledger) + BEFORE_A_KILL)
    audit(busy, before)

# SPDX-License-Identifier: Apache-2.0
"""What the office has done, once and no more, read from its journal and its mails."""

import email
import time
from collections import Counter

import kesu_client
import pytest
from busy import facts
from kesu.v1 import command_pb2, query_pb2


def delivered(events):
    """Message-ID -> attempts, of what was told and journalled."""
    return {
        e.body.message_id: e.body.attempts
        for e in events
        if e.name == "delivery_recorded" and e.body.outcome == command_pb2.DELIVERY_OUTCOME_DELIVERED
    }


def wait_done(office, cases):
    """Until each case is judged, given to somebody, its customer told, and its first clock fired."""
    reader = office.journal()
    open_ends = {(what, case) for case in cases for what in ("classified", "assigned", "receipt", "breached")}

    def is_last(e):
        if e.name in ("case_classified", "case_assigned"):
            open_ends.discard((e.name.removeprefix("case_"), e.case_id))
        elif e.name == "delivery_recorded":
            open_ends.discard((e.body.kind, e.case_id))
        elif e.name == "clock_fired":
            open_ends.discard(("breached", e.case_id))
        return not open_ends

    try:
        if cases:
            reader.until(is_last, 90)
    except kesu_client.NoAnswer:
        letters = office.kesu("deadletters", "list")[-500:]
        pytest.fail(f"{len(open_ends)} not done: {sorted(open_ends)[:10]}\n{letters}\n{office.log('notification')[-1500:]}")
    finally:
        reader.close()
    office.wait_folded("routing", "sla-watch", "notification", "analytics", seconds=60)


class Letters:
    """The mails of a Maildir: identity -> (what it says, to whom; its file)."""

    def __init__(self, maildir):
        self.found = {}
        for path in maildir.glob("new/*"):
            with path.open("rb") as file:
                mail = email.message_from_binary_file(file)
            text = "".join(part.get_payload() for part in mail.walk() if not part.is_multipart())
            says = (mail["To"], mail["Subject"], text)
            self.found[mail["Message-ID"].strip("<>")] = (says, path.stat().st_ino)

    def check_one_identity_each(self):
        says = Counter(said for said, _ in self.found.values())
        twice = [said[:2] for said, n in says.items() if n > 1]
        assert not twice, f"told under two identities: {twice[:5]}"


class Driver:
    """Opens cases, one batch after the other, each asked for until it is answered."""

    def __init__(self, office, maildir):
        self.office = office
        self.maildir = maildir  # of notification
        self.ledger = {}  # command id -> Accepted
        self.given_up = set()  # in hand at two deaths of intake
        self.n = 0

    def open_cases(self, n=2, seconds=60):
        """False when intake has ended first."""
        commands = []
        for _ in range(n):
            self.n += 1
            commands.append(kesu_client.receive_message("包裹濕了 " * 100, email=f"c{self.n}@example.com"))
        self.waiting = commands
        return self.settle(seconds)

    def settle(self, seconds=60):
        lane, end = self.office.lane(client="load"), time.monotonic() + seconds
        try:
            while self.waiting:
                if self.office.processes["intake"].poll() is not None:
                    return False
                assert time.monotonic() < end, f"no answer:\n{self.office.log('intake')[-2000:]}"
                try:
                    self.waiting = self.take(lane.ask(self.waiting, 0.5))
                except kesu_client.NoAnswer:
                    pass
            return True
        finally:
            lane.close()

    def take(self, replies):
        again = []
        for command, reply in zip(self.waiting, replies):
            if reply.WhichOneof("result") == "accepted":
                self.ledger[command.id] = reply.accepted
            elif reply.refused.disposition == command_pb2.DISPOSITION_RETRY:
                again.append(command)
            else:
                assert reply.refused.code == command_pb2.E_INTERNAL, reply.refused
                self.given_up.add(command.id)
        return again


def check_done_once(office, driver):
    """All that was acknowledged is done, once."""
    wait_done(office, {accepted.case_id for accepted in driver.ledger.values()})
    reader = office.journal()
    events = reader.all(60)
    reader.close()
    cases = [e for e in events if e.name == "case_opened" and e.event.client == "load"]
    opened = {e.event.command_id: e for e in cases}
    assert len(opened) == len(cases), "a command opened two cases"
    assert set(driver.ledger) <= set(opened) <= set(driver.ledger) | driver.given_up
    for command_id, accepted in driver.ledger.items():
        assert (opened[command_id].seq, opened[command_id].body.number) == (accepted.case_id, accepted.number)
    twice = [fact for fact, n in Counter(facts(events)).items() if n > 1]
    assert not twice, f"done twice: {twice[:5]}"
    letters = Letters(driver.maildir)
    letters.check_one_identity_each()
    assert not set(delivered(events)) - set(letters.found), "told, says the journal, and no mail is there"
    assert office.control("intake", verify_journal=query_pb2.VerifyJournal()).intact
    for name in ("routing", "sla-watch", "notification", "analytics"):
        verified = office.control(name, seconds=60, verify_fold=query_pb2.VerifyFold())
        assert verified.same, f"{name} is not what its rebuild is: {verified.difference}"

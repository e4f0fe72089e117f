# SPDX-License-Identifier: Apache-2.0
"""The power fails: kill -9 cannot show a sync that is missing.

Real daemons are recorded (recorder.c) while clients keep a ledger of what they
were told and when. At random points of the record the files are built again as
a disk may hold them (power.py), the daemons are started on them, and what was
acknowledged before that point is looked for.

KESU_POWER_POINTS (200) are looked at with intake alone, a fortieth of that with
all daemons; KESU_POWER_SEED (1) chooses them.
"""

import concurrent.futures
import contextlib
import ctypes
import hashlib
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import tempfile
from collections import Counter

import kesu_client
import power
import pytest
from audit import Letters, delivered, wait_done
from busy import facts
from conftest import BIN, DAEMONS, ROOT, Office, quick_policy, until
from kesu.v1 import command_pb2, event_pb2, query_pb2

POINTS = int(os.environ.get("KESU_POWER_POINTS", "200"))
SEED = int(os.environ.get("KESU_POWER_SEED", "1"))
RECORDER = pathlib.Path(os.environ.get("KESU_RECORDER", BIN.parent / "tests/crash/recorder.so"))
INTAKE = ["--ballast", "0", "--storage-reserve", "0", "--segment-bytes", "256KiB", "--key-pool", "64"]
WINDOW = 3  # batches a client has unanswered
ASKED_AGAIN = 40

sodium = ctypes.CDLL("libsodium.so.23")


def unseal(sealed, keys):
    """Plain bytes, or None when the key is not there or another."""
    secret = keys.get(sealed.key_id)
    if not secret:
        return None
    plain = ctypes.create_string_buffer(len(sealed.ciphertext))
    n = ctypes.c_ulonglong()
    data = struct.pack(">Q", sealed.key_id)
    opened = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, ctypes.byref(n), None, sealed.ciphertext, ctypes.c_ulonglong(len(sealed.ciphertext)),
        data, ctypes.c_ulonglong(len(data)), sealed.nonce, secret,
    )
    return plain.raw[: n.value] if opened == 0 else None


def unseal_blob(data, name, key):
    plain = ctypes.create_string_buffer(len(data))
    n = ctypes.c_ulonglong()
    opened = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, ctypes.byref(n), None, data[24:], ctypes.c_ulonglong(len(data) - 24),
        name, ctypes.c_ulonglong(len(name)), data[:24], key,
    )
    return plain.raw[: n.value] if opened == 0 else None


class Ledger:
    """What a client sent and was told, each with the recorder's position."""

    def __init__(self, recorder):
        self.recorder = recorder
        self.sent = []  # (position before, command)
        self.told = {}  # command id -> (position after, Accepted)
        self.mails = []  # (position after, content of the attachment)
        self.policies = []  # positions after
        self.erased = {}  # command id of the case -> (position before, position after)
        self.n = 0

    def complaint(self, kilobytes):
        self.n += 1
        text = f"第 {self.n} 件：包裹送到的時候全濕了。" + "The parcel came wet and crushed. " * (kilobytes * 30)
        return kesu_client.receive_message(text, email=f"c{self.n}@example.com", name=f"王{self.n}")

    def send(self, office, batches, size=4, kilobytes=2):
        """Batches with WINDOW of them on their way at once, until all are answered."""
        lane, open_batches = office.lane(client="load"), {}
        try:
            for _ in range(batches):
                commands = [self.complaint(kilobytes) for _ in range(size)]
                before = self.recorder.position()
                self.sent += [(before, command) for command in commands]
                open_batches[lane.send(commands)] = commands
                while len(open_batches) >= WINDOW:
                    self.hear(lane, open_batches)
            while open_batches:
                self.hear(lane, open_batches)
        finally:
            lane.close()

    def hear(self, lane, open_batches):
        answer = lane.receive(30)
        after = self.recorder.position()
        for command, reply in zip(open_batches.pop(answer.batch), answer.replies):
            assert reply.WhichOneof("result") == "accepted", reply
            self.told[command.id] = (after, reply.accepted)

    def mail(self, office):
        """Through the pipe of an MTA, with an attachment."""
        content = f"evidence {len(self.mails)}".encode() * 300
        raw = (
            f"From: <m{len(self.mails)}@example.com>\r\nTo: c@example.com\r\nMessage-ID: <{len(self.mails)}@x>\r\n"
            "Date: Sun, 22 Nov 2026 10:00:00 +0800\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nsee there\r\n"
            "--x\r\nContent-Type: application/x; name=a.bin\r\n\r\n" + content.decode() + "\r\n--x--\r\n"
        )
        done = subprocess.run(
            [BIN / "kesu-email", "--pipe", "--run-dir", office.run, "--data-dir", office.data],
            input=raw.encode(), env=os.environ | office.environment, timeout=60, check=False,
        )
        assert done.returncode == 0
        self.mails.append((self.recorder.position(), content))

    def erase(self, office, n):
        """The customers of some cases."""
        lane = office.lane("intake-people", client="people")
        try:
            for command_id, (_, accepted) in list(self.told.items())[-n:]:
                before = self.recorder.position()
                body = command_pb2.EraseCustomer(case_id=accepted.case_id, reason="asked for")
                reply = lane.ask_one(kesu_client.command(erase_customer=body), 30)
                assert reply.WhichOneof("result") == "accepted", reply
                self.erased[command_id] = (before, self.recorder.position())
        finally:
            lane.close()

    def policy(self, office):
        office.kesu("policy", "apply", str(ROOT / "deploy/policy"), "--name", f"policy-{len(self.policies)}")
        self.policies.append(self.recorder.position())


@pytest.fixture(scope="module")
def place():
    """Room for recordings and rebuilt directories, in memory where there is enough."""
    memory = pathlib.Path("/dev/shm")
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 1 << 30
    directory = pathlib.Path(tempfile.mkdtemp(prefix="kesu-power-", dir=memory if roomy else None))
    yield directory
    shutil.rmtree(directory)


class Recording:
    """An office below `directory` whose every change of a file is recorded."""

    def __init__(self, directory):
        assert RECORDER.exists(), f"{RECORDER} is not made"
        directory.mkdir()
        self.office = Office(directory)
        self.outside = directory / "Sent"  # another machine's: loses nothing
        for made in (self.office.data, self.outside):
            made.mkdir(mode=0o700)
        self.disk = power.Disk([self.office.data, self.outside], lasting=[self.outside])
        self.recorder = power.Recorder(RECORDER, directory / "record", [self.office.data, self.outside])
        self.office.environment = self.recorder.environment
        self.ledger = Ledger(self.recorder)

    @contextlib.contextmanager
    def running(self):
        try:
            yield self.office
        finally:
            for name in list(self.office.processes):
                self.kill(name)

    def kill(self, name):
        assert self.office.kill(name, power.KILL) == -signal.SIGKILL

    def check_whole(self, records):
        """The recorder missed nothing: all of it together is what lies there now."""
        disk = power.Disk([self.office.data, self.outside])
        for record in records:
            disk.take(record)
        assert all(path.endswith("/lock.mdb") for path in disk.mapped), disk.mapped
        seen = {path: data for path, data in disk.seen().items() if path not in disk.mapped}
        there = {}
        for root in (self.office.data, self.outside):
            for path in root.rglob("*"):
                if path.is_file() and str(path) not in disk.mapped:
                    there[str(path)] = path.read_bytes()
        assert sorted(seen) == sorted(there)
        assert not [path for path in seen if seen[path] != there[path]], "contents differ"


def told_into(maildir):
    return {"notification": ["--maildir", str(maildir), "--language-wait", "0s"]}


def choose(records, n, dice):
    """Half anywhere, a quarter just after names changed, a quarter while all is new."""
    after_names = [i for i, r in enumerate(records) if r.kind in power.NAMES]
    early = max(1, len(records) // 8)
    chosen = []
    for i in range(n):
        if i % 4 == 0:
            at = dice.choice(after_names) + dice.randrange(0, 8)
        elif i % 4 == 1:
            at = dice.randrange(early)
        else:
            at = dice.randrange(len(records))
        chosen.append(records[min(at, len(records) - 1)].seq)
    return sorted(chosen)


class Point:
    """One failure of the power, and the office that is started after it."""

    def __init__(self, directory, number, seq, recording, story):
        self.number, self.seq, self.ledger, self.story = number, seq, recording.ledger, story
        self.dir = directory
        self.office = Office(directory)
        self.outside = directory / "Sent"
        self.office.settings = recording.office.settings | told_into(self.outside)

    def where(self):
        return (
            f"point {self.number} of {POINTS}, seed {SEED}, after record {self.seq}:\n{self.story}\n"
            f"intake says:\n{self.office.log('intake')[-1500:]}"
        )

    def start_intake(self):
        process = self.office.start("intake", wait=False)
        control = self.office.run / "intake-control.ipc"
        until(lambda: process.poll() is not None or control.exists(), "intake answers")
        assert process.poll() is None, f"intake does not start: {process.returncode}"

    def end(self):
        for process in self.office.processes.values():
            process.kill()
            process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def journal(self):
        """Events, keys and hashes by the seq of a block's last event; the chain is checked on the way."""
        process, feed = self.office.processes["intake"], self.office.run / "intake-feed.ipc"
        until(lambda: feed.exists() or process.poll() is not None, "intake takes readers")
        assert process.poll() is None, f"intake ended with {process.returncode}"
        reader = self.office.journal(personal=True)
        try:
            return reader.all(60), reader.keys
        finally:
            reader.close()


def check_acknowledged(point, events, keys):
    """Every complaint that was acknowledged before stands there once, with its number, and can be read."""
    opened = {}
    for e in events:
        if e.name == "case_opened" and e.event.client == "load":
            assert e.event.command_id not in opened, "a command opened two cases"
            opened[e.event.command_id] = e
    for command_id, (position, accepted) in point.ledger.told.items():
        if position <= point.seq:
            e = opened.get(command_id)
            assert e is not None, f"{accepted.number} was acknowledged at {position} and is not in the journal"
            assert (e.seq, e.body.number) == (accepted.case_id, accepted.number)
    texts = {command.id: command.receive_message.personal.text for _, command in point.ledger.sent}
    for command_id, e in opened.items():
        plain = unseal(e.body.personal, keys)
        if plain is None:
            before, _ = point.ledger.erased.get(command_id, (None, None))
            assert before is not None and before < point.seq, f"{e.body.number} cannot be opened"
        else:
            assert event_pb2.CaseText.FromString(plain).personal.text == texts[command_id]
    serials = [int(e.body.number.split("-")[1]) for e in events if e.name == "case_opened"]
    assert serials == list(range(1, len(serials) + 1)), "numbers without a gap or a twin"
    return opened


def check_asked_again(point, dice):
    """Who was answered gets the same answer, who was not is taken, once."""
    told = [c for _, c in point.ledger.sent if c.id in point.ledger.told and point.ledger.told[c.id][0] <= point.seq]
    before = {c.id for c in told}
    not_told = [c for position, c in point.ledger.sent if position < point.seq and c.id not in before]
    commands = dice.sample(told, min(ASKED_AGAIN // 2, len(told))) + told[-10:] + not_told[-ASKED_AGAIN:]
    if not commands:
        return
    lane = point.office.lane(client="load")
    try:
        replies = lane.ask(commands, 30)
    finally:
        lane.close()
    for command, reply in zip(commands, replies):
        assert reply.WhichOneof("result") == "accepted", reply
        if command.id in before:
            first = point.ledger.told[command.id][1]
            now = reply.accepted
            assert now.duplicate and not now.differed, now
            assert (now.seq, now.case_id, now.number) == (first.seq, first.case_id, first.number)


def check_erased(point):
    """Who was erased stays so: what was not done yet is done after the start."""
    gone = {command_id for command_id, (_, after) in point.ledger.erased.items() if after <= point.seq}

    def left():
        events, keys = point.journal()
        cases = [e for e in events if e.name == "case_opened" and e.event.command_id in gone]
        return [e.body.number for e in cases if unseal(e.body.personal, keys) is not None]

    until(lambda: not left(), lambda: f"erased, and still to be read: {left()}")


def check_mails(point, events, keys):
    """What the MTA was told is taken is a case, and its attachment is there."""
    cases = [e for e in events if e.name == "case_opened" and e.event.client.startswith("email")]
    sealed = {}
    for e in cases:
        text = event_pb2.CaseText.FromString(unseal(e.body.personal, keys))
        sealed[text.personal.contacts[0].value] = text.personal.attachments
    for i, (position, content) in enumerate(point.ledger.mails):
        if position > point.seq:
            continue
        name = sealed[f"m{i}@example.com"][0].blob
        assert name == hashlib.blake2b(content, digest_size=32).digest()
        blobs = point.office.data / "blobs"
        data = (blobs / name.hex()[:2] / name.hex()[2:]).read_bytes()
        assert unseal_blob(data, name, (blobs / "key").read_bytes()) == content


def check_intake(point, dice):
    point.start_intake()
    events, keys = point.journal()
    assert point.office.control("intake", seconds=60, verify_journal=query_pb2.VerifyJournal()).intact
    check_acknowledged(point, events, keys)
    check_mails(point, events, keys)
    active = sum(e.name == "policy_activated" for e in events)
    assert active >= sum(position <= point.seq for position in point.ledger.policies), "a policy put into force is gone"
    for anchor in (point.office.data / "intake/heads").glob("*.anchor"):
        point.office.kesu("journal", "verify", "--anchor", str(anchor))
    check_asked_again(point, dice)
    check_erased(point)
    check_acknowledged(point, *point.journal())


def check_office(point, dice):
    """All daemons go on: each case is done once, and what was told outside is told at most once more."""
    before = Letters(point.outside)
    outside = power.Recorder(RECORDER, point.dir / "record", [point.outside], sync_us=0)
    point.start_intake()
    events, keys = point.journal()
    point.office.environment = outside.environment
    recorded = delivered(events)
    cases = set(check_acknowledged(point, events, keys).values())
    others = [name for name in DAEMONS if name != "intake"]
    point.office.start_all(*others)
    if any(e.name == "policy_activated" for e in events):
        point.office.agents_present()
    wait_done(point.office, {e.seq for e in cases})
    events, keys = point.journal()
    check_acknowledged(point, events, keys)
    twice = [fact for fact, n in Counter(facts(events)).items() if n > 1]
    assert not twice, f"done twice: {twice[:5]}"
    after = Letters(point.outside)
    after.check_one_identity_each()
    assert not set(before.found) - set(after.found)
    attempts = delivered(events)
    assert not set(attempts) - set(after.found), "told, says the journal, and no mail is there"
    sent = Counter(r.paths()[1].rpartition("/")[2] for r in outside.records() if r.kind == power.RENAMED)
    for letter in before.found:
        n = sent[letter.partition("@")[0]]
        assert n <= (0 if letter in recorded else 1), f"{letter} was sent {n} times more"
        assert attempts.get(letter, 1 + n) >= 1 + n, f"{letter} was sent again and that was not counted"
    for name in ("routing", "sla-watch", "notification", "analytics"):
        verified = point.office.control(name, seconds=60, verify_fold=query_pb2.VerifyFold())
        assert verified.same, f"{name} is not what its rebuild is: {verified.difference}"


def describe(records, seq):
    """The last records before a point, for people."""
    kinds = {v: k.lower() for k, v in vars(power).items() if isinstance(v, int) and k.isupper() and k != "SECTOR"}
    names = {}
    lines = []
    for r in records:
        if r.seq > seq:
            break
        if r.kind in power.NAMES:
            names[r.ino] = r.paths()[-1]
        path = "/".join(names.get(r.ino, "?").split("/")[-3:])
        size = f" {len(r.data)} at {r.a}" if r.kind == power.WRITTEN else ""
        lines = [*lines[-14:], f"  {r.seq} {kinds[r.kind]} {path}{size}"]
    return "\n".join(lines)


def audit(recording, points, check, directory):
    """Each point of a recording rebuilt, started and checked."""
    records = recording.recorder.records()
    recording.check_whole(records)
    points = choose(records, points, random.Random(f"points {SEED}"))
    failures, waiting = [], []

    def one(point):
        try:
            check(point, random.Random(f"check {SEED} {point.number}"))
        except (Exception, pytest.fail.Exception) as problem:  # noqa: BLE001 - told with its point
            failures.append(f"{point.where()}\n{type(problem).__name__}: {problem}")
        finally:
            point.end()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        number = 0
        for record in records:
            recording.disk.take(record)
            while number < len(points) and points[number] == record.seq and not failures:
                target = directory / f"point-{number}"
                point = Point(target, number, record.seq, recording, describe(records, record.seq))
                target.mkdir()
                chance = power.Chance(random.Random(f"disk {SEED} {number}"))
                recording.disk.write_out(
                    chance, {recording.office.data: point.office.data, recording.outside: point.outside}
                )
                while len(waiting) >= 3:
                    waiting.pop(0).result()
                waiting.append(pool.submit(one, point))
                number += 1
    assert not failures, failures[0]
    assert number == len(points)


def test_intake_after_a_power_failure_has_all_it_acknowledged(place):
    """First start, segments, keys, register, policy, mail with evidence, people erased, an end, a kill."""
    recording = Recording(place / "intake")
    office, ledger = recording.office, recording.ledger
    office.settings["intake"] = ["--policy-dir", str(ROOT / "deploy/policy"), *INTAKE]
    with recording.running():
        office.start("intake")
        ledger.send(office, 12)
        ledger.mail(office)
        ledger.policy(office)
        ledger.send(office, 12)
        ledger.erase(office, 6)
        assert office.kill("intake", 15) == 0
        office.start("intake")
        ledger.send(office, 12)
        ledger.mail(office)
        ledger.erase(office, 6)
        recording.kill("intake")
        office.start("intake")
        register = (office.data / "intake/register/data.mdb").stat
        before = register().st_mtime_ns

        def stored():
            ledger.send(office, 1, size=2)
            return register().st_mtime_ns != before

        until(stored, "the register is stored while intake runs")
    assert len(list((office.data / "intake/journal").iterdir())) > 2, "segments were begun"
    audit(recording, POINTS, check_intake, place)


def test_the_office_after_a_power_failure_repeats_nothing(place):
    """All daemons, mail into a Maildir of another machine, clocks that are due at once."""
    recording = Recording(place / "office")
    office, ledger = recording.office, recording.ledger
    office.settings = {"intake": ["--policy-dir", str(quick_policy(office.dir)), *INTAKE]} | told_into(recording.outside)
    with recording.running():
        office.start_all()
        office.agents_present()
        ledger.send(office, 10)
        wait_done(office, {accepted.case_id for _, accepted in ledger.told.values()})
        ledger.send(office, 5)
        office.wait_folded("notification")
    audit(recording, max(2, POINTS // 40), check_office, place)

# SPDX-License-Identifier: Apache-2.0
"""The office of docker-compose.yml, complaints for it, and an account of them all."""

import email
import functools
import os
import pathlib
import shutil
import signal
import smtplib
import subprocess
import tempfile
import threading
from collections import Counter

import kesu_client
from conftest import ROOT, Office, until
from kesu.v1 import command_pb2, query_pb2

FOLDS = ["routing", "sla-watch", "notification", "analytics"]
DAEMONS = ["intake", *FOLDS, "routing-worker", "email"]
SERVICES = [*DAEMONS, "mail"]
SMTP_PORT = 2525  # as docker-compose.yml publishes it
MAILBOX = "complaints@kesu.example"
BATCH = 4
PAUSE = 0.2  # between batches and mails
TEXTS = [
    "包裹送到的時候全濕了，裡面的杯子也破了，要求賠償",
    "快递三天没有更新，客服电话打不通",
    "The parcel arrived crushed and the driver was rude",
]


class Composed:
    def __init__(self, engine, tag):
        self.engine, self.tag = engine, tag
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="kesu-"))
        self.run = self.dir / "run"

    def compose(self, *arguments, tag=None, seconds=300):
        environment = {**self.engine.environment, "KESU_TAG": tag or self.tag}
        done = subprocess.run(
            ["docker-compose", "--file", ROOT / "docker-compose.yml", *arguments],
            env=environment, capture_output=True, text=True, timeout=seconds, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"docker-compose {arguments}: {done.stdout}\n{done.stderr}"
        return done.stdout

    def up(self):
        self.compose("up", "--detach", "--no-build")
        self.find()

    def find(self):
        """Until all are ready."""
        self.run.symlink_to(self.volume("run"))  # a path short enough for sockets
        for name in ["intake", *FOLDS]:
            until(lambda n=name: self.is_ready(n), lambda n=name: f"{n} ready: {self.logs(n)}", 120)

    def type(self, line):
        """As a person does, in a terminal at the top of the tree; what is on the screen then."""
        done = subprocess.run(
            ["script", "--quiet", "--return", "--command", line, "/dev/null"], env=self.engine.environment, cwd=ROOT,
            capture_output=True, text=True, timeout=600, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def is_ready(self, name):
        try:
            return self.control(name, seconds=2, info=query_pb2.GetInfo()).ready
        except kesu_client.NoAnswer:
            return False

    def down(self):
        self.compose("--profile", "demo", "down", "--volumes", "--timeout", "5")
        shutil.rmtree(self.dir, ignore_errors=True)

    @functools.cache  # noqa: B019 - a handful
    def volume(self, name):
        return pathlib.Path(self.engine.docker("volume", "inspect", "--format", "{{.Mountpoint}}", f"kesu_{name}"))

    def containers(self, service):
        """The newest first."""
        found = self.engine.docker("ps", "--quiet", "--no-trunc", "--filter", f"label=com.docker.compose.service={service}")
        return found.split()

    def state(self, container):
        return self.engine.inspect(container, "{{.State.Health.Status}}")

    def wait_healthy(self, service):
        def healthy():
            found = self.containers(service)
            return found and all(self.state(c) == "healthy" for c in found)

        until(healthy, lambda: f"{service} healthy: {self.logs(service)}", 120)

    def logs(self, service):
        return self.compose("logs", "--no-color", "--tail", "20", service)

    def kill(self, service):
        """As a crash does: the engine is not asked, so that it starts the container again."""
        for container in self.containers(service)[:1]:
            pid, count = self.engine.inspect(container, "{{.State.Pid}} {{.RestartCount}}").split()
            os.kill(int(pid), signal.SIGKILL)
            restarts = lambda c=container: self.engine.inspect(c, "{{.RestartCount}} {{.State.Running}}").split()  # noqa: E731
            until(lambda n=int(count): int(restarts()[0]) > n and restarts()[1] == "true", f"{service} started again", 60)

    def replace(self, service, tag):
        self.compose("up", "--detach", "--no-build", "--no-deps", service, tag=tag)

    def kesu(self, *arguments):
        return self.compose("exec", "-T", "intake", "kesu", *arguments)

    def control(self, daemon, seconds=30, **bodies):
        return kesu_client.control(self.run, daemon, seconds, **bodies)

    def workers(self):
        try:
            return self.control("routing", seconds=5, get_workers=query_pb2.GetWorkers()).workers
        except kesu_client.NoAnswer:
            return []

    def journal(self):
        reader = kesu_client.Journal(self.run)
        try:
            return reader.all(60)
        finally:
            reader.close()

    def mailbox(self):
        """Message-ID of each mail delivered, and how often."""
        found = Counter()
        for path in (self.volume("mail") / "sent/new").iterdir():
            with path.open("rb") as mail:
                found[email.message_from_binary_file(mail)["Message-ID"].strip("<>")] += 1
        return found

    def agents_present(self):
        lane = kesu_client.Lane(self.run, "intake-people", "presence")
        presence = [command_pb2.SetPresence(agent=a, present=True, capacity=1000) for a in Office.shipped_agents()]
        replies = lane.ask([kesu_client.command(set_presence=body) for body in presence])
        lane.close()
        assert all(reply.WhichOneof("result") == "accepted" for reply in replies), replies


class Load:
    """Two who complain without end: one by the protocol, one by mail. Each keeps a ledger of what was taken."""

    def __init__(self, office):
        self.office = office
        self.ledger = {}  # command id -> Accepted
        self.mails = 0  # taken by the mail server
        self.ending = threading.Event()
        self.failures = []
        self.threads = [threading.Thread(target=self.guard, args=(work,), daemon=True) for work in (self.send, self.mail)]
        for thread in self.threads:
            thread.start()

    def guard(self, work):
        try:
            work()
        except Exception as problem:  # told by the test
            self.failures.append(problem)

    def send(self):
        lane, n = kesu_client.Lane(self.office.run, "intake-new", "load"), 0
        while not self.ending.wait(PAUSE):
            open_ones = []
            for _ in range(BATCH):
                n += 1
                open_ones.append(kesu_client.receive_message(f"{n}: {TEXTS[n % len(TEXTS)]}", email=f"c{n}@example.com"))
            while open_ones:  # the same with the same ids until each is accepted
                open_ones = self.ask(lane, open_ones)
        lane.close()

    def ask(self, lane, commands):
        try:
            replies = lane.ask(commands, seconds=2)
        except kesu_client.NoAnswer:
            return commands
        again = []
        for command, reply in zip(commands, replies):
            if reply.WhichOneof("result") == "accepted":
                self.ledger[command.id] = reply.accepted
            else:
                assert reply.refused.disposition == command_pb2.DISPOSITION_RETRY, reply.refused
                again.append(command)
        return again

    def mail(self):
        """The same mail again until the server took it; a repetition has the same Message-ID."""
        self.office.engine.enter()
        while not self.ending.wait(PAUSE):
            text = (
                f"From: m{self.mails}@example.com\r\nTo: {MAILBOX}\r\nSubject: parcel\r\n"
                f"Message-ID: <{self.mails}@example.com>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0800\r\n"
                f"\r\nParcel {self.mails} came wet.\r\n"
            )
            while not self.post(text):
                pass
            self.mails += 1

    def post(self, text):
        try:
            with smtplib.SMTP("127.0.0.1", SMTP_PORT, local_hostname="customer.example", timeout=10) as server:
                server.sendmail("m@example.com", [MAILBOX], text)
            return True
        except (OSError, smtplib.SMTPException):
            return self.ending.wait(0.1) and False

    def count(self):
        return len(self.ledger) + self.mails

    def go_on(self, n=40):
        """Until so many more were taken."""
        goal = self.count() + n
        until(lambda: self.failures or self.count() >= goal, lambda: f"{self.count()} taken, not {goal}", 90)
        assert not self.failures, self.failures

    def end(self):
        self.ending.set()
        for thread in self.threads:
            thread.join(60)
        assert not self.failures and not any(thread.is_alive() for thread in self.threads), self.failures


def audit(office, load, mail_deaths=0, notification_deaths=0):
    """Everything that was taken has its one place in the journal, with analytics, and in the mailbox."""
    load.end()
    total = load.count()
    assert load.ledger and load.mails

    def names():
        return Counter(event.name for event in office.journal())

    until(lambda: names()["case_opened"] >= total, lambda: f"{names()['case_opened']} cases of {total}", 60)
    until(lambda: names()["case_assigned"] >= total, lambda: f"{names()}", 120)

    def receipts():
        return {
            e.case_id: e.body.message_id
            for e in office.journal()
            if e.name == "delivery_recorded" and e.body.kind == "receipt"
            and e.body.outcome == command_pb2.DELIVERY_OUTCOME_DELIVERED
        }  # fmt: skip

    until(lambda: len(receipts()) >= total, lambda: f"{len(receipts())} receipts of {total}", 180)
    events = office.journal()
    opened = [e for e in events if e.name == "case_opened"]
    by_command = {e.event.command_id: e for e in opened if e.event.client == "load"}
    assert set(by_command) == set(load.ledger), "acknowledged and journalled are the same"
    for command_id, accepted in load.ledger.items():
        assert (by_command[command_id].seq, by_command[command_id].body.number) == (accepted.case_id, accepted.number)
    assert len(opened) == total, f"{len(opened) - len(by_command)} cases by mail, {load.mails} mails taken"
    serials = sorted(int(e.body.number.split("-")[1]) for e in opened)
    assert serials == list(range(1, total + 1)), "numbers without a gap or a twin"
    assigned = Counter(e.case_id for e in events if e.name == "case_assigned")
    assert set(assigned.values()) == {1} and len(assigned) == total

    head = events[-1].seq
    for name in FOLDS:
        until(lambda n=name: office.control(n, info=query_pb2.GetInfo()).folded_seq >= head, f"{name} at {head}", 60)
        verified = office.control(name, seconds=120, verify_fold=query_pb2.VerifyFold())
        assert verified.same, f"{name}: {verified.difference}"
    stats = office.control("analytics-query", get_stats=query_pb2.GetStats())
    assert stats.opened == total and stats.assigned == total, stats
    assert office.kesu("journal", "verify").startswith("intact")

    told = set(receipts().values())
    until(lambda: told <= set(office.mailbox()), lambda: f"{len(told - set(office.mailbox()))} receipts not in the mailbox", 60)
    worst = max(office.mailbox().values())
    assert worst <= 1 + mail_deaths + notification_deaths, f"a mail came {worst} times"

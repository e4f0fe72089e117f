# SPDX-License-Identifier: Apache-2.0
"""Real daemons in a directory of their own, a real SMTP server beside them."""

import fcntl
import fnmatch
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import kesu_client  # noqa: E402
import personal  # noqa: E402
from kesu.v1 import command_pb2, query_pb2  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
BIN = pathlib.Path(os.environ.get("KESU_BIN", ROOT / "build/release/bin"))
DAEMONS = ["intake", "routing", "routing-worker", "sla-watch", "notification", "analytics"]
SKIPS = pytest.StashKey()  # the lines of what was skipped
PATIENCE = 30  # seconds a condition may take on a loaded machine


def until(condition, what, seconds=PATIENCE):
    """Waits for a condition; what it returned, or a failure that says what was missing."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds} s: {what() if callable(what) else what}")
        pause.wait(0.02)


def free_port(n=1):
    """The first of n free ones in a row, below those that the kernel gives to whoever connects meanwhile."""
    while True:
        first, held = random.randrange(20000, 32000), []
        try:
            for port in range(first, first + n):
                held.append(socket.socket())
                held[-1].bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for one in held:
                one.close()


def test_name(item):
    """tests/e2e/test_x.py::test_y, from wherever pytest was started."""
    return f"{item.path.relative_to(ROOT)}::{item.name}"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A skip says so in a line, and is a failure under CI=true unless tests/skips.txt names the test."""
    report = (yield).get_result()
    if not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2].removeprefix("Skipped: ")
    said = subprocess.run([ROOT / "tests/skip", test_name(item), reason], capture_output=True, text=True, check=False)
    item.config.stash.setdefault(SKIPS, []).append(said.stdout.strip())
    if said.returncode:
        report.outcome, report.longrepr = "failed", f"{said.stderr.strip()} ({reason})"


def pytest_terminal_summary(terminalreporter, config):
    for line in config.stash.get(SKIPS, []):
        terminalreporter.line(line)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Under CI=true, the list names no test that is gone."""
    folders = [pathlib.Path(a).resolve() for a in config.args if pathlib.Path(a).is_dir()]
    names = [test_name(item) for item in items]
    for line in (ROOT / "tests/skips.txt").read_text().splitlines():
        glob = line.split("#")[0].partition(" ")[0]
        if os.environ.get("CI") == "true" and any((ROOT / glob).parent == folder for folder in folders):
            if not any(fnmatch.fnmatchcase(name, glob) for name in names):
                raise pytest.UsageError(f"tests/skips.txt: no test is named {glob}")


def quick_policy(directory, dues=r"dues: \{[^}]*\}"):
    """The shipped policy with mail into a Maildir and clocks of three seconds: those whose dues are so written."""
    policy = pathlib.Path(directory) / "policy"
    shutil.copytree(ROOT / "deploy/policy", policy)
    notify = (policy / "notify.yaml").read_text()
    assert "transport: smtp" in notify
    (policy / "notify.yaml").write_text(notify.replace("transport: smtp", "transport: maildir"))
    sla, n = re.subn(dues, "dues: {all: 3s}", (policy / "sla.yaml").read_text())
    assert n
    (policy / "sla.yaml").write_text(re.sub(r"escalate_after: \[.*\]", "escalate_after: [1h]", sla))
    return policy


class Office:
    """A set of daemons on one data directory."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.data = self.dir / "data"
        self.run = self.dir / "run"
        self.processes = {}
        self.settings = {"intake": ["--policy-dir", str(ROOT / "deploy/policy")]}
        self.environment = {}  # more than this process has
        self.logs = {}

    def start(self, name, *flags, instance=None, wait=True):
        """Starts kesu-NAME; instance: another name for a second one (workers)."""
        key = instance or name
        log = open(self.dir / f"{key}.log", "ab")
        run_flags = ["--run-dir", str(self.run), "--data-dir", str(self.data)]
        given = list(self.settings.get(key, self.settings.get(name, [])))
        if instance:
            given += ["--instance", instance]
        process = subprocess.Popen(
            [str(BIN / f"kesu-{name}"), *run_flags, *given, *flags], stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, env=os.environ | self.environment,
        )
        log.close()
        self.processes[key] = process
        if wait:
            self.wait_ready(key)
        return process

    def start_all(self, *names):
        for name in names or DAEMONS:
            self.start(name, wait=False)
        for name in names or DAEMONS:
            self.wait_ready(name)

    def http(self, name, path, seconds=5):
        """Status and body; (0, "") when nobody answers."""
        try:
            port = int((self.run / f"{name}.port").read_text())
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=seconds) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except (OSError, ValueError):
            return 0, ""

    def log(self, name):
        path = self.dir / f"{name}.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def check_silence(self):
        """No daemon has logged what a customer of this test said."""
        for path in sorted(self.dir.glob("*.log")):
            spoken = personal.spoken_in(path.read_text(errors="replace"), kesu_client.said)
            assert not spoken, f"{path.name} holds what customers said: {spoken[:5]}"

    def wait_ready(self, name, seconds=PATIENCE):
        def ready():
            process = self.processes[name]
            if process.poll() is not None:
                pytest.fail(f"{name} ended with {process.returncode}:\n{self.log(name)[-3000:]}")
            return self.http(name, "/readyz")[0] == 200

        until(ready, lambda: f"{name} ready: {self.http(name, '/readyz')}\n{self.log(name)[-3000:]}", seconds)

    def kill(self, name, how=signal.SIGKILL):
        process = self.processes.pop(name)
        process.send_signal(how)
        process.wait(PATIENCE)
        if process.returncode == -signal.SIGKILL:
            (self.run / f"{name}.port").unlink(missing_ok=True)
        return process.returncode

    def freeze(self, name):
        """SIGSTOP, and until every thread stands still."""
        process = self.processes[name]
        process.send_signal(signal.SIGSTOP)
        tasks = pathlib.Path(f"/proc/{process.pid}/task")
        until(lambda: all((t / "stat").read_text().rpartition(") ")[2][0] == "T" for t in tasks.iterdir()), "stopped")

    def thaw(self, name):
        self.processes[name].send_signal(signal.SIGCONT)

    def stop(self):
        for name in reversed(list(self.processes)):
            process = self.processes[name]
            process.send_signal(signal.SIGCONT)
            process.send_signal(signal.SIGTERM)
        for name, process in self.processes.items():
            try:
                status = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                pytest.fail(f"{name} did not stop when asked")
            assert status == 0, f"{name} stopped with {status}:\n{self.log(name)[-3000:]}"
        self.processes = {}

    def lane(self, lane="intake-new", client="test"):
        return kesu_client.Lane(self.run, lane, client)

    def journal(self, **options):
        return kesu_client.Journal(self.run, **options)

    def control(self, daemon, **bodies):
        return kesu_client.control(self.run, daemon, **bodies)

    def info(self, daemon):
        return self.control(daemon, info=query_pb2.GetInfo())

    def case(self, case_id, personal=False):
        return self.control("intake", get_case=query_pb2.GetCase(case_id=case_id, personal=personal))

    def stats(self):
        return self.control("analytics-query", get_stats=query_pb2.GetStats())

    def kesu(self, *arguments, status=0, stdin=""):
        """Runs the command line; its standard output."""
        done = subprocess.run(
            [str(BIN / "kesu"), "--run-dir", str(self.run), "--data-dir", str(self.data), *arguments],
            input=stdin, capture_output=True, text=True, timeout=120, check=False,
        )
        assert done.returncode == status, f"kesu {arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def agents_present(self, capacity=1000):
        """Every agent of the shipped policy comes to work."""
        agents = self.shipped_agents()
        with_lane = self.lane("intake-people", "presence")
        replies = with_lane.ask(
            [
                kesu_client.command(
                    set_presence=command_pb2.SetPresence(agent=agent, present=True, capacity=capacity)
                )
                for agent in agents
            ]
        )
        with_lane.close()
        assert all(reply.WhichOneof("result") == "accepted" for reply in replies), replies
        return agents

    @staticmethod
    def shipped_agents():
        import yaml

        org = yaml.safe_load((ROOT / "deploy/policy/org.yaml").read_text())
        return [person["id"] for person in org["staff"] if person.get("agent")]

    def wait_folded(self, *daemons, seconds=PATIENCE):
        """Until these folds have folded all that intake has now."""
        head = self.info("intake").head_seq
        for daemon in daemons:
            until(lambda d=daemon: self.info(d).folded_seq >= head, f"{daemon} at {head}", seconds)


@pytest.fixture
def office():
    """Not started yet; everything it started is stopped at the end."""
    directory = tempfile.mkdtemp(prefix="kesu-")
    os.chmod(directory, 0o755)
    made = Office(directory)
    try:
        kesu_client.said.clear()
        yield made
        made.stop()
        made.check_silence()
    finally:
        for process in made.processes.values():
            process.kill()
            process.wait()
        shutil.rmtree(directory, ignore_errors=True)


class SmtpServer:
    """OpenSMTPD on a loopback port, all mail delivered to one Maildir."""

    CONFIG = """\
queue ttl 1h
table everyone {{ "@" = "nobody" }}
listen on 127.0.0.1 port {port} hostname localhost
action deliver maildir "{maildir}" user nobody virtual <everyone>
match from any for any action deliver
"""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.maildir = self.dir / "Maildir"
        self.maildir.mkdir()
        shutil.chown(self.maildir, "nobody")
        self.port = free_port()
        self.url = f"smtp://127.0.0.1:{self.port}"
        self.config = self.dir / "smtpd.conf"
        self.config.write_text(self.CONFIG.format(port=self.port, maildir=self.maildir))
        self.process = None

    def start(self):
        log = open(self.dir / "smtpd.log", "ab")
        self.process = subprocess.Popen(
            ["/usr/sbin/smtpd", "-d", "-f", str(self.config)], stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )
        log.close()
        until(self.answers, lambda: f"smtpd: {(self.dir / 'smtpd.log').read_text()}")

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as s:
                return s.recv(3) == b"220"
        except OSError:
            return False

    @staticmethod
    def queue():
        """What it has taken and not delivered yet, a line each."""
        return subprocess.run(["smtpctl", "show", "queue"], capture_output=True, text=True, check=True, timeout=60).stdout

    def stop(self):
        """Its queue is the machine's: what stayed there would reach the next server's Maildir."""
        if self.process is not None:
            until(lambda: not self.queue(), lambda: f"all delivered: {self.queue()}")
            self.process.terminate()
            self.process.wait(PATIENCE)
            self.process = None
            until(lambda: not self.answers(), "smtpd gone")

    def mails(self):
        """All mails delivered so far, parsed."""
        import email
        import email.policy

        found = []
        for path in sorted(self.maildir.glob("new/*")):
            found.append(email.message_from_bytes(path.read_bytes(), policy=email.policy.default))
        return found


@pytest.fixture
def smtp():
    """A running server; only one fits on a machine, so a lock is held."""
    if not os.path.exists("/usr/sbin/smtpd") or os.geteuid() != 0:
        pytest.skip("needs OpenSMTPD and root")
    directory = tempfile.mkdtemp(prefix="kesu-smtp-")
    os.chmod(directory, 0o755)
    with open("/tmp/kesu-smtpd.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = SmtpServer(directory)
        try:
            server.start()
            yield server
        finally:
            server.stop()
            shutil.rmtree(directory, ignore_errors=True)

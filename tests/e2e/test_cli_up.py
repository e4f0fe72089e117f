# SPDX-License-Identifier: Apache-2.0
"""kesu up: all daemons as children, and the demo that follows complaints through them."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

import pytest
from conftest import BIN, DAEMONS, free_port, until


class Up:
    def __init__(self, directory, *flags):
        self.data = pathlib.Path(directory) / "data"
        self.log = pathlib.Path(directory) / "up.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(BIN / "kesu"), "up", "--data-dir", str(self.data), *flags], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def text(self):
        return self.log.read_text(errors="replace")

    def kesu(self, *arguments):
        done = subprocess.run(
            [str(BIN / "kesu"), "--data-dir", str(self.data), *arguments], capture_output=True, text=True, timeout=60, check=False
        )
        return done.returncode, done.stdout

    def children(self):
        """pid by program, of those that run."""
        found = {}
        for pid in pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            try:
                found.setdefault(os.path.basename(os.readlink(f"/proc/{pid}/exe")), []).append(int(pid))
            except OSError:
                pass
        return found

    def wait_ready(self):
        until(lambda: self.kesu("fold", "list", "--timeout", "1s")[1].count(" ready ") == 5, self.text)


@pytest.fixture
def up():
    started = []
    directory = tempfile.mkdtemp(prefix="kesu-up-")  # short: sockets lie in it
    os.chmod(directory, 0o755)

    def start(*flags, inside=""):
        place = pathlib.Path(directory) / inside
        place.mkdir(exist_ok=True)
        started.append(Up(place, *flags))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.terminate()
            one.process.wait(60)
    shutil.rmtree(directory, ignore_errors=True)


def test_what_dies_starts_again_and_a_signal_stops_all(up):
    office = up("--workers", "3")
    office.wait_ready()
    children = office.children()
    assert set(children) == {f"kesu-{name}" for name in [*DAEMONS, "email"]}
    assert len(children["kesu-routing-worker"]) == 3
    for name in ("kesu-intake", "kesu-analytics", "kesu-email"):
        os.kill(children[name][0], signal.SIGKILL)
    until(lambda: set(office.children()) == set(children), office.text)
    office.wait_ready()
    assert office.children()["kesu-intake"] != children["kesu-intake"]
    assert re.search(r"kesu +\| intake was killed by signal 9 .*; again in 0\.25 s", office.text())
    pids = [pid for many in office.children().values() for pid in many]
    office.process.send_signal(signal.SIGINT)
    assert office.process.wait(60) == 0, office.text()
    assert not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids)
    assert "killed\n" not in office.text().split("stopping")[-1]


def test_mails_are_taken_in(up):
    office = up()
    office.wait_ready()
    mail = office.data / "mail/incoming/new/one"
    mail.write_text("From: Amy <amy@example.com>\nTo: complaints@kesu.example\nMessage-ID: <1@example.com>\nSubject: broken\n\nIt broke.\n")
    until(lambda: " email " in office.kesu("list")[1], lambda: office.kesu("list"))


def test_children_do_not_outlive_it(up):
    office = up()
    office.wait_ready()
    pids = [pid for many in office.children().values() for pid in many]
    office.process.kill()
    office.process.wait()
    until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids), "all gone")


def test_wrong_settings_end_it(up):
    office = up(inside="x" * 90)  # no socket can lie there
    assert office.process.wait(60) == 70
    assert re.search(r"kesu up: \S+ cannot run as it was started", office.text())


def test_the_demo_accounts_for_every_complaint(up):
    office = up("--demo", "--complaints", "25", "--limit", "90s")
    assert office.process.wait(150) == 0, office.text()
    text = office.text()
    paths = re.findall(r"demo +\| (\d{4}-\d{6})  \S+ +S[1-4]  \S+ +-> \w+ +-> \w+ +5 clocks, receipt by (\w+)", text)
    assert len({number for number, _ in paths}) == 25, text
    assert "all 25 complaints (5 of them mails) are accounted for" in text
    if os.geteuid() == 0 and os.path.exists("/usr/sbin/smtpd"):
        assert {transport for _, transport in paths} == {"smtp"}
    sent = (office.data / "mail/sent/new").iterdir()
    assert sum(b"To: " in mail.read_bytes() for mail in sent) >= 25


def test_every_daemon_is_killed_and_no_complaint_is_lost(up):
    office = up("--demo", "--complaints", "200", "--limit", "150s")
    programs = [f"kesu-{name}" for name in [*DAEMONS, "email"]]
    for place, program in enumerate(programs):
        until(lambda n=20 * (place + 1): office.text().count("5 clocks, receipt by") >= n, office.text, 60)
        os.kill(office.children()[program][0], signal.SIGKILL)
    assert office.process.wait(200) == 0, office.text()
    assert len(re.findall(r"was killed by signal 9", office.text())) == len(programs)
    assert "all 200 complaints (40 of them mails) are accounted for" in office.text()


def test_the_demo_says_what_is_missing(up):
    office = up("--demo", "--complaints", "4", "--limit", "5s", "--smtp-url", f"smtp://127.0.0.1:{free_port()}")
    assert office.process.wait(90) == 1, office.text()
    text = office.text()
    assert len(re.findall(r"missing: complaint \d \(\d{4}-\d{6}\): .*no receipt delivered", text)) == 4, text
    assert "not all of 4 complaints are accounted for" in text

# SPDX-License-Identifier: Apache-2.0
"""Health of real daemons: ready, busy, stopped, gone."""

import fcntl
import os
import re
import shutil
import socket
import time

import pytest
from conftest import DAEMONS, ROOT, until

LINE = re.compile(r'^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? -?[0-9.e+-]+(inf|Inf)?$')


def test_every_daemon_serves_health_and_metrics(office):
    office.start_all()
    for name in DAEMONS:
        assert office.http(name, "/healthz") == (200, "ok\n"), name
        assert office.http(name, "/readyz")[0] == 200, name
        status, text = office.http(name, "/metrics")
        assert status == 200
        lines = text.splitlines()
        assert any(line.startswith("kesu_loop_turn_seconds_count") for line in lines), name
        for line in lines:
            assert line.startswith("# ") or LINE.match(line), f"{name}: {line}"
        assert office.http(name, "/elsewhere")[0] == 404
        info = office.info(name)
        assert info.daemon == name and info.ready, name


def test_a_daemon_alone_is_alive_but_says_why_it_is_not_ready(office):
    office.start("analytics", wait=False)
    until(lambda: office.http("analytics", "/healthz")[0] == 200, "alive")
    status, why = office.http("analytics", "/readyz")
    assert status == 503 and why.strip(), "it follows intake, which is not there"
    office.start("intake")
    office.wait_ready("analytics")
    office.kill("intake")


def test_a_loop_blocked_for_twenty_seconds_is_busy(office):
    """A policy file that is a pipe nobody writes to blocks intake in the middle of its work."""
    policy = office.dir / "policy"
    shutil.copytree(ROOT / "deploy/policy", policy)
    (policy / "org.yaml").unlink()
    os.mkfifo(policy / "org.yaml")
    office.settings["intake"] = ["--policy-dir", str(policy)]
    office.start("intake", wait=False)
    start = time.monotonic()

    def busy_for():
        status, text = office.http("intake", "/healthz")
        found = re.match(r"busy for (\d+) s", text)
        return status == 200 and found and int(found.group(1)) >= 20

    until(busy_for, lambda: office.http("intake", "/healthz"), 40)
    assert time.monotonic() - start >= 20
    status, why = office.http("intake", "/readyz")
    assert status == 503 and why.strip()
    assert office.http("intake", "/metrics")[0] == 200
    office.kill("intake")


@pytest.mark.parametrize("name", ["intake", "analytics"])
def test_a_stopped_process_does_not_answer(office, name):
    office.start_all("intake", "analytics")
    office.freeze(name)
    assert office.http(name, "/healthz", seconds=1) == (0, "")
    office.thaw(name)
    until(lambda: office.http(name, "/healthz") == (200, "ok\n"), "answers again")
    office.kill(name)
    assert office.http(name, "/healthz", seconds=1) == (0, "")
    if name == "intake":
        until(lambda: office.http("analytics", "/healthz") == (200, "ok\n"), "the others live on")


def test_one_process_holds_a_run_directory(office):
    office.start("intake")
    second = office.start("intake", "--http-port", "0", instance="second", wait=False)
    assert second.wait(20) != 0
    assert "E_EXISTS" in office.log("second")
    del office.processes["second"]
    assert office.http("intake", "/readyz")[0] == 200


def test_who_does_not_hold_the_register_does_not_come_near_the_journal(office):
    register = office.data / "intake/register"
    register.mkdir(parents=True)
    with open(register / "owner.lock", "w", encoding="ascii") as another:
        fcntl.flock(another, fcntl.LOCK_EX)
        late = office.start("intake", wait=False)
        assert late.wait(20) != 0
    assert "E_EXISTS" in office.log("intake")
    del office.processes["intake"]
    assert not (office.data / "intake/journal").exists()


def test_daemons_stop_when_asked_and_exit_zero(office):
    office.start_all()
    office.stop()


def test_the_command_line_asks_for_health_as_a_container_does(office, monkeypatch):
    office.kesu("health", "analytics", status=69)
    office.kesu("health", status=64)
    office.start("analytics", wait=False)
    until(lambda: office.http("analytics", "/healthz")[0] == 200, "alive")
    until(lambda: "intake" in office.kesu("health", "analytics", status=1), "waits for intake")
    office.start("intake")
    office.wait_ready("analytics")
    assert office.kesu("health", "analytics") == "ready\n"
    monkeypatch.setenv("KESU_HTTP_PORT", (office.run / "analytics.port").read_text().strip())
    assert office.kesu("health") == "ready\n"
    office.freeze("analytics")
    assert office.kesu("health", "--timeout", "200ms", status=69) == ""
    office.thaw("analytics")
    office.kill("analytics")
    office.kesu("health", status=69)
    monkeypatch.setenv("KESU_HTTP_PORT", "none")
    office.kesu("health", status=64)
    office.kill("intake")


def test_the_name_of_an_instance_may_hold_that_of_the_host(office):
    name = f"desk-{socket.gethostname()}-a"
    office.start_all("intake", "routing")
    office.start("routing-worker", "--instance", "desk-%H-a", instance=name)
    assert office.info(name).daemon == name
    assert name in office.kesu("workers")

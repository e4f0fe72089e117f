# SPDX-License-Identifier: Apache-2.0
"""What a daemon tells the service manager that started it."""

import signal
import socket

import pytest
from conftest import until


class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.setblocking(False)
        self.told = []

    def heard(self, line):
        while True:
            try:
                self.told += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return line in self.told


@pytest.fixture(params=["a path", "an abstract name"])
def manager(request, office, monkeypatch):
    path = str(office.dir / "notify")
    made = Manager(path if request.param == "a path" else "\0" + path)
    monkeypatch.setenv("NOTIFY_SOCKET", path if request.param == "a path" else "@" + path)
    yield made
    made.socket.close()


def test_ready_is_told_when_it_is_so_and_the_stop_before_it(office, manager):
    office.start("analytics", wait=False)
    until(lambda: office.http("analytics", "/healthz")[0] == 200, "alive")
    assert not manager.heard("READY=1"), "it follows intake, which is not there"
    office.start("intake")
    office.wait_ready("analytics")
    until(lambda: manager.heard("READY=1") and manager.told.count("READY=1") == 2, lambda: manager.told)
    assert not manager.heard("STOPPING=1") and not manager.heard("WATCHDOG=1"), manager.told
    assert office.kill("analytics", signal.SIGTERM) == 0
    assert manager.heard("STOPPING=1")


def test_the_watchdog_is_fed_by_the_loop(office, manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "300000")
    office.start("intake")
    until(lambda: manager.heard("WATCHDOG=1") and manager.told.count("WATCHDOG=1") >= 3, lambda: manager.told)
    office.kill("intake")
    assert manager.heard("WATCHDOG=1")
    monkeypatch.setenv("WATCHDOG_PID", "1")  # another's
    manager.told = []
    office.start("intake")
    until(lambda: manager.heard("READY=1"), lambda: manager.told)
    assert not manager.heard("WATCHDOG=1")

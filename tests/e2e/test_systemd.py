# SPDX-License-Identifier: Apache-2.0
"""The systemd units: right, shut in, and not so narrow that the daemons could not work in them."""

import functools
import os
import re
import shutil
import subprocess

import conftest
import kesu_client
import pytest
from conftest import BIN, DAEMONS, ROOT, until

# What is deployed, also where another variant is tested: a sanitizer makes calls of its own.
RELEASE = ROOT / "build/release/bin"
PROGRAMS = RELEASE if (RELEASE / "kesu-intake").exists() else BIN
EXPOSURE = 15  # a tenth of what systemd-analyze calls it: 0 is shut in wholly, 100 not at all
pytestmark = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs Debian's systemd")


def run(*command, status=0):
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, f"{command}: {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done


@pytest.fixture(scope="module")
def units(tmp_path_factory):
    """As make install lays them, with programs that are there."""
    prefix = tmp_path_factory.mktemp("prefix")
    run(ROOT / "deploy/install-files", BIN, prefix)
    return prefix / "lib/systemd/system"


def test_every_daemon_has_a_unit_that_systemd_understands(units):
    services = sorted(path.name for path in units.glob("*.service"))
    expected = {f"kesu-{name}.service" for name in DAEMONS if name != "routing-worker"}
    assert set(services) == expected | {"kesu-email.service", "kesu-routing-worker@.service"}
    target = (units / "kesu.target").read_text()
    for name in services:
        assert name.replace("@.", "@1.") in target, name
    done = run("systemd-analyze", "verify", "--man=no", *units.glob("*.service"), units / "kesu.target")
    assert not [line for line in done.stderr.splitlines() if "kesu" in line], done.stderr


def test_every_unit_is_shut_in(units):
    for path in units.glob("*.service"):
        run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", path)
    bare = units.parent / "kesubare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n")
    run("systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", bare, status=1)


def test_the_common_part_holds_for_every_unit(units):
    common = (units / "kesu-.service.d/10-kesu.conf").read_text()
    assert "Type=notify" in common and "SystemCallFilter=" in common
    for path in units.glob("*.service"):
        assert path.name.startswith("kesu-") and "Type=" not in path.read_text(), path


@functools.cache
def members(group):
    """The system calls of a group of systemd's, or the one so called."""
    found = set() if group.startswith("@") else {group}
    listed = run("systemd-analyze", "syscall-filter", group).stdout if not found else ""
    for line in listed.splitlines():
        name = line.strip()
        if line.startswith("    ") and re.match(r"@?[a-z0-9_-]+$", name):
            found |= members(name)
    return found


def allowed(units):
    calls = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", (units / "kesu-.service.d/10-kesu.conf").read_text(), re.MULTILINE):
        groups = set().union(*map(members, line.lstrip("~").split()))
        calls = calls - groups if line.startswith("~") else calls | groups
    return calls


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
def test_the_daemons_make_no_system_call_that_the_units_forbid(office, units, monkeypatch):
    traced = office.dir / "traced"
    traced.mkdir()
    for name in [*DAEMONS, "email"]:
        wrapper = traced / f"kesu-{name}"
        wrapper.write_text(f'#!/bin/sh\nexec strace -D -f -c -U name -o {office.dir}/{name}.calls {PROGRAMS}/kesu-{name} "$@"\n')
        wrapper.chmod(0o755)
    os.symlink(PROGRAMS / "kesu", traced / "kesu")
    monkeypatch.setattr(conftest, "BIN", traced)
    incoming = office.dir / "incoming"
    for part in ("new", "cur", "tmp"):
        (incoming / part).mkdir(parents=True)
    office.settings["email"] = ["--maildirs", f"complaints@kesu.example={incoming}"]
    office.settings["notification"] = ["--maildir", str(office.dir / "sent"), "--smtp-url", "smtp://127.0.0.1:9"]
    office.start_all(*DAEMONS, "email")
    office.agents_present()
    (incoming / "new/1").write_text("From: a@example.com\nTo: complaints@kesu.example\nMessage-ID: <1@a>\n\nwet\n")
    lane = office.lane()
    lane.ask([kesu_client.receive_message("包裹濕了", email="wang@example.com")])
    until(lambda: office.stats().assigned == 2, lambda: office.stats(), 60)
    lane.close()
    office.stop()
    forbidden = {}
    for name in [*DAEMONS, "email"]:
        path = office.dir / f"{name}.calls"
        until(lambda p=path: p.exists() and "total" in p.read_text(), f"{name} is traced")
        calls = {line.strip() for line in path.read_text().splitlines()} - {"syscall", "total", ""}
        calls = {call for call in calls if re.match(r"[a-z]", call)}
        assert len(calls) > 30, calls
        forbidden[name] = calls - allowed(units)
    assert not any(forbidden.values()), forbidden

# SPDX-License-Identifier: Apache-2.0
"""docker-compose.yml as its users run it: built, filled, crashed, scaled, upgraded.

PREVIOUS names the commit of the image that is upgraded from; without it the
present program under an earlier label.
"""

import contextlib
import json
import os
import re
import subprocess

import pytest
import yaml
from composed import DAEMONS, SERVICES, Composed, Load, audit
from conftest import ROOT, until
from engine import Engine, missing

VERSION = re.search(r"^VERSION := (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE).group(1)
MOST_BYTES = 100 << 20
SERVICE_FILE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


@pytest.fixture(scope="module")
def engine():
    lacking = missing()
    if lacking:
        pytest.skip(f"needs {lacking}")
    made = Engine()
    try:
        made.start(private=False)
        made.make_base()
        made.build("mail", f"kesu-mail:{VERSION}", ROOT)
        made.build("kesu", f"kesu:{VERSION}", ROOT)
        build_previous(made)
        made.stop()
        made.start(private=True)
        yield made
    finally:
        made.close()


def build_previous(engine):
    commit = os.environ.get("PREVIOUS")
    if commit:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=True, timeout=60)
        engine.build("kesu", "kesu:previous", archive.stdout, "--build-arg", "VERSION=previous")
    else:
        engine.build("kesu", "kesu:previous", ROOT, "--build-arg", "VERSION=previous")
    engine.docker("tag", f"kesu-mail:{VERSION}", "kesu-mail:previous")


@contextlib.contextmanager
def at_work(engine, tag):
    """An office with agents and a load."""
    office = Composed(engine, tag)
    try:
        office.up()
        office.agents_present()
        office.load = Load(office)
        yield office
        office.load.ending.set()
    finally:
        office.down()


@pytest.fixture(scope="class")
def office(engine):
    with at_work(engine, VERSION) as made:
        yield made


@pytest.fixture
def earlier(engine):
    with at_work(engine, "previous") as made:
        yield made


def test_the_image_is_small_and_has_no_more_than_it_needs(engine):
    image = f"kesu:{VERSION}"
    assert int(engine.inspect(image, "{{.Size}}")) < MOST_BYTES
    config = json.loads(engine.inspect(image, "{{json .Config}}"))
    assert config["User"] == "kesu" and config["Healthcheck"]["Test"][:2] == ["CMD", "kesu"]
    assert config["Labels"]["org.opencontainers.image.version"] == VERSION
    container = engine.docker("create", image)
    tar = subprocess.Popen(["docker", "export", container], env=engine.environment, stdout=subprocess.PIPE)
    listed = subprocess.run(["tar", "tvf", "-"], stdin=tar.stdout, capture_output=True, text=True, check=True, timeout=120).stdout
    tar.wait(60)
    engine.docker("rm", container)
    files = [line.split(maxsplit=5) for line in listed.splitlines()]
    programs = {path.split("/")[-1] for mode, _, size, _, _, path in files if size != "0" and "x" in mode and ".so" not in path and mode[0] == "-"}
    assert programs == {"kesu", *(f"kesu-{daemon}" for daemon in DAEMONS)}, "no shell, no package manager"
    assert not [path for mode, *_, path in files if "s" in mode[3] + mode[6]], "nothing runs as another user"


class TestOneOffice:
    def test_every_service_is_killed_in_turn_and_nothing_is_lost(self, office):
        office.compose("up", "--detach", "--no-build", "--no-recreate", "--scale", "routing-worker=4", "routing-worker")
        until(lambda: len(office.workers()) == 4, lambda: f"four workers: {office.workers()}", 60)
        until(lambda: all(w.done > 0 for w in office.workers()), lambda: f"tasks for each: {office.workers()}", 60)
        for name in ["routing-worker", "intake", "routing", "sla-watch", "notification", "analytics", "email", "mail"]:
            office.load.go_on()
            office.kill(name)
        office.load.go_on()
        audit(office, office.load, mail_deaths=1, notification_deaths=1)

    def test_every_service_runs_with_as_little_as_it_can(self, office):
        for name in SERVICES:
            office.wait_healthy(name)
            for container in office.containers(name):
                host = json.loads(office.engine.inspect(container, "{{json .HostConfig}}"))
                assert host["ReadonlyRootfs"] and host["CapDrop"] == ["ALL"] and host["Memory"] > 0, name
                assert "no-new-privileges:true" in host["SecurityOpt"], name
                assert host["RestartPolicy"]["Name"] == "unless-stopped" and host["LogConfig"]["Config"]["max-size"], name
                if name != "mail":
                    assert not host["CapAdd"], name
                    pid = office.engine.inspect(container, "{{.State.Pid}}")
                    status = open(f"/proc/{pid}/status", encoding="ascii").read()
                    assert "Uid:\t10001\t10001" in status and "CapEff:\t0000000000000000" in status, name
        run = office.volume("run").stat()
        assert (run.st_uid, run.st_mode & 0o777) == (10001, 0o700)


def test_the_readme_can_be_followed_word_for_word(engine):
    section = (ROOT / "README.md").read_text().split("## With containers\n")[1].split("\n## ")[0]
    commands = re.search(r"```sh\n(.*?)```", section, re.DOTALL).group(1).splitlines()
    assert len(commands) > 8
    office = Composed(engine, VERSION)
    try:
        for command in commands:
            printed = office.type(command)
            if command == "docker-compose up --detach":
                office.find()
            elif "kesu submit" in command:
                number = re.search(r"\d{4}-\d{6}", printed).group()
                until(lambda: office.mailbox(), "the receipt", 60)
            elif "kesu list" in command:
                assert number in printed
            elif "mail find" in command:
                assert "/mail/sent/new/" in printed
            elif "--scale" in command:
                until(lambda: len(office.workers()) == 4, lambda: f"four workers: {office.workers()}", 60)
            elif "kesu workers" in command:
                assert len(re.findall(r"worker-[0-9a-f]{12}", printed)) == 4
            elif "--profile demo up" in command:
                until(lambda: len(office.mailbox()) > 10, "life", 120)
            elif "kesu stats" in command:
                assert int(re.search(r"opened (\d+)", printed).group(1)) > 5
    finally:
        office.down()


def test_an_upgrade_one_service_after_another_loses_nothing(earlier):
    office = earlier
    before = {name: office.containers(name) for name in DAEMONS}
    for name in DAEMONS:
        office.load.go_on(20)
        office.replace(name, VERSION)
    office.tag = VERSION
    office.load.go_on()
    for name in DAEMONS:
        assert not set(office.containers(name)) & set(before[name])
        for container in office.containers(name):
            assert office.engine.inspect(container, "{{.Config.Image}}") == f"kesu:{VERSION}"
    audit(office, office.load)


def test_the_file_runs_what_the_makefile_calls_this_version():
    assert {SERVICE_FILE[name]["image"] for name in DAEMONS} == {f"kesu:${{KESU_TAG:-{VERSION}}}"}
    assert f"ARG VERSION={VERSION}\n" in (ROOT / "deploy/Dockerfile").read_text()

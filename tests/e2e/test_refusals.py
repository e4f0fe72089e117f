# SPDX-License-Identifier: Apache-2.0
"""The tables of PROTOCOL.md, walked against a real intake."""

import hashlib
import json
import os
import pathlib
import subprocess
import time

import kesu_client
import pytest
import yaml
from conftest import until
from google.protobuf import json_format
from kesu.v1 import command_pb2, types_pb2

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROTOCOL = (ROOT / "proto/PROTOCOL.md").read_text()
# In the order in which a case comes to them; "assigned" is triaged, and somebody's.
STAGES = ["received", "triaged", "assigned", "under_review", "feedback", "closed"]
DISPOSITIONS = {"retry": 1, "stale": 2, "final": 3}


def table(heading):
    """Rows of the table whose header is this, as lists of cells."""
    lines = PROTOCOL.split(heading + "\n", 1)[1].splitlines()[1:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


REFUSALS = table("| code | field | disposition | provoked by |")
WHO = table("| command | actors | stages |")


def test_the_tables_are_whole():
    assert len(REFUSALS) > 80 and len(WHO) == 15  # what the life of a case adds, the unit tests walk
    codes = {row[0] for row in REFUSALS}
    assert codes == set(command_pb2.ErrorCode.keys()) - {"ERROR_CODE_UNSPECIFIED"}
    assert {row[0] for row in WHO} <= set(f.name for f in command_pb2.Command.DESCRIPTOR.oneofs_by_name["body"].fields)


class Desk:
    """An intake alone, with cases in every stage."""

    def __init__(self, office, policy=True):
        self.office = office
        self.lane = office.lane("intake-people", "refusals")
        self.agents = office.shipped_agents()
        self.full = self.absent = None
        if not policy:
            return
        self.presence(self.agents[0], 1000)
        self.full, self.absent = self.agents[1], self.agents[2]
        self.presence(self.full, 1)
        self.ask(self.make("assign_case", self.case("triaged"), {"assign_case.agent": self.full}))

    def presence(self, agent, capacity):
        body = command_pb2.SetPresence(agent=agent, present=True, capacity=capacity)
        self.ask(kesu_client.command(set_presence=body))

    def ask(self, command):
        reply = self.lane.ask_one(command)
        assert reply.WhichOneof("result") == "accepted", (command, reply)
        return reply.accepted

    def case(self, stage, received_at=None):
        made = self.make("receive_message")
        if received_at:
            made.receive_message.received_at = received_at
        case_id = self.ask(made).case_id
        for step in ["classify_case", "assign_case", "start_work", "resolve_case", "close_case"][: STAGES.index(stage)]:
            self.ask(self.make(step, case_id))
        return case_id

    def make(self, name, case_id=0, changes=None):
        """The command as it should be."""
        bodies = {
            "receive_message": lambda: command_pb2.ReceiveMessage(
                channel=types_pb2.CHANNEL_WEB,
                received_at=kesu_client.now_us(),
                external=types_pb2.ExternalRef(mailbox="test", hash=os.urandom(32)),
                personal=types_pb2.Personal(
                    text="wet", contacts=[types_pb2.Contact(kind=types_pb2.Contact.KIND_EMAIL, value="a@example.org")]
                ),
            ),
            "classify_case": lambda: command_pb2.ClassifyCase(
                judgement=types_pb2.Judgement(category="damage.wet", department="logistics", severity=3)
            ),
            "assign_case": lambda: command_pb2.AssignCase(agent=self.agents[0]),
            "start_work": command_pb2.StartWork,
            "add_note": lambda: command_pb2.AddNote(text="called"),
            "resolve_case": lambda: command_pb2.ResolveCase(summary="sent again"),
            "close_case": lambda: command_pb2.CloseCase(cause="method"),
            "set_presence": lambda: command_pb2.SetPresence(agent=self.agents[3], present=True, capacity=1),
            "fire_clock": lambda: command_pb2.FireClock(clock="receipt", step=command_pb2.FireClock.STEP_BREACH),
            "record_delivery": lambda: command_pb2.RecordDelivery(kind="receipt", cause_seq=case_id, outcome=1),
            "store_policy_part": lambda: command_pb2.StorePolicyPart(hash=bytes(32), count=1, content=b"x"),
            "activate_policy": lambda: command_pb2.ActivatePolicy(hash=bytes(range(32))),
            "skip_event": lambda: command_pb2.SkipEvent(fold="nobody", seq=1, reason="test"),
            "accept_clock": lambda: command_pb2.AcceptClock(reason="test"),
            "erase_customer": lambda: command_pb2.EraseCustomer(case_id=case_id or self.case("received"), reason="test"),
        }
        body = bodies[name]() if name in bodies else getattr(command_pb2.Command(), name).__class__()
        if case_id and "case_id" in body.DESCRIPTOR.fields_by_name:
            body.case_id = case_id
        if name == "fire_clock" and case_id:
            clocks = self.office.case(case_id).state.clocks
            body.due_at = next(clock.due_at for clock in clocks if clock.clock == "receipt")
        kind = types_pb2.ACTOR_KIND_SERVICE if name in ("fire_clock", "record_delivery") else types_pb2.ACTOR_KIND_OPERATOR
        made = kesu_client.command(actor_kind=kind, **{name: body})
        for path, value in (changes or {}).items():
            change(made, path, value)
        return made


def change(message, path, value):
    *way, last = path.split(".")
    for step in way:
        message = message[int(step)] if step.isdigit() else getattr(message, step)
    if isinstance(value, dict) and "times" in value:
        value = "x" * value["times"]
    if isinstance(value, dict) and "ago" in value:
        value = kesu_client.now_us() - value["ago"] * 1_000_000
    if value is None:
        message.ClearField(last)
    else:
        setattr(message, last, value)


MARK = "@@@@@@@@"


def batch_bytes(desk, how, commands):
    client = how.get("client", "refusals")
    mark = how.get("bytes")
    if mark == "client":
        client = MARK
    elif mark:
        change(commands[0], mark, MARK)
    desk.lane.batch += 1
    message = command_pb2.CommandBatch(client=client, batch=desk.lane.batch, commands=commands)
    return message.SerializeToString().replace(MARK.encode(), b"\xff" * len(MARK))


def set_id(command, kind):
    now = time.time()
    ids = {
        "none": b"",
        "v4": bytes.fromhex("0123456789ab4cdef123456789abcdef"[:12] + "4def8123456789abcdef"),
        "old": kesu_client.uuid7(now - 31 * 86400),
        "ahead": kesu_client.uuid7(now + 600),
    }
    command.id = ids[kind]


def set_actor(desk, command, text):
    kind, name = text.split(":")
    if name == "OTHER":
        name = desk.agents[4]
    command.actor.kind = types_pb2.ActorKind.Value("ACTOR_KIND_" + kind.upper())
    command.actor.name = name


def person(desk, case_id, who):
    """OWNER has the case, LEAD stands above, CHIEF above all, REVIEWER reviews its appeal."""
    org = yaml.safe_load((ROOT / "deploy/policy/org.yaml").read_text())
    managers = {staff["id"]: staff.get("manager") for staff in org["staff"]}
    if who == "REVIEWER":
        return desk.office.case(case_id).state.life.appeal.reviewer
    return {
        "OWNER": desk.agents[0],
        "LEAD": managers[desk.agents[0]],
        "CHIEF": next(name for name, manager in managers.items() if not manager),
    }[who]


def of_people(desk, case_id, how):
    """What somebody of the office sends, filled with what the row says."""
    command = desk.make(how["send"], case_id, how.get("set"))
    body = json.loads(json.dumps(how.get("body", {})).replace("OWNER", desk.agents[0]))
    json_format.ParseDict(body, getattr(command, how["send"]))
    command.actor.kind = types_pb2.ACTOR_KIND_STAFF
    command.actor.name = person(desk, case_id, how["as"])
    return command


def provoke(desk, how):
    """The last reply to what the row says."""
    if "raw" in how:
        desk.lane.socket.send(bytes.fromhex(how["raw"]))
        return desk.lane.receive(10).replies[-1]
    overdue = kesu_client.now_us() - 3_600_000_000 if how.get("overdue") else None
    case_id = desk.case(how["case"], overdue) if "case" in how else 0
    if how.get("erased"):
        desk.ask(desk.make("erase_customer", case_id))
    for before in how.get("after", []):
        desk.ask(of_people(desk, case_id, before))
    if "as" in how:
        return desk.lane.ask_one(of_people(desk, case_id, how))
    names = {"FULL": desk.full, "ABSENT": desk.absent}
    changes = {k: names.get(v, v) if isinstance(v, str) else v for k, v in how.get("set", {}).items()}
    commands = []
    for _ in range(how.get("copies", 1)):
        command = desk.make(how["send"], case_id, changes)
        if "id" in how:
            set_id(command, how["id"])
        if "actor" in how:
            set_actor(desk, command, how["actor"])
        commands.append(command)
    if "policy" in how:
        content = bytes.fromhex(how["policy"])
        digest = hashlib.blake2b(content, digest_size=32).digest()
        part = command_pb2.StorePolicyPart(hash=digest, count=1, content=content)
        desk.ask(kesu_client.command(store_policy_part=part))
        commands[0].activate_policy.hash = digest
    desk.lane.socket.send(batch_bytes(desk, how, commands))
    return desk.lane.receive(10).replies[-1]


def check(row, reply):
    code, field, disposition, _ = row
    assert reply.WhichOneof("result") == "refused", (row, reply)
    refused = reply.refused
    got = (command_pb2.ErrorCode.Name(refused.code), refused.field, refused.disposition)
    assert got == (code, field, DISPOSITIONS[disposition]), (row, refused)
    assert refused.reason
    if code == "E_STALE":
        assert refused.version > 0
    if code == "E_STAGE":
        assert refused.allowed


def how_of(row):
    return json.loads(row[3].strip("`"))


def test_every_refusal_of_the_table(office):
    office.start("intake")
    desk = Desk(office)
    rows = [row for row in REFUSALS if "office" not in how_of(row)]
    assert len(rows) > 80
    wrong = []
    for row in rows:
        try:
            check(row, provoke(desk, how_of(row)))
        except AssertionError as e:
            wrong.append(str(e).split("\nassert")[0])
    assert not wrong, "\n".join(wrong)


def special(office_row):
    rows = [row for row in REFUSALS if how_of(row).get("office") == office_row]
    assert len(rows) == 1
    return rows[0], how_of(rows[0])


def test_without_a_policy(office):
    row, how = special("no policy")
    office.start("intake", "--policy-dir", "")
    desk = Desk(office, policy=False)
    check(row, provoke(desk, how))


def test_below_the_storage_reserve(office):
    row, how = special("storage low")
    office.start("intake")
    desk = Desk(office)
    office.kill("intake")
    office.start("intake", "--storage-reserve", "1000000GiB")
    check(row, provoke(desk, how))


def test_above_the_credit(office):
    row, how = special("credit 1")
    office.start("intake", "--command-credit", "1")
    desk = Desk(office)
    check(row, provoke(desk, how))


def test_a_command_intake_died_of_twice(office):
    row, how = special("died of it twice")
    office.start("intake")
    desk = Desk(office)
    command = desk.make(how["send"])
    note = office.data / "intake" / "in-hand"
    for _ in range(2):
        office.kill("intake")
        # In hand at the death: head (magic, suspects, in hand), suspects, ids.
        data = bytearray(note.read_bytes())
        data[8:12] = (1).to_bytes(4, "little")
        at = 16 + 20 * 1024
        data[at : at + 16] = command.id
        note.write_bytes(data)
        office.start("intake")
    check(row, desk.lane.ask_one(command))


SHIFT = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *ts)
{
    static int (*real)(clockid_t, struct timespec *);
    if (real == NULL) *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(id, ts);
    FILE *f = id == CLOCK_REALTIME ? fopen(getenv("SHIFT_FILE"), "r") : NULL;
    long by = 0;
    if (f != NULL) {
        if (fscanf(f, "%ld", &by) != 1) by = 0;
        fclose(f);
    }
    ts->tv_sec += by;
    return r;
}
"""


def test_while_the_clocks_disagree(office, monkeypatch):
    row, how = special("clock jumped")
    source, library, shift = office.dir / "shift.c", office.dir / "shift.so", office.dir / "shift"
    source.write_text(SHIFT)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    shift.write_text("0")
    monkeypatch.setenv("LD_PRELOAD", str(library))
    monkeypatch.setenv("SHIFT_FILE", str(shift))
    # A sanitizer's runtime wants to be the first library, but need not be.
    monkeypatch.setenv("ASAN_OPTIONS", os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0")
    office.start("intake")
    monkeypatch.delenv("LD_PRELOAD")
    desk = Desk(office)

    def alarm():
        return any(g.name == "clock_alarm" and g.value for g in office.info("intake").gauges)

    assert not alarm()
    shift.write_text("7200")
    until(alarm, "an alarm")
    check(row, provoke(desk, how))
    body = command_pb2.AcceptClock(reason="the machine slept")
    accept = kesu_client.command(accept_clock=body)
    accept.id = kesu_client.uuid7(time.time() + 7200)
    desk.ask(accept)
    until(lambda: not alarm(), "no alarm")
    until(lambda: office.info("intake").block_time > kesu_client.now_us() + 7_000_000_000, "the time accepted")


@pytest.mark.parametrize("kind", ["customer", "staff", "service", "operator"])
def test_who_may_send_what(office, kind):
    office.start("intake")
    desk = Desk(office)
    for name, actors, stages in WHO:
        case_id = desk.case(stages.split()[0]) if stages != "-" else 0
        command = desk.make(name, case_id)
        command.actor.kind = types_pb2.ActorKind.Value("ACTOR_KIND_" + kind.upper())
        command.actor.name = desk.agents[0]
        refused = desk.lane.ask_one(command).refused
        not_allowed = refused.code == command_pb2.E_NOT_ALLOWED and refused.reason == "this actor may not do this"
        assert not_allowed == (kind not in actors.split()), (name, kind, refused)


def test_in_which_stage(office):
    office.start("intake")
    desk = Desk(office)
    for stage in STAGES:
        if stage == "assigned":
            continue
        possible = {name for name, _, stages in WHO if stage in stages.split()}
        for name, _, stages in WHO:
            if stages == "-":
                continue
            refused = desk.lane.ask_one(desk.make(name, desk.case(stage))).refused
            assert (refused.code == command_pb2.E_STAGE) == (name not in possible), (name, stage, refused)
            if refused.code == command_pb2.E_STAGE:
                assert set(refused.allowed) >= possible - {"fire_clock", "record_delivery"}

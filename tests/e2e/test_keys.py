# SPDX-License-Identifier: Apache-2.0
"""Over TCP: who is let in, what each role may do, and keys that change while all goes on."""

import itertools
import os
import signal
import subprocess
import threading
import time

import pytest
import zmq

import kesu_client
from conftest import BIN, PATIENCE, free_port, until
from kesu.v1 import command_pb2, feed_pb2, query_pb2, task_pb2, types_pb2

OPERATOR, CUSTOMER = types_pb2.ACTOR_KIND_OPERATOR, types_pb2.ACTOR_KIND_CUSTOMER
STAFF, SERVICE = types_pb2.ACTOR_KIND_STAFF, types_pb2.ACTOR_KIND_SERVICE
ROLES = ["adapter", "gateway", "service", "worker", "reader", "reader-with-personal"]
LANES = ["intake-services", "intake-people", "intake-new"]
KEYS = {"gateway", "service", "reader-with-personal"}  # roles that get keys beside blocks
SILENT = 1500  # ms without an answer that count as none; what is refused answers at once


class Far:
    """A running office with its sockets on TCP, and a key for each role."""

    def __init__(self, office):
        self.office = office
        self.port = free_port(len(kesu_client.PORTS))
        self.keys = office.data / "keys"
        self.flags = ["--tcp-host", "127.0.0.1", "--tcp-port", str(self.port)]
        self.pairs = {role: zmq.curve_keypair() for role in ROLES}
        for role, (public, _) in self.pairs.items():
            self.allow(public, role, role + "-1")

    def allow(self, public, role, name, *more):
        self.keys.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.office.kesu("keys", "add", public.decode(), name, "--role", role, *more)

    def start(self, *daemons):
        for daemon in daemons or ["intake"]:
            self.office.start(daemon, *self.flags)
        self.server = self.office.kesu("keys", "show", str(self.keys / "pair")).strip().encode()

    def of(self, role, server=None):
        pair = self.pairs[role] if isinstance(role, str) else role
        return kesu_client.Far(self.port, server or self.server, pair)

    def lane(self, role, lane="intake-new"):
        return kesu_client.Lane(None, lane, "whoever", self.of(role))


@pytest.fixture
def far(office):
    return Far(office)


def refused_at(answer):
    refused = getattr(answer, "refused", answer)
    assert refused.code == command_pb2.E_NOT_ALLOWED, answer
    return refused.field


def complaint(**more):
    return kesu_client.receive_message("wet", email="a@example.org", **more)


def note(case_id, kind=STAFF, actor="chen.yihua"):
    return kesu_client.command(add_note=command_pb2.AddNote(case_id=case_id, text="called"), actor_kind=kind, actor=actor)


def who_answers(asked, expected):
    """Sends each of {who: (socket, data)} once it can be sent; who got an answer. Waits for the expected,
    and a while for the others: who is not let in has no connection."""
    waiting, heard = dict(asked), set()
    end = time.monotonic() + PATIENCE
    enough = time.monotonic() + SILENT / 1000
    while time.monotonic() < (enough if heard >= expected else end):
        for who, (socket, data) in list(waiting.items()):
            try:
                socket.send(data, zmq.NOBLOCK)
                del waiting[who]
            except zmq.Again:
                pass
        poller = zmq.Poller()
        for who, (socket, _) in asked.items():
            if who not in heard:
                poller.register(socket, zmq.POLLIN)
        ready = dict(poller.poll(20))
        heard |= {who for who, (socket, _) in asked.items() if socket in ready}
    return heard


def answered(lane, command):
    """As a client does whose connection may end on the way: the same command again, until there is an answer."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return lane.ask_one(command, 2)
        except kesu_client.NoAnswer:
            assert time.monotonic() < end, "no answer, however often it is asked"


def is_silent(socket, data):
    return not who_answers({"it": (socket, data)}, set())


def dealer(far, who, name):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    kesu_client.connect(socket, None, name, far.of(who))
    return socket


# ---- the door ----------------------------------------------------------------


def test_nobody_without_a_listed_key_is_heard(far):
    far.start("intake", "analytics")
    question = query_pb2.ControlRequest(id=1, info=query_pb2.GetInfo()).SerializeToString()
    complaints = command_pb2.CommandBatch(client="x", commands=[complaint()]).SerializeToString()
    subscribe = feed_pb2.FeedRequest(subscribe=feed_pb2.Subscribe(name="x", from_seq=1)).SerializeToString()
    messages = {"intake-feed": subscribe, "intake-control": question, "analytics-query": question}
    asked = {}
    for name in kesu_client.PORTS:
        if name in ("intake-hint", "routing-tasks"):
            continue
        for kind, who in (("known", "service"), ("stranger", zmq.curve_keypair()), ("keyless", None)):
            asked[name, kind] = (dealer(far, who, name), messages.get(name, complaints))
    known = {who for who in asked if who[1] == "known"}
    assert who_answers(asked, known) == known and len(known) == 6


def test_another_mechanism_is_not_let_in(far):
    far.start()
    plain = zmq.Context.instance().socket(zmq.DEALER)
    plain.plain_username, plain.plain_password = b"service", b"service-1"
    plain.linger, plain.immediate = 0, 1
    plain.connect(f"tcp://127.0.0.1:{far.port + 2}")
    assert is_silent(plain, command_pb2.CommandBatch(client="x", commands=[complaint()]).SerializeToString())
    plain.close()
    assert far.lane("adapter").ask_one(complaint()).accepted.case_id > 0


def test_a_server_that_is_another_is_told_nothing(far):
    far.start()
    other, _ = zmq.curve_keypair()
    lane = kesu_client.Lane(None, "intake-new", "x", far.of("adapter", server=other))
    assert is_silent(lane.socket, command_pb2.CommandBatch(client="x", commands=[complaint()]).SerializeToString())


def end_of(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr + done.stdout


def directories(office):
    return ["--run-dir", office.run, "--data-dir", office.data]


def test_key_files_that_others_may_open_are_refused(far):
    office, pair = far.office, far.keys / "pair"
    office.kesu("keys", "next", "--key-pair", str(pair))
    office.kesu("keys", "switch", "--key-pair", str(pair))
    for path, mode in ((pair, 0o640), (pair, 0o604), (far.keys / "allow", 0o620)):
        path.chmod(mode)
        status, said = end_of(BIN / "kesu-intake", *directories(office), *far.flags)
        assert status != 0 and "E_PERMISSION" in said and str(path) in said, said
        path.chmod(0o600)
    (far.keys / "allow").write_text("short reader desk\n")
    status, said = end_of(BIN / "kesu-intake", *directories(office), *far.flags)
    assert status != 0 and "line=1" in said, said


def test_secrets_are_neither_flags_nor_in_logs(far):
    far.start("intake", "analytics")
    secret = (far.keys / "pair").read_text().split("'")[3]
    assert len(secret) == 40 and (far.keys / "pair").stat().st_mode & 0o777 == 0o600
    assert far.keys.stat().st_mode & 0o777 == 0o700
    for name in ("intake", "analytics"):
        process = far.office.processes[name]
        for what in ("cmdline", "environ"):
            with open(f"/proc/{process.pid}/{what}", "rb") as f:
                assert secret.encode() not in f.read()
        assert secret not in far.office.log(name) and far.server.decode() in far.office.log(name)


def test_a_run_directory_that_others_may_enter_is_refused(office):
    office.run.mkdir(mode=0o700)
    for mode in (0o755, 0o710, 0o701):
        office.run.chmod(mode)
        status, said = end_of(BIN / "kesu-intake", *directories(office))
        assert status != 0 and "0700" in said and str(office.run) in said, said
    office.run.chmod(0o700)
    if os.geteuid() == 0:
        os.chown(office.run, 65534, 65534)
        status, said = end_of(BIN / "kesu-intake", *directories(office))
        assert status != 0 and "0700" in said, said
        os.chown(office.run, 0, 0)
    office.start("intake")


# ---- roles -------------------------------------------------------------------

# Which fields a role is refused at, for a command on a lane: as the table of
# PROTOCOL.md says it, written here once more by hand.
MAY_SEND = {
    ("adapter", "intake-new"): {"receive_message"},
    ("gateway", "intake-new"): {"receive_message", "add_note"},
    ("gateway", "intake-people"): {"receive_message", "add_note"},
    ("service", "intake-new"): {"receive_message", "add_note", "record_delivery", "accept_clock"},
    ("service", "intake-people"): {"receive_message", "add_note", "record_delivery", "accept_clock"},
    ("service", "intake-services"): {"receive_message", "add_note", "record_delivery", "accept_clock"},
}


def commands(case_id):
    return {
        "receive_message": complaint(),
        "add_note": note(case_id),
        "record_delivery": kesu_client.command(
            record_delivery=command_pb2.RecordDelivery(
                case_id=case_id, kind="receipt", cause_seq=case_id,
                outcome=command_pb2.DELIVERY_OUTCOME_DELIVERED,
            ),
            actor_kind=SERVICE, actor="service",
        ),
        "accept_clock": kesu_client.command(accept_clock=command_pb2.AcceptClock(reason="x")),
    }


def test_each_role_sends_what_it_may_on_the_lanes_it_may(far):
    far.start()
    case_id = far.office.lane().ask_one(complaint()).accepted.case_id
    for role, lane in itertools.product(ROLES, LANES):
        socket = far.lane(role, lane)
        for name, command in commands(case_id).items():
            answer = socket.ask_one(command, 30)
            allowed = name in MAY_SEND.get((role, lane), set())
            if allowed:
                assert answer.refused.code != command_pb2.E_NOT_ALLOWED, (role, lane, name, answer)
            else:
                on_lane = (role, lane) in MAY_SEND
                assert refused_at(answer) == ("body" if on_lane else ""), (role, lane, name, answer)
                assert role in answer.refused.reason
        socket.close()


def test_a_key_is_a_client(far):
    far.start()
    message = complaint()
    far.lane("adapter").ask_one(message)
    # Its name is the client, whatever the batch says: the same id of another key is another command.
    again = complaint()
    again.id = message.id
    assert not far.lane("gateway").ask_one(again).accepted.duplicate
    opened = [e for e in far.office.journal().all() if e.name == "case_opened"]
    assert [e.event.client for e in opened] == ["adapter-1", "gateway-1"]


def test_nobody_claims_to_be_another(far):
    far.start()
    case_id = far.office.lane().ask_one(complaint()).accepted.case_id
    for role, command, field in (
        ("adapter", kesu_client.command(receive_message=complaint().receive_message, actor_kind=STAFF, actor="x"), "actor.kind"),
        ("gateway", note(case_id, SERVICE, "routing"), "actor.kind"),
        ("gateway", note(case_id, OPERATOR, "me"), "actor.kind"),
        ("service", note(case_id, SERVICE, "routing"), "actor.name"),  # its key is called service-1
    ):
        assert refused_at(far.lane(role).ask_one(command)) == field, role
    assert far.lane("service").ask_one(note(case_id, SERVICE, "service")).accepted.case_id == case_id
    assert far.lane("service").ask_one(note(case_id, OPERATOR, "me")).accepted.case_id == case_id
    batch = [complaint(), note(case_id), complaint()]  # what it may goes on beside what it may not
    answers = far.lane("adapter").ask(batch)
    assert [a.WhichOneof("result") for a in answers] == ["accepted", "refused", "accepted"]


def test_an_adapter_has_its_channels(far):
    mail = far.pairs["mail"] = zmq.curve_keypair()
    far.allow(mail[0], "adapter", "mail", "--channels", "email,letter")
    far.start()
    for channel, allowed in ((types_pb2.CHANNEL_EMAIL, True), (types_pb2.CHANNEL_WEB, False), (types_pb2.CHANNEL_LETTER, True)):
        answer = far.lane("mail").ask_one(complaint(channel=channel))
        assert (answer.WhichOneof("result") == "accepted") == allowed, answer
        if not allowed:
            assert refused_at(answer) == "receive_message.channel"
    answer = far.lane("adapter").ask_one(complaint(channel=types_pb2.CHANNEL_INTERNAL))
    assert refused_at(answer) == "receive_message.channel"


def test_readers_get_blocks_and_some_of_them_keys(far):
    far.start()
    far.office.lane().ask_one(complaint())
    for role in ROLES:
        plain = kesu_client.Journal(None, role, far=far.of(role))
        if role in ("adapter", "worker"):
            until(lambda r=plain: r._one(1) is not None and r.refused, "refused")
            assert refused_at(plain.refused) == ""
            continue
        assert any(e.name == "case_opened" for e in plain.all()) and not plain.keys
        names = {r.name for r in far.office.info("intake").readers}
        assert f"{role}-1" in names and role not in names  # by the key, whatever they said
        personal = kesu_client.Journal(None, role, personal=True, far=far.of(role))
        if role in KEYS:
            personal.all()
            assert all(len(secret) == 32 for secret in personal.keys.values()) and personal.keys
        else:
            until(lambda r=personal: r._one(1) is not None and r.refused, "refused")
            assert refused_at(personal.refused) == "subscribe.personal" and not personal.keys
            want = feed_pb2.FeedRequest(want_keys=feed_pb2.WantKeys(key_ids=[1]))
            plain.socket.send(want.SerializeToString())
            until(lambda r=plain: r._one(1) is not None and r.refused, "refused")
            assert refused_at(plain.refused) == "want_keys" and not plain.keys


def ask(far, role, daemon, **bodies):
    return kesu_client.control(None, daemon, 30, far.of(role), **bodies)


def test_requests_are_for_roles_that_may(far):
    far.start("intake", "analytics")
    case_id = far.office.lane().ask_one(complaint()).accepted.case_id
    for role in ROLES:
        looks = role in KEYS | {"reader"}
        info = ask(far, role, "intake", info=query_pb2.GetInfo())
        stats = ask(far, role, "analytics-query", get_stats=query_pb2.GetStats())
        if not looks:
            assert refused_at(info) == "" and refused_at(stats) == ""
            continue
        assert info.daemon == "intake" and isinstance(stats, query_pb2.Stats)
        assert ask(far, role, "intake", get_case=query_pb2.GetCase(case_id=case_id)).state.case_id == case_id
        opened = ask(far, role, "intake", get_case=query_pb2.GetCase(case_id=case_id, personal=True))
        if role in KEYS:
            assert any(b"wet" in plain for plain in opened.opened)
        else:
            assert refused_at(opened) == "get_case.personal"
        verified = ask(far, role, "intake", verify_journal=query_pb2.VerifyJournal())
        assert verified.intact if role == "service" else refused_at(verified) == "body"


def test_hints_are_for_readers(far):
    far.start()
    hears = {}
    for role in ROLES + ["stranger"]:
        hears[role] = zmq.Context.instance().socket(zmq.SUB)
        pair = far.pairs.get(role) or zmq.curve_keypair()
        kesu_client.connect(hears[role], None, "intake-hint", far.of(pair))
        hears[role].subscribe(b"CaseOpened")
    office, allowed = far.office.lane(), KEYS | {"reader"}

    def who_hears():
        """All are asked: a socket subscribes when it is looked at."""
        office.ask_one(complaint())
        return {role for role in hears if hears[role].poll(20)}

    until(lambda: who_hears() >= allowed, "a hint for each that may")
    for _ in range(10):
        assert who_hears() == allowed
    topic, seq = hears["reader"].recv_multipart()
    assert topic.startswith(b"CaseOpened.") and len(seq) == 8


def test_tasks_are_for_workers_under_their_own_names(far):
    far.start("intake", "routing")
    names = [(role, role + "-1-a") for role in ROLES] + [("worker", "worker-10"), ("worker", "service-1-a")]
    asked = {}
    for epoch, (role, name) in enumerate(names, 1):
        message = task_pb2.ToRouting(epoch=epoch, hello=task_pb2.WorkerHello(name=name, credit=1))
        asked[role, name] = (dealer(far, role, "routing-tasks"), message.SerializeToString())
    allowed = {("worker", "worker-1-a"), ("service", "service-1-a")}
    assert who_answers(asked, allowed) == allowed
    until(lambda: far.office.log("routing").count("a name that is not its key's") == 2, "both under other names told")
    assert far.office.log("routing").count("worker joined") == 2


def test_too_large_a_message_ends_the_connection_and_nothing_else(far):
    far.start()
    lane = far.lane("adapter")
    before = lane.ask_one(complaint()).accepted.case_id
    lane.socket.send(b"\x0a" + b"x" * (2 << 20))
    assert not lane.socket.poll(SILENT)
    assert far.lane("adapter").ask_one(complaint(), 30).accepted.case_id > before


# ---- daemons and people on other machines --------------------------------------


def away(far, name, role, *flags):
    """A daemon that has nothing but its own directory, a key and the server's: as on another machine."""
    home = far.office.dir / f"machine-{name}"
    home.mkdir()
    (home / "keys").mkdir(mode=0o700)
    public = far.office.kesu("keys", "new", str(home / "keys/pair"), "--role", role, "--name", name)
    far.allow(public.strip().encode(), role, name)
    (home / "keys/servers").write_text(far.server.decode() + "\n")
    run = ["--run-dir", str(home / "run"), "--data-dir", str(home), "--peer", f"127.0.0.1:{far.port}", *flags]
    log = open(far.office.dir / f"{name}.log", "ab")
    far.office.processes[name] = subprocess.Popen([str(BIN / f"kesu-{name}"), *run], stdout=log, stderr=log)
    log.close()
    return home


def test_an_office_on_several_machines(far):
    """Intake and routing here; workers, clocks and counts elsewhere."""
    far.start("intake", "routing")
    away(far, "sla-watch", "service")
    counting = away(far, "analytics", "reader")  # it sends nothing and opens nothing
    away(far, "routing-worker", "worker")
    case_id = far.office.lane().ask_one(complaint()).accepted.case_id

    def events():
        return {e.name for e in far.office.journal().all() if e.case_id == case_id}

    until(lambda: "case_classified" in events(), lambda: f"classified: {events()}, {far.office.log('routing-worker')}", 60)
    head = far.office.info("intake").head_seq
    info = query_pb2.GetInfo()
    until(lambda: kesu_client.control(counting / "run", "analytics", 30, info=info).folded_seq >= head,
          lambda: far.office.log("analytics"), 60)
    far.office.agents_present()
    until(lambda: "case_assigned" in events(), lambda: f"assigned: {events()}", 60)


def test_people_on_another_machine(far, tmp_path):
    far.start("intake")
    away_flags = ["--peer", f"127.0.0.1:{far.port}", "--key-pair", str(tmp_path / "me")]
    (tmp_path / "servers").write_text("# ours\n" + far.server.decode() + "\n")
    away_flags += ["--peer-keys", str(tmp_path / "servers")]
    public = far.office.kesu("keys", "new", str(tmp_path / "me"), "--role", "service").strip()
    far.allow(public.encode(), "service", "me")

    def kesu(*arguments, status=0):
        code, said = end_of(BIN / "kesu", "--run-dir", tmp_path / "none", *away_flags, *arguments)
        assert code == status, said
        return said

    kesu("submit", "--text", "my parcel is wet", "--timeout", "30s")
    number = kesu("list", "--json").split('"number":"')[1].split('"')[0]
    assert "my parcel is wet" in kesu("show", number, "--personal")
    kesu("act", "note", number, "called back")
    assert "note_added" in kesu("tail", "--from", "1", "--no-follow", "--json")
    assert "not to be had over TCP" in kesu("workers", status=64)
    (tmp_path / "me").chmod(0o644)
    assert kesu("list", status=70)


# ---- keys that change ----------------------------------------------------------


def test_a_removed_key_is_heard_no_more(far):
    far.start()
    lane, reader = far.lane("adapter"), kesu_client.Journal(None, "r", far=far.of("reader"))
    stays = far.lane("gateway")
    opened = lane.ask_one(complaint(), PATIENCE).accepted.seq
    reader.until(lambda event: event.seq == opened, PATIENCE)  # both are heard
    far.office.kesu("keys", "remove", "adapter-1")
    far.office.kesu("keys", "remove", far.pairs["reader"][0].decode())
    sockets = [name for name in kesu_client.PORTS if name.startswith("intake")]
    left = [f"allow list read socket={name} keys={len(ROLES) - 2}" for name in sockets]
    until(lambda: all(line in far.office.log("intake") for line in left), "the list without both read by each socket")
    head = answered(stays, complaint()).accepted.seq  # who is listed is let in again
    message = command_pb2.CommandBatch(client="x", commands=[complaint()]).SerializeToString()
    assert is_silent(lane.socket, message)
    while reader.socket.poll(0):
        reader.socket.recv_multipart()
    answered(stays, complaint())
    assert not reader.socket.poll(SILENT)
    assert far.office.info("intake").head_seq > head


class Load:
    """Complaints from a client that knows several of the server's keys, sent until each is answered."""

    def __init__(self, far, servers, pairs):
        self.far, self.servers, self.pairs = far, itertools.cycle(servers), itertools.cycle(pairs)
        self.accepted, self.stop, self.duplicates = [], threading.Event(), 0
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def connect(self):
        lane = kesu_client.Lane(None, "intake-new", "x", self.far.of(next(self.pairs), server=next(self.servers)))
        lane.socket.sndtimeo = 1000
        return lane

    def run(self):
        lane, waiting = self.connect(), None
        while waiting is not None or not self.stop.is_set():
            waiting = waiting or [complaint() for _ in range(10)]
            try:
                replies = lane.ask(waiting, 2)
            except (zmq.Again, kesu_client.NoAnswer):
                lane.close()
                lane = self.connect()
                continue
            self.accepted += [(c.receive_message.external.hash, r.accepted.case_id) for c, r in zip(waiting, replies)]
            self.duplicates += sum(r.accepted.duplicate for r in replies)
            waiting = None
        lane.close()

    def at_least(self, n):
        until(lambda: len(self.accepted) >= n, lambda: f"{len(self.accepted)} accepted of {n}", 90)

    def end(self):
        self.stop.set()
        self.thread.join(90)
        assert not self.thread.is_alive(), "a client is stuck"


def test_keys_rotate_while_commands_come(far, tmp_path):
    far.start()
    office = far.office
    # A client of ours, a fold, is there too and must not be stuck either.
    home = away(far, "analytics", "reader")
    following = kesu_client.control
    old, new = far.pairs["adapter"], zmq.curve_keypair()
    load = Load(far, [far.server], [old])
    load.at_least(20)
    # The server's pair: clients know the next key before it is used.
    after = office.kesu("keys", "next").strip()
    (home / "keys/servers").write_text(f"{far.server.decode()}\n{after}\n")
    load.servers = itertools.cycle([far.server, after.encode()])
    assert office.kesu("keys", "switch").strip() == after
    until(lambda: office.log("intake").count("new key pair") >= 5, "the new pair in use")
    load.at_least(len(load.accepted) + 50)
    # The client's: both may come until the old one is removed.
    far.allow(new[0], "adapter", "adapter-1")
    load.pairs = itertools.cycle([new, old])
    load.at_least(len(load.accepted) + 50)
    office.kesu("keys", "remove", old[0].decode())
    load.pairs = itertools.cycle([new])
    load.at_least(len(load.accepted) + 50)
    # The daemon's own pair, by the command that does both.
    office.kesu("keys", "rotate", str(home / "keys/pair"))
    load.at_least(len(load.accepted) + 20)
    load.end()
    cases = [case_id for _, case_id in load.accepted]
    opened = {e.seq for e in office.journal().all() if e.name == "case_opened"}
    assert len(set(cases)) == len(cases) and set(cases) == opened  # none lost, none twice
    head = office.info("intake").head_seq
    until(lambda: following(home / "run", "analytics", info=query_pb2.GetInfo()).folded_seq >= head,
          lambda: office.log("analytics"), 60)
    assert office.processes["intake"].poll() is None
    office.kill("analytics", signal.SIGTERM)


def test_a_half_written_list_changes_nothing(far):
    far.start()
    lane = far.lane("adapter")
    lane.ask_one(complaint())
    allow = far.keys / "allow"
    whole = allow.read_text()
    sockets = sum(name.startswith("intake") for name in kesu_client.PORTS)
    aside = far.keys / "aside"
    for n, half in enumerate((whole[: len(whole) - 5] + "x y z w\n", whole[: len(whole) - 5], "", None), 1):
        if half is None:
            allow.unlink()
        else:
            aside.write_text(half)
            aside.replace(allow)
        until(lambda n=n: far.office.log("intake").count("cannot use the allow list") >= n * sockets, f"noticed: {half}")
        lane.ask_one(complaint())
        assert far.lane("gateway").ask_one(complaint(), 30).accepted.case_id > 0
    allow.write_text(whole)
    far.allow(zmq.curve_keypair()[0], "adapter", "adapter-2")
    until(lambda: far.office.log("intake").count("allow list read") >= sockets, "the list of before and one more")
    lane.ask_one(complaint())


def test_who_comes_before_the_list_is_read_is_let_in(far):
    """A client that is refused never knocks again: so one that was listed a moment ago must not be."""
    far.start()
    lanes = []
    for n in range(8):
        pair = zmq.curve_keypair()
        far.allow(pair[0], "adapter", f"adapter-new-{n}")
        lanes.append(far.lane(pair))
    for lane in lanes:
        assert lane.ask_one(complaint(), 30).accepted.case_id > 0
        lane.close()

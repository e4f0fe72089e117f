# SPDX-License-Identifier: Apache-2.0
"""Intake's sockets: lanes by weight, TCP only with keys, old segments moved away."""

import shutil
import subprocess

import kesu_client
import zmq
from conftest import BIN, free_port, until
from kesu.v1 import command_pb2, types_pb2



def test_a_surge_of_new_cases_does_not_starve_the_services(office):
    office.start("intake")
    new, services = office.lane("intake-new", "new"), office.lane("intake-services", "services")
    case_id = new.ask_one(kesu_client.receive_message("wet", email="a@example.org")).accepted.case_id
    services.ask_one(note(case_id))
    # All is waiting in the sockets when it goes on.
    office.freeze("intake")
    for _ in range(400):
        new.send([kesu_client.receive_message("wet", email="a@example.org")])
    for _ in range(100):
        services.send([note(case_id)])
    office.thaw("intake")
    seqs = {}
    for lane, n in ((new, 400), (services, 100)):
        seqs[lane.client] = [lane.receive(30).replies[0].accepted.seq for _ in range(n)]
    assert all(seqs["services"]) and all(seqs["new"])
    last = max(seqs["services"])
    # 100 messages of services at 32 a turn take 4 turns: with 8 new ones each, and some for the start.
    before = sum(seq < last for seq in seqs["new"])
    assert before < 200, f"{before} new cases went before the last of 100 services' commands"


def note(case_id):
    body = command_pb2.AddNote(case_id=case_id, text="called")
    return kesu_client.command(add_note=body, actor_kind=types_pb2.ACTOR_KIND_SERVICE, actor="routing")


def curve_lane(port, server_key, public, secret):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    socket.sndtimeo = 30000
    socket.curve_serverkey, socket.curve_publickey, socket.curve_secretkey = server_key, public, secret
    socket.connect(f"tcp://127.0.0.1:{port}")
    lane = kesu_client.Lane.__new__(kesu_client.Lane)
    lane.client, lane.batch, lane.socket = "far", 0, socket
    return lane


def unanswered(socket, data):
    """True when nothing comes back, or nothing could even be sent: a refused peer has no connection."""
    socket.sndtimeo = 1000
    try:
        socket.send(data)
    except zmq.Again:
        return True
    return not socket.poll(1500)


def test_tcp_is_for_keys_of_the_list_only(office):
    server_public, server_secret = zmq.curve_keypair()
    good_public, good_secret = zmq.curve_keypair()
    bad_public, bad_secret = zmq.curve_keypair()
    allow = office.dir / "allow"
    allow.write_text(f"{good_public.decode()} adapter shop\n")
    port = free_port()
    keys = ["--curve-public-key", server_public.decode(), "--curve-secret-key", server_secret.decode()]
    office.start("intake", "--tcp-host", "127.0.0.1", "--tcp-port", str(port), *keys, "--curve-allow", str(allow))
    good = curve_lane(port + 2, server_public, good_public, good_secret)
    bad = curve_lane(port + 2, server_public, bad_public, bad_secret)
    message = kesu_client.receive_message("wet", email="a@example.org")
    assert good.ask_one(message).accepted.case_id > 0
    stranger = command_pb2.CommandBatch(commands=[kesu_client.receive_message("wet", email="b@example.org")])
    assert unanswered(bad.socket, stranger.SerializeToString())
    plain = zmq.Context.instance().socket(zmq.DEALER)
    plain.linger = 0
    plain.connect(f"tcp://127.0.0.1:{port + 2}")
    assert unanswered(plain, b"\x0a\x01x")
    assert office.info("intake").head_seq == good.ask_one(message).accepted.seq


def test_old_segments_may_be_moved_away(office):
    office.settings["intake"] += ["--segment-bytes", "1MiB"]
    office.start("intake")
    lane = office.lane()
    for _ in range(20):
        lane.ask([kesu_client.receive_message("x" * 1000) for _ in range(100)])
    office.stop()
    segments = sorted((office.data / "intake/journal").iterdir())
    assert len(segments) > 2
    shutil.move(segments[0], office.dir / "away")
    office.start("intake")
    assert office.lane().ask_one(kesu_client.receive_message("still here")).accepted.case_id > 2000
    reader = office.journal()
    until(lambda: reader._one(1) is not None and reader.refused, "refused")
    assert (reader.refused.code, reader.refused.field) == (command_pb2.E_UNKNOWN, "subscribe.from_seq")


def test_a_key_is_a_client_with_a_role(office):
    server_public, server_secret = zmq.curve_keypair()
    known = {name: zmq.curve_keypair() for name in ("adapter", "gateway", "service", "reader")}
    allow = office.dir / "allow"
    allow.write_text("".join(f"{public.decode()} {role} {role}-1\n" for role, (public, _) in known.items()))
    port = free_port()
    keys = ["--curve-public-key", server_public.decode(), "--curve-secret-key", server_secret.decode()]
    office.start("intake", "--tcp-host", "127.0.0.1", "--tcp-port", str(port), *keys, "--curve-allow", str(allow))
    lanes = {role: curve_lane(port + 2, server_public, *pair) for role, pair in known.items()}
    message = kesu_client.receive_message("wet", email="a@example.org")
    case_id = lanes["adapter"].ask_one(message).accepted.case_id
    # The key's name is the client: another key's commands are others, whatever the batch says.
    assert not lanes["gateway"].ask_one(kesu_client.receive_message("dry")).accepted.duplicate
    again = kesu_client.receive_message("torn")
    again.id = message.id
    assert not lanes["gateway"].ask_one(again).accepted.duplicate
    opened = [e for e in office.journal().all() if e.name == "case_opened"]
    assert [e.event.client for e in opened] == ["adapter-1", "gateway-1", "gateway-1"]

    def close(kind, actor):
        body = command_pb2.CloseCase(case_id=case_id, cause="man")
        return kesu_client.command(close_case=body, actor_kind=kind, actor=actor)

    for role, command, field in (
        ("adapter", close(types_pb2.ACTOR_KIND_OPERATOR, "me"), "body"),
        ("adapter", note(case_id), "body"),
        ("gateway", note(case_id), "actor.kind"),
        ("gateway", close(types_pb2.ACTOR_KIND_OPERATOR, "me"), "actor.kind"),
        ("reader", kesu_client.receive_message("wet"), "body"),
    ):
        refused = lanes[role].ask_one(command).refused
        assert (refused.code, refused.field) == (command_pb2.E_NOT_ALLOWED, field), (role, refused)
    assert lanes["service"].ask_one(note(case_id)).accepted.case_id == case_id


def test_tcp_without_keys_is_refused(office):
    done = subprocess.run(
        [BIN / "kesu-intake", "--run-dir", office.run, "--data-dir", office.data, "--tcp-host", "127.0.0.1",
         "--tcp-port", str(free_port())],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode != 0
    assert "E_PERMISSION" in done.stderr, done.stderr

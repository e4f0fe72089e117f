# SPDX-License-Identifier: Apache-2.0
"""A client of the protocol in Python: only ZeroMQ and the .proto files."""

import hashlib
import os
import struct
import time
import uuid

import zmq

from kesu.v1 import command_pb2, event_pb2, feed_pb2, query_pb2, types_pb2

HEADER = struct.Struct("<4sHHQIIq32s32s")
ROW = struct.Struct("<HHQII")

EVENT_NAMES = {
    field.number: field.name
    for field in event_pb2.Event.DESCRIPTOR.oneofs_by_name["body"].fields
}


def uuid7(now=None):
    """A command id: 48 bits of Unix milliseconds, version 7, the rest random."""
    ms = int((time.time() if now is None else now) * 1000)
    raw = bytearray(ms.to_bytes(6, "big") + os.urandom(10))
    raw[6] = 0x70 | (raw[6] & 0x0F)
    raw[8] = 0x80 | (raw[8] & 0x3F)
    return bytes(raw)


def now_us():
    return time.time_ns() // 1000


PORTS = ["intake-services", "intake-people", "intake-new", "intake-feed", "intake-hint", "intake-control",
         "routing-tasks", "analytics-query"]


class Far:
    """Daemons over TCP: where, the server's public key, our pair (None: without CURVE)."""

    def __init__(self, port, server, pair, host="127.0.0.1"):
        self.port, self.server, self.pair, self.host = port, server, pair, host


def connect(socket, run_dir, name, far=None):
    socket.linger = 0
    socket.sndtimeo = 30000  # a full socket is an error, not a silence
    if far is None:
        socket.connect(f"ipc://{run_dir}/{name}.ipc")
        return
    if far.pair is not None:
        socket.curve_serverkey = far.server
        socket.curve_publickey, socket.curve_secretkey = far.pair
    socket.immediate = 1  # nothing is queued for a connection that is not there
    socket.connect(f"tcp://{far.host}:{far.port + PORTS.index(name)}")


class NoAnswer(Exception):
    """Nothing came back within the time given."""


class Lane:
    """Commands to intake, each answered."""

    def __init__(self, run_dir, lane="intake-new", client="test", far=None):
        self.client = client
        self.batch = 0
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        connect(self.socket, run_dir, lane, far)

    def close(self):
        self.socket.close()

    def send(self, commands):
        self.batch += 1
        message = command_pb2.CommandBatch(client=self.client, batch=self.batch, commands=commands)
        self.socket.send(message.SerializeToString())
        return self.batch

    def receive(self, seconds):
        if not self.socket.poll(int(seconds * 1000)):
            raise NoAnswer(f"no reply within {seconds} s")
        return command_pb2.ReplyBatch.FromString(self.socket.recv())

    def ask(self, commands, seconds=10):
        """The replies to these commands; replies to older batches are dropped."""
        batch = self.send(commands)
        until = time.monotonic() + seconds
        while True:
            answer = self.receive(max(0.001, until - time.monotonic()))
            if answer.batch == batch:
                return list(answer.replies)

    def ask_one(self, command, seconds=10):
        return self.ask([command], seconds)[0]

    def ask_raw(self, data, seconds=10):
        self.socket.send(data)
        return self.receive(seconds)


def command(body=None, actor_kind=types_pb2.ACTOR_KIND_OPERATOR, actor="test", **bodies):
    """command(close_case=CloseCase(...)) with a fresh id."""
    made = command_pb2.Command(id=uuid7(), actor=types_pb2.Actor(kind=actor_kind, name=actor), **bodies)
    return made


said = set()  # what tests put into the mouths of customers: no log may hold it


def receive_message(text, email=None, name="", subject="", channel=types_pb2.CHANNEL_WEB, reference=None, **more):
    """A complaint as a channel adapter sends it."""
    contacts = [types_pb2.Contact(kind=types_pb2.Contact.KIND_EMAIL, value=email)] if email else []
    if len(said) < 5000:
        said.update((text, email or "", name, subject))
    external = types_pb2.ExternalRef(
        mailbox="test", hash=hashlib.blake2b(reference or uuid.uuid4().bytes, digest_size=32).digest(), sent_at=now_us()
    )
    body = command_pb2.ReceiveMessage(
        channel=channel,
        external=external,
        received_at=now_us(),
        personal=types_pb2.Personal(name=name, contacts=contacts, subject=subject, text=text),
        **more,
    )
    return command(receive_message=body, actor_kind=types_pb2.ACTOR_KIND_CUSTOMER, actor="web")


class Block:
    """One block, its layout and hash checked."""

    def __init__(self, data, prev_hash=None):
        magic, version, _, self.first_seq, self.count, length, self.time_us, prev, self.hash = HEADER.unpack_from(data)
        assert magic == b"KSB1" and version == 1 and length == len(data)
        assert hashlib.blake2b(data[:64] + data[96:], digest_size=32).digest() == self.hash
        assert prev_hash is None or prev == prev_hash
        self.prev_hash = prev
        self.events = []
        for i in range(self.count):
            kind, _, case_id, offset, size = ROW.unpack_from(data, HEADER.size + i * ROW.size)
            self.events.append(Event(self.first_seq + i, kind, case_id, self.time_us, data[offset : offset + size]))


class Event:
    """One event of the journal; `body` is decoded on demand."""

    def __init__(self, seq, kind, case_id, time_us, data):
        self.seq, self.kind, self.case_id, self.time_us, self.data = seq, kind, case_id, time_us, data
        self.name = EVENT_NAMES[kind]

    @property
    def event(self):
        decoded = event_pb2.Event.FromString(self.data)
        assert decoded.WhichOneof("body") == self.name
        return decoded

    @property
    def body(self):
        return getattr(self.event, self.name)


class Journal:
    """Follows the journal from a seq and checks the chain of hashes."""

    def __init__(self, run_dir, name="test-reader", from_seq=1, personal=False, credit=1 << 23, far=None):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        connect(self.socket, run_dir, "intake-feed", far)
        self.next_seq = from_seq
        self.last_hash = None
        self.head_seq = 0
        self.keys = {}
        self.refused = None
        subscribe = feed_pb2.Subscribe(name=name, from_seq=from_seq, credit_bytes=credit, personal=personal)
        self.socket.send(feed_pb2.FeedRequest(subscribe=subscribe).SerializeToString())

    def close(self):
        self.socket.close()

    def _one(self, seconds):
        if not self.socket.poll(int(max(0, seconds) * 1000)):
            return None
        frames = self.socket.recv_multipart()
        reply = feed_pb2.FeedReply.FromString(frames[0])
        kind = reply.WhichOneof("body")
        if kind == "subscribed":
            self.head_seq = reply.subscribed.head_seq
        elif kind == "head":
            self.head_seq = max(self.head_seq, reply.head.head_seq)
        elif kind == "refused":
            self.refused = reply.refused
        elif kind == "keys":
            self.keys.update((key.key_id, key.secret) for key in reply.keys.keys)
        elif kind == "block":
            self.keys.update((key.key_id, key.secret) for key in reply.block.keys)
            block = Block(frames[1], self.last_hash)
            assert block.first_seq == self.next_seq, "a gap in the journal"
            self.next_seq += block.count
            self.last_hash = block.hash
            self.head_seq = max(self.head_seq, self.next_seq - 1)
            credit = feed_pb2.Credit(bytes=len(frames[1]), folded_seq=self.next_seq - 1)
            self.socket.send(feed_pb2.FeedRequest(credit=credit).SerializeToString())
            return block.events
        return []

    def until(self, done, seconds=20):
        """Events in order until done(event); all of them so far, that one last."""
        seen = []
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for event in self._one(end - time.monotonic()) or []:
                seen.append(event)
                if done(event):
                    return seen
            assert self.refused is None, self.refused
        raise NoAnswer(f"not among {len(seen)} events: {[e.name for e in seen[-20:]]}")

    def all(self, seconds=20):
        """All events up to the head known when it has been reached."""
        seen = []
        end = time.monotonic() + seconds
        heard = False
        while time.monotonic() < end:
            events = self._one(min(2.0, end - time.monotonic()))
            heard = heard or events is not None
            seen += events or []
            assert self.refused is None, self.refused
            if heard and self.next_seq > self.head_seq:
                return seen
        raise NoAnswer(f"head {self.head_seq} not reached, at {self.next_seq}")


def control(run_dir, daemon, seconds=10, far=None, **bodies):
    """Asks a control socket; `daemon` also "analytics-query" as a whole name."""
    name = daemon if daemon.endswith("-query") else f"{daemon}-control"
    socket = zmq.Context.instance().socket(zmq.DEALER)
    try:
        connect(socket, run_dir, name, far)
        socket.send(query_pb2.ControlRequest(id=1, **bodies).SerializeToString())
        if not socket.poll(int(seconds * 1000)):
            raise NoAnswer(f"{daemon} did not answer within {seconds} s")
        reply = query_pb2.ControlReply.FromString(socket.recv())
        return getattr(reply, reply.WhichOneof("body"))
    finally:
        socket.close()

# SPDX-License-Identifier: Apache-2.0
"""A reader that never reads: only itself suffers."""

import kesu_client
import zmq
from conftest import until
from kesu.v1 import feed_pb2

MIB = 1 << 20
TEXT_BYTES = 60_000
CASES = 2500  # 150 MB of journal, to three readers


def anonymous_memory(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))


def deaf_reader(office, name):
    """Subscribes to all, claims room for all of it, and never receives."""
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger, socket.rcvhwm, socket.rcvbuf = 0, 1, 4096
    socket.connect(f"ipc://{office.run}/intake-feed.ipc")
    subscribe = feed_pb2.Subscribe(name=name, from_seq=1, credit_bytes=1 << 40, personal=True)
    socket.send(feed_pb2.FeedRequest(subscribe=subscribe).SerializeToString())
    return socket


def grow(office, cases):
    lane = office.lane(client="surge")
    for first in range(0, cases, 10):
        batch = [kesu_client.receive_message(f"{first + i} " + "x" * TEXT_BYTES) for i in range(10)]
        replies = lane.ask(batch, 30)
        assert all(reply.WhichOneof("result") == "accepted" for reply in replies)
    lane.close()


def test_a_reader_that_never_reads_costs_a_bounded_memory(office):
    office.start_all("intake", "analytics")
    grow(office, 200)
    before = anonymous_memory(office.processes["intake"])
    deaf = [deaf_reader(office, f"deaf-{i}") for i in range(3)]
    until(lambda: sum(r.name.startswith("deaf") for r in office.info("intake").readers) == 3, "subscribed")
    grow(office, CASES)
    after = anonymous_memory(office.processes["intake"])
    print(f"intake's memory: {before / MIB:.0f} MiB before, {after / MIB:.0f} MiB after")
    office.wait_folded("analytics", seconds=60)
    reader = office.journal()
    assert sum(e.name == "case_opened" for e in reader.all(60)) == CASES + 200
    assert office.http("intake", "/readyz")[0] == 200
    assert after - before < 64 * MIB
    for socket in deaf:
        socket.close()

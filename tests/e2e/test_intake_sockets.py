# SPDX-License-Identifier: Apache-2.0
"""Intake's sockets: lanes by weight, old segments moved away."""

import shutil

import kesu_client
from conftest import until
from kesu.v1 import command_pb2, types_pb2


def test_a_surge_of_new_cases_does_not_starve_the_services(office):
    office.start("intake")
    new, services = office.lane("intake-new", "new"), office.lane("intake-services", "services")
    case_id = new.ask_one(kesu_client.receive_message("wet", email="a@example.org")).accepted.case_id
    services.ask_one(note(case_id))
    # All is waiting in the sockets when it goes on: the services' first, they may not be late.
    office.freeze("intake")
    for _ in range(100):
        services.send([note(case_id)])
    for _ in range(400):
        new.send([kesu_client.receive_message("wet", email="a@example.org")])
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

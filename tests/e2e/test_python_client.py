# SPDX-License-Identifier: Apache-2.0
"""Another language needs only the .proto files: cases opened, the journal followed."""

import os
import pathlib
import re
import subprocess
import sys

import kesu_client
from conftest import ROOT, until
from kesu.v1 import command_pb2, types_pb2


def test_the_example_of_the_protocol_document_runs(office):
    """The very code that PROTOCOL.md shows."""
    text = (ROOT / "proto/PROTOCOL.md").read_text()
    examples = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
    assert len(examples) == 1, "one example, this one"
    code = [line for line in examples[0].splitlines() if line.strip() and not line.lstrip().startswith("#")]
    assert len(code) <= 20, f"{len(code)} lines"
    office.start("intake")
    done = subprocess.run(
        [sys.executable, "-c", examples[0]], env={**os.environ, "KESU_RUN_DIR": str(office.run)},
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode == 0, done.stderr
    number = re.search(r'number: "(\d{4}-\d{6,})"', done.stdout)
    assert number, f"it prints the reply: {done.stdout}"
    reader = office.journal()
    events = reader.all()
    reader.close()
    assert [e.body.number for e in events if e.name == "case_opened"] == [number.group(1)]
    for event in events:
        assert f"{event.seq} {event.name}\n" in done.stdout, "it follows the journal"


def test_cases_are_opened_and_the_journal_followed(office):
    office.start("intake")
    lane = office.lane()
    follower = office.journal()
    replies = lane.ask([kesu_client.receive_message(f"the parcel of day {i} came wet") for i in range(50)])
    accepted = [r.accepted for r in replies]
    assert len({a.number for a in accepted}) == 50
    assert all(a.version == 1 and a.case_id > 0 and not a.duplicate for a in accepted)
    last = max(a.seq for a in accepted)
    events = follower.until(lambda e: e.seq == last)
    opened = {e.seq: e.event for e in events if e.name == "case_opened"}
    assert {a.case_id for a in accepted} == set(opened)
    for a in accepted:
        event = opened[a.case_id]
        assert event.case_opened.number == a.number and event.client == "test"
        assert event.case_opened.channel == types_pb2.CHANNEL_WEB
        assert len(event.case_opened.personal.ciphertext) > 0
        assert b"came wet" not in event.SerializeToString(), "sealed from the first event on"
    follower.close()
    lane.close()


def test_the_same_command_again_gets_the_first_answer(office):
    office.start("intake")
    lane = office.lane()
    command = kesu_client.receive_message("twice")
    first = lane.ask_one(command).accepted
    again = lane.ask_one(command).accepted
    assert again.duplicate and not again.differed
    assert (again.number, again.case_id, again.seq) == (first.number, first.case_id, first.seq)
    command.receive_message.personal.text = "another text"
    differed = lane.ask_one(command).accepted
    assert differed.duplicate and differed.differed and differed.case_id == first.case_id
    lane.close()


def test_a_reader_resumes_where_it_was_and_a_wrong_one_is_refused(office):
    office.start("intake")
    lane = office.lane()
    reader = office.journal()
    seqs = [lane.ask_one(kesu_client.receive_message(f"case {i}")).accepted.seq for i in range(5)]
    before = reader.until(lambda e: e.seq == seqs[2])
    reader.close()
    resumed = office.journal(from_seq=before[-1].seq + 1)
    after = resumed.until(lambda e: e.seq == seqs[4])
    assert after[0].seq == before[-1].seq + 1
    assert not {e.seq for e in before} & {e.seq for e in after}
    resumed.close()
    ahead = office.journal(from_seq=seqs[4] + 1000)
    until(lambda: (ahead._one(0.1), ahead.refused)[1], "a cursor beyond the head is refused")
    assert ahead.refused.code == command_pb2.E_RANGE
    ahead.close()


def test_keys_come_beside_the_blocks_to_who_may_read(office):
    office.start("intake")
    lane = office.lane()
    accepted = lane.ask_one(kesu_client.receive_message("secret words")).accepted
    plain, reading = office.journal(), office.journal(name="reads", personal=True)
    for reader in (plain, reading):
        reader.until(lambda e: e.seq == accepted.seq)
    event = [e for e in office.journal().all() if e.seq == accepted.case_id][0].event
    key_id = event.case_opened.personal.key_id
    assert key_id in reading.keys and len(reading.keys[key_id]) == 32
    assert plain.keys == {}
    plain.close()
    reading.close()


def test_the_client_has_nothing_of_ours_but_the_protocol():
    source = pathlib.Path(kesu_client.__file__).read_text()
    imported = set(re.findall(r"^(?:import|from) ([a-z0-9_.]+)", source, re.M))
    assert imported <= {"hashlib", "os", "struct", "time", "uuid", "zmq", "kesu.v1"}, imported

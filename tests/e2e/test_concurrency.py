# SPDX-License-Identifier: Apache-2.0
"""Several people act on one case at once, each from a process of their own."""

import json
import os
import subprocess
import sys

import kesu_client
from kesu.v1 import command_pb2, life_pb2, types_pb2

CASES = 40

# Claims each case as soon as a line says so: arguments are the run directory, who claims, and the cases.
CLAIMANT = """
import json, sys
import kesu_client
from kesu.v1 import life_pb2, types_pb2
run_dir, who, ids = sys.argv[1], sys.argv[2], [int(n) for n in sys.argv[3].split(",")]
lane = kesu_client.Lane(run_dir, "intake-people", who)
print("ready", flush=True)
sys.stdin.readline()
said = {}
for case_id in ids:
    claim = life_pb2.ClaimCase(case_id=case_id)
    reply = lane.ask_one(kesu_client.command(actor_kind=types_pb2.ACTOR_KIND_STAFF, actor=who, claim_case=claim))
    said[case_id] = "has it" if reply.WhichOneof("result") == "accepted" else reply.refused.reason
print(json.dumps(said), flush=True)
"""


def triaged(office, lane, n):
    """Cases that nobody has."""
    received = [kesu_client.receive_message(f"The parcel {i} was soaked.") for i in range(n)]
    ids = [reply.accepted.case_id for reply in lane.ask(received)]
    judgement = types_pb2.Judgement(category="damage.wet", department="logistics", severity=types_pb2.SEVERITY_S3)
    classified = [
        kesu_client.command(classify_case=command_pb2.ClassifyCase(case_id=case_id, judgement=judgement))
        for case_id in ids
    ]
    assert all(reply.WhichOneof("result") == "accepted" for reply in lane.ask(classified))
    return ids


def claimant(office, who, ids):
    return subprocess.Popen(
        [sys.executable, "-c", CLAIMANT, str(office.run), who, ",".join(map(str, ids))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


def test_of_two_who_claim_at_once_exactly_one_has_the_case(office):
    office.start("intake")
    first, second = office.agents_present()[:2]
    lane = office.lane("intake-people", "desk")
    ids = triaged(office, lane, CASES)
    # From both ends: whoever is faster, they meet.
    people = {first: claimant(office, first, ids), second: claimant(office, second, ids[::-1])}
    for process in people.values():
        assert process.stdout.readline() == "ready\n"
    for process in people.values():
        process.stdin.write("\n")
        process.stdin.flush()
    said = {who: json.loads(process.communicate(timeout=60)[0]) for who, process in people.items()}
    for case_id in ids:
        outcomes = {who: said[who][str(case_id)] for who in said}
        winners = [who for who, outcome in outcomes.items() if outcome == "has it"]
        assert len(winners) == 1, outcomes
        assert office.case(case_id).state.agent == winners[0]
        (loser,) = set(said) - set(winners)
        assert outcomes[loser].endswith(" has it"), outcomes


def test_who_has_seen_an_older_case_is_told_what_changed(office):
    office.start("intake")
    (agent,) = office.agents_present()[:1]
    lane = office.lane("intake-people", "desk")
    (case_id,) = triaged(office, lane, 1)
    seen = office.case(case_id).state.version

    def ask(**bodies):
        made = kesu_client.command(actor_kind=types_pb2.ACTOR_KIND_STAFF, actor=agent, **bodies)
        made.expected_version = seen
        return lane.ask_one(made)

    claim, note = life_pb2.ClaimCase(case_id=case_id), command_pb2.AddNote(case_id=case_id, text="called")
    assert ask(claim_case=claim).WhichOneof("result") == "accepted"
    refused = ask(add_note=note).refused
    assert refused.code == command_pb2.E_STALE and refused.version == seen + 1
    assert list(refused.changed) == ["case_assigned"]
    seen = refused.version
    assert ask(add_note=note).accepted.version == seen + 1
    refused = ask(add_note=note).refused
    assert refused.version == seen + 1 and list(refused.changed) == ["note_added"]

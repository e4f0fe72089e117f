# SPDX-License-Identifier: Apache-2.0
"""The present programs on the data of an earlier version: KESU_EARLIER names its checkout, built."""

import json
import os
import subprocess

import kesu_client
import pytest
from conftest import DAEMONS, ROOT, until
from kesu.v1 import command_pb2, life_pb2, types_pb2
from test_office import gauge

COUNT = 1000
FOLDS = ["routing", "sla-watch", "notification", "analytics"]
SINCE = {"STAGE_ASSIGNED": "STAGE_TRIAGED", "STAGE_IN_PROGRESS": "STAGE_UNDER_REVIEW", "STAGE_RESOLVED": "STAGE_FEEDBACK"}


@pytest.fixture
def upgraded(office):
    """Daemons of this version where those of the earlier one were stopped; and what it had said."""
    earlier = os.environ.get("KESU_EARLIER")
    if not earlier:
        pytest.skip("needs KESU_EARLIER, an earlier version that is built")
    command = [ROOT / "tests/e2e/record-earlier", earlier, str(COUNT), office.dir]
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "KESU_BIN")}
    subprocess.run(command, check=True, timeout=600, env=environment)
    facts = json.loads((office.dir / "facts.json").read_text())
    office.settings["intake"] = ["--policy-dir", str(office.dir / "policy")]
    office.settings["notification"] = ["--maildir", str(office.dir / "mail"), "--language-wait", "0s"]
    office.start_all(*DAEMONS)
    office.wait_folded(*FOLDS)
    return office, facts


def mails(office):
    return len(list((office.dir / "mail/new").iterdir()))


def staff(office, agent, **bodies):
    lane = office.lane("intake-people", "people")
    reply = lane.ask_one(kesu_client.command(actor_kind=types_pb2.ACTOR_KIND_STAFF, actor=agent, **bodies))
    lane.close()
    assert reply.WhichOneof("result") == "accepted", reply


def test_an_earlier_office_goes_on_where_it_was(upgraded):
    office, facts = upgraded
    running, stages = 0, set()
    for told in facts["cases"]:
        state = office.case(told["case"]).state
        stage = types_pb2.Stage.Name(state.stage)
        assert (state.number, state.version, state.agent) == (told["number"], told["version"], told["agent"])
        assert stage == SINCE.get(told["stage"], told["stage"])
        stages.add(stage)
        clocks = [[c.clock, c.due_at, c.escalated] for c in state.clocks if c.running]
        assert clocks == told["clocks"]
        running += len(clocks)
    assert stages == {"STAGE_TRIAGED", "STAGE_UNDER_REVIEW", "STAGE_FEEDBACK", "STAGE_CLOSED"}

    assert gauge(office, "sla-watch", "armed") == running, "each clock that runs waits once"
    until(lambda: office.info("notification").gauges[0].value == 0, "nothing left to tell")
    assert office.info("intake").head_seq == facts["head"], "nothing is decided again"
    assert mails(office) == facts["mails"], "nobody is written to twice"
    stats = office.stats()
    assert (stats.opened, stats.assigned, stats.closed) == (COUNT, COUNT, 1)
    for fold in FOLDS:
        assert "the same" in office.kesu("fold", "verify", fold)


def test_a_case_of_an_earlier_office_is_carried_to_its_end(upgraded):
    office, facts = upgraded
    begun = facts["cases"][0]
    office.kesu("policy", "apply", str(ROOT / "deploy/policy"))
    staff(office, begun["agent"], review_case=life_pb2.ReviewCase(
        case_id=begun["case"], finding=life_pb2.FINDING_FOUNDED, reason="The carton was wet."))
    state = office.case(begun["case"]).state
    assert state.stage == types_pb2.STAGE_INVESTIGATING and state.version == begun["version"] + 1
    staff(office, begun["agent"], resolve_case=command_pb2.ResolveCase(case_id=begun["case"], summary="A new one."))
    staff(office, begun["agent"], close_case=command_pb2.CloseCase(case_id=begun["case"], cause="method"))
    assert office.case(begun["case"]).state.stage == types_pb2.STAGE_CLOSED

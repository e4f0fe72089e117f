# SPDX-License-Identifier: Apache-2.0
"""Who leaves the office, and what becomes of their open work."""

import datetime
import shutil

import kesu_client
import yaml
from conftest import ROOT, until
from kesu.v1 import command_pb2, types_pb2

DROPPED, TEMPORARY, STAYS = "wen_hao", "bo_lin", "qu_yan"


def policy_without(directory, ends):
    """The shipped policy: one person is dropped, the time of another ends then."""
    shutil.copytree(ROOT / "deploy/policy", directory)
    path = directory / "org.yaml"
    org = yaml.safe_load(path.read_text())
    org["staff"] = [one for one in org["staff"] if one["id"] != DROPPED]
    next(one for one in org["staff"] if one["id"] == TEMPORARY)["until"] = ends.strftime("%Y-%m-%dT%H:%M:%SZ")
    path.write_text(yaml.safe_dump(org, allow_unicode=True, sort_keys=False))
    return directory


def given(office, lane, agent):
    presence = command_pb2.SetPresence(agent=agent, present=True, capacity=10)
    case = lane.ask_one(kesu_client.receive_message("包裹破了")).accepted.case_id
    judgement = types_pb2.Judgement(category="damage.wet", department="logistics", severity=types_pb2.SEVERITY_S3)
    for body in (
        {"set_presence": presence},
        {"classify_case": command_pb2.ClassifyCase(case_id=case, judgement=judgement)},
        {"assign_case": command_pb2.AssignCase(case_id=case, agent=agent)},
    ):
        reply = lane.ask_one(kesu_client.command(**body))
        assert reply.WhichOneof("result") == "accepted", reply
    assert office.case(case).state.agent == agent
    return case


def test_open_work_of_who_leaves_goes_to_who_leads_them(office, tmp_path):
    office.start("intake")
    lane = office.lane("intake-people")
    cases = {who: given(office, lane, who) for who in (DROPPED, TEMPORARY, STAYS)}
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=2)
    office.kesu("policy", "apply", str(policy_without(tmp_path / "policy", ends)))
    staff = {one["id"]: one for one in yaml.safe_load((ROOT / "deploy/policy/org.yaml").read_text())["staff"]}

    def owner(who):
        return office.case(cases[who]).state.agent

    until(lambda: owner(DROPPED) != DROPPED, "the case of who was dropped is given to another")
    until(lambda: owner(TEMPORARY) != TEMPORARY, "and that of whose time has ended")
    for who in (DROPPED, TEMPORARY):
        assert owner(who) in staff and owner(who) not in (DROPPED, TEMPORARY, "")
        state = office.case(cases[who])
        event = kesu_client.event_pb2.Event.FromString(state.events[-1].event)
        assert event.case_assigned.previous_agent == who and event.actor.name == "intake"
        assert event.case_assigned.reason == "who had it has left"
    assert owner(TEMPORARY) == staff[TEMPORARY]["manager"]
    assert owner(STAYS) == STAYS
    refused = lane.ask_one(kesu_client.command(
        assign_case=command_pb2.AssignCase(case_id=cases[STAYS], agent=TEMPORARY))).refused
    assert refused.code == command_pb2.E_NOT_ALLOWED and refused.field == "assign_case.agent"

# SPDX-License-Identifier: Apache-2.0
"""The story of a case stays what it was when the policy changes."""

import shutil

import kesu_client
import yaml
from conftest import ROOT
from kesu.v1 import command_pb2, types_pb2

WHO, BEFORE, AFTER = "qu_yan", "Before", "After"


def policy_with_name(directory, name):
    """The shipped policy, in which this person is called so."""
    shutil.copytree(ROOT / "deploy/policy", directory)
    path = directory / "org.yaml"
    org = yaml.safe_load(path.read_text())
    next(one for one in org["staff"] if one["id"] == WHO)["name"] = name
    path.write_text(yaml.safe_dump(org, allow_unicode=True, sort_keys=False))
    return directory


def test_each_decision_is_told_by_the_policy_of_its_time(office, tmp_path):
    before, after = (policy_with_name(tmp_path / name, name) for name in (BEFORE, AFTER))
    office.settings["intake"] = ["--policy-dir", str(before)]
    office.start("intake")
    lane = office.lane("intake-people")
    case = lane.ask_one(kesu_client.receive_message("wet", email="a@example.org")).accepted
    judgement = types_pb2.Judgement(category="damage.wet", department="logistics", severity=types_pb2.SEVERITY_S3)
    for body in (
        {"set_presence": command_pb2.SetPresence(agent=WHO, present=True, capacity=10)},
        {"classify_case": command_pb2.ClassifyCase(case_id=case.case_id, judgement=judgement)},
        {"assign_case": command_pb2.AssignCase(case_id=case.case_id, agent=WHO)},
    ):
        assert lane.ask_one(kesu_client.command(**body)).WhichOneof("result") == "accepted"
    told = []
    for policy in (None, after, before):  # the first comes into force again without its parts
        if policy is not None:
            office.kesu("policy", "apply", str(policy))
        office.kesu("act", "note", case.number, f"note {len(told)}", "--as", WHO)
        lines = office.kesu("show", "--explain", "--lang", "en", case.number).splitlines()
        told.append([name for line in lines for name in (BEFORE, AFTER) if f"  {name} (" in line])
    assert told == [[BEFORE], [BEFORE, AFTER], [BEFORE, AFTER, BEFORE]]

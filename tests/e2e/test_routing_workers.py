# SPDX-License-Identifier: Apache-2.0
"""Workers that are killed, stopped, or connect again in the middle of their
tasks: every complaint is judged, and none twice."""

import shutil
from collections import Counter

import kesu_client
from conftest import ROOT, until
from kesu.v1 import query_pb2

SLOW = ["--work-delay", "50000"]  # microseconds a task: a full window takes more than three seconds
CASES = 150


def start(office, *workers):
    """Intake, routing, analytics; workers: pairs of a name and its flags."""
    office.start_all("intake", "routing", "analytics")
    for name, flags in workers:
        office.start("routing-worker", *flags, instance=name)


def submit(office, n=CASES):
    replies = office.lane().ask(
        [kesu_client.receive_message(f"第 {i} 個包裹泡水了", email=f"c{i}@example.com") for i in range(n)], 30
    )
    assert all(r.WhichOneof("result") == "accepted" for r in replies)
    return {r.accepted.case_id for r in replies}


def workers(office):
    listed = office.control("routing", get_workers=query_pb2.GetWorkers())
    return {w.name: w for w in listed.workers}


def leased(office, name):
    listed = workers(office)
    return listed[name].leased if name in listed else 0


def classified(office):
    """How often each case was, as the journal has it."""
    return Counter(e.case_id for e in office.journal().all(30) if e.name == "case_classified")


def fallbacks(office):
    return [e for e in office.journal().all(30) if e.name == "case_classified" and e.body.fallback]


def expect_each_once(office, cases):
    until(lambda: set(classified(office)) == cases, lambda: f"{len(classified(office))} of {len(cases)} judged", 60)
    office.wait_folded("routing", "analytics")
    assert set(classified(office).values()) == {1}
    assert not fallbacks(office)
    stats = office.stats()
    assert (stats.opened, stats.classified) == (len(cases), len(cases))
    listed = office.control("routing", get_workers=query_pb2.GetWorkers())
    assert (listed.queued, listed.leased) == (0, 0)


def test_a_killed_workers_tasks_go_on_elsewhere(office):
    start(office, ("slow", SLOW))
    cases = submit(office)
    until(lambda: leased(office, "slow") >= 32, "tasks in hand")
    office.kill("slow")
    office.start("routing-worker", instance="other")
    expect_each_once(office, cases)
    assert "because=disconnected" in office.log("routing")
    assert set(workers(office)) == {"other"}


def test_a_stopped_worker_comes_back_and_its_results_are_dropped(office):
    start(office, ("slow", SLOW))
    cases = submit(office)
    until(lambda: leased(office, "slow") >= 32, "tasks in hand")
    office.freeze("slow")
    office.start("routing-worker", instance="other")
    expect_each_once(office, cases)
    assert "because=silent" in office.log("routing")
    office.thaw("slow")
    until(lambda: "slow" in workers(office), "the stopped worker is known again")
    more = submit(office, 40)
    expect_each_once(office, cases | more)


def test_workers_connect_again_to_a_restarted_routing(office):
    start(office, ("slow", SLOW), ("other", SLOW))
    cases = submit(office)
    until(lambda: leased(office, "slow") >= 32 and leased(office, "other") >= 32, "tasks in hand")
    office.kill("routing")
    office.start("routing")
    until(lambda: set(workers(office)) == {"slow", "other"}, "both workers are back")
    expect_each_once(office, cases)


def test_a_worker_that_starts_again_under_its_name(office):
    start(office, ("slow", SLOW))
    cases = submit(office)
    until(lambda: leased(office, "slow") >= 32, "tasks in hand")
    before = workers(office)["slow"].epoch
    office.kill("slow")
    office.start("routing-worker", instance="slow")
    until(lambda: "slow" in workers(office) and workers(office)["slow"].epoch != before, "the new epoch")
    expect_each_once(office, cases)


def test_no_worker_no_loss(office):
    start(office)
    cases = submit(office, 60)
    office.wait_folded("routing")
    assert office.control("routing", get_workers=query_pb2.GetWorkers()).queued == 60
    office.kill("routing")
    office.start("routing")
    assert office.control("routing", get_workers=query_pb2.GetWorkers()).queued == 60
    office.start("routing-worker", instance="late")
    expect_each_once(office, cases)


def larger_policy(directory):
    """The shipped policy with more keywords and longer letters than a frame of 1 MiB holds."""
    shutil.copytree(ROOT / "deploy/policy", directory)
    rules = ["rules:"]
    for i in range(100):
        words = [f"{'many words make a long policy ' * 6}{i} {n}" for n in range(25)]
        rules.append(f"  - {{id: long.n{i}, category: lending.interest, weight: 1, keywords: [{', '.join(words)}],")
        rules.append(f"     match: [{words[0]}], no_match: [nothing of it]}}")
    (directory / "rules/long.yaml").write_text("\n".join(rules) + "\n")
    for path in (directory / "templates").iterdir():
        text = path.read_text()
        path.write_text(text.replace("  text: |\n", "  text: |\n" + f"    {'x' * 70}\n" * 400))
    return directory


def test_a_policy_larger_than_a_frame_reaches_the_workers(office):
    office.settings["intake"] = ["--policy-dir", str(larger_policy(office.dir / "policy"))]
    office.start_all("intake", "routing", "routing-worker")
    case_id = office.lane().ask_one(kesu_client.receive_message("they lost my parcel")).accepted.case_id
    until(lambda: office.case(case_id).state.category, "classified")
    assert not office.case(case_id).state.fallback

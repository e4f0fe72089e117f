# SPDX-License-Identifier: Apache-2.0
"""The command line against a real intake: what it prints, and how it ends."""

import json
import re
import signal
import struct
import subprocess

import pytest
from conftest import BIN, ROOT, until
from kesu.v1 import command_pb2

USAGE, DATA, NO_INPUT, UNAVAILABLE, CANNOT_CREATE, TEMPORARY = 64, 65, 66, 69, 73, 75


@pytest.fixture
def intake(office):
    office.start("intake")
    return office


def run(*arguments, status=0, stdin=None):
    """kesu without an office."""
    done = subprocess.run(
        [str(BIN / "kesu"), *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == status, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_a_complaint_is_handed_in_listed_and_shown(intake):
    printed = intake.kesu("submit", "--text", "包裹濕了", "--name", "王小明", "--email", "wang@example.com", "--product", "杯子")
    number = re.match(r"(\d{4}-\d{6}) \(case \d+\)", printed).group(1)
    assert number in intake.kesu("list")
    plain = intake.kesu("show", number)
    assert f"{number} opened from web" in plain and "clock resolution starts" in plain and "product 杯子" in plain
    assert "王小明" not in plain and "wang@example.com" not in plain
    opened = intake.kesu("show", number, "--personal")
    assert "name: 王小明" in opened and "email: wang@example.com" in opened and "text: 包裹濕了" in opened
    case = lines(intake.kesu("list", "--json"))[0]
    assert case["number"] == number and case["stage"] == "STAGE_RECEIVED"


def test_the_same_external_id_is_one_complaint(intake):
    first = intake.kesu("submit", "--text", "once", "--external-id", "A-7")
    again = intake.kesu("submit", "--text", "once", "--external-id", "A-7")
    assert again.startswith(first.split(")")[0]), (first, again)
    other = intake.kesu("submit", "--text", "once", "--external-id", "A-8")
    assert other.split()[0] != first.split()[0]
    assert len(lines(intake.kesu("list", "--json"))) == 2


def test_json_in_and_out(intake, tmp_path):
    file = tmp_path / "complaint.json"
    file.write_text(json.dumps({"channel": "CHANNEL_PHONE", "personal": {"text": "broken"}, "tier": "vip"}))
    accepted = json.loads(intake.kesu("submit", "--from", str(file), "--json"))["accepted"]
    assert accepted["number"].endswith("-000001")
    assert intake.kesu("submit", "--from", "-", stdin=file.read_text()).startswith(accepted["number"][:5])
    file.write_text('{"channel": "fax"}')
    intake.kesu("submit", "--from", str(file), status=DATA)
    intake.kesu("submit", "--from", str(tmp_path / "none"), status=NO_INPUT)


def test_lines_may_be_sent_again_and_nothing_is_taken_twice(intake, tmp_path):
    file = tmp_path / "many.jsonl"
    rows = [json.dumps({"channel": "web", "personal": {"text": f"complaint {i}"}}) for i in range(3000)]
    file.write_text("\n".join(rows) + "\n")
    assert intake.kesu("submit", "--lines", str(file), "--window", "100").startswith("3000 accepted (0 joined, 0 taken before)")
    assert intake.kesu("submit", "--lines", str(file)).startswith("3000 accepted (0 joined, 3000 taken before)")
    assert intake.kesu("list", "--limit", "1").count("2") and intake.info("intake").head_seq >= 3000
    rows[10] = '{"channel": "web"}'
    rows[20] = "{"
    file.write_text("\n".join(rows) + "\n")
    printed = intake.kesu("submit", "--lines", str(file), status=DATA)
    assert "2998 accepted" in printed and "2 refused" in printed


def test_tail_filters_and_begins_anywhere(intake):
    for text in ("one", "two"):
        intake.kesu("submit", "--text", text, "--email", f"{text}@example.com")
    everything = lines(intake.kesu("tail", "--from", "1", "--no-follow", "--json"))
    assert [int(e["seq"]) for e in everything] == list(range(1, len(everything) + 1))
    opened = lines(intake.kesu("tail", "--from", "1", "--no-follow", "--json", "--type", "case_opened"))
    assert [e["type"] for e in opened] == ["case_opened"] * 2
    number = opened[1]["event"]["case_opened"]["number"]
    of_case = lines(intake.kesu("tail", "--case", number, "--no-follow", "--json"))
    assert of_case == [opened[1]]
    last = lines(intake.kesu("tail", "--last", "1", "--no-follow", "--json"))
    assert [e["seq"] for e in last] == [everything[-1]["seq"]]
    assert len(lines(intake.kesu("tail", "--from", "2", "--limit", "2", "--json"))) == 2
    case_id = opened[1]["seq"]
    assert f"  case {case_id}: {number} opened" in intake.kesu("tail", "--last", "1", "--no-follow")
    assert "text: two" in intake.kesu("tail", "--from", "1", "--no-follow", "--personal")
    intake.kesu("tail", "--type", "case_vanished", status=USAGE)


def test_tail_prints_what_happens_while_it_runs(intake):
    follower = subprocess.Popen(
        [str(BIN / "kesu"), "--run-dir", str(intake.run), "tail", "--from", "1", "--json", "--type", "case_opened", "--limit", "2"],
        stdout=subprocess.PIPE, text=True,
    )
    try:
        intake.kesu("submit", "--text", "first")
        assert json.loads(follower.stdout.readline())["type"] == "case_opened"
        intake.kesu("submit", "--text", "second")
        assert json.loads(follower.stdout.readline())["event"]["case_opened"]["number"].endswith("2")
        assert follower.wait(30) == 0
    finally:
        follower.kill()
        follower.wait()
        follower.stdout.close()


def test_a_department_sees_the_events_of_its_cases(intake):
    from kesu.v1 import command_pb2, types_pb2
    import kesu_client

    lane = intake.lane()
    ids = [lane.ask_one(kesu_client.receive_message(t)).accepted.case_id for t in ("a", "b")]
    services = intake.lane("intake-services", "routing")
    for case_id, department, category in zip(ids, ("logistics", "finance"), ("damage.wet", "finance.invoice")):
        judgement = types_pb2.Judgement(category=category, department=department, severity=3, language=3)
        reply = services.ask_one(
            kesu_client.command(
                classify_case=command_pb2.ClassifyCase(case_id=case_id, judgement=judgement),
                actor_kind=types_pb2.ACTOR_KIND_SERVICE, actor="routing",
            )
        )
        assert reply.WhichOneof("result") == "accepted", reply
    intake.kesu("act", "note", str(ids[0]), "about the first")
    intake.kesu("act", "note", str(ids[1]), "about the second")
    seen = lines(intake.kesu("tail", "--from", "1", "--no-follow", "--department", "finance", "--json"))
    assert [(e["type"], int(e["event"]["case_id"])) for e in seen] == [("case_classified", ids[1]), ("note_added", ids[1])]
    assert len(lines(intake.kesu("list", "--json", "--department", "finance"))) == 1
    assert len(lines(intake.kesu("list", "--json", "--severity", "s1"))) == 0


def test_people_work_on_a_case(intake):
    number = intake.kesu("submit", "--text", "x").split()[0]
    agent = intake.shipped_agents()[0]
    intake.kesu("act", "presence", agent, "on", "--capacity", "3")
    assert f"{agent} is present, takes 3 cases" in intake.kesu("tail", "--from", "1", "--no-follow", "--type", "presence_set")
    intake.kesu("act", "note", number, "called back", "--as", agent)
    assert "called back" in intake.kesu("show", number, "--personal")
    intake.kesu("act", "resolve", number, "done", status=DATA)
    intake.kesu("act", "note", number, "stale", "--expected-version", "1", status=DATA)
    intake.kesu("act", "note", "2611-999999", "nobody", status=DATA)
    intake.kesu("act", "note", "nonsense", "x", status=USAGE)
    intake.kesu("act", "presence", agent, "maybe", status=USAGE)
    assert intake.kesu("act", "presence", "all", "on").count("is present") == len(intake.shipped_agents())


def test_the_journal_is_verified_exported_and_checked_without_intake(intake, tmp_path):
    for i in range(5):
        intake.kesu("submit", "--text", f"complaint {i}")
    printed = intake.kesu("journal", "verify")
    assert printed.startswith("intact")
    anchor = tmp_path / "anchor"
    anchor.write_text(printed.splitlines()[1] + "\n")
    intake.kesu("submit", "--text", "one more")
    intake.kesu("journal", "verify", "--anchor", str(anchor))
    file = tmp_path / "journal.bin"
    intake.kesu("journal", "export", str(file))
    assert run("journal", "verify", "--file", str(file), "--anchor", str(anchor)).stdout.startswith("intact")
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    assert "NOT intact" in run("journal", "verify", "--file", str(file), status=1).stdout
    seq, digest = anchor.read_text().split()
    anchor.write_text(f"{seq} {'0' * 8}{digest[8:]}\n")
    intake.kesu("journal", "verify", "--anchor", str(anchor), status=1)
    assert f"head        {intake.info('intake').head_seq}" in intake.kesu("journal", "info")


def test_policy_is_checked_compared_and_applied(intake, tmp_path):
    shipped = ROOT / "deploy/policy"
    assert run("policy", "check", str(shipped)).stdout.startswith("good: ")
    assert intake.kesu("policy", "diff", str(shipped)) == "no difference\n"
    changed = tmp_path / "changed"
    subprocess.run(["cp", "-R", str(shipped), str(changed)], check=True)
    sla = changed / "sla.yaml"
    sla.write_text(sla.read_text().replace("dues: {all: 5m}", "dues: {all: 7m}"))
    assert "receipt" in intake.kesu("policy", "diff", str(changed), status=1)
    assert intake.kesu("policy", "apply", str(changed)).startswith("in force since event")
    intake.kesu("policy", "diff", str(changed))
    assert "policy 'changed' is in force" in intake.kesu("tail", "--from", "1", "--no-follow", "--type", "policy_activated")
    sla.write_text(sla.read_text().replace("warn_percent: 80", "warn_percent: x", 1))
    problem = run("policy", "check", str(changed), status=1)
    assert re.search(r"sla\.yaml:\d+: .*warn_percent", problem.stderr)
    intake.kesu("policy", "apply", str(changed), status=1)
    run("policy", "check", str(tmp_path / "none"), status=NO_INPUT)


def test_keys_are_made_and_listed(tmp_path):
    import zmq

    allow = tmp_path / "allowed"
    public = run("keys", "new", str(tmp_path / "desk"), "--role", "reader", "--allow", str(allow)).stdout.strip()
    assert run("keys", "show", str(tmp_path / "desk")).stdout.strip() == public
    secret = re.search(r"secret-key: '(.*)'", (tmp_path / "desk").read_text()).group(1)
    assert zmq.curve_public(secret.encode()).decode() == public
    assert (tmp_path / "desk").stat().st_mode & 0o777 == 0o600
    assert run("keys", "list", str(allow)).stdout.split() == ["desk", "reader", public]
    run("keys", "add", public, "desk", "--allow", str(allow), status=CANNOT_CREATE)
    run("keys", "add", "short", "desk", "--allow", str(allow), status=USAGE)
    run("keys", "add", public, "two words", "--allow", str(allow), status=USAGE)
    run("keys", "add", public, "desk", "--channels", "moon", "--allow", str(allow), status=USAGE)
    said = run("keys", "rotate", str(tmp_path / "desk"), "--allow", str(allow)).stdout
    assert public in said and run("keys", "show", str(tmp_path / "desk")).stdout.strip() != public
    assert run("keys", "list", str(allow)).stdout.count("desk") == 2
    assert run("keys", "remove", public, "--allow", str(allow)).stdout == "1 removed\n"
    run("keys", "remove", public, "--allow", str(allow), status=DATA)
    run("keys", "rotate", str(tmp_path / "none"), "--allow", str(allow), status=NO_INPUT)
    after = run("keys", "next", "--key-pair", str(tmp_path / "daemons")).stdout
    assert run("keys", "next", "--key-pair", str(tmp_path / "daemons")).stdout == after
    assert run("keys", "switch", "--key-pair", str(tmp_path / "daemons")).stdout == after
    run("keys", "switch", "--key-pair", str(tmp_path / "daemons"), status=NO_INPUT)
    (tmp_path / "desk").chmod(0o640)
    assert "chmod 0600" in run("keys", "show", str(tmp_path / "desk"), status=NO_INPUT).stderr
    run("keys", "new", str(tmp_path / "desk"), status=CANNOT_CREATE)
    run("keys", "new", str(tmp_path / "other"), "--role", "king", status=USAGE)
    dashes = "--" + 38 * "0"
    run("keys", "add", dashes, "dashes", "--role", "reader", "--allow", str(allow))
    assert dashes in run("keys", "list", str(allow)).stdout
    assert run("keys", "remove", dashes, "--allow", str(allow)).stdout == "1 removed\n"
    allow.write_text("short reader desk\n")
    run("keys", "list", str(allow), status=DATA)


def test_nobody_there(office):
    office.kesu("list", "--timeout", "300ms", status=UNAVAILABLE)
    office.kesu("submit", "--text", "x", "--timeout", "300ms", status=UNAVAILABLE)
    assert "intake         does not answer" in office.kesu("fold", "list", "--timeout", "300ms", status=UNAVAILABLE)


@pytest.mark.parametrize(
    "arguments",
    [
        [], ["act"], ["act", "sing"], ["sing"], ["list", "--limit", "0"], ["list", "--limit", "01"], ["list", "--stage", "lost"],
        ["list", "extra"], ["show"], ["list", "--limit"], ["list", "--json=yes"], ["list", "--colour"], ["submit"],
        ["stats", "--by", "moon"], ["fold", "verify", "intake"], ["completion", "fish"], ["tail", "--from", "x"],
        ["deadletters", "resend", "some"], ["manual", "nothing"],
    ],
)
def test_wrong_arguments(arguments):
    run(*arguments, status=USAGE)


def test_every_subcommand_explains_itself():
    names = [entry["name"] for entry in lines(run("help", "--json").stdout)]
    assert len(names) > 30
    for name in names:
        text = run(*name.split(), "--help").stdout
        assert text.startswith(f"usage: kesu {name}") and "Exit status:" in text
    assert run("--version").stdout.startswith("kesu ")
    for name in names:
        assert name in run("help").stdout


def test_the_demo_is_reproducible_and_can_be_submitted(intake, tmp_path):
    def invented():
        found = lines(run("demo", "--print", "--complaints", "50", "--seed", "7").stdout)
        for row in found:  # times move on
            row.pop("received_at"), row.pop("occurred_at")
        return found

    rows = invented()
    assert rows == invented() and len({row["personal"]["text"] for row in rows}) > 40
    assert any(re.search("[客訴貨]", row["personal"]["text"]) for row in rows)
    assert any(re.match("[A-Z]", row["personal"]["text"]) for row in rows)
    file = tmp_path / "demo.jsonl"
    file.write_text(run("demo", "--print", "--complaints", "50").stdout)
    assert intake.kesu("submit", "--lines", str(file)).startswith("50 accepted")
    assert len(intake.kesu("demo", "--complaints", "5", "--rate", "100").split()) == 5


def test_a_clock_that_was_right_is_accepted(intake):
    intake.kesu("clock", "accept", "checked against the station clock")
    printed = intake.kesu("tail", "--from", "1", "--no-follow", "--type", "clock_accepted")
    assert "checked against the station clock" in printed


def test_a_halted_fold_goes_on_when_its_event_is_skipped(office):
    office.start("intake")
    case = json.loads(office.kesu("submit", "--text", "wet", "--json"))["accepted"]["seq"]
    office.start("analytics")
    office.kill("analytics", signal.SIGTERM)
    # As three deaths on one event leave it.
    note = struct.pack(">IBQQQQII", 0x4B535431, 1, 1, int(case), int(case), int(case), 2, 0)
    (office.data / "analytics.trial").write_bytes(note)
    office.start("analytics", wait=False)
    until(lambda: office.http("analytics", "/readyz")[0] == 503, "not ready")
    halted = rf"analytics +halted .*\(halted at {case}: died three times"
    until(lambda: re.search(halted, office.kesu("fold", "list", "--timeout", "300ms", status=UNAVAILABLE)), "halted")
    assert office.kesu("fold", "skip", "analytics", case, "poison") == f"analytics steps over event {case}\n"
    office.wait_ready("analytics")


def test_operators_look_at_all_daemons(office, tmp_path):
    maildir = tmp_path / "sent"
    office.settings["notification"] = ["--smtp-url", "", "--maildir", str(maildir)]
    office.start_all()
    office.agents_present()
    for i in range(3):
        office.kesu("submit", "--text", f"包裹濕了 {i}", "--email", f"c{i}@example.com", "--product", "cup")
    until(lambda: "delivered 6" in office.kesu("stats"), lambda: office.kesu("stats"))
    stats = office.kesu("stats", "--by", "category,severity")
    assert "opened 3, joined 0, classified 3" in stats and re.search(r"damage\.wet +S\d +\d", stats) and "product" in stats
    assert json.loads(office.kesu("stats", "--json"))["opened"] == "3"
    assert office.kesu("fold", "list").count(" ready ") == 5
    assert "12 armed" in office.kesu("clocks") and len(office.kesu("clocks", "--limit", "2").splitlines()) == 3
    assert office.kesu("workers").splitlines()[1].endswith(" 3")
    assert office.kesu("deadletters", "list") == "no dead letters\n"
    assert office.kesu("deadletters", "resend", "all") == "0 messages go again\n"
    screen = office.kesu("top", "--times", "2", "--every", "100ms")
    assert screen.count("by category") == 2 and "damage.wet" in screen and "\033" not in screen
    assert office.kesu("fold", "verify", "routing").startswith("routing: the same at event")
    office.kesu("fold", "rebuild", "analytics")
    until(lambda: "opened 3" in office.kesu("stats"), lambda: office.kesu("stats"))
    office.kesu("fold", "skip", "analytics", "1", "tried in a test")
    assert "fold analytics steps over event 1" in office.kesu("tail", "--from", "1", "--no-follow", "--type", "event_skipped")
    case = lines(office.kesu("list", "--json"))[0]
    number, agent = case["number"], case["agent"]
    office.kesu("act", "start", number, "--as", agent)
    office.kesu("act", "resolve", number, "a new cup is on its way", "--as", agent)
    office.kesu("act", "close", number, "method", "--lesson", "wrap cups", "--as", agent)
    story = office.kesu("show", number)
    for said in ("classified damage", f"given to {agent}", "message 'receipt' to the customer", f"message 'assigned' to {agent}", "work started", "resolved by", "cause method", "lesson: wrap cups"):
        assert said in story
    other = [a for a in office.shipped_agents() if a != case["agent"]][0]
    second = lines(office.kesu("list", "--json"))[1]
    if second["agent"] == other:
        other = [a for a in office.shipped_agents() if a not in (second["agent"], case["agent"])][0]
    office.kesu("act", "assign", second["number"], other, "--reason", "on leave")
    assert f"before with {second['agent']} (on leave)" in office.kesu("show", second["number"])


def case_with_an_agent(office, text="the cup is broken"):
    """A complaint classified and given to the first agent by hand; number and agent."""
    number = office.kesu("submit", "--text", text).split()[0]
    agent = office.shipped_agents()[0]
    office.kesu("act", "presence", agent, "on")
    judgement = json.dumps({"judgement": {"category": "damage.wet", "department": "logistics", "severity": "s3", "language": "en"}})
    office.kesu("act", "classify-case", number, "--from", "-", stdin=judgement)
    office.kesu("act", "assign", number, agent)
    return number, agent


def test_values_are_written_as_people_write_them(intake, tmp_path):
    number, agent = case_with_an_agent(intake)
    photo = tmp_path / "box.jpg"
    photo.write_bytes(b"\xff\xd8 a box")
    intake.kesu("act", "start", number, "--as", agent)
    intake.kesu("act", "add-evidence", number, "kind=package_photo", "given_by=customer", "given_at=2026-11-22T10:00+08:00",
                "text=crushed", f"words=@{photo}", "--as", agent)
    intake.kesu("act", number, "review-case", "finding=founded", "reason=crushed", "--as", agent)
    intake.kesu("act", "propose-remedy", number, "lines.kind=refund", "lines.amount=TWD 300.50", "lines.kind=apology",
                "v1=TWD 300.50", "v2=TWD 300.5", "--as", agent)
    events = [json.loads(line)["event"] for line in intake.kesu("history", number, "--json").splitlines()]
    evidence = next(e["evidence_added"] for e in events if "evidence_added" in e)
    assert evidence["given_at"] == "1795312800000000" and evidence["kind"] == "package_photo"
    lines = next(e["remedy_proposed"]["lines"] for e in events if "remedy_proposed" in e)
    assert [line["kind"] for line in lines] == ["REMEDY_KIND_REFUND", "REMEDY_KIND_APOLOGY"]
    assert lines[0]["amount"] == {"currency": "TWD", "e4": "3005000"} and "amount" not in lines[1]
    plain = intake.kesu("history", number)
    assert f"by staff {agent}" in plain and "finding: founded" in plain and "refund TWD 300.50, apology" in plain and "crushed" in plain
    assert "box.jpg" not in plain and "attached: box.jpg" in intake.kesu("history", number, "--personal")
    assert len([p for p in (intake.data / "blobs").rglob("*") if p.is_file() and p.name != "key"]) == 1


@pytest.mark.parametrize("words, said", [
    (["review-case", "finding=great"], "finding: found 'great', allowed is one of founded, partly, not_founded"),
    (["review-case", "verdict=founded"], "found 'verdict', allowed are FIELD=VALUE with the fields case_id, finding, reason, words"),
    (["claim-recovery", "amount=300"], "amount: found '300', allowed is money like \"TWD 3000.50\""),
    (["claim-recovery", "amount=TWD 3.00005"], "a number with at most four decimals"),
    (["record-call", "at=yesterday"], "at: found 'yesterday', allowed is a time like"),
    (["hold-case", "held=maybe"], "held: found 'maybe', allowed is yes or no"),
    (["merge-case", "into_id=abc"], "into_id: found 'abc', allowed is a number, or that of a case"),
    (["add-evidence", "words=@/none"], "cannot open /none"),
])
def test_what_cannot_be_a_value_is_said_with_what_can(intake, words, said):
    number = intake.kesu("submit", "--text", "x").split()[0]
    done = subprocess.run(
        [str(BIN / "kesu"), "--run-dir", str(intake.run), "--data-dir", str(intake.data), "act", words[0], number, *words[1:]],
        capture_output=True, text=True, timeout=60, check=False,
    )
    assert done.returncode in (USAGE, NO_INPUT) and said in done.stderr, done.stderr


def failing(office, *arguments):
    """What is said of a command that intake refuses."""
    places = ["--run-dir", str(office.run), "--data-dir", str(office.data)]
    done = subprocess.run([str(BIN / "kesu"), *places, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == DATA, done.stdout + done.stderr
    return done.stderr


def test_a_refusal_says_what_is_possible_and_what_has_changed(intake):
    number, agent = case_with_an_agent(intake)
    said = failing(intake, "act", "close", number, "man", "--as", agent)
    assert "E_STAGE" in said and "possible now:" in said and "start_work" in said
    version = json.loads(intake.kesu("show", number, "--json").splitlines()[0])["version"]
    intake.kesu("act", "note", number, "a = b, as they say")
    intake.kesu("act", "start", number, "--as", agent)
    said = failing(intake, "act", "note", number, "late", "--expected-version", version)
    assert f"it is at version {int(version) + 2} now, since then: note_added, work_started" in said
    assert "text: a = b, as they say" in intake.kesu("show", number, "--personal")


def test_a_batch_is_shown_first_and_what_has_changed_is_listed(intake):
    cases = [case_with_an_agent(intake, f"cup {i}")[0] for i in range(15)]
    other = intake.kesu("submit", "--text", "not classified").split()[0]
    intake.kesu("batch", "--category", "damage.*", "add-note", "text=seen", status=USAGE)
    intake.kesu("batch", "--as", "x" * 65, "add-note", "text=seen", "--yes", status=USAGE)
    assert "seen" not in intake.kesu("show", cases[0], "--personal")
    printed = intake.kesu("batch", "--category", "damage.*", "--stage", "triaged", "add-note", "text=seen by all", "--yes")
    assert "add-note for 15 cases" in printed and "and 5 more" in printed and printed.endswith("15 done, 0 refused, 0 unanswered\n")
    assert all("seen by all" in intake.kesu("show", number, "--personal") for number in cases)
    assert "seen by all" not in intake.kesu("show", other, "--personal")
    said = failing(intake, "batch", "--category", "damage.wet", "close", "man", "--yes")
    assert all(f"{number}: kesu batch: refused: E_STAGE" in said for number in cases)
    assert intake.kesu("batch", "--category", "loss.*", "add-note", "text=x", "--yes") == "no cases\n"


NOT_FOR_PEOPLE = {
    "receive_message", "fire_clock", "record_delivery", "store_policy_part", "activate_policy", "skip_event",
    "accept_clock", "erase_customer", "share_answer", "replace_leavers",
}


def test_every_command_of_people_is_an_act_and_tells_its_fields():
    commands = {f.name: f.message_type for f in command_pb2.Command.DESCRIPTOR.oneofs_by_name["body"].fields}
    listed = re.search(r"Commands:\n(.*?)\n\n", run("act", "--help").stdout, re.S).group(1)
    assert {name.replace("-", "_") for name in re.split(r"[,\s]+", listed.strip())} == set(commands) - NOT_FOR_PEOPLE
    for name, message in commands.items():
        act = name.replace("_", "-")
        if name in NOT_FOR_PEOPLE:
            assert f"no command '{act}'" in run("act", act, "1", status=USAGE).stderr
            continue
        told = re.search(r"Fields:\n(.*?)(\n\n|$)", run("act", act, "--help").stdout, re.S).group(1)
        assert {field.name for field in message.fields} <= set(re.findall(r"^  (\w+)", told, re.M)), act


def completed(office, *words):
    """What bash offers for the last word."""
    line = " ".join(f"'{word}'" for word in ("kesu", *words))
    script = f"source <(kesu completion bash); COMP_WORDS=({line}); COMP_CWORD={len(words)}; _kesu; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    done = subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": f"{BIN}:/usr/bin:/bin", "KESU_RUN_DIR": str(office.run), "KESU_DATA_DIR": str(office.data)},
    )
    return done.stdout.split()


def test_a_shell_completes_commands_fields_and_values(intake):
    number, _ = case_with_an_agent(intake)
    possible = completed(intake, "act", number, "")
    assert "start-work" in possible and "review-case" not in possible
    assert "review-case" in completed(intake, "act", "re") and "share-answer" not in completed(intake, "act", "")
    assert completed(intake, "act", "review-case", number, "f") == ["finding="]
    assert completed(intake, "act", "review-case", number, "finding", "=", "p") == ["partly"]
    assert set(completed(intake, "act", "review-case", number, "finding", "=")) == {"founded", "partly", "not_founded"}


def test_what_is_possible_now_depends_on_the_stage_and_on_who_asks(intake):
    number, agent = case_with_an_agent(intake)
    mine = intake.kesu("act", number, "--as", agent)
    assert f"{number} is triaged, with {agent}; possible now for {agent}:" in mine
    assert "start-work" in mine and "-> under_review" in mine and "name-accused" not in mine and "review-case" not in mine
    assert "name-accused" in intake.kesu("act", number, "--as", "song_jing")
    intake.kesu("act", "start", number, "--as", agent)
    now = [json.loads(line) for line in intake.kesu("act", number, "--as", agent, "--json").splitlines()]
    assert "review_case" in now and "start_work" not in now


@pytest.mark.parametrize("locale, flags, said", [
    ("zh_TW.UTF-8", [], "開始處理。"), ("zh_CN.UTF-8", [], "开始处理。"), ("en_GB.UTF-8", [], "Work started."), ("C.UTF-8", [], "開始處理。"),
    ("zh_TW.UTF-8", ["--lang", "en"], "Work started."), ("en_GB.UTF-8", ["--lang", "zh-Hans"], "开始处理。"),
])
def test_a_story_is_told_in_the_language_of_who_reads_or_of_the_office(intake, locale, flags, said):
    number, agent = case_with_an_agent(intake, "the cup of Mrs. Wang is broken")
    intake.kesu("act", "start", number, "--as", agent)
    places = ["--run-dir", str(intake.run), "--data-dir", str(intake.data)]
    done = subprocess.run(
        [str(BIN / "kesu"), *places, "show", "--explain", number, *flags],
        capture_output=True, text=True, timeout=60, check=True, env={"LC_ALL": locale},
    )
    assert said in done.stdout and "Mrs. Wang" not in done.stdout
    assert "Mrs. Wang" in intake.kesu("show", "--explain", number, "--personal", "--lang", "en")
    intake.kesu("show", "--explain", number, "--lang", "fr", status=USAGE)

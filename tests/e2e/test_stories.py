# SPDX-License-Identifier: Apache-2.0
"""Five complaints from receipt to their end, by the command line, with all daemons and real mail.

Each ends with what `kesu show --explain` tells of it; with KESU_STORIES=DIR the texts are kept there.
"""

import json
import os
import pathlib
import re
import shutil

import pytest
from conftest import ROOT, until

DATA, TEMPORARY = 65, 75
LANGUAGES = ("en", "zh-Hant", "zh-Hans")


class Desk:
    """The office, and what people do in it."""

    def __init__(self, office, smtp):
        self.office, self.smtp = office, smtp

    def submit(self, text, *flags):
        """A complaint; its number, once somebody has it."""
        number = json.loads(self.office.kesu("submit", "--json", "--text", text, *flags))["accepted"]["number"]
        until(lambda: self.state(number).get("agent"), lambda: f"somebody has {number}: {self.state(number)}")
        return number

    def state(self, number):
        return json.loads(self.office.kesu("show", number, "--json").splitlines()[0])

    def stage(self, number):
        return self.state(number)["stage"].removeprefix("STAGE_").lower()

    def act(self, who, command, *words, status=0):
        return self.office.kesu("act", command, *words, "--as", who, status=status)

    def refused(self, code, who, command, *words):
        """What may not be done, and why not."""
        said = self.office.refused("act", command, *words, "--as", who)
        assert f"refused: {code}" in said, said

    def allowed(self, number, who):
        return [json.loads(line) for line in self.office.kesu("act", number, "--as", who, "--json").splitlines()]

    def mails(self, address, count):
        """Mails to somebody, once there are so many."""
        found = until(
            lambda: (m := [m for m in self.smtp.mails() if address in (m["To"] or "")]) and len(m) >= count and m,
            lambda: f"{count} mails to {address}: {[(m['To'], m['Subject']) for m in self.smtp.mails()]}",
        )
        return found

    def told(self, name, number, *flags):
        """The story in each language; the English one on one line a paragraph."""
        texts = {lang: self.office.kesu("show", "--explain", "--lang", lang, number, *flags) for lang in LANGUAGES}
        if "KESU_STORIES" in os.environ:
            for lang, text in texts.items():
                (pathlib.Path(os.environ["KESU_STORIES"]) / f"{name}.{lang}.txt").write_text(text)
        for text in texts.values():
            assert not re.search(r"[{}\[\]|]", text), "a pattern is left as it is"
        return {lang: re.sub(r"\s+", " " if lang == "en" else "", text) for lang, text in texts.items()}


def refused(office, *arguments):
    """What the command line says of a command that intake refuses."""
    import subprocess

    from conftest import BIN

    done = subprocess.run(
        [str(BIN / "kesu"), "--run-dir", str(office.run), "--data-dir", str(office.data), *arguments],
        capture_output=True, text=True, timeout=120, check=False,
    )
    assert done.returncode in (DATA, TEMPORARY), f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stderr


@pytest.fixture
def desk(office, smtp, tmp_path):
    policy = tmp_path / "policy"
    shutil.copytree(ROOT / "deploy/policy", policy)
    office.refused = lambda *arguments: refused(office, *arguments)
    office.settings["intake"] = ["--policy-dir", str(policy)]
    office.settings["notification"] = ["--smtp-url", smtp.url]
    office.start_all()
    office.kesu("act", "presence", "all", "on", "--capacity", "1000")
    return Desk(office, smtp)


def test_an_unfounded_complaint_is_explained_and_ends_in_a_deadlock(desk):
    number = desk.submit(
        "你們多收我運費，我要求退費！", "--channel", "email", "--email", "lin@example.com", "--name", "林小姐",
        "--waybill", "W-4711", "--demand", "退還運費",
    )
    agent = desk.state(number)["agent"]
    desk.act(agent, "start", number)
    desk.refused("E_MISSING", agent, "review-case", number, "finding=not_founded", "reason=the price list was shown before")
    desk.act(agent, "review-case", number, "finding=not_founded", "reason=the price list was shown before the order",
             "words=親愛的林小姐，運費依下單時所示價目表計算，謹此說明。")
    assert desk.stage(number) == "explained"
    desk.act(agent, "record-answer", number, "answer=objected", "words=我不接受")
    assert desk.stage(number) == "appealed"
    desk.refused("E_STAGE", agent, "close", number, "customer")
    desk.act("song_jing", "assign-reviewer", number, "reviewer=he_rui", "reason=she knows price lists and took no part")
    desk.refused("E_NOT_ALLOWED", "song_jing", "decide-appeal", number, "outcome=dismissed", "reason=x", "words=x")
    desk.act("he_rui", "decide-appeal", number, "outcome=dismissed", "reason=the price list was in force and was shown",
             "words=經複審，原說明維持。")
    assert desk.stage(number) == "explained"
    desk.act(agent, "record-answer", number, "answer=objected", "words=我要找主管機關")
    assert desk.stage(number) == "deadlocked"
    desk.act("song_jing", "refer-external", number, "kind=regulator", "body=消費者保護官", "reference=CPO-115-0042",
             "due_at=+15d", "reason=the customer went there")
    assert desk.stage(number) == "external"
    desk.act("song_jing", "record-external", number, "outcome=confirmed", "reason=no fault was found")
    assert desk.stage(number) == "feedback"
    desk.act(agent, "close", number, "customer", "lesson=show the price again in the receipt")
    told = desk.told("unfounded", number)
    for said in ("the complaint is not founded: the price list was shown before the order",
                 "objected, to what is final", "regulator", "CPO-115-0042", "confirmed our decision",
                 "Possible instead:", "took no part before"):
        assert said in told["en"], said
    assert "投訴不成立" in told["zh-Hant"] and "僵局" in told["zh-Hant"] and "當時亦可" in told["zh-Hant"]
    assert "投诉不成立" in told["zh-Hans"] and "监管部门" in told["zh-Hans"]

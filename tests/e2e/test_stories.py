# SPDX-License-Identifier: Apache-2.0
"""Five complaints from receipt to their end, by the command line, with all daemons and real mail.

Each ends with what `kesu show --explain` tells of it; with KESU_STORIES=DIR the texts are kept there.
"""

import json
import os
import pathlib
import re
import subprocess

import pytest
import yaml
from conftest import BIN, ROOT, until

DATA, TEMPORARY = 65, 75
LANGUAGES = ("en", "zh-Hant", "zh-Hans")
LEADER, OUTSIDER = "duanmu_qing", "he_rui"  # a deputy general manager; a section manager who has no part in a parcel


class Desk:
    """The office, and what people do in it."""

    def __init__(self, office, smtp):
        self.office, self.smtp = office, smtp

    def submit(self, complaint, *flags):
        """A complaint, as a text or as JSON; its number, once somebody has it."""
        if isinstance(complaint, dict):
            printed = self.office.kesu("submit", "--json", "--from", "-", stdin=json.dumps(complaint))
        else:
            printed = self.office.kesu("submit", "--json", "--text", complaint, *flags)
        number = json.loads(printed)["accepted"]["number"]
        until(lambda: self.state(number).get("agent"), lambda: f"somebody has {number}: {self.state(number)}")
        return number

    def state(self, number, *flags):
        return json.loads(self.office.kesu("show", number, "--json", *flags).splitlines()[0])

    def stage(self, number):
        return self.state(number)["stage"].removeprefix("STAGE_").lower()

    def act(self, who, command, *words, status=0):
        return self.office.kesu("act", command, *words, "--as", who, status=status)

    def refused(self, code, who, command, *words):
        """What may not be done, and why not."""
        places = ["--run-dir", str(self.office.run), "--data-dir", str(self.office.data)]
        done = subprocess.run(
            [str(BIN / "kesu"), *places, "act", command, *words, "--as", who],
            capture_output=True, text=True, timeout=120, check=False,
        )
        assert done.returncode in (DATA, TEMPORARY) and f"refused: {code}" in done.stderr, (words, done.stdout, done.stderr)

    def allowed(self, number, who):
        return [json.loads(line) for line in self.office.kesu("act", number, "--as", who, "--json").splitlines()]

    def mailed(self, address, words):
        """Once these words are in a mail to somebody, in one."""
        def found():
            mails = [m for m in self.smtp.mails() if address in (m["To"] or "")]
            return sum(words in m.get_body(("plain",)).get_content() for m in mails)

        until(found, lambda: f"{words} to {address}: {[(m['To'], m['Subject']) for m in self.smtp.mails()]}")
        assert found() == 1

    def told(self, name, number, *flags):
        """The story in each language; the English one on one line a paragraph."""
        texts = {lang: self.office.kesu("show", "--explain", "--lang", lang, number, *flags) for lang in LANGUAGES}
        if "KESU_STORIES" in os.environ:
            for lang, text in texts.items():
                (pathlib.Path(os.environ["KESU_STORIES"]) / f"{name}.{lang}.txt").write_text(text)
        for text in texts.values():
            assert not re.search(r"[{}\[\]|]", text), "a pattern is left as it is"
        return {lang: re.sub(r"\s+", " " if lang == "en" else "", text) for lang, text in texts.items()}


@pytest.fixture
def desk(office, smtp):
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
    desk.mailed("lin@example.com", "謹此說明")
    desk.mailed("lin@example.com", "原說明維持")
    told = desk.told("unfounded", number)
    for said in ("the complaint is not founded: the price list was shown before the order",
                 "objected; our answer was final", "regulator", "CPO-115-0042", "confirmed our decision",
                 "Possible instead:", "took no part before"):
        assert said in told["en"], said
    assert "投訴不成立" in told["zh-Hant"] and "僵局" in told["zh-Hant"] and "當時亦可" in told["zh-Hant"]
    assert "投诉不成立" in told["zh-Hans"] and "监管部门" in told["zh-Hans"]


def agent_of(desk, number):
    return desk.state(number)["agent"]


def chief_of(who):
    """Whom somebody reports to."""
    org = yaml.safe_load((ROOT / "deploy/policy/org.yaml").read_text())
    return next(person["manager"] for person in org["staff"] if person["id"] == who)


def approve(desk, number, *flags):
    """By whom the proposal was submitted to."""
    to = desk.state(number, *flags)["life"]["proposal"]["to"]
    desk.act(to, "decide-proposal", number, "decision=approved", "reason=within the matrix")
    return to


def test_a_damaged_insured_parcel_is_compensated_after_an_appeal(desk, tmp_path):
    complaint = {
        "channel": "email", "demand": "賠償全部損失", "place": "台北",
        "personal": {"name": "王小明", "text": "保價的包裹送到時箱子破了，裡面的瓷器全碎了，太離譜！",
                     "contacts": [{"kind": "KIND_EMAIL", "value": "wang@example.com"}]},
        "object": {"waybill": "W-2001", "product": "瓷器", "insured": True,
                   "declared_value": {"currency": "TWD", "e4": 20000_0000}, "carriage": {"currency": "TWD", "e4": 180_0000}},
    }
    number = desk.submit(complaint)
    agent = agent_of(desk, number)
    photo = tmp_path / "crushed.jpg"
    photo.write_bytes(b"\xff\xd8 a crushed box")
    desk.act(agent, "start", number)
    desk.act(agent, "add-evidence", number, "kind=package_photo", "given_by=customer", f"words=@{photo}", "text=箱角塌陷")
    desk.act(agent, "review-case", number, "finding=founded", "reason=the photo shows the corner crushed in transit")
    desk.act(agent, "open-task", number, "department=logistics", "lead=yes", "words=哪一段運輸造成破損？")
    lines = ["lines.kind=compensation", "lines.amount=TWD 15000", "lines.kind=apology",
             "v1=TWD 15000", "c=TWD 0", "v2=TWD 15000", "reason=what the contents had cost"]
    desk.refused("E_OPEN_WORK", agent, "propose-remedy", number, *lines)
    owner = desk.state(number)["life"]["tasks"][0]["owner"]
    desk.act(owner, "answer-task", number, "task=1", "words=轉運站輸送帶卡包，已調監控")
    desk.refused("E_LIMIT", agent, "propose-remedy", number, "lines.kind=compensation", "lines.amount=TWD 20001",
                 "v1=TWD 20001", "v2=TWD 20001")
    desk.act(agent, "propose-remedy", number, *lines)
    desk.refused("E_LIMIT", agent, "send-opinion", number, "words=我們賠償一萬五千元")
    desk.act(agent, "submit-proposal", number)
    desk.refused("E_LIMIT", chief_of(agent), "decide-proposal", number, "decision=approved")
    assert approve(desk, number) != chief_of(agent)
    desk.act(agent, "send-opinion", number, "words=我們致歉並賠償新臺幣一萬五千元。")
    desk.act(agent, "record-answer", number, "answer=counter_proposed", "words=至少一萬八")
    desk.act(agent, "propose-remedy", number, *[w.replace("15000", "18000") for w in lines[:-1]], "reason=invoices were shown")
    desk.act(agent, "submit-proposal", number)
    approve(desk, number)
    desk.act(agent, "send-opinion", number, "words=賠償新臺幣一萬八千元。")
    desk.act(agent, "record-answer", number, "answer=objected", "words=保價兩萬就應該賠兩萬")
    assert desk.stage(number) == "appealed"
    reviewer = OUTSIDER
    approver = desk.state(number)["life"]["proposal"]["approvers"][0]
    desk.refused("E_RECUSED", LEADER, "assign-reviewer", number, f"reviewer={approver}", "reason=knows it")
    desk.act(LEADER, "assign-reviewer", number, f"reviewer={reviewer}", "reason=took no part before")
    desk.act(reviewer, "decide-appeal", number, "outcome=upheld", "reason=it was insured for TWD 20000", "words=申訴成立。")
    desk.act(agent, "propose-remedy", number, *[w.replace("15000", "20000") for w in lines[:-1]], "reason=as the appeal says")
    desk.act(agent, "submit-proposal", number)
    approve(desk, number)
    desk.act(agent, "send-opinion", number, "words=依申訴結果賠償新臺幣二萬元，此為最終決定。")
    desk.act(agent, "record-answer", number, "answer=accepted")
    assert desk.stage(number) == "executing"
    desk.refused("E_MISSING", agent, "complete-step", number, "step=1", "words=已付款")
    desk.act(agent, "complete-step", number, "step=1", "payment.reference=TX-77001", "payment.amount=TWD 20000",
             "payment.paid_at=now", "words=匯款憑證")
    desk.act(agent, "complete-step", number, "step=2", "words=致歉信已寄出")
    assert desk.stage(number) == "feedback"
    desk.act(agent, "claim-recovery", number, "party=line haul carrier", "amount=TWD 12000", "reference=LH-9")
    desk.act(agent, "settle-recovery", number, "claim=1", "amount=TWD 9000", "reason=half was our packing")
    desk.act(agent, "record-feedback", number, "csat=4", "expectation=3", "words=最後處理得可以")
    desk.act(agent, "close", number, "machine", "lesson=guard the belt at the transfer point", "unit=logistics")
    for words in ("一萬五千元", "一萬八千元", "申訴成立。", "二萬元，此為最終決定", "這是本公司的最終答覆", "以 1（很不滿意）到 5"):
        desk.mailed("wang@example.com", words)
    told = desk.told("damaged-parcel", number)
    for said in ("compensation TWD 15000.00, apology", "damage-insured", "100 % of the declared value", "made a counter-proposal",
                 "The customer objected", "Appeal upheld", "compensation TWD 20000.00", "proof TX-77001",
                 "authority limit deputy"):
        assert said in told["en"], said
    assert "賠償TWD20000.00" in told["zh-Hant"] and "申訴成立" in told["zh-Hant"] and "聲明價值之100%" in told["zh-Hant"]


def test_a_complaint_about_an_employee_is_sensitive_and_they_take_no_part(desk):
    number = desk.submit(
        "你們客服人員在電話裡罵我，態度非常惡劣！", "--channel", "phone", "--phone", "0912000111", "--name", "陳太太",
        "--demand", "道歉",
    )
    accused = agent_of(desk, number)
    chief = chief_of(accused)
    desk.act(chief, "name-accused", number, f"staff={accused}", "reason=the caller names her voice and the time")
    agent = agent_of(desk, number)
    assert agent != accused
    readers = [f"readers={who}" for who in sorted({agent, chief, LEADER})]
    desk.act(chief, "mark-sensitive", number, *readers, "reason=it is about a colleague")
    veiled = desk.office.kesu("show", number, "--as", accused)
    assert "sensitive: only its readers" in veiled and "陳太太" not in desk.office.kesu("show", number, "--as", accused, "--personal")
    desk.refused("E_", accused, "add-note", number, "text=it was not so")
    desk.act(chief, "read-case", number, "reason=to judge it")
    desk.act(agent, "start", number)
    desk.act(agent, "record-statement", number, f"staff={accused}", "words=我當時情緒失控，我道歉。")
    desk.act(agent, "review-case", number, "finding=founded", "reason=the recording has it")
    desk.act(agent, "propose-remedy", number, "lines.kind=apology", "lines.detail=by the section manager in person",
             "reason=that is what was asked for")
    desk.act(agent, "submit-proposal", number)
    approve(desk, number, "--as", agent)
    desk.act(agent, "send-opinion", number, "words=我們由主管親自致歉。")
    desk.act(agent, "record-answer", number, "answer=accepted")
    desk.act(agent, "complete-step", number, "step=1", "words=主管已去電致歉")
    desk.act(LEADER, "record-accountability", number, f"staff={accused}", f"supervisor={chief}", "words=口頭警告並安排訓練")
    desk.act(agent, "record-feedback", number, "csat=5", "expectation=4")
    desk.act(agent, "close", number, "man", "lesson=pause a call before it gets loud")
    told = desk.told("employee", number, "--as", chief)
    for said in ("Complained about:", "take no part", "Sensitive, read only by", "Statement of", "accountability recorded (restricted)"):
        assert said.lower() in told["en"].lower(), said
    assert "口頭警告" not in told["zh-Hant"] and "迴避" in told["zh-Hant"] and "敏感案件" in told["zh-Hant"]


def test_a_refund_goes_by_return_inspection_and_proof_of_payment(desk):
    number = desk.submit(
        "耳機收到就有瑕疵，我要退貨退款", "--channel", "chat", "--chat", "line-8821", "--email", "amy@example.com",
        "--name", "Amy", "--product", "耳機", "--order", "O-5510", "--demand", "全額退款",
    )
    agent = agent_of(desk, number)
    desk.act(agent, "start", number)
    desk.act(agent, "review-case", number, "finding=founded", "reason=defective on arrival")
    refund = ["lines.kind=refund", "lines.amount=TWD 1280"]
    values = ["v1=TWD 1280", "c=TWD 100"]
    desk.refused("E_RANGE", agent, "propose-remedy", number, "lines.kind=return", *refund, *values, "v2=TWD 1380")
    steps = ["lines.kind=return", "lines.carriage_by=us", "lines.kind=inspection", *refund, "lines.kind=coupon", "lines.amount=TWD 100"]
    desk.refused("E_MISSING", agent, "propose-remedy", number, *steps, *values, "v2=TWD 1280")
    desk.act(agent, "propose-remedy", number, *steps, *values, "v2=TWD 1380", "reason=full refund, and her way to the post")
    desk.act(agent, "submit-proposal", number)
    approve(desk, number)
    desk.act(agent, "send-opinion", number, "words=請寄回商品，檢驗後全額退款並附折價券。")
    desk.act(agent, "record-answer", number, "answer=accepted")
    desk.refused("E_RANGE", agent, "complete-step", number, "step=3", "payment.reference=TX-1", "payment.amount=TWD 1280", "payment.paid_at=now")
    desk.act(agent, "complete-step", number, "step=1", "words=退貨已簽收")
    desk.act(agent, "complete-step", number, "step=2", "words=左聲道無聲，確認瑕疵")
    desk.refused("E_MISSING", agent, "complete-step", number, "step=3")
    desk.act(agent, "complete-step", number, "step=3", "payment.reference=TX-88012", "payment.amount=TWD 1280", "payment.paid_at=now")
    desk.act(agent, "complete-step", number, "step=4", "words=折價券已發送")
    assert desk.stage(number) == "feedback"
    desk.act(agent, "record-call", number, "direction=out", "outcome=reached", "at=now", "call_back=yes", "words=客戶滿意")
    desk.act(agent, "record-feedback", number, "csat=5", "expectation=5")
    desk.act(agent, "close", number, "material", "unit=qa", "lesson=test the left channel")
    desk.mailed("amy@example.com", "檢驗後全額退款")
    told = desk.told("refund", number)
    for said in ("return, inspection of what came back, refund TWD 1280.00, coupon TWD 100.00", "they end with TWD 1380.00",
                 "V2 must not be below V1 + C", "proof TX-88012", "satisfaction 5 of 5"):
        assert said in told["en"], said
    assert "退貨、退回品檢驗、退款TWD1280.00" in told["zh-Hant"] and "退货、退回品检验、退款TWD1280.00" in told["zh-Hans"]


def test_the_readme_says_it_as_it_is(desk):
    number = desk.submit("杯子寄來就破了", "--name", "周先生", "--email", "chou@example.com", "--phone", "0912345678")
    words = (ROOT / "README.md").read_text().partition("## For people of the office")[2].partition("\n## ")[0]
    script = "\n".join(re.findall(r"```sh\n(.*?)```", words, re.S)).replace("2611-000001", number).replace("LING", agent_of(desk, number))
    assert script.count("kesu ") > 15
    places = {"KESU_RUN_DIR": str(desk.office.run), "KESU_DATA_DIR": str(desk.office.data)}
    done = subprocess.run(
        ["bash", "-e", "-c", script], capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | places | {"PATH": f"{BIN}:{os.environ['PATH']}"},
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "已結案" in done.stdout and "add-note for 1 cases" in done.stdout


LOT = "L-0815"
WORDS = {  # by language: what is said, and what the house answers
    "zh_hant": ("你們的豆漿打開就有異味，喝了拉肚子，根本是過期食品！", "該批豆漿已停售並回收，我們致歉並全額退款。"),
    "zh_hans": ("你们的豆浆打开就有异味，喝了拉肚子，根本是过期食品！", "该批豆浆已停售并召回，我们致歉并全额退款。"),
    "en": ("the soy milk was spoiled and made me sick, this is food poisoning", "This lot was stopped and called back; we apologise and refund it in full."),
}
DISCIPLINES = {
    1: {"team": ["yan_shu", "rong_gang"]},
    2: {"is_is_not": [{"question": "what", "is": "lot L-0815 after 3 days", "is_not": "lots filled on line 2"}]},
    3: {"text": "the lot is held in all branches and called back"},
    4: {"causes": [{"kind": "occurrence", "branch": "machine", "text": "the seal of filler 1 leaked"},
                   {"kind": "escape", "branch": "measurement", "text": "leak test on one bottle an hour only"}],
        "cause_key": "filler-seal:leak"},
    5: {"options": [{"text": "new seal and a check each shift", "pros": "at once", "cons": "ten minutes a shift", "chosen": True},
                    {"text": "new filler", "pros": "for good", "cons": "half a year"}]},
    6: {"measures": [{"name": "leaking bottles", "unit": "PPM", "before_e4": "40000000", "after_e4": "3000000"}]},
    7: {"read_across": ["almond milk on filler 1", "rice milk on filler 1"]},
    8: {"text": "thanks to the branch that called first"},
}


def test_a_food_safety_lot_is_one_incident_with_an_8d(desk, tmp_path):
    complaints = tmp_path / "complaints.jsonl"
    said = [(i, list(WORDS)[i % 3]) for i in range(40)]
    complaints.write_text("".join(json.dumps({
        "channel": "email", "language": language, "object": {"lot": LOT, "product": "soy milk"},
        "personal": {"text": WORDS[language][0], "contacts": [{"kind": "KIND_EMAIL", "value": f"c{i}@example.com"}]},
    }) + "\n" for i, language in said))
    office = desk.office
    office.kesu("submit", "--lines", str(complaints))

    def cases():
        return [json.loads(line) for line in office.kesu("list", "--lot", LOT, "--json", "--limit", "100").splitlines()]

    until(lambda: len(found := cases()) == 40 and all(c.get("agent") for c in found), lambda: f"40 have agents: {cases()}", 60)
    assert {c["category"] for c in cases()} == {"safety.food"}
    numbers = sorted(c["number"] for c in cases())
    made = json.loads(office.kesu("incident", "create", "title=spoiled soy milk", f"lot={LOT}", "category=safety.food", "lead=yan_shu",
                                  "reason=forty customers of one lot within minutes", "--as", "yan_shu", "--json"))
    incident = made["accepted"]["seq"]
    assert "40 done, 0 refused" in office.kesu("batch", "--lot", LOT, "add-to-incident", f"incident_id={incident}", "--yes", "--as", "yan_shu")
    office.kesu("incident", "change", incident, f"representatives={numbers[0]}", f"representatives={numbers[1]}", "reason=they speak for all", "--as", "yan_shu")
    office.kesu("incident", "hold-lot", incident, f"lot={LOT}", "held=yes", "reason=until the filler is repaired", "--as", "yan_shu")
    desk.act("yan_shu", "open-eightd", f"incident_id={incident}", "title=spoiled soy milk", "lead=yan_shu")
    eightd = json.loads(office.kesu("tail", "--from", "1", "--no-follow", "--type", "eightd_opened", "--json"))["seq"]
    office.kesu("incident", "answer", incident, *(f"texts={language}:{words[1]}" for language, words in WORDS.items()), "--as", "yan_shu")
    shown = until(lambda: (text := office.kesu("incident", "show", incident)).count(" answered") >= 41 and text, lambda: office.kesu("incident", "show", incident))
    assert "40 members" in shown and f"lot {LOT} held" in shown and shown.count("speaks for all") == 2

    def answers(i, language):
        mails = [m for m in desk.smtp.mails() if f"c{i}@example.com" in (m["To"] or "")]
        return sum(WORDS[language][1] in m.get_body(("plain",)).get_content() for m in mails)

    until(lambda: all(answers(i, language) for i, language in said), lambda: f"answers: {[answers(i, k) for i, k in said]}", 60)
    assert {answers(i, language) for i, language in said} == {1}, "each is told once, in their language"
    desk.refused("E_OPEN_WORK", "yan_shu", "close-incident", incident, "reason=all are answered")
    office.kesu("batch", "--incident", incident, "resolve", "refunded; the lot was called back", "--yes")
    grave = next(c["number"] for c in cases() if c["severity"] == "SEVERITY_S1")
    desk.refused("E_OPEN_WORK", agent_of(desk, grave), "close", grave, "machine")
    for discipline, body in DISCIPLINES.items():
        office.kesu("act", "record-discipline", eightd, f"discipline={discipline}", "done=yes", "--from", "-", "--as", "yan_shu", stdin=json.dumps(body))
    desk.act(chief_of("yan_shu"), "close-eightd", eightd, "reason=4000 PPM have become 300")
    assert "40 done, 0 refused" in office.kesu("batch", "--incident", incident, "close", "machine", "--yes")
    office.kesu("incident", "hold-lot", incident, f"lot={LOT}", "held=no", "reason=the filler is repaired", "--as", "yan_shu")
    office.kesu("incident", "close", incident, "reason=all are answered", "--as", "yan_shu")
    assert "spoiled soy milk (closed)" in office.kesu("incident", "list")
    if "KESU_STORIES" in os.environ:
        (pathlib.Path(os.environ["KESU_STORIES"]) / "food-lot.incident.txt").write_text(office.kesu("incident", "show", incident))
    told = desk.told("food-lot", numbers[0])
    for words in (f"Joined incident {incident}", f"The answer of incident {incident} went to this customer", "keeps its own clocks", "food"):
        assert words.lower() in told["en"].lower(), words
    assert f"群體事件{incident}" in told["zh-Hant"] and f"群体事件{incident}" in told["zh-Hans"]

# SPDX-License-Identifier: Apache-2.0
"""What is kept of a complaint, from the command line to the register and back."""

import json

import kesu_client
from conftest import until
from kesu.v1 import types_pb2

AGENT = "bo_lin"


def submit(office, text, *words):
    printed = json.loads(office.kesu("submit", "--json", "--text", text, *words))
    kesu_client.said.add(text)
    return printed["accepted"]["number"]


def act(office, command, number, *fields):
    return office.kesu("act", command, number, *fields, "--as", AGENT)


def test_the_record_is_kept_whole(office):
    office.start("intake")
    number = submit(
        office, "Three of ten boxes are wet.", "--channel", "phone", "--phone", "0912345678", "--name", "Lin Mei",
        "--demand", "three new boxes", "--place", "hub north", "--lot", "L-77", "--waybill", "SF1234567890",
        "--product", "tea", "--anonymous", "--internal",
        "occurred_at=2026-01-02T10:00", "object.part_number=T-9", "object.quantity=10", "object.defective_quantity=3",
        "object.declared_value=TWD 3000", "object.insured=yes", "object.sample=one box, at the branch",
        "representative.name=Lawyer Wu", "representative.contacts=email:wu@customer.example",
        "affected.name=Grandmother Lin", "preferred=phone:0987654321",
    )  # fmt: skip
    show = office.kesu("show", number)
    for told in ("occurred 2026-01-02", "accepted ", "received ", "anonymous, from our own house", "about tea", "part T-9",
                 "lot L-77", "waybill SF1234567890", "3 of 10 defective", "declared value TWD 3000", "insured",
                 "sample one box, at the branch"):  # fmt: skip
        assert told in show, (told, show)
    personal = office.kesu("show", number, "--personal")
    for told in ("Lin Mei", "demand: three new boxes", "place: hub north", "representative\n", "Lawyer Wu",
                 "wu@customer.example", "affected\n", "Grandmother Lin", "preferred phone: 0987654321"):  # fmt: skip
        assert told in personal and told not in show, (told, personal)

    # Put right, with what was there before.
    right = ("set=object", "fields.object.lot=L-78", "set=summary", "personal.summary=Three boxes of lot L-78.")
    office.kesu("act", "amend-record", number, *right, "reason=read out to her")
    history = office.kesu("history", number)
    assert "L-78" in history and "L-77" in history and "read out to her" in history
    assert "summary: Three boxes of lot L-78." in office.kesu("show", number, "--personal")
    assert "lot L-78" in office.kesu("show", number)


def test_a_customer_is_told_what_is_missing(office, smtp):
    office.settings["notification"] = ["--smtp-url", smtp.url, "--language-wait", "0s"]
    office.start_all("intake", "notification")
    office.agents_present()
    asked = {
        "zh_hant": ("尚缺以下資料：", "- 外包裝照片\n- 內物照片"),
        "zh_hans": ("尚缺以下资料：", "- 外包装照片\n- 内物照片"),
        "en": ("we still need:", "- photo of the package\n- photo of the contents"),
    }
    reached = {  # by their own address, by the one they prefer, by that of who speaks for them
        "zh_hant": ("--email", "zh_hant@customer.example"),
        "zh_hans": ("--email", "old@customer.example", "preferred=email:zh_hans@customer.example"),
        "en": ("--phone", "0912345678", "representative.contacts=email:en@customer.example"),
    }
    for language in asked:
        number = submit(office, "The parcel was soaked.", "--language", language, *reached[language])
        lane = office.lane("intake-services", "test")
        judgement = types_pb2.Judgement(category="damage.wet", department="logistics", severity=types_pb2.SEVERITY_S3)
        case_id = json.loads(office.kesu("show", number, "--json").splitlines()[0])["case_id"]
        body = {"case_id": int(case_id), "judgement": judgement}
        made = kesu_client.command(actor_kind=types_pb2.ACTOR_KIND_SERVICE, actor="routing", classify_case=body)
        assert lane.ask_one(made).WhichOneof("result") == "accepted"
        lane.close()
        act(office, "claim-case", number)
        act(office, "return-file", number)

    def told():
        found = {}
        for mail in smtp.mails():
            text = mail.get_body(("plain",)).get_content().replace("\r", "")
            for language, (begin, missing) in asked.items():
                if begin in text and missing in text:
                    found[mail["To"].addresses[0].addr_spec.partition("@")[0]] = language
        return found

    until(lambda: len(told()) == 3, told)
    assert told() == {language: language for language in asked}
    act(office, "add-evidence", number, "kind=package_photo", "given_by=customer", "words.text=by mail")
    assert "evidence package_photo" in office.kesu("show", number)

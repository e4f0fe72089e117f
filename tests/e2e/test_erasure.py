# SPDX-License-Identifier: Apache-2.0
"""A person is forgotten: every file is searched for what they said, before and after."""

import base64
import ctypes
import ctypes.util
import os
import shutil
import signal
import struct

import kesu_client
import personal
import pytest
from conftest import ROOT, until
from kesu.v1 import command_pb2, query_pb2, types_pb2
from test_email import OFFICE, kept, pipe
from test_notification import letters

SLOT = 64


class Person:
    """Somebody whose words are found again."""

    def __init__(self, mark, name, chinese):
        self.mark = mark
        self.name = name
        self.email = f"{mark}.q7731@person.example"
        self.phone = f"+886 955 {sum(mark.encode()):06d}"
        self.evidence = (f"evidence of {mark}: ".encode() + mark.encode()) * 40
        self.said = {
            "name": name,
            "email": self.email,
            "mailbox name": f"{mark}.q7731",
            "phone": self.phone,
            "phone digits": "".join(c for c in self.phone if c.isdigit()),
            "subject": f"{mark}-subject quite soaked",
            "text": f"{mark}-narrative the parcel was soaked and the cup broken",
            "chinese": f"{chinese}包裹送到的時候全濕了",
            "demand": f"{mark}-demand a new cup",
            "place": f"{mark}-place at the back door",
            "message": f"{mark}-message and the saucer is missing",
            "note": f"{mark}-note she was friendly",
            "summary": f"{mark}-summary we paid for it",
            "mail text": f"{mark}-mail here are photos",
            "mail subject": f"{mark}-mailsubject photos",
            "bounce": f"{mark}-bounce could not be delivered",
            "evidence": f"evidence of {mark}: ",
            "file name": f"{mark}-photo.bin",
        }

    def complaint(self, words, **more):
        made = kesu_client.receive_message(
            words, email=self.email, name=self.name, subject=self.said["subject"], **more
        )
        contacts = made.receive_message.personal.contacts
        contacts.append(types_pb2.Contact(kind=types_pb2.Contact.KIND_PHONE, value=self.phone))
        made.receive_message.demand = self.said["demand"]
        made.receive_message.place = self.said["place"]
        return made

    def mail(self, evidence, shared):
        """A mail with two attachments, one of them somebody else's too."""
        parts = "".join(
            f"--x\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename={name}\r\n"
            f"Content-Transfer-Encoding: base64\r\n\r\n{base64.encodebytes(data).decode()}\r\n"
            for name, data in ((self.said["file name"], evidence), ("form.bin", shared))
        )
        return (
            f"From: {self.name} <{self.email}>\r\nTo: {OFFICE}\r\nSubject: {self.said['mail subject']}\r\n"
            f"Message-ID: <{self.mark}@mails>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0800\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=x\r\n\r\n"
            f"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{self.said['mail text']}\r\n{parts}--x--\r\n"
        ).encode()

    def bounce(self):
        body = base64.encodebytes(f"{self.said['bounce']}: {self.email}".encode()).decode()
        return (
            f"From: MAILER-DAEMON@mx.example\r\nTo: {OFFICE}\r\nSubject: undeliverable\r\nReturn-Path: <>\r\n"
            f"Message-ID: <b-{self.mark}@mails>\r\nDate: Sun, 22 Nov 2026 10:00:00 +0800\r\nMIME-Version: 1.0\r\n"
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{body}\r\n"
        ).encode()


SHE = dict(mark="zebulonia", name="Zebulonia Quixworth", chinese="瑪瑙琉璃杯碎裂壹柒")
HE = dict(mark="barnabasko", name="Barnabas Krümmelkopf", chinese="翡翠花瓶缺角貳捌")


def slots(office):
    """The key store: what lies in each slot's secret."""
    data = (office.data / "intake/keys/slots").read_bytes()
    return lambda key_id: data[(key_id - 1) * SLOT : (key_id - 1) * SLOT + 32]


def open_sealed(sealed, secret):
    """The plain bytes, or None: by libsodium itself, without Kesu."""
    sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
    plain = ctypes.create_string_buffer(len(sealed.ciphertext) + 1)
    n = ctypes.c_ulonglong()
    known_as = struct.pack(">Q", sealed.key_id)
    failed = sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        plain, ctypes.byref(n), None, sealed.ciphertext, ctypes.c_ulonglong(len(sealed.ciphertext)), known_as,
        ctypes.c_ulonglong(len(known_as)), sealed.nonce, secret,
    )
    return None if failed else plain.raw[: n.value]


def sealed_of(event):
    return {
        "customer_added": lambda b: b.profile, "case_opened": lambda b: b.personal, "message_added": lambda b: b.personal,
        "note_added": lambda b: b.text, "case_resolved": lambda b: b.summary,
    }[event.name](event.body)


def sealed_events(office, cases):
    """What is sealed of these cases and the profiles of their customers."""
    reader = office.journal(name="searcher")
    events = reader.all()
    reader.close()
    customers = {e.body.customer_id for e in events if e.name == "case_opened" and e.case_id in cases}
    names = ("case_opened", "message_added", "note_added", "case_resolved")
    return [
        sealed_of(e) for e in events
        if (e.case_id in cases and e.name in names and sealed_of(e).key_id)
        or (e.name == "customer_added" and e.seq in customers)
    ]


def ask(office, command, lane="intake-people"):
    socket = office.lane(lane)
    reply = socket.ask_one(command)
    socket.close()
    assert reply.WhichOneof("result") == "accepted", reply
    return reply.accepted


def start_office(office):
    """Letters die of a server that is not there; those of solved cases go to a Maildir."""
    policy = office.dir / "policy"
    shutil.copytree(ROOT / "deploy/policy", policy)
    lines = (policy / "notify.yaml").read_text().splitlines()
    for i, line in enumerate(lines):
        if "id: resolved" in line or "id: closed" in line:
            lines[i] = line.replace("transport: smtp", "transport: maildir")
    (policy / "notify.yaml").write_text("\n".join(lines) + "\n")
    office.settings["intake"] = ["--policy-dir", str(policy)]
    office.settings["notification"] = [
        "--smtp-url", "smtp://127.0.0.1:1", "--retry-after", "", "--language-wait", "0s",
        "--maildir", str(office.dir / "Sent"),
    ]
    office.settings["email"] = ["--maildirs", f"{OFFICE}={office.dir / 'Maildir'}"]
    (office.dir / "Maildir/new").mkdir(parents=True)
    office.start_all("intake", "routing", "routing-worker", "sla-watch", "notification", "analytics", "email")
    office.agents_present()


def dead_receipts(office):
    return {letter.case_id for letter in letters(office) if letter.kind == "receipt"}


def live_through(office, who, shared):
    """A person complains by two ways, is answered, sends evidence, and a mail of theirs is kept beside."""
    first = ask(office, who.complaint(who.said["text"], own_thread_key=f"<{who.mark}-1>"), "intake-new").case_id
    second = ask(office, who.complaint(who.said["chinese"]), "intake-new").case_id
    joined = ask(office, who.complaint(who.said["message"], thread_keys=[f"<{who.mark}-1>"]), "intake-new")
    assert joined.joined
    assert pipe(office, who.mail(who.evidence, shared)) == 0
    assert pipe(office, who.bounce()) == 0
    mailed = office.control("intake", get_customer=query_pb2.GetCustomer(case_id=first)).cases[0].case_id
    until(lambda: office.case(first).state.agent, "assigned")
    until(lambda: {first, second, mailed} <= dead_receipts(office), "receipts that died")
    ask(office, kesu_client.command(add_note=command_pb2.AddNote(case_id=first, text=who.said["note"])))
    resolve = command_pb2.ResolveCase(case_id=first, summary=who.said["summary"])
    ask(office, kesu_client.command(resolve_case=resolve))
    sent = office.dir / "Sent"
    until(lambda: list(sent.glob("new/*")) and personal.find([sent], {"email": who.email}), "a letter in the Maildir")
    customer = office.control("intake", get_customer=query_pb2.GetCustomer(case_id=first, personal=True))
    assert {who.email, who.phone} <= set(customer.contacts)
    cases = {c.case_id for c in customer.cases}
    assert cases == {first, second, mailed}
    return cases


def told(office, cases):
    return b"".join(part for case_id in cases for part in office.case(case_id, personal=True).opened)


def wait_all_folded(office):
    office.wait_folded("routing", "sla-watch", "notification", "analytics")
    until(lambda: all(office.info(d).outbox == 0 for d in ("routing", "notification")), "nothing on its way")


def test_nothing_of_an_erased_person_is_found_in_any_file(office):
    start_office(office)
    she, he = Person(**SHE), Person(**HE)
    shared = b"a form both of them have sent " * 20
    hers, his = live_through(office, she, shared), live_through(office, he, shared)
    wait_all_folded(office)

    # Before: open nowhere but where a mail is kept beside; what is sealed opens with the keys of the store.
    beside = office.data / "email/automatic"
    places = {path.parent for path, _ in personal.find([office.data, office.run], {**she.said})}
    assert places == {beside}, places
    secret_of = slots(office)
    sealed = sealed_events(office, hers)
    assert len(sealed) >= 7
    opened = b"".join(open_sealed(one, secret_of(one.key_id)) for one in sealed)
    in_events = {k: v for k, v in she.said.items() if k not in ("bounce", "evidence", "phone digits")}
    assert not [name for name, words in in_events.items() if words.encode() not in opened]
    keys = {f"key {one.key_id}": secret_of(one.key_id) for one in sealed}
    assert {path.name for path, _ in personal.find([office.data, office.run], keys)} == {"slots"}
    blobs = {p for p in (office.data / "blobs").rglob("*") if p.is_file() and p.name != "key"}
    assert len(blobs) == 3, "hers, his, and the one they share"
    old = shutil.copytree(office.data / "intake/journal", office.dir / "old-journal")

    one = sorted(hers)[1]
    number = office.case(one).state.number
    office.kesu("customer", "erase", number, "--reason", "asked by letter", status=64)  # nobody to confirm it
    assert told(office, hers)
    done = office.kesu("customer", "erase", number, "--reason", "asked by letter", "--yes")
    assert "3 cases" in done and "1 mail" in done, done

    def check_gone():
        assert not personal.find([office.data, office.run], she.said)
        assert not personal.find([office.data, office.run], keys), "a key is left"
        now = slots(office)
        assert all(now(one.key_id) == bytes(32) for one in sealed)
        assert told(office, hers) == b""
        assert told(office, his)
        assert dead_receipts(office) == his

    wait_all_folded(office)
    check_gone()
    reader = office.journal(name="copier", personal=True)
    events = reader.all()
    reader.close()
    assert [sorted(e.body.case_ids) for e in events if e.name == "customer_erased"] == [sorted(hers)]
    assert all(reader.keys[one.key_id] == b"" for one in sealed), "intake hands out none of her keys"
    assert all(open_sealed(one, bytes(32)) is None for one in sealed), "zeros open nothing"
    assert old.is_dir() and not personal.find([old], keys)
    left = {p for p in (office.data / "blobs").rglob("*") if p.is_file() and p.name != "key"}
    assert left < blobs and len(left) == 2, "his and the shared one stay"
    secret_of = slots(office)
    assert b"".join(open_sealed(one, secret_of(one.key_id)) for one in sealed_events(office, his))
    assert "[erased]" in office.kesu("show", number, "--personal")

    # After restarts, rebuilds and comparisons it is the same.
    office.stop()
    office.start_all("intake", "routing", "routing-worker", "sla-watch", "notification", "analytics", "email")
    wait_all_folded(office)
    for fold in ("routing", "notification", "analytics", "sla-watch"):
        office.kesu("fold", "rebuild", fold)
    until(lambda: office.info("notification").ready, "rebuilt")
    wait_all_folded(office)
    for fold in ("routing", "notification", "analytics", "sla-watch"):
        office.kesu("fold", "verify", fold)
    check_gone()
    assert kept(office, "automatic") and not kept(office, "aside"), "his bounce is kept"

    # She may come again, as somebody new, and her old cases can be closed.
    again = ask(office, she.complaint(she.said["text"], thread_keys=[f"<{she.mark}-1>"]), "intake-new")
    assert not again.joined and again.case_id not in hers
    assert office.case(again.case_id).state.suspected_case == 0
    refused = office.lane("intake-people").ask_one(
        kesu_client.command(add_note=command_pb2.AddNote(case_id=one, text="she called"))
    ).refused
    assert refused.code == command_pb2.E_ERASED


def test_intake_killed_while_it_erases_finishes_at_its_start(office):
    office.start("intake")
    for round_number in range(int(os.environ.get("KESU_ERASE_KILLS", "3"))):
        who = Person(f"person{round_number:04d}x", f"Somebody {round_number:04d}x", f"第{round_number:04d}位客戶的話")
        case_id = ask(office, who.complaint(who.said["text"]), "intake-new").case_id
        secret_of = slots(office)
        keys = {str(one.key_id): secret_of(one.key_id) for one in sealed_events(office, {case_id})}
        command = kesu_client.command(erase_customer=command_pb2.EraseCustomer(case_id=case_id, reason="test"))
        lane = office.lane("intake-people")
        lane.send([command])
        if round_number % 2 == 1:
            until(lambda n=case_id: office.info("intake").head_seq > n, "decided")
        office.kill("intake", signal.SIGKILL)
        lane.close()
        office.start("intake")
        journal = office.journal(name="after")
        erased = any(e.name == "customer_erased" and case_id in e.body.case_ids for e in journal.all())
        journal.close()
        assert not (erased and personal.find([office.data], keys)), "erased in the journal, and a key is left"
        ask(office, command)
        assert not personal.find([office.data], keys)
        assert told(office, {case_id}) == b""


def test_a_key_that_comes_back_is_erased_again_with_the_register(office):
    """The journal says who is erased, whatever an old copy of the keys holds."""
    office.start("intake")
    she = Person(**SHE)
    case_id = ask(office, she.complaint(she.said["text"]), "intake-new").case_id
    secret_of = slots(office)
    keys = {str(one.key_id): secret_of(one.key_id) for one in sealed_events(office, {case_id})}
    office.stop()
    store = office.data / "intake/keys/slots"
    old = store.read_bytes()
    office.start("intake")
    ask(office, kesu_client.command(erase_customer=command_pb2.EraseCustomer(case_id=case_id, reason="test")))
    office.stop()
    store.write_bytes(old)
    assert personal.find([office.data], keys)
    shutil.rmtree(office.data / "intake/register")
    office.start("intake")
    assert not personal.find([office.data], keys)
    assert told(office, {case_id}) == b""


@pytest.mark.parametrize("way", ["tag", "thread"])
def test_a_bounce_of_an_erased_case_is_not_kept(office, way):
    office.start("intake")
    she = Person(**SHE)
    assert pipe(office, she.mail(she.evidence, b"form")) == 0
    reader = office.journal()
    case = [e for e in reader.all() if e.name == "case_opened"][0]
    reader.close()
    ask(office, kesu_client.command(erase_customer=command_pb2.EraseCustomer(case_id=case.seq, reason="test")))
    bounce = she.bounce()
    if way == "tag":
        bounce = bounce.replace(b"To: complaints@", f"To: complaints+{case.body.reply_tag}@".encode())
    else:
        bounce = bounce.replace(b"Return-Path", f"In-Reply-To: <{she.mark}@mails>\r\nReturn-Path".encode())
    assert pipe(office, bounce) == 0
    assert not personal.find([office.data], she.said)
    reader = office.journal()
    names = [e.name for e in reader.all()]
    reader.close()
    assert "message_added" not in names and names.count("case_opened") == 1

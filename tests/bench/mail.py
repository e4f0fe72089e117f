# SPDX-License-Identifier: Apache-2.0
"""Mail: what is queued leaves, and journal, analytics and mailbox count the same."""

import json
import os
import re

from office import Office
from pipeline import load, start_all

NOTICES = 2  # of a complaint: the receipt, and to the agent who got it
IN_FLIGHT = 64


def receivers(maildir):
    """Address to how many mails stand in the mailbox for it."""
    found = {}
    new = os.path.join(maildir, "new")
    for name in os.listdir(new):
        with open(os.path.join(new, name), "rb") as f:
            to = re.search(rb"^To:.*?([^\s<]+@[^\s>]+)", f.read(), re.M | re.I).group(1)
        found[to] = found.get(to, 0) + 1
    return found


def run(bench):
    with Office(bench.build, os.path.join(bench.where, "mail"), bench.policy) as office:
        start_all(office)
        opened = int(load(bench, office, bench.size(512, 4096), 512)["opened"])
        maildir = os.path.join(office.where, "mail")
        head = int(bench.tool("feed", office.run)["head"])
        office.stop("notification")
        office.start("notification", "--smtp-url=", f"--maildir={maildir}", f"--max-in-flight={IN_FLIGHT}")
        got = bench.tool("feed", office.run, f"from={head + 1}", f"delivered={NOTICES * opened}")
        seconds = (got["delivered_last_us"] - got["delivered_first_us"]) / 1e6
        office.wait_folded(got["head"])
        counted = int(json.loads(office.kesu("stats", "--json"))["delivered"])
        mailbox = receivers(maildir)
        mails = sum(mailbox.values())
        receipts = [n for to, n in mailbox.items() if to.endswith(b"@example.com")]
        if not NOTICES * opened == got["delivered"] == counted == mails:
            raise RuntimeError(f"{opened} complaints, {got['delivered']:.0f} deliveries in the journal, {counted} in "
                               f"analytics, {mails} mails in the mailbox")
        if receipts != [1] * opened:
            raise RuntimeError(f"{sum(receipts)} receipts to {len(receipts)} of {opened} customers")
        bench.figures.add("mail_rate", mails / seconds, "mails/s", bench.figures.limit("limit_fsync", mails / seconds),
                          "limit_fsync")

# SPDX-License-Identifier: Apache-2.0
"""The parts of the bench, each of which takes some figures."""

from collections import namedtuple

import accept
import clocks
import life
import mail
import peers
import pipeline
import register
import workers

Part = namedtuple("Part", "run repeats")

PARTS = {
    "accept": Part(accept.run, 3),
    "pipeline": Part(pipeline.run, 3),
    "register": Part(register.run, 3),
    "mail": Part(mail.run, 1),
    "life": Part(life.run, 1),
    "clocks": Part(clocks.run, 3),
    "workers": Part(workers.run, 3),
    "peers": Part(peers.run, 3),
}
ALONE = [name for name in PARTS if name != "peers"]
BESIDE_PEERS = ["accept", "pipeline", "peers"]

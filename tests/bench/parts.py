# SPDX-License-Identifier: Apache-2.0
"""The parts of the bench, each of which takes some figures."""

from collections import namedtuple

import accept
import pipeline

Part = namedtuple("Part", "run repeats")

PARTS = {
    "accept": Part(accept.run, 3),
    "pipeline": Part(pipeline.run, 3),
}

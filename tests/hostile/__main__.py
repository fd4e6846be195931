"""`python -m tests.hostile`: every attack, one after the other; prints what honest clients met beside each."""

import argparse
import asyncio

from tests.hostile import run
from tests.hostile.attacks import ATTACKS

SECONDS = 6.0

parser = argparse.ArgumentParser("tests.hostile", description=__doc__)
parser.add_argument(
    "--seconds", type=float, default=SECONDS, help="how long each attack goes on (default: %(default)s)"
)
parser.add_argument("--only", metavar="TEXT", default="", help="only attacks whose name holds this text")
options = parser.parse_args()
for name in ATTACKS:
    if options.only in name:
        with run.house() as house:
            print(run.report(asyncio.run(run.attack(name, house, options.seconds))), flush=True)

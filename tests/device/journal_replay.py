"""Reads a list of deeds a line, as JSON, does them to an outbox on a flash that may lose its power,
and prints what came of each, a line for each. Runs on both languages."""

import json
import sys
from binascii import crc32

from homeslot.journal import Journal
from homeslot.outbox import Outbox
from homeslot_sim.cart.flash import Flash, PowerCut


def answers(deeds):
    """For each deed [what, number, body] what an outbox of 60 events and its flash look like."""
    flash = Flash()
    outbox = Outbox(60, Journal(flash))
    sent = []
    for what, number, body in deeds:
        cut = False
        try:
            if what == "put":
                outbox.put(body)
            elif what == "beat":
                outbox.beat(number)
            elif what == "due":
                sent = outbox.due(number)
            elif what == "leave":
                for event in sent[:number]:
                    outbox.leave(event["seq"])
                sent = sent[number:]
            elif what == "full":
                flash.full = number == 1
            elif what == "power":
                flash.bytes_left = number
            elif what == "flip" and flash.names():
                name = sorted(flash.names())[0]
                flash.flip(name, number % (len(flash.read(name)) * 8))
        except PowerCut:
            cut = True
        if cut or what == "restart":
            flash.power_up()
            flash.full = False
            outbox = Outbox(60, Journal(flash))
            sent = []
        files = [[name, crc32(flash.read(name))] for name in sorted(flash.names())]
        events = [sorted(event.items()) for event in sent]
        yield [cut, len(outbox), outbox.dropped, events, files]


for line in sys.stdin:
    for answer in answers(json.loads(line)):
        sys.stdout.write(json.dumps(answer) + "\n")

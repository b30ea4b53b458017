"""Who may say and hear what, from the contract's table of topics. Both brokers' rules rest on it.

A cart writes the kinds of message a cart sends and reads its own commands; the hub the reverse.
Nobody may do more: not even a cart under its own id.
"""

from homeslot.contract import TOPICS

CART_KINDS = tuple(kind for kind, (sender, _) in TOPICS.items() if sender == "cart")
HUB_KINDS = tuple(kind for kind, (sender, _) in TOPICS.items() if sender == "hub")
# Room for a message eight times over the contract, so that the hub sees and counts what breaks it.
MAX_PACKET_BYTES = 65536
# Messages a broker hands the hub before the first is acknowledged.
MAX_IN_FLIGHT = 1000

"""Truth, scored: school days by the thousand, and every alert of the real hub laid beside them.

See docs/score.md. In the order of the way of one change:

- `plan`, `year`, `habits`, `faults`: whose carts, which days, what people do, and what breaks, out
  of one seed;
- `quick_sensors`, `quick_cart`: a cart that costs milliseconds a day, on the firmware's own tables;
- `district`, `server_room`: carts, broker and hub on one `timeline`, with a log of all that befell;
- `history`, `knowable`: what was so at a moment, and which of it could be known;
- `tally`: alerts judged against it; `moment`, `followed`: what goes before a deadline and follows
  it; `score`: the whole; `replay`: days again at register level;
- `cut`: a day as a scenario file; `command`: what is printed and written.
"""

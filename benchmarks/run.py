"""Measures against the goals, as ratios within one run: python benchmarks/run.py [NAME …]."""

import logging
import sys

import carts
import district
import ingest
import keep
import records
import register
import verdicts

ALL = {
    "verdicts": verdicts.measure,
    "district": district.measure,
    "carts": carts.measure,
    "ingest": ingest.measure,
    "register": register.measure,
    "records": records.measure,
    "keep": keep.measure,
}


def main(names):
    """Run the named benchmarks, or all, and print a row for each figure."""
    unknown = [name for name in names if name not in ALL]
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(ALL)}")
    logging.getLogger("homeslot").setLevel(logging.ERROR)  # carts of a benchmark have no secrets
    for name in names or ALL:
        for what, measured, goal in ALL[name]():
            print(f"{name:9} {what:58} {measured:>18}   {goal}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

"""What the whole cart does when it is told something, be it nonsense."""

import json

import pytest

from .school import CMD, START_S, play


def test_broken_commands_are_counted_and_change_nothing():
    async def act(school):
        school.cart(changes={"report_s": 5, "diag_s": 10})
        await school.until_s(12)
        said = len(school.bodies("reply"))
        for payload in (
            b"",
            b"\xff\xfe",
            b"[" * 4000,
            b"{}",
            b'{"v": 2, "id": 4, "cmd": "report"}',
            b'{"v": 1, "id": 5, "cmd": "explode"}',
            b'{"v": 1, "id": 6, "cmd": "time"}',
            b'{"v": 1, "id": 7, "cmd": "time", "at_s": 1}',
            b'{"v": 1, "id": true, "cmd": "report"}',
        ):
            school.broker.publish(CMD, payload)
        await school.until_s(40)
        assert school.bodies("diag")[-1]["refused"] == 9
        assert len(school.bodies("reply")) == said
        assert abs(school.bodies("state")[-1]["at_s"] - school.now_s()) <= 6
        assert school.bodies("diag")[-1]["reconnects"] == 1

    play(act)


def test_a_retained_command_is_old_news_counted_and_not_obeyed():
    async def act(school):
        school.tells_time = False
        command = {"v": 1, "id": 8, "cmd": "time", "at_s": START_S - 86400}
        school.broker.publish(CMD, json.dumps(command).encode(), retain=True)
        school.cart(changes={"report_s": 5, "diag_s": 10})
        await school.until_s(30)
        assert school.bodies("diag")[-1]["refused"] == 1
        assert school.bodies("reply") == []
        assert school.bodies("state")[-1]["at_s"] is None

    play(act)


def test_a_command_it_cannot_carry_out_is_answered_with_why():
    async def act(school):
        school.cart()
        await school.until_s(10)
        school.command(9, "update", bundle="homeslot.bundle")
        await school.until_s(11)
        reply = school.bodies("reply")[-1]
        assert (reply["id"], reply["ok"], reply["why"]) == (9, False, "this firmware cannot update")

    play(act)


def test_report_brings_a_snapshot_at_once():
    async def act(school):
        school.cart(changes={"report_s": 3600})
        await school.until_s(100)
        school.command(10, "report")
        await school.until_s(101)
        assert len(school.bodies("state")) == 2
        assert school.bodies("state")[-1]["up_ms"] >= 99000

    play(act)


def test_every_command_is_answered_also_when_they_come_faster_than_the_answers_leave():
    async def act(school):
        school.cart()
        await school.until_s(10)
        for number in range(2, 6):
            school.command(number, "report")
            await school.clock.sleep_ms(15)
        await school.until_s(12)
        assert [reply["id"] for reply in school.bodies("reply")] == [1, 2, 3, 4, 5]

    play(act)


def test_what_takes_time_is_done_once_though_the_broker_says_it_again_and_again():
    async def act(school):
        school.cart()
        await school.until_s(10)
        for number in (21, 21, 22, 21, 22, 22, 21, 22):
            school.command(number, "scan")
        await school.until_s(20)
        assert [reply["id"] for reply in school.bodies("reply")] == [1, 21, 22]
        assert all(reply["ok"] for reply in school.bodies("reply"))

    play(act)


@pytest.mark.parametrize("at_s", [1577836800, 4294967295])
def test_no_time_the_contract_allows_brings_it_down(at_s):
    async def act(school):
        school.wrong_s = at_s
        school.cart([(0, "link-down"), (10, "out", 3), (60, "link-up"), (170, "out", 4)])
        await school.until_s(300)
        assert {event["index"] for event in school.bodies("event")} >= {3, 4}
        assert school.bodies("state")[-1]["up_ms"] > 200000
        school.wrong_s = None
        school.command(2, "time", at_s=school.now_s())
        await school.until_s(370)
        assert abs(school.bodies("state")[-1]["at_s"] - school.now_s()) <= 60

    play(act)

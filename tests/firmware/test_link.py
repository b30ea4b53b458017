"""The link says why there is none, finds out in time, and never takes more than it can answer."""

import pytest

from .school import play


def told(rig):
    """What the log says of the link, without the times."""
    lines = [line.split(": ", 1)[1] for line in rig.cart.log.lines]
    return [line[len("link: ") :] for line in lines if line.startswith("link: ")]


def test_before_the_first_attempt_has_failed_there_is_no_trouble():
    async def act(school):
        rig, _ = school.cart()
        for _ in range(100):
            await school.clock.sleep_ms(100)
            assert rig.cart.link.trouble is None
        assert told(rig) == ["made to hub:1883"]

    play(act)


def test_a_wrong_secret_is_refused_and_told_once():
    async def act(school):
        rig, _ = school.cart(secret="wrong", changes={"scan_ms": 10000})
        await school.until_s(600)
        assert rig.cart.link.trouble == "refused"
        (line,) = told(rig)
        assert line.startswith("none, refused: refused: user name or password")

    play(act)


@pytest.mark.parametrize(("outage", "word"), [("cut", "no_wifi"), ("stall", "no_broker")])
def test_an_outage_is_noticed_in_half_a_minute_told_once_and_over_when_it_is(outage, word):
    async def act(school):
        rig, _ = school.cart(changes={"scan_ms": 5000, "keep_alive_s": 30, "report_s": 600})
        await school.until_s(100)
        getattr(school.network, outage)()
        await school.until_s(100 + 30)  # 15 s to the ping, 10 for its answer, two looks
        assert rig.cart.link.trouble == word
        await school.until_s(4000)
        assert len(told(rig)) <= 3
        school.network.mend()
        await school.until_s(4000 + 130)
        assert rig.cart.link.trouble is None
        assert told(rig)[0] == told(rig)[-1] == "made to hub:1883"
        assert rig.cart.log.lines[-1].endswith(told(rig)[-1])

    play(act)


def test_a_broker_that_goes_away_is_no_trouble_of_the_wifi():
    async def act(school):
        rig, _ = school.cart()
        await school.until_s(20)
        school.broker.drop("c7")
        await school.clock.sleep_ms(500)
        assert rig.cart.link.trouble == "no_broker"
        await school.until_s(40)
        assert rig.cart.link.trouble is None
        ways = [line.split(":")[0] for line in told(rig)]
        assert ways == ["made to hub", "none, no_broker", "made to hub"]

    play(act)


def test_of_more_commands_than_can_be_answered_the_rest_is_refused_and_counted():
    async def act(school):
        rig, _ = school.cart()
        await school.until_s(10)
        before = len(school.bodies("reply"))
        for number in range(2, 32):
            school.command(number, "report")
        await school.until_s(20)
        answered = [reply["id"] for reply in school.bodies("reply")[before:]]
        assert len(answered) >= 8
        assert len(answered) + rig.cart.link.refused == 30
        assert answered == sorted(answered)

    play(act)

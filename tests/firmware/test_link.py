"""The link says why there is none, finds out in time, and never takes more than it can answer."""

import asyncio

import pytest

from homeslot_sim.cart.rig import Controller

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


class Sticky:
    """A network on which `stuck`, one of open, read, write and close, does not return."""

    def __init__(self, network):
        self._network = network
        self.stuck = None
        self.access_point = network.access_point
        self.trouble = network.trouble

    async def pass_by(self, call):
        while call == self.stuck:
            await asyncio.sleep(0.1)

    async def open(self, host, port):
        await self.pass_by("open")
        return StickyStream(await self._network.open(host, port), self)


class StickyStream:
    def __init__(self, stream, network):
        self._stream = stream
        self._network = network

    async def read(self, n):
        data = await self._stream.read(n)
        await self._network.pass_by("read")
        return data

    async def write(self, data):
        await self._network.pass_by("write")
        await self._stream.write(data)

    async def close(self):
        await self._network.pass_by("close")
        await self._stream.close()


class Fed(Controller):
    """A controller that knows when its watchdog was fed last."""

    def __init__(self, clock):
        self.clock = clock
        self.fed_ms = 0

    def feed_watchdog(self):
        self.fed_ms = self.clock.up_ms()


@pytest.mark.parametrize("call", ["open", "read", "write"])
def test_whatever_of_the_network_does_not_return_is_given_up_and_the_link_comes_back(call):
    async def act(school):
        school.network = Sticky(school.network)
        system = Fed(school.clock)
        rig, _ = school.cart(changes={"scan_ms": 5000}, system=system)
        await school.until_s(60)
        school.network.stuck = call
        school.broker.drop("c7")  # so that an open one is needed too
        await school.until_s(100)
        assert rig.cart.link.trouble == "no_broker"
        for at_s in range(100, 1800, 10):
            await school.until_s(at_s)
            assert school.clock.up_ms() - system.fed_ms <= 2000
        school.network.stuck = None
        await school.until_s(1900)
        assert rig.cart.link.trouble is None

    play(act)


def test_a_stream_that_does_not_close_starves_the_watchdog_by_name():
    async def act(school):
        school.network = Sticky(school.network)
        system = Fed(school.clock)
        rig, _ = school.cart(changes={"scan_ms": 5000}, system=system)
        await school.until_s(60)
        school.network.stuck = "close"
        school.broker.drop("c7")
        await school.until_s(400)
        assert 60000 < system.fed_ms <= 60000 + 120000
        assert b"link showed no life" in rig.cart.files.read("resets")

    play(act)

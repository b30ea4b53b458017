"""The MQTT client against peers that behave, and peers that do not; all in virtual time."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homeslot.mqtt import codec
from homeslot.mqtt.client import Client, LinkLost
from homeslot.mqtt.decoder import Decoder
from homeslot.mqtt.session import UNSENT, Session
from homeslot.mqtt.stream import TcpNetwork
from homeslot_sim import mqtt_server, virtual_time
from homeslot_sim.memory_link import MemoryNetwork

TIMEOUT_MS, KEEP_ALIVE_S, WINDOW = 10000, 60, 8
STEP_MS = TIMEOUT_MS // 4
CONNACK = mqtt_server.encode_connack(False, 0)


class Peer:
    """The far end of the connection: what it heard, and the means to answer."""

    def __init__(self, stream):
        self.stream = stream
        self.decoder = Decoder(100000, mqtt_server.FROM_CLIENT)

    async def hear(self):
        """The next packet of the client, or None when it has closed."""
        while (packet := self.decoder.next()) is None:
            data = await self.stream.read(1000)
            if not data:
                return None
            self.decoder.feed(data)
        return packet

    async def welcome(self):
        """Accept the connection."""
        assert (await self.hear())[0] == codec.CONNECT
        await self.stream.write(CONNACK)

    async def serve(self):
        """Be a broker until the client leaves."""
        await self.welcome()
        while (packet := await self.hear()) is not None:
            if packet[0] == codec.PUBLISH and packet[3]:
                await self.stream.write(codec.encode_puback(packet[5]))
            elif packet[0] == codec.SUBSCRIBE:
                await self.stream.write(mqtt_server.encode_suback(packet[1], [1]))
            elif packet[0] == codec.PINGREQ:
                await self.stream.write(mqtt_server.encode_pingresp())
            elif packet[0] == codec.DISCONNECT:
                await self.stream.close()
                return


class Scene:
    """A client, its link, and a peer that plays `script`."""

    def __init__(self, script, clock, messages=None):
        self.script = script
        self.clock = clock
        self.peers = []
        self.playing = []
        self.messages = [] if messages is None else messages
        self.network = MemoryNetwork(clock, self._accept)
        self.client = self.another()

    def another(self, on_message=None):
        session = Session(
            "c1", keep_alive_s=KEEP_ALIVE_S, timeout_ms=TIMEOUT_MS, window=WINDOW, longest=2000
        )
        take = on_message or (lambda *message: self.messages.append(message))
        return Client(self.network, self.clock, "broker", 1883, session, take)

    def _accept(self, stream):
        peer = Peer(stream)
        self.peers.append(peer)
        self.playing.append(asyncio.ensure_future(self.script(peer)))


def play(script, act):
    """Run `act(scene)` in virtual time; (its result, ms it took). Fails if anything hangs."""
    loop = virtual_time.VirtualLoop()
    clock = virtual_time.VirtualClock(loop)

    async def main():
        scene = Scene(script, clock)
        result = await act(scene)
        took_ms = clock.up_ms()
        await scene.client.close()
        await scene.client.close()
        left = asyncio.all_tasks() - {asyncio.current_task(), *scene.playing}
        assert not left, "close leaves no task behind"
        return result, took_ms

    return virtual_time.run(main(), loop)


async def lost(work):
    """Why the link was lost in `work`."""
    with pytest.raises(LinkLost) as error:
        await work
    return str(error.value)


def silent(peer):
    """A peer that accepts the connection and never says a word."""
    return asyncio.sleep(0)


def test_a_publish_returns_when_the_broker_has_acknowledged_and_not_before():
    async def slow(peer):
        await peer.welcome()
        packet = await peer.hear()
        await asyncio.sleep(3)
        await peer.stream.write(codec.encode_puback(packet[5]))

    async def act(scene):
        await scene.client.open()
        await scene.client.publish("t", b"x")

    assert play(slow, act) == (None, 3000)


def test_messages_arrive_and_are_acknowledged():
    heard = []

    async def talks(peer):
        await peer.welcome()
        await peer.stream.write(codec.encode_publish("t", b"x", 1, True, 9))
        heard.append(await peer.hear())

    async def act(scene):
        await scene.client.open()
        await scene.playing[0]
        return scene.messages

    assert play(talks, act)[0] == [("t", b"x", True)]
    assert heard == [(codec.PUBACK, 9)]


def test_a_window_of_messages_is_in_flight_at_once():
    heard = []

    async def acks_in_eights(peer):
        await peer.welcome()
        while True:
            ids = [(await peer.hear())[5] for _ in range(WINDOW)]
            heard.append(ids)
            await asyncio.sleep(1)
            await peer.stream.write(b"".join(codec.encode_puback(i) for i in ids))

    async def act(scene):
        await scene.client.open()
        numbers = [await scene.client.post("t", bytes([n])) for n in range(5 * WINDOW)]
        for number in numbers:
            await scene.client.acked(number)

    _, took_ms = play(acks_in_eights, act)
    assert took_ms == 5000
    assert [len(ids) for ids in heard] == [WINDOW] * 5


def test_a_publish_with_qos_0_does_not_wait():
    async def act(scene):
        await scene.client.open()
        await scene.client.publish("t", b"x", qos=0)
        await scene.client.acked(0)

    assert play(Peer.welcome, act)[1] == 0


def test_who_waits_for_the_network_to_take_bytes_goes_on_as_soon_as_it_has():
    async def act(scene):
        await scene.client.open()
        for _ in range(5):
            await scene.client.post("t", bytes(UNSENT), qos=0)

    assert play(Peer.serve, act)[1] == 0


def test_a_subscription_refused_is_false_and_the_link_lives():
    async def refuses(peer):
        await peer.welcome()
        for answer in (128, 1):
            packet = await peer.hear()
            await peer.stream.write(mqtt_server.encode_suback(packet[1], [answer]))

    async def act(scene):
        await scene.client.open()
        return [await scene.client.subscribe("a"), await scene.client.subscribe("b")]

    assert play(refuses, act)[0] == [False, True]


def test_a_peer_that_never_answers_is_given_up():
    why, took_ms = play(silent, lambda scene: lost(scene.client.open()))
    assert why == "no answer to CONNECT within 10000 ms"
    assert took_ms <= TIMEOUT_MS + STEP_MS


def test_a_network_that_never_opens_is_given_up():
    async def act(scene):
        scene.network.stall()
        return await lost(scene.client.open())

    assert play(silent, act) == ("no network within 30000 ms", 30000)


def test_a_network_that_does_not_open_says_why():
    async def act(scene):
        scene.network.cut()
        return await lost(scene.client.open())

    assert play(silent, act) == ("there is no link", 0)


def test_a_refusal_says_why_and_with_which_code():
    async def refuses(peer):
        await peer.hear()
        await peer.stream.write(mqtt_server.encode_connack(False, 5))

    async def act(scene):
        with pytest.raises(LinkLost) as error:
            await scene.client.open()
        return str(error.value), error.value.refused

    assert play(refuses, act)[0] == ("refused: user name or password is wrong", 5)


@pytest.mark.parametrize("after", range(7))
def test_a_peer_that_closes_at_any_byte_is_a_lost_link(after):
    async def closes(peer):
        await peer.hear()
        await peer.stream.write((CONNACK + b"\x40\x02\x00\x01")[:after])
        await peer.stream.close()

    async def act(scene):
        async def both():
            await scene.client.open()
            await scene.client.publish("t", b"x")
            await scene.client.publish("t", b"x")

        return await lost(both())

    why, took_ms = play(closes, act)
    # Whether the reader sees the end first or the sender is refused is the network's affair.
    assert why in ("the broker closed the connection", "the peer has closed, or reads no more")
    assert took_ms == 0


def test_garbage_is_a_lost_link_that_names_it():
    async def garbage(peer):
        await peer.welcome()
        await peer.hear()
        await peer.stream.write(b"\x50\x02\x00\x01")

    async def act(scene):
        await scene.client.open()
        return await lost(scene.client.publish("t", b"x"))

    assert play(garbage, act) == ("PUBREC is not for this side", 0)


def test_a_peer_that_drips_one_byte_at_a_time_is_understood():
    async def drips(peer):
        await peer.hear()
        answers = CONNACK + codec.encode_publish("t", b"hello", 1, False, 3)
        for byte in answers:
            await asyncio.sleep(0.5)
            await peer.stream.write(bytes([byte]))
        assert await peer.hear() == (codec.PUBACK, 3)

    async def act(scene):
        await scene.client.open()
        await scene.playing[0]
        return scene.messages

    assert play(drips, act)[0] == [("t", b"hello", False)]


def test_a_peer_that_drips_a_packet_without_end_is_given_up():
    async def drips(peer):
        await peer.welcome()
        for byte in codec.encode_publish("t", bytes(1900)):
            await asyncio.sleep(1)
            await peer.stream.write(bytes([byte]))

    async def act(scene):
        await scene.client.open()
        return await scene.client.closed()

    why, took_ms = play(drips, act)
    assert why == "no answer to PINGREQ within 10000 ms"
    assert took_ms <= KEEP_ALIVE_S * 500 + TIMEOUT_MS + 2 * STEP_MS


def test_a_link_that_dies_in_silence_is_noticed_without_traffic():
    async def act(scene):
        await scene.client.open()
        scene.network.stall()
        return await scene.client.closed()

    why, took_ms = play(Peer.serve, act)
    assert why == "no answer to PINGREQ within 10000 ms"
    assert took_ms <= KEEP_ALIVE_S * 500 + TIMEOUT_MS + 2 * STEP_MS


def test_a_quiet_link_lives_for_hours():
    async def act(scene):
        await scene.client.open()
        await scene.clock.sleep_ms(5 * 3600 * 1000)
        return scene.client.lost

    assert play(Peer.serve, act)[0] is None


def test_a_lost_link_ends_every_wait_and_what_was_acknowledged_stays_so():
    async def acks_one(peer):
        await peer.welcome()
        packet = await peer.hear()
        await peer.stream.write(codec.encode_puback(packet[5]))

    async def act(scene):
        await scene.client.open()
        numbers = [await scene.client.post("t", b"x") for _ in range(WINDOW)]
        waits = [
            asyncio.ensure_future(lost(scene.client.publish("t", b"y"))),
            asyncio.ensure_future(lost(scene.client.subscribe("t"))),
        ]
        await scene.client.acked(numbers[0])
        scene.network.cut()
        assert [await wait for wait in waits] == ["the link is gone"] * 2
        await scene.client.acked(numbers[0])
        return await lost(scene.client.acked(numbers[1]))

    assert play(acks_one, act)[0] == "the link is gone"


def test_a_cancelled_publish_leaves_the_link_alive():
    async def act(scene):
        await scene.client.open()
        waiting = asyncio.ensure_future(scene.client.publish("t", b"x"))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await scene.client.publish("t", b"y")
        return scene.client.lost

    assert play(Peer.serve, act)[0] is None


def test_close_says_goodbye_and_waits_for_the_brokers_end():
    heard = []

    async def polite(peer):
        await peer.welcome()
        heard.append(await peer.hear())
        await asyncio.sleep(2)
        await peer.stream.close()

    async def act(scene):
        await scene.client.open()
        await scene.client.close()
        return scene.client.lost

    assert play(polite, act) == ("the broker closed the connection", 2000)
    assert heard == [(codec.DISCONNECT,)]


def test_close_on_a_dead_link_is_bounded():
    async def act(scene):
        await scene.client.open()
        scene.network.stall()
        await scene.client.close()
        return scene.client.lost

    why, took_ms = play(Peer.serve, act)
    assert why == "no answer to DISCONNECT within 10000 ms"
    assert took_ms <= TIMEOUT_MS + STEP_MS


def test_an_open_that_is_cancelled_leaves_nothing_behind():
    async def act(scene):
        opening = asyncio.ensure_future(scene.client.open())
        await scene.clock.sleep_ms(100)
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)

    assert play(silent, act) == (None, 100)


def test_a_publish_before_open_and_after_close_is_a_lost_link():
    async def act(scene):
        before = await lost(scene.client.publish("t", b""))
        await scene.client.open()
        await scene.client.close()
        return before, await lost(scene.client.publish("t", b""))

    assert play(Peer.serve, act)[0] == (
        "the connection is not open",
        "the broker closed the connection",
    )


def test_our_own_defect_ends_the_link_and_is_raised_by_close():
    async def talks(peer):
        await peer.welcome()
        await peer.stream.write(codec.encode_publish("t", b"x"))

    def defect(topic, payload, retained):
        raise KeyError(topic)

    async def act(scene):
        client = scene.another(on_message=defect)
        await client.open()
        why = await client.closed()
        with pytest.raises(KeyError):
            await client.close()
        return why

    assert play(talks, act)[0] == "the client failed"


class Deaf:
    """A network whose one stream talks without end and takes only CONNECT."""

    def __init__(self):
        self.given = 0
        self.taken = 0
        self.never = asyncio.Event()

    async def open(self, host, port):
        return self

    async def read(self, n):
        await asyncio.sleep(0.001)
        self.given += 1
        return CONNACK if self.given == 1 else codec.encode_publish("t", b"", 1, False, 7) * 50

    async def write(self, data):
        self.taken += 1
        if self.taken > 1:
            await self.never.wait()

    async def close(self):
        self.never.set()


def test_a_peer_that_talks_but_does_not_listen_is_not_read_without_bound():
    async def act(scene):
        deaf = Deaf()
        session = Session("c1", timeout_ms=TIMEOUT_MS)
        client = Client(deaf, scene.clock, "broker", 1883, session, lambda *message: None)
        await client.open()
        why = await client.closed()
        unsent = session.unsent
        await client.close()
        return why, unsent

    (why, unsent), took_ms = play(silent, act)
    assert why == "no answer to PINGREQ within 10000 ms"
    assert unsent <= UNSENT + 50 * 4 + 2
    assert took_ms <= 50000


moves = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [
            CONNACK,
            codec.encode_puback(1),
            codec.encode_puback(2),
            mqtt_server.encode_suback(1, [1]),
            mqtt_server.encode_pingresp(),
            codec.encode_publish("t", b"x", 1, False, 1),
        ]
    ),
    st.sampled_from([0.2, 20.0, "hear", "close"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(moves, max_size=12))
def test_whatever_the_peer_does_the_client_ends_in_bounded_time_with_lost_link_or_success(script):
    async def does(peer):
        for move in script:
            if move == "close":
                await peer.stream.close()
                return
            if move == "hear":
                await peer.stream.read(1000)
            elif isinstance(move, float):
                await asyncio.sleep(move)
            elif not peer.stream.over:
                try:
                    await peer.stream.write(move)
                except OSError:
                    return

    async def act(scene):
        try:
            await scene.client.open()
            await scene.client.publish("t", b"x")
            await scene.client.subscribe("t")
        except LinkLost:
            pass
        finally:
            await scene.client.close()

    _, took_ms = play(does, act)
    assert took_ms <= 4 * (TIMEOUT_MS + STEP_MS)


def run_on_sockets(serve, act):
    """Run `act(stream)` on a real loopback connection to a server that does `serve`."""

    async def main():
        done = asyncio.Event()

        async def accept(reader, writer):
            await serve(reader, writer)
            writer.close()
            done.set()

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        network = TcpNetwork(lambda: ("aa:bb:cc:dd:ee:ff", -60))
        assert network.access_point() == ("aa:bb:cc:dd:ee:ff", -60)
        stream = await asyncio.wait_for(network.open("127.0.0.1", port), 10)
        result = await asyncio.wait_for(act(stream), 10)
        await stream.close()
        await stream.close()
        await asyncio.wait_for(done.wait(), 10)
        server.close()
        await server.wait_closed()
        return result

    return asyncio.run(main())


def test_the_tcp_stream_carries_bytes_and_reads_the_end():
    async def echo(reader, writer):
        writer.write(await reader.readexactly(5))

    async def act(stream):
        await stream.write(b"hello")
        return [await stream.read(100), await stream.read(100)]

    assert run_on_sockets(echo, act) == [b"hello", b""]


def test_closing_a_tcp_stream_ends_a_pending_read_and_later_writes():
    async def listen(reader, writer):
        await reader.read(100)

    async def act(stream):
        reading = asyncio.ensure_future(stream.read(100))
        await asyncio.sleep(0)
        await stream.close()
        assert await reading == b""
        with pytest.raises(OSError):
            await stream.write(b"x")

    run_on_sockets(listen, act)


def test_closing_a_tcp_stream_does_not_wait_for_a_peer_that_never_reads():
    closed = asyncio.Event()

    async def never_reads(reader, writer):
        await closed.wait()

    async def act(stream):
        writing = asyncio.ensure_future(stream.write(bytes(50_000_000)))
        await asyncio.sleep(0)
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        await stream.close()
        closed.set()

    run_on_sockets(never_reads, act)


def test_a_port_nobody_listens_on_is_an_oserror():
    async def main():
        server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        with pytest.raises(OSError):
            await TcpNetwork().open("127.0.0.1", port)

    asyncio.run(main())

"""The emulated Pico's radio, and the air between it and the hub."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable

from rp2040py.external.cyw43 import Cyw43439, nat, net
from rp2040py.external.cyw43.bus import (
    CYW43_EV_ASSOC,
    CYW43_EV_AUTH,
    CYW43_EV_PSK_SUP,
    CYW43_EV_SET_SSID,
    SDPCM_HEADER_LEN,
)
from rp2040py.rp2040 import RP2040

from homeslot_sim.pico import HUB

SEQUENCE, CREDIT = 4, 9  # bytes of the header of a packet to and from the chip, see cyw43_ll.c
AHEAD = 16  # packets the board may send without hearing from the chip; it believes at most 20
ANSWER_S = 0.2  # of wall time a broker on loopback may take for an answer
HUB_NAME = "hub.school"  # the only name the air's name server knows
NAME_PORT = 53
NO_NETWORKS = 3  # status of CYW43_EV_SET_SSID, see cyw43_ctrl.c
KEY_EXCHANGE, WRONG_KEY = 8, 14  # status and reason of CYW43_EV_PSK_SUP, there too
# The access points of the storage room and elsewhere, as a simulated cart hears them (`rig.Air`):
# what the chip answers to WLC_GET_BSSID and WLC_GET_RSSI; rp2040py knows neither, and says zero.
BSSID, RSSI = 23, 127
HOME = {BSSID: bytes((2, 0, 0, 0, 0, 1)), RSSI: (-60).to_bytes(4, "little", signed=True)}
AWAY = {BSSID: bytes((2, 0, 0, 0, 0, 2)), RSSI: (-70).to_bytes(4, "little", signed=True)}

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Radio(Cyw43439):
    """The Wi-Fi chip. Any port of `hub_address` is `hub_port` on loopback.

    Everything else is out of reach: rp2040py would dial any address in the world. `up` says whether
    there is an access point; one that `swallows` passes nothing on, and says nothing of it; one
    that `refuses` does not take the board's key. `home` says whether it is that of the storage
    room: the network is one, and the board roams in it. `sent` counts the packets with data that
    got through to the hub.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hub_address = HUB
        self.hub_port = 0
        self.up = True
        self.swallows = False
        self.refuses = False
        self.home = True
        self.sent = 0
        self._asked = 0  # the ioctl being answered
        self._credit = AHEAD
        self._abandoned: list[asyncio.StreamWriter] = []
        self._moved_s = 0.0

    def attach(self, rp2040: RP2040) -> None:
        """Solder the chip and take its packets."""
        super().attach(rp2040)
        self._join = self.bus._queue_join_events
        self.bus._queue_join_events = self._on_join  # type: ignore[method-assign]
        self._hand_over = self.bus.queue_rx_packet
        self.bus.queue_rx_packet = self._on_packet  # type: ignore[method-assign]
        self._write_wlan = self.bus._write_wlan
        self.bus._write_wlan = self._on_write  # type: ignore[method-assign]
        self._succeed = self.bus._build_ioctl_success_response
        self.bus._build_ioctl_success_response = self._answer  # type: ignore[method-assign]
        self.bus.nat_bridge = self._nat = _Nat(rp2040, self)

    def busy(self, now_s: float) -> bool:
        """Whether a packet moved lately, at `now_s` of time.monotonic."""
        return now_s - self._moved_s < ANSWER_S

    def lose(self) -> None:
        """The access point goes away. What was connected stays half open."""
        self.up = False
        self._abandon()
        self.bus._queue_disassoc_events()

    def find(self) -> None:
        """The access point is back; the board has to join again."""
        self.up = True

    def lose_power(self) -> None:
        """Be reset with the controller, which lets go of the pin that powers this chip.

        rp2040py 0.3.6 sets the pin back without telling who listens, and the chip would go on with
        the registers it had: the board's Wi-Fi never came back. The peers are not told either.
        """
        self._abandon()
        self._credit = AHEAD
        self.bus.power_off()

    def packet(self) -> bool:
        """Note that a packet is to move; whether it arrives."""
        self._moved_s = time.monotonic()
        return self.up and not self.swallows

    async def dial(self, host: str, port: int) -> Streams:
        """Connect the board to its hub. Raises OSError when it asks for something else."""
        if host != self.hub_address or not self.hub_port:
            raise OSError(f"{host}:{port} is out of reach")
        return await asyncio.open_connection("127.0.0.1", self.hub_port)

    def hang_up(self) -> None:
        """Close what the board left half open, as its broker does when it has waited enough."""
        for writer in self._abandoned:
            writer.close()
        self._abandoned.clear()

    def _abandon(self) -> None:
        self._abandoned += self._nat.forget()

    def _on_packet(self, data: bytes) -> None:
        """Hand a packet to the board, with what it may send from now on.

        rp2040py 0.3.6 gives credit for every packet it hands over, however few the board has sent:
        after 256 more the count has come round, and the board thinks it has none left.
        """
        self._hand_over(data[:CREDIT] + bytes([self._credit]) + data[CREDIT + 1 :])

    def _on_write(self, data: bytes) -> None:
        self._credit = (data[SEQUENCE] + AHEAD) & 0xFF
        self._asked = int.from_bytes(data[SDPCM_HEADER_LEN : SDPCM_HEADER_LEN + 4], "little")
        self._write_wlan(data)

    def _answer(
        self, request_id: int, response_len: int = 0, *, response_prefix: bytes = b""
    ) -> bytes:
        heard = (HOME if self.home else AWAY) if self.up else {}
        prefix = response_prefix or heard.get(self._asked, b"")
        return self._succeed(request_id, response_len, response_prefix=prefix)

    def _on_join(self) -> None:
        event = self.bus._build_async_event
        if not self.up:
            self.bus.queue_rx_packet(event(CYW43_EV_SET_SSID, NO_NETWORKS))
        elif self.refuses:
            for kind in (CYW43_EV_SET_SSID, CYW43_EV_AUTH, CYW43_EV_ASSOC):
                self.bus.queue_rx_packet(event(kind, 0))
            self.bus.queue_rx_packet(event(CYW43_EV_PSK_SUP, KEY_EXCHANGE, reason=WRONG_KEY))
        else:
            self._join()


class _Nat(nat.NatBridge):
    """Ethernet frames in and out, as long as the radio has an access point."""

    def __init__(self, rp2040: RP2040, radio: Radio) -> None:
        def deliver(frame: bytes) -> None:
            if radio.packet():
                radio.bus.queue_rx_ethernet_frame(frame)

        super().__init__(rp2040, deliver)
        self._radio = radio
        self._udp: nat.UdpRelay = _Names(rp2040, deliver, radio)
        self._tcp = nat.TcpReflector(rp2040, deliver, connect_fn=radio.dial)

    def handle_outbound_ethernet_frame(self, frame: bytes) -> None:
        """Take a frame of the board's."""
        if self._radio.packet():
            self._radio.sent += _carries_data(frame)
            # A hub that has hung up meanwhile: rp2040py 0.3.6 would end the board with it.
            with contextlib.suppress(OSError):
                super().handle_outbound_ethernet_frame(frame)

    def forget(self) -> list[asyncio.StreamWriter]:
        """Forget all connections; their ends at the hub, still open."""
        writers = []
        for flow in self._tcp._flows.values():
            if flow.pump_task is not None:
                flow.pump_task.cancel()
            if flow.writer is not None:
                writers.append(flow.writer)
        self._tcp._flows.clear()
        return writers


class _Names(nat.UdpRelay):
    """A name server that knows the hub. There is no time service but the hub."""

    def __init__(self, rp2040: RP2040, deliver: Callable[[bytes], None], radio: Radio) -> None:
        super().__init__(rp2040, deliver)
        self._radio = radio

    def maybe_handle(self, eth: net.EthernetFrame) -> bool:
        """Answer a question for an address (RFC 1035); True: nobody else is to look at it."""
        ip = net.parse_ipv4(eth.payload)
        udp = net.parse_udp(ip.payload) if ip else None
        if ip and udp and ip.dst_ip == nat.GATEWAY_IP and udp.dst_port == NAME_PORT:
            reply = _named(udp.payload, self._radio.hub_address)
            reply = net.pack_udp(ip.dst_ip, ip.src_ip, NAME_PORT, udp.src_port, reply)
            reply = net.pack_ipv4(ip.dst_ip, ip.src_ip, net.IP_PROTO_UDP, reply)
            self._queue_ethernet_frame(
                net.pack_ethernet(eth.src_mac, nat.GATEWAY_MAC, net.ETHERTYPE_IPV4, reply)
            )
        return True


def _named(question: bytes, address: str) -> bytes:
    name = b"".join(bytes([len(part)]) + part.encode() for part in HUB_NAME.split("."))
    if not question[12:].startswith(name + b"\0"):
        return question[:2] + b"\x81\x83" + question[4:]  # no such name
    found = b"\xc0\x0c\0\x01\0\x01" + (60).to_bytes(4, "big") + b"\0\x04"
    found += bytes(int(part) for part in address.split("."))
    return question[:2] + b"\x81\x80" + question[4:6] + b"\0\x01" + question[8:] + found


def _carries_data(frame: bytes) -> bool:
    eth = net.parse_ethernet(frame)
    ip = net.parse_ipv4(eth.payload) if eth and eth.ethertype == net.ETHERTYPE_IPV4 else None
    tcp = net.parse_tcp(ip.payload) if ip and ip.proto == net.IP_PROTO_TCP else None
    return tcp is not None and bool(tcp.payload)

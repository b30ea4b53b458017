"""The emulated Pico's radio, and the air between it and the hub."""

from __future__ import annotations

import asyncio
import time

from rp2040py.external.cyw43 import Cyw43439, nat, net
from rp2040py.external.cyw43.bus import CYW43_EV_SET_SSID, SDPCM_HEADER_LEN
from rp2040py.rp2040 import RP2040

from homeslot_sim.pico import HUB

ANSWER_S = 0.2  # of wall time a broker on loopback may take for an answer
NO_NETWORKS = 3  # status of CYW43_EV_SET_SSID, see cyw43_ctrl.c
BSSID = bytes((0x02, 0, 0, 0, 0, 0x01))
RSSI_DBM = -60
# What the chip answers to WLC_GET_BSSID and WLC_GET_RSSI; rp2040py knows neither, and says zero.
ANSWERS = {23: BSSID, 127: RSSI_DBM.to_bytes(4, "little", signed=True)}

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Radio(Cyw43439):
    """The Wi-Fi chip. The board reaches `HUB` on any port, which is `hub_port` on loopback.

    Everything else is out of reach: rp2040py would dial any address in the world. `up` says whether
    there is an access point; one that `swallows` passes nothing on, and says nothing of it. `sent`
    counts the packets with data that got through to the hub.
    """

    def __init__(self) -> None:
        super().__init__()
        self.hub_port = 0
        self.up = True
        self.swallows = False
        self.sent = 0
        self._asked = 0  # the ioctl being answered
        self._abandoned: list[asyncio.StreamWriter] = []
        self._moved_s = 0.0

    def attach(self, rp2040: RP2040) -> None:
        """Solder the chip and take its packets."""
        super().attach(rp2040)
        self._join = self.bus._queue_join_events
        self.bus._queue_join_events = self._on_join  # type: ignore[method-assign]
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
        self.bus.power_off()

    def packet(self) -> bool:
        """Note that a packet is to move; whether it arrives."""
        self._moved_s = time.monotonic()
        return self.up and not self.swallows

    async def dial(self, host: str, port: int) -> Streams:
        """Connect the board to its hub. Raises OSError when it asks for something else."""
        if host != HUB or not self.hub_port:
            raise OSError(f"{host}:{port} is out of reach")
        return await asyncio.open_connection("127.0.0.1", self.hub_port)

    def hang_up(self) -> None:
        """Close what the board left half open, as its broker does when it has waited enough."""
        for writer in self._abandoned:
            writer.close()
        self._abandoned.clear()

    def _abandon(self) -> None:
        self._abandoned += self._nat.forget()

    def _on_write(self, data: bytes) -> None:
        self._asked = int.from_bytes(data[SDPCM_HEADER_LEN : SDPCM_HEADER_LEN + 4], "little")
        self._write_wlan(data)

    def _answer(
        self, request_id: int, response_len: int = 0, *, response_prefix: bytes = b""
    ) -> bytes:
        prefix = response_prefix or (ANSWERS.get(self._asked, b"") if self.up else b"")
        return self._succeed(request_id, response_len, response_prefix=prefix)

    def _on_join(self) -> None:
        if self.up:
            self._join()
        else:
            event = self.bus._build_async_event(CYW43_EV_SET_SSID, NO_NETWORKS)
            self.bus.queue_rx_packet(event)


class _Nat(nat.NatBridge):
    """Ethernet frames in and out, as long as the radio has an access point."""

    def __init__(self, rp2040: RP2040, radio: Radio) -> None:
        def deliver(frame: bytes) -> None:
            if radio.packet():
                radio.bus.queue_rx_ethernet_frame(frame)

        super().__init__(rp2040, deliver)
        self._radio = radio
        self._udp: nat.UdpRelay = _NoUdp(rp2040, deliver)
        self._tcp = nat.TcpReflector(rp2040, deliver, connect_fn=radio.dial)

    def handle_outbound_ethernet_frame(self, frame: bytes) -> None:
        """Take a frame of the board's."""
        if self._radio.packet():
            self._radio.sent += _carries_data(frame)
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


class _NoUdp(nat.UdpRelay):
    """No name service and no time service but the hub."""

    def maybe_handle(self, eth: net.EthernetFrame) -> bool:
        return True


def _carries_data(frame: bytes) -> bool:
    eth = net.parse_ethernet(frame)
    ip = net.parse_ipv4(eth.payload) if eth and eth.ethertype == net.ETHERTYPE_IPV4 else None
    tcp = net.parse_tcp(ip.payload) if ip and ip.proto == net.IP_PROTO_TCP else None
    return tcp is not None and bool(tcp.payload)

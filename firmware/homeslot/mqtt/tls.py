"""TLS that trusts the school's own CA and no other: CPython, MicroPython's unix port and the Pico.

What it costs a Pico W (MicroPython 1.27, emulated, P-256 keys): 23 kB of heap while connected, and
a greeting of 1.5 s in which nothing else runs, of the watchdog's 8.3 s. The board checks names,
addresses and dates as CPython does; its clock has to be somewhere near for the dates.
"""

import ssl
from binascii import a2b_base64

_BEGIN = "-----BEGIN CERTIFICATE-----"
_END = "-----END CERTIFICATE-----"


class BadCertificate(OSError):
    """What is given as a CA is none."""


def pem(ders: "list[str]") -> bytes:
    """The content of `ca.pem` from certificates as DER in base64."""
    return "".join("%s\n%s\n%s\n" % (_BEGIN, der, _END) for der in ders).encode()


def trusting(pem: "bytes | None") -> ssl.SSLContext:
    """A client's side of TLS that takes a broker with a certificate by one of the CAs in `pem`.

    The broker's certificate must also bear the name or address it is called by, and be valid now.
    Raises BadCertificate, which speaks of the file `ca.pem`: None is that it is not there.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.verify_mode = ssl.CERT_REQUIRED  # MicroPython's ssl checks nothing unless told to
    try:
        parts = (pem or b"").decode().split(_BEGIN)[1:]
        for part in parts:
            # MicroPython reads no PEM.
            context.load_verify_locations(cadata=a2b_base64(part.split(_END)[0]))
    except (ValueError, OSError) as error:
        raise BadCertificate("ca.pem is no certificate: %s" % error)
    if not parts:
        raise BadCertificate("ca.pem %s" % ("is not there" if pem is None else "is no PEM"))
    return context

"""Nothing stuck, on the emulated Pico W: a network that refuses.

Times are the board's own, as in test_field.
"""

PATIENCE_MS = 120000  # back-off at its cap, and a join


def test_a_key_that_is_refused_is_told_on_the_console_and_the_cart_goes_on_trying(online, ear):
    online.refuse(True)
    online.apply("link-down")
    online.run(1000)
    online.apply("link-up")
    refused = lambda: "link: none, wrong_key: Wi-Fi school: the key is wrong"  # noqa: E731
    online.until(lambda: refused() in online.status.console, PATIENCE_MS, "the console says so")
    online.apply("out", [3])
    online.refuse(False)
    online.until(lambda: ear.event(kind="slot", index=3, value="empty"), PATIENCE_MS, "the event")
    assert online.status.resets == 0

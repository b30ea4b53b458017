"""Register addresses as the datasheets name them."""

# INA3221 (SBOS576B, section 8.6.1)
CONFIG, SUM, SUM_LIMIT, MASK_ENABLE, PV_UPPER, PV_LOWER = 0x00, 0x0D, 0x0E, 0x0F, 0x10, 0x11
MAKER_ID, DIE_ID = 0xFE, 0xFF

# MCP23017 (DS20001952, section 3.5): port A with IOCON.BANK = 0; port B is the next one
IODIR, IPOL, GPINTEN, DEFVAL, INTCON, IOCON, GPPU, INTF, INTCAP, GPIO, OLAT = range(0, 22, 2)

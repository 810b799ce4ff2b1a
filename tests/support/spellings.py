"""How an address may be written."""

from __future__ import annotations

import ipaddress


def spell_four(address: ipaddress.IPv4Address) -> dict[str, str]:
    parts = [str(part) for part in address.packed]
    number = int(address)
    return {
        "plain": ".".join(parts),
        "zeros before": ".".join(part.zfill(3) for part in parts),
        "escaped dots": "%2E".join(parts),
        "escaped twice": "".join(f"%25{ord(char):02X}" for char in ".".join(parts)),
        "wide digits": "".join(chr(ord(char) + 0xFEE0) if char.isdigit() else char for char in ".".join(parts)),
        "as a reference": "&#46;".join(parts),
        "dashed": f"ec2-{'-'.join(parts)}.compute",
        "underscored": "_".join(parts),
        "reversed": f"{'.'.join(reversed(parts))}.in-addr.arpa",
        "reversed and dashed": f"host-{'-'.join(reversed(parts))}.dyn",
        "decimal": str(number),
        "hexadecimal": f"0x{number:08X}",
        "bare hexadecimal": f"{number:08x}",
        "octal parts": ".".join(f"0{part:o}".zfill(4) for part in address.packed),
        "hexadecimal parts": ".".join(f"0x{part:02X}" for part in address.packed),
        "mapped": f"::ffff:{address}",
        "mapped in hexadecimal": f"[::FFFF:{number >> 16:X}:{number & 0xFFFF:x}]:443",
        "with a port": f"{address}:8080",
        "in a longer number": f"7.{address}.9",
    }


def spell_six(address: ipaddress.IPv6Address) -> dict[str, str]:
    text, long = str(address), address.exploded
    return {
        "short": text,
        "upper case": text.upper(),
        "long": long.upper(),
        "escaped": text.replace(":", "%3A"),
        "escaped twice": text.replace(":", "%253a"),
        "in brackets": f"[{text}]:443",
        "with a zone": f"{text}%25eth0",
        "with a length": f"{text}/64",
        "32 digits": address.packed.hex(),
        "ipv6-literal": f"{text.replace(':', '-')}.ipv6-literal.net",
        "dashed": long.replace(":", "-"),
        "underscored": long.replace(":", "_"),
        "nibbles": f"{'.'.join(reversed(address.packed.hex()))}.ip6.arpa",
        "decimal": str(int(address)),
        "behind a word": f"for:{text}",
    }

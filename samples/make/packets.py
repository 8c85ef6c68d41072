#!/usr/bin/env python3
"""Writes one login in every way in which packets are recorded: `samples/formats/packets/`.

usage: packets.py

Takes `login.pcap` there, which was recorded for real (Ethernet, microseconds, little-endian), and writes the same
segments in other file formats, over other links, in tunnels, in fragments and behind a load balancer. The same input
gives the same octets.
Python 3 alone is needed; `zstd` and `lz4` for the two files that they compress.
"""

import gzip
import shutil
import struct
import subprocess
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "formats" / "packets"
LITTLE, BIG = "<", ">"
ETHERNET, NULL, LOOP, RAW, SLL, SLL2 = 1, 0, 108, 101, 113, 276


def packets(path):
    """[(microseconds, IP packet)] of a classic capture file over Ethernet."""
    octets, at, found = path.read_bytes(), 24, []
    while at < len(octets):
        seconds, fraction, captured, _ = struct.unpack("<IIII", octets[at:at + 16])
        frame = octets[at + 16:at + 16 + captured]
        total = struct.unpack(">H", frame[16:18])[0] if frame[14] >> 4 == 4 else 40 + struct.unpack(">H", frame[18:20])[0]
        found.append((seconds * 1_000_000 + fraction, frame[14:14 + total]))
        at += 16 + captured
    return found


def kind(packet):
    """Its EtherType."""
    return 0x0800 if packet[0] >> 4 == 4 else 0x86DD


def family(order, packet):
    """Its number on Linux and on the BSDs, and the packet."""
    return struct.pack(order + "I", 2 if packet[0] >> 4 == 4 else 30) + packet


def pcap(frames, link, order=LITTLE, nanoseconds=False, snap=262144):
    out = struct.pack(order + "IHHiIII", 0xA1B23C4D if nanoseconds else 0xA1B2C3D4, 2, 4, 0, 0, snap, link)
    for time, frame in frames:
        fraction = time % 1_000_000 * (1000 if nanoseconds else 1)
        kept = frame[:snap]
        out += struct.pack(order + "IIII", time // 1_000_000, fraction, len(kept), len(frame)) + kept
    return out


def block(order, kind, body):
    body += b"\0" * (-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def option(order, code, value):
    return struct.pack(order + "HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


def section(order, name):
    options = option(order, 4, name) + option(order, 0, b"")
    return block(order, 0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + options)


def interface(order, link, resolution=6, offset=0):
    options = option(order, 2, b"lo") + option(order, 9, bytes([resolution]))
    if offset:
        options += option(order, 14, struct.pack(order + "q", offset))
    return block(order, 1, struct.pack(order + "HHI", link, 0, 0) + options + option(order, 0, b""))


def enhanced(order, number, ticks, frame):
    head = struct.pack(order + "IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    comment = option(order, 1, b"a comment") + option(order, 0, b"")
    return block(order, 6, head + frame + b"\0" * (-len(frame) % 4) + comment)


def old(order, number, ticks, frame):
    head = struct.pack(order + "HHIIII", number, 0, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
    return block(order, 2, head + frame)


def sections(found):
    """Two sections of different byte order; interfaces of several resolutions, one with an offset; names and statistics."""
    half = len(found) // 2
    out = section(LITTLE, b"recorder 1.0")
    out += interface(LITTLE, ETHERNET) + interface(LITTLE, SLL2, 9) + interface(LITTLE, RAW, 0x80 | 30, 1_600_000_000)
    out += block(LITTLE, 4, struct.pack("<HH", 1, 7) + b"\x7f\0\0\1me\0\0" + struct.pack("<HH", 0, 0))
    for index, (time, packet) in enumerate(found[:half]):
        if index % 3 == 0:
            out += enhanced(LITTLE, 0, time, ethernet(packet))
        elif index % 3 == 1:
            out += enhanced(LITTLE, 1, time * 1000, sll2(packet))
        else:
            binary = -(-(time - 1_600_000_000_000_000) * 2 ** 30 // 1_000_000)
            out += enhanced(LITTLE, 2, binary, packet)
    out += block(LITTLE, 5, struct.pack("<III", 0, 0, 0))
    out += section(BIG, b"recorder 2.0") + interface(BIG, RAW)
    for index, (time, packet) in enumerate(found[half:]):
        out += (old if index % 2 else enhanced)(BIG, 0, time, packet)
    return out


def simple(found):
    """Simple Packet Blocks: no times."""
    out = section(LITTLE, b"recorder") + interface(LITTLE, RAW)
    return out + b"".join(block(LITTLE, 3, struct.pack("<I", len(packet)) + packet) for _, packet in found)


def ethernet(packet, number=None):
    return b"\2\0\0\0\0\1\2\0\0\0\0\2" + struct.pack(">H", number or kind(packet)) + packet


def sll(packet):
    return struct.pack(">HHH8sH", 0, 772, 6, b"", kind(packet)) + packet


def sll2(packet):
    return struct.pack(">HHIHBB8s", kind(packet), 0, 1, 772, 0, 6, b"") + packet


def qinq(packet):
    return ethernet(struct.pack(">HHHH", 100, 0x8100, 200, kind(packet)) + packet, 0x88A8)


def mpls(packet):
    return ethernet(struct.pack(">II", 16 << 12 | 64, 17 << 12 | 1 << 8 | 64) + packet, 0x8847)


def pppoe(packet):
    return ethernet(struct.pack(">BBHHH", 0x11, 0, 1, len(packet) + 2, 0x0021 if packet[0] >> 4 == 4 else 0x0057) + packet, 0x8864)


def ipv4(protocol, payload, identification=0, flags=0):
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), identification, flags, 64, protocol, 0, bytes([192, 0, 2, 1]), bytes([192, 0, 2, 2]))
    return head + payload


def gre(packet):
    """With a key and a sequence number."""
    return ethernet(ipv4(47, struct.pack(">HHII", 0x3000, kind(packet), 7, 1) + packet))


def vxlan(packet):
    inner = struct.pack(">II", 0x08000000, 42 << 8) + ethernet(packet)
    return ethernet(ipv4(17, struct.pack(">HHHH", 50000, 4789, 8 + len(inner), 0) + inner))


def ip_in_ip(packet):
    return ethernet(ipv4(4 if packet[0] >> 4 == 4 else 41, packet))


def ipv6(packet):
    """The same TCP segment over IPv6, behind hop-by-hop and destination options, in fragments where it is longer."""
    if packet[0] >> 4 == 6:
        return [packet]
    addresses = b"".join(b"\x20\x01\x0d\xb8" + b"\0" * 8 + packet[at:at + 4] for at in (12, 16))
    segment = packet[(packet[0] & 15) * 4:]
    hop = lambda following: bytes([following, 0, 1, 4, 0, 0, 0, 0])
    ipv6.identification += 1
    head = lambda following, payload: struct.pack(">IHBB", 6 << 28, len(payload), following, 64) + addresses + payload
    if len(segment) <= 400:
        return [head(0, hop(60) + hop(6) + segment)]
    parts = [segment[at:at + 400] for at in range(0, len(segment), 400)]
    out = []
    for index, part in enumerate(parts):
        fragment = struct.pack(">BBHI", 6, 0, index * 400 | (index + 1 < len(parts)), ipv6.identification)
        out.append(head(0, hop(44) + fragment + part))
    # Each packet's fragments come in another order.
    return out[::-1] if ipv6.identification % 2 else out


ipv6.identification = 0


def fragments(number, packet):
    """IPv4 fragments of at most 256 octets, the last one first."""
    if packet[0] >> 4 == 6:
        return [ethernet(packet)]
    header, payload = packet[:20], packet[20:]
    parts = [payload[at:at + 256] for at in range(0, len(payload), 256)] or [b""]
    out = []
    for index, part in enumerate(parts):
        flags = index * 32 | (0x2000 if index + 1 < len(parts) else 0)
        fields = struct.pack(">HHH", 20 + len(part), number, flags)
        out.append(ethernet(header[:2] + fields + header[8:] + part))
    return out[::-1]


def offloaded(packet):
    """As a host with segmentation offload records: no total length, checksums that are wrong."""
    if packet[0] >> 4 == 6:
        return ethernet(packet)
    return ethernet(packet[:2] + b"\0\0" + packet[4:10] + b"\xde\xad" + packet[12:])


def balanced(found, header):
    """Each connection begins with the header of the PROXY protocol, as a load balancer sends it."""
    begun, out = {}, []
    for time, packet in found:
        at = (packet[0] & 15) * 4 if packet[0] >> 4 == 4 else 40
        addresses = packet[12:20] if at < 40 else packet[8:40]
        half = len(addresses) // 2
        client, server = (addresses[:half], packet[at:at + 2]), (addresses[half:], packet[at + 2:at + 4])
        sequence, acknowledgment = struct.unpack(">II", packet[at + 4:at + 12])
        numbers = lambda sequence, acknowledgment: packet[:at + 4] + struct.pack(">II", sequence % 2 ** 32, acknowledgment % 2 ** 32) + packet[at + 12:]
        opens, answers = packet[at + 13] & 2, packet[at + 13] & 16
        if opens and not answers:
            begun[client, server] = False
            packet = numbers(sequence - len(header), acknowledgment)
        elif opens:
            packet = numbers(sequence, acknowledgment - len(header))
        elif begun.get((client, server)) is False:
            begun[client, server] = True
            first = numbers(sequence - len(header), acknowledgment)[:at + (packet[at + 12] >> 4) * 4]
            length = len(first) + len(header) - (0 if at < 40 else 40)
            where = 2 if at < 40 else 4
            out.append((time, first[:where] + struct.pack(">H", length) + first[where + 2:] + header))
        out.append((time, packet))
    return out


def write(name, octets):
    (FOLDER / name).write_bytes(octets)


def main():
    found = packets(FOLDER / "login.pcap")
    over = lambda form: [(time, form(packet)) for time, packet in found]
    several = lambda form: [(time, frame) for number, (time, packet) in enumerate(found) for frame in form(number, packet)]
    write("swapped.pcap", pcap(over(ethernet), ETHERNET, BIG))
    write("nanoseconds.pcap", pcap(over(ethernet), ETHERNET, LITTLE, True))
    write("swapped-nanoseconds.pcap", pcap(over(ethernet), ETHERNET, BIG, True))
    write("sections.pcapng", sections(found))
    write("simple.pcapng", simple(found))
    write("cooked.pcap", pcap(over(sll), SLL))
    write("cooked-2.pcap", pcap(over(sll2), SLL2))
    write("loopback.pcap", pcap(over(lambda packet: family(LITTLE, packet)), NULL))
    write("loopback-swapped.pcap", pcap(over(lambda packet: family(BIG, packet)), NULL))
    write("loop.pcap", pcap(over(lambda packet: family(BIG, packet)), LOOP))
    write("raw.pcap", pcap(over(bytes), RAW))
    for form in (qinq, mpls, pppoe, gre, vxlan, ip_in_ip, offloaded):
        write(form.__name__.replace("_", "-") + ".pcap", pcap(over(form), ETHERNET))
    write("ipv6.pcap", pcap(several(lambda _, packet: ipv6(packet)), RAW))
    write("fragments.pcap", pcap(several(fragments), ETHERNET))
    write("proxy-protocol-1.pcap", pcap(balanced(found, b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 443\r\n"), RAW))
    second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([192, 0, 2, 7, 192, 0, 2, 1]) + struct.pack(">HH", 56324, 443)
    write("proxy-protocol-2.pcap", pcap(balanced(found, second), RAW))
    write("twice.pcap", pcap(several(lambda _, packet: [sll2(packet)] * 2), SLL2))
    write("short.pcap", pcap(over(ethernet), ETHERNET, snap=400))
    write("cut-off.pcap", (FOLDER / "login.pcap").read_bytes()[:-30])
    write("login.pcap.gz", gzip.compress((FOLDER / "login.pcap").read_bytes(), mtime=0))
    for tool, name in (("zstd", "login.pcap.zst"), ("lz4", "login.pcap.lz4")):
        if shutil.which(tool):
            with open(FOLDER / name, "wb") as out:
                subprocess.run([tool, "-q", "-c", str(FOLDER / "login.pcap")], check=True, stdout=out)


if __name__ == "__main__":
    main()

"""Small office documents that tests make: .docx, .hwpx and .hwp with the same kinds of content."""

import itertools
import struct
import zipfile
import zlib
from pathlib import Path

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
HANGUL = "http://www.hancom.co.kr/hwpml/2011"


def write_docx(path: Path, body: str, styles: str = "", numbering: str = "", separator: str = "/") -> Path:
    """A Word document from the XML of its body, its styles and its lists."""
    members = {"document": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>'}
    members["styles"] = f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>'
    if numbering:
        members["numbering"] = f'<w:numbering xmlns:w="{WORD}">{numbering}</w:numbering>'
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo("placeholder")
            info.filename = f"word{separator}{name}.xml"
            archive.writestr(info, content)
    return path


def word(text: str, properties: str = "", run: str = "") -> str:
    """A paragraph of a Word document."""
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:rPr>{run}</w:rPr><w:t>{text}</w:t></w:r></w:p>"


def word_table(*rows: list[str]) -> str:
    """A table of a Word document, from the XML of its cells' paragraphs."""
    lines = ("".join(f"<w:tc>{cell}</w:tc>" for cell in row) for row in rows)
    return "<w:tbl>" + "".join(f"<w:tr>{line}</w:tr>" for line in lines) + "</w:tbl>"


def write_hwpx(path: Path, section: str, header: str = "") -> Path:
    """A Hangul document from the XML of its section and of what its header adds."""
    base = f'xmlns:hh="{HANGUL}/head" xmlns:hp="{HANGUL}/paragraph" xmlns:hs="{HANGUL}/section"'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("Contents/header.xml", f"<hh:head {base}>{header}</hh:head>")
        archive.writestr("Contents/section0.xml", f"<hs:sec {base}>{section}</hs:sec>")
    return path


def hangul(*runs: str, shape: str = "0", style: str = "0") -> str:
    """A paragraph of a Hangul document, from the XML inside its runs."""
    inside = "".join(f'<hp:run charPrIDRef="0">{run}</hp:run>' for run in runs)
    return f'<hp:p paraPrIDRef="{shape}" styleIDRef="{style}">{inside}</hp:p>'


def hangul_table(*rows: list[str], spans: dict | None = None) -> str:
    """A table of a Hangul document; `spans` gives (rows, columns) of the cells at (row, place)."""
    lines = []
    for number, row in enumerate(rows):
        cells = []
        for place, cell in enumerate(row):
            down, across = (spans or {}).get((number, place), (1, 1))
            cells.append(
                f'<hp:tc><hp:subList>{cell}</hp:subList><hp:cellSpan colSpan="{across}" rowSpan="{down}"/></hp:tc>'
            )
        lines.append(f"<hp:tr>{''.join(cells)}</hp:tr>")
    return f"<hp:tbl>{''.join(lines)}</hp:tbl>"


def t(text: str) -> str:
    return f"<hp:t>{text}</hp:t>"


# .hwp


def record(tag: int, level: int, payload: bytes) -> bytes:
    """A record of the binary format."""
    size = min(len(payload), 0xFFF)
    head = struct.pack("<I", tag | level << 10 | size << 20)
    return head + (struct.pack("<I", len(payload)) if size == 0xFFF else b"") + payload


def text_with_length(text: str) -> bytes:
    return struct.pack("<H", len(text)) + text.encode("utf-16-le")


def control_sign(code: int, name: str = "") -> bytes:
    """The eight places that a control takes in a paragraph's text."""
    return struct.pack("<H", code) + name[::-1].encode().ljust(12, b"\0") + struct.pack("<H", code)


def hwp_paragraph(
    text: str | bytes, level: int = 0, shape: int = 0, style: int = 0, shapes=((0, 0),), controls: bytes = b""
) -> bytes:
    """A paragraph's records; `shapes` are (place, shape of the signs from there on)."""
    signs = text.encode("utf-16-le") if isinstance(text, str) else text
    signs += struct.pack("<H", 13)
    head = struct.pack("<IIHBBHHHI", len(signs) // 2, 0, shape, style, 0, len(shapes), 0, 0, 0)
    return (
        record(66, level, head)
        + record(67, level + 1, signs)
        + record(68, level + 1, b"".join(struct.pack("<II", *one) for one in shapes))
        + controls
    )


def hwp_control(name: str, level: int, payload: bytes = b"") -> bytes:
    return record(71, level, name[::-1].encode() + payload)


def hwp_table(rows: list[list[str]], level: int, spans: dict | None = None, caption: str = "") -> bytes:
    """A table's control with its cells; `spans` gives (rows, columns) of the cells at (row, column)."""
    data = hwp_control("tbl ", level, b"\0" * 42)
    if caption:
        data += record(72, level + 1, struct.pack("<HHI4H", 1, 0, 0, 0, 0, 0, 0)) + hwp_paragraph(caption, level + 1)
    data += record(77, level + 1, struct.pack("<IHH", 0, len(rows), max(map(len, rows))))
    for number, row in enumerate(rows):
        for place, cell in enumerate(row):
            if cell is None:
                continue
            down, across = (spans or {}).get((number, place), (1, 1))
            paragraphs = cell.split("\n")
            data += record(72, level + 1, struct.pack("<HHI4H", len(paragraphs), 0, 0, place, number, across, down))
            data += b"".join(hwp_paragraph(text, level + 1) for text in paragraphs)
    return data


def hwp_settings(struck: bool = True) -> bytes:
    """DocInfo: shape 1 of signs is struck, shape 1 of paragraphs numbered "제1조", style 1 "개요 1"."""
    plain = b"\0" * 46 + struct.pack("<I", 0) + b"\0" * 22
    crossed = b"\0" * 46 + struct.pack("<I", 1 << 18) + b"\0" * 22
    formats = ("제^1조", "^2.", "^3)", "", "", "", "")
    numbers = b"".join(struct.pack("<IHHI", 0, 0, 0, 0) + text_with_length(text) for text in formats)
    shapes = (struct.pack("<I", marks) + b"\0" * 26 + struct.pack("<H", 1) + b"\0" * 22 for marks in (0, 2 << 23))
    styles = (
        text_with_length(name) + text_with_length(english) + b"\0" * 8
        for name, english in (("바탕글", "Normal"), ("개요 1", "Outline 1"))
    )
    return b"".join(
        record(tag, 0, payload)
        for tag, payloads in (
            (21, (plain, crossed)),
            (23, (numbers + struct.pack("<H", 0) + struct.pack("<I", 1) * 7,)),
            (25, shapes),
            (26, styles),
        )
        for payload in payloads
    )


def distributed(section: bytes) -> bytes:
    """A packed section as a distribution file has it: its key in a masked record, the rest encrypted with AES."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    seed, key, mask = 0x5EED1234, b"0123456789abcdef", bytearray()
    value = seed
    while len(mask) < 256:
        value = (value * 214013 + 2531011) % 2**32
        sign = value >> 16 & 0xFF
        value = (value * 214013 + 2531011) % 2**32
        mask += bytes([sign]) * ((value >> 16 & 15) + 1)
    clear = bytearray(256)
    start = 4 + (seed & 15)
    clear[start : start + 16] = key
    hidden = struct.pack("<I", seed) + bytes(a ^ b for a, b in zip(clear[4:], mask[4:256], strict=True))
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    return record(28, 0, hidden) + encryptor.update(section + b"\0" * (-len(section) % 16))


def write_hwp(path: Path, section: bytes, flags: int = 1, settings: bytes | None = None) -> Path:
    """A .hwp document from the records of its section; flag 4 makes it a distribution file."""

    def packed(data: bytes) -> bytes:
        packer = zlib.compressobj(wbits=-15)
        return packer.compress(data) + packer.flush()

    head = b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x05010001, flags) + b"\0" * 216
    streams = {"FileHeader": head, "DocInfo": packed(hwp_settings() if settings is None else settings)}
    body = {"BodyText": {"Section0": packed(section)}}
    if flags & 4:  # the body is a stub there
        body = {
            "BodyText": {"Section0": packed(hwp_paragraph(""))},
            "ViewText": {"Section0": distributed(packed(section))},
        }
    path.write_bytes(ole_file(streams, body))
    return path


def ole_file(streams: dict[str, bytes], storages: dict[str, dict[str, bytes]]) -> bytes:
    """A compound file; every stream is filled up to the size from which it needs no mini stream."""
    entries, data, chains = [("Root Entry", 5, [], b"")], [], []
    for name, content in streams.items():
        entries.append((name, 2, [], content))
    top = list(range(1, len(entries)))
    for name, inside in storages.items():
        top.append(len(entries))
        entries.append((name, 1, list(range(len(entries) + 1, len(entries) + 1 + len(inside))), b""))
        entries += [(inner, 2, [], content) for inner, content in inside.items()]
    entries[0] = ("Root Entry", 5, top, b"")
    starts, sector = {}, 0
    for number, (_, kind, _, content) in enumerate(entries):
        if kind != 2:
            continue
        content = content.ljust(4096, b"\0")
        content += b"\0" * (-len(content) % 512)
        starts[number] = sector, len(content)
        data.append(content)
        count = len(content) // 512
        chains += [*range(sector + 1, sector + count), 0xFFFFFFFE]
        sector += count
    # Siblings as a list that leans to the right: readers follow it, whatever its balance.
    right = {one: two for _, _, inside, _ in entries for one, two in itertools.pairwise(inside)}
    directory = b""
    for number, (name, kind, inside, _) in enumerate(entries):
        start, size = starts.get(number, (0xFFFFFFFE if kind == 5 else 0, 0))
        raw = (name + "\0").encode("utf-16-le")
        directory += raw.ljust(64, b"\0") + struct.pack(
            "<HBBIII", len(raw), kind, 1, 0xFFFFFFFF, right.get(number, 0xFFFFFFFF), inside[0] if inside else 0xFFFFFFFF
        )
        directory += b"\0" * 36 + struct.pack("<IQ", start, size)
    directory += b"\0" * (-len(directory) % 512)
    count = len(directory) // 512
    first = sector
    chains += [*range(sector + 1, sector + count), 0xFFFFFFFE]
    sector += count
    tables = -(-(len(chains) + 4) // 128)
    places = list(range(sector, sector + tables))
    chains += [0xFFFFFFFD] * tables
    chains += [0xFFFFFFFF] * (128 * tables - len(chains))
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<9I", 0, tables, first, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    head += struct.pack("<109I", *(places + [0xFFFFFFFF] * (109 - len(places))))
    return head + b"".join(data) + directory + struct.pack(f"<{len(chains)}I", *chains)

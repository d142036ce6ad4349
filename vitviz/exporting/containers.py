"""Where each kind of file has room for a text, and how it gets in and out.

``put`` takes a whole file that vitviz made; the encoders of PNG (a text chunk called "vitviz"), GIF
and MP4 (the comment) take the text themselves. ``get`` takes a stream on a file from anywhere: it
reads no more than ``LIMIT`` bytes of it, decodes no pixels, and gives None where there is no text.

The text is ASCII (JSON with escapes), so it stands in every format as it is.
"""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape, unescape
from typing import BinaryIO

import numpy as np

LIMIT = 8 << 20
"""Bytes read of a file, and length of the longest text taken from one."""

MOST_PARTS = 100_000
"""Chunks or boxes looked at in a file."""

KEYWORD = b"vitviz"
"""By which the text is known in formats that have more than one."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"

LONGEST_COMMENT = 65_000
"""Characters of one comment of a JPEG, which holds 65,533 bytes."""


def _get_png(file: BinaryIO) -> bytes | None:
    file.seek(len(SIGNATURE))
    for _ in range(MOST_PARTS):
        length, kind = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
        if kind == b"iTXt" and length <= LIMIT:
            keyword, _, rest = file.read(length).partition(b"\0")
            if keyword == KEYWORD and rest[:4] == b"\0\0\0\0":
                return rest[4:]
            file.seek(4, io.SEEK_CUR)
        elif kind in (b"IEND", b"\0\0\0\0"):
            return None
        else:
            file.seek(length + 4, io.SEEK_CUR)
    return None


def _gif_head(content: bytes) -> int:
    """Where the blocks begin: behind the header and the global table of colours."""
    flags = content[10] if len(content) > 10 else 0
    return 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)


def _get_gif(file: BinaryIO) -> bytes | None:
    content = file.read(LIMIT)
    at = _gif_head(content)
    while content[at : at + 1] == b"\x21":
        is_comment, at, data = content[at + 1 : at + 2] == b"\xfe", at + 2, bytearray()
        while at < len(content) and (length := content[at]):
            data += content[at + 1 : at + 1 + length]
            at += 1 + length
        at += 1
        if is_comment and data.startswith(b"{"):
            return bytes(data)
    return None


def _put_jpeg(content: bytes, text: str) -> bytes:
    """A comment segment behind the start of the image; Pillow writes one only, the caption."""
    data = KEYWORD + b" 1/1 " + text.encode("ascii")
    return content[:2] + b"\xff\xfe" + struct.pack(">H", len(data) + 2) + data + content[2:]


def _get_jpeg(file: BinaryIO) -> bytes | None:
    # A long text used to be cut into segments: "vitviz 1/2 ...", "vitviz 2/2 ...".
    content, at, found = file.read(LIMIT), 2, bytearray()
    while content[at : at + 1] == b"\xff" and content[at + 1 : at + 2] != b"\xda":
        (length,) = struct.unpack(">H", content[at + 2 : at + 4].ljust(2, b"\0"))
        if length < 2:
            break
        match = re.match(KEYWORD + rb" \d+/\d+ ", content[at + 4 : at + 2 + length])
        if content[at + 1 : at + 2] == b"\xfe" and match:
            found += content[at + 4 + match.end() : at + 2 + length]
        at += 2 + length
    return bytes(found) or None


DESCRIPTION = 270
"""TIFF's tag ImageDescription."""


def _tiff_order(head: bytes) -> str:
    return "<" if head[:2] == b"II" else ">"


def _put_tiff(content: bytes, text: str) -> bytes:
    """A new directory at the end: the first one with another description.

    Pillow would write the text into every page of a file of many maps.
    """
    order = _tiff_order(content)
    (at,) = struct.unpack_from(order + "I", content, 4)
    (count,) = struct.unpack_from(order + "H", content, at)
    rows = [content[at + 2 + 12 * i : at + 14 + 12 * i] for i in range(count)]
    rows = [row for row in rows if struct.unpack(order + "H", row[:2])[0] != DESCRIPTION]
    following = content[at + 2 + 12 * count : at + 6 + 12 * count]
    data = text.encode("ascii") + b"\0"
    data += b"\0" * (len(data) % 2)
    start = len(content) + len(content) % 2
    rows.append(struct.pack(order + "HHII", DESCRIPTION, 2, len(text) + 1, start))
    rows.sort(key=lambda row: int(struct.unpack(order + "H", row[:2])[0]))
    directory = struct.pack(order + "H", len(rows)) + b"".join(rows) + following
    where = struct.pack(order + "I", start + len(data))
    return content[:4] + where + content[8:].ljust(start - 8, b"\0") + data + directory


def _get_tiff(file: BinaryIO) -> bytes | None:
    head = file.read(8)
    order = _tiff_order(head)
    magic, at = struct.unpack(order + "HI", head[2:8].ljust(6, b"\0"))
    if magic != 42:  # BigTIFF, which vitviz does not write
        return None
    file.seek(at)
    (count,) = struct.unpack(order + "H", file.read(2).ljust(2, b"\0"))
    rows = file.read(12 * count)
    for i in range(len(rows) // 12):
        tag, kind, length, where = struct.unpack_from(order + "HHII", rows, 12 * i)
        if (tag, kind) == (DESCRIPTION, 2) and 4 < length <= LIMIT:
            file.seek(where)
            text = file.read(length).rstrip(b"\0")
            return text if text.startswith(b"{") else None
    return None


ELEMENT = b"vitviz:provenance"


def _put_svg(content: bytes, text: str) -> bytes:
    """A metadata element, the first thing in the drawing.

    What matplotlib writes as metadata is Dublin Core, in which JSON would pass for a description.
    """
    opening = re.search(rb"<svg\b[^>]*>", content)
    if opening is None:
        raise ValueError("no drawing")
    element = (
        b'\n <metadata><vitviz:provenance xmlns:vitviz="urn:vitviz:provenance">'
        + escape(text, quote=False).encode("ascii")
        + b"</vitviz:provenance></metadata>"
    )
    return content[: opening.end()] + element + content[opening.end() :]


def _get_svg(file: BinaryIO) -> bytes | None:
    # Searched for rather than parsed: XML from anywhere can be a bomb.
    content = file.read(LIMIT)
    begin, end = content.find(b"<" + ELEMENT), content.find(b"</" + ELEMENT)
    if not 0 <= begin < end:
        return None
    text = content[content.index(b">", begin) + 1 : end]
    return unescape(text.decode("utf-8", "replace")).encode()


def _put_pdf(content: bytes, text: str) -> bytes:
    """A later version of the information dictionary, appended as PDF has it (7.5.6).

    matplotlib takes only the names that the standard has, which readers show to people.
    """
    trailer = content[content.rindex(b"trailer") :]
    found = {name: re.search(rb"/%s (\d+)" % name, trailer) for name in (b"Size", b"Root", b"Info")}
    size, root, info = (int(match[1]) for match in found.values() if match)
    previous = content[content.rindex(b"startxref") + 9 :].split()[0]
    old = re.search(rb"(?:^|\n)%d 0 obj\s*<<(.*?)>>\s*endobj" % info, content, re.DOTALL)
    entries = old[1].strip() if old else b""
    literal = re.sub(rb"([\\()])", rb"\\\1", text.encode("ascii"))
    start = len(content)
    new = b"%d 0 obj\n<< %s\n/%s (%s) >>\nendobj\n" % (info, entries, KEYWORD, literal)
    table = b"xref\n%d 1\n%010d 00000 n \n" % (info, start)
    tail = b"trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /Prev %s >>\n" % (
        size, root, info, previous
    )  # fmt: skip
    return content + new + table + tail + b"startxref\n%d\n%%%%EOF\n" % (start + len(new))


def _get_pdf(file: BinaryIO) -> bytes | None:
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - LIMIT))
    content = file.read(LIMIT)
    begin = content.rfind(b"/" + KEYWORD + b" (")
    if begin < 0:
        return None
    literal = re.compile(rb"((?:[^\\()]|\\.)*)\)", re.DOTALL)
    match = literal.match(content, begin + len(KEYWORD) + 3)
    return re.sub(rb"\\(.)", rb"\1", match[1], flags=re.DOTALL) if match else None


MEMBER = "provenance.npy"

LONGEST_DIRECTORY = 1 << 20
"""Bytes of an archive's list of members: some 10,000. vitviz writes a few for each map."""

UNREADABLE = (
    KeyError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError,
    RuntimeError,
)  # fmt: skip
"""What an archive without the member, or a damaged or encrypted one, raises."""


def _put_npz(content: bytes, text: str) -> bytes:
    """One more array, of one text."""
    stream, array = io.BytesIO(content), io.BytesIO()
    np.save(array, np.array(text), allow_pickle=False)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.writestr(zipfile.ZipInfo(MEMBER), array.getvalue(), zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _get_npz(file: BinaryIO) -> bytes | None:
    if _directory_bytes(file) > LONGEST_DIRECTORY:
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo(MEMBER).file_size > 4 * LIMIT:
                return None
            with archive.open(MEMBER) as member:
                return _text_in(member.read(4 * LIMIT))
    except UNREADABLE:
        return None


def _directory_bytes(file: BinaryIO) -> int:
    """How long the list of members of an archive is, which ``zipfile`` reads whole.

    Its length is what counts: the number of members beside it is not believed by ``zipfile``.
    Source: APPNOTE.TXT, 4.3.14 to 4.3.16; the comment at the end has 65,535 bytes at most.
    """
    length = file.seek(0, io.SEEK_END)
    file.seek(max(0, length - 0xFFFF - 22 - 20 - 56))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(b"PK\5\6")
    if at < 0:
        return 0
    large = (
        tail[max(0, at - 76) : at - 20] if tail[max(0, at - 20) :].startswith(b"PK\6\7") else b""
    )
    short = int.from_bytes(tail[at + 12 : at + 16], "little")
    return max(short, int.from_bytes(large[40:48], "little")) if large else short


def _text_in(array: bytes) -> bytes | None:
    """The text that a .npy file of one text holds; NumPy would trust its header."""
    header = re.match(rb"\x93NUMPY\x01\0..(\{[^\n]*)\n", array, re.DOTALL)
    if header is None or not re.search(rb"'descr': '<U\d+'.*'shape': \(\)", header[1]):
        return None
    return array[header.end() :].decode("utf-32-le", "replace").rstrip("\0").encode()


MARK = "# vitviz "


def _put_csv(content: bytes, text: str) -> bytes:
    """A comment before the first line."""
    return f"{MARK}{text}\n".encode("ascii") + content


def _get_csv(file: BinaryIO) -> bytes | None:
    line = file.readline(LIMIT)
    return line.removeprefix(MARK.encode()).strip()


BOXES = {b"moov": 0, b"udta": 0, b"meta": 4, b"ilst": 0, b"\xa9cmt": 0}
"""Way to the comment of an MP4, and the bytes before the first box in each."""


def _boxes(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, beginning and end of what is in each box from here."""
    for _ in range(MOST_PARTS):
        if (at := file.tell()) + 8 > end:
            return
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            head, size = 16, int.from_bytes(file.read(8), "big")
        size = size or end - at
        if size < head or at + size > end:
            return
        yield kind, at + head, at + size
        file.seek(at + size)


def _get_mp4(file: BinaryIO) -> bytes | None:
    begin, end = 0, file.seek(0, io.SEEK_END)
    for wanted, skipped in BOXES.items():
        file.seek(begin)
        inside = next(((b, e) for kind, b, e in _boxes(file, end) if kind == wanted), None)
        if inside is None:
            return None
        begin, end = inside[0] + skipped, inside[1]
    file.seek(begin)
    for kind, first, last in _boxes(file, end):
        if kind == b"data" and last - first - 8 <= LIMIT:
            file.seek(first + 8)
            return file.read(last - first - 8)
    return None


@dataclass(frozen=True)
class Container:
    """A kind of file with room for a text.

    Args:
        magic: Its first bytes, or what they match.
        get: The text of a file.
        put: The file with the text in it; None where the encoder writes it.
        longest: Characters of the text that it can hold.
    """

    magic: bytes
    get: Callable[[BinaryIO], bytes | None]
    put: Callable[[bytes, str], bytes] | None = None
    longest: int = LIMIT


PNG = Container(re.escape(SIGNATURE), _get_png)
GIF = Container(rb"GIF8[79]a", _get_gif)
JPEG = Container(rb"\xff\xd8\xff", _get_jpeg, _put_jpeg, LONGEST_COMMENT)
TIFF = Container(rb"II\*\0|MM\0\*", _get_tiff, _put_tiff)
SVG = Container(rb"(\xef\xbb\xbf)?\s*<(\?xml|!--|!DOCTYPE|svg)", _get_svg, _put_svg)
PDF = Container(rb"%PDF-", _get_pdf, _put_pdf)
NPZ = Container(rb"PK\x03\x04", _get_npz, _put_npz)
CSV = Container(MARK.encode(), _get_csv, _put_csv)
MP4 = Container(rb"(?s).{4}ftyp", _get_mp4)

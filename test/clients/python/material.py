"""Questions, tools, schemas and pictures that the tests of all clients share."""

import base64
import struct
import zlib

# Models of three providers, each behind the wire it speaks itself.
GPT = "openai/gpt-4o-mini"
CLAUDE = "anthropic/claude-sonnet-4-5"
GEMINI = "google/gemini-2.5-flash"
# Models of the tiers are Workers AI's.
TIERS = ["light", "medium", "heavy"]

QUESTION = "Name a canal in Milan."
DEPTH_QUESTION = "What is the depth of the canal Naviglio?"
DEPTH = "The canal Naviglio is 1.5 metres deep."

CANAL_SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "length_km": {"type": "number"}},
    "required": ["name", "length_km"],
    "additionalProperties": False,
}

DEPTH_PARAMETERS = {
    "type": "object",
    "properties": {"canal": {"type": "string"}},
    "required": ["canal"],
}
DEPTH_TOOL = {
    "type": "function",
    "function": {
        "name": "canal_depth",
        "description": "The depth of a canal in metres",
        "parameters": DEPTH_PARAMETERS,
    },
}


def failing(fault: str) -> str:
    """A question at which the emulated provider fails: `status=429`, `cut=2` and so on."""
    return f"{QUESTION} [[emulator {fault}]]"


def saying(feature: str) -> str:
    """A question that the emulated provider answers with a feature: `reasoning` and so on."""
    return f"{DEPTH_QUESTION} [[emulator say={feature}]]"


def picture(text: str = "Lock 7") -> bytes:
    """A PNG of 8 by 8 black pixels that holds a text, which the emulated models read."""
    header = struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\0" * 9 * 8)
    chunks = [
        (b"IHDR", header),
        (b"tEXt", b"Comment\0" + text.encode()),
        (b"IDAT", pixels),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    checked = name + data
    return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))


def picture_base64() -> str:
    return base64.b64encode(picture()).decode()


def picture_url() -> str:
    return f"data:image/png;base64,{picture_base64()}"


def sound() -> bytes:
    """A second of silence as WAV: 16 bits, 16,000 samples a second, one channel."""
    samples = b"\0\0" * 16_000
    form = struct.pack("<HHIIHH", 1, 1, 16_000, 32_000, 2, 16)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form + b"data"
    body += struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", len(body)) + body


def document() -> bytes:
    """A PDF of one page that says where the lock is."""
    text = b"BT /F1 12 Tf 20 100 Td (Lock 7 lies in Milan.) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    body = b"%PDF-1.4\n"
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    size = len(objects) + 1
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (size, len(body))
    return body + b"xref\n0 %d\n0000000000 65535 f \n%s%s" % (size, table, trailer)

"""A writer of .bcf files, made from the description of the format and not from the reader."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from lithoscope.io.bruker.packed import PackedPixels
from lithoscope.io.bruker.row_decoder import decode_rows

XRF_HEADER = """
<ClassInstance Type="TRTXrfHeader"><ChassisType>XS-52</ChassisType><Voltage>50</Voltage>
<Current>600</Current><Anode>45</Anode><TubeIncidentAngle>7,8E1</TubeIncidentAngle>
<TubeTakeOffAngle>1.2E1</TubeTakeOffAngle><Optic>Lens</Optic>
<ExcitationAngle>50</ExcitationAngle><DetectionAngle>50</DetectionAngle>
<ExcitationPathLength>10</ExcitationPathLength><DetectionPathLength>20</DetectionPathLength>
<SolidAngleDetection>6.5E-3</SolidAngleDetection><ChamberPressure>2</ChamberPressure>
<Atmosphere>Air</Atmosphere></ClassInstance>"""


def header_xml(
    n_channels: int,
    *,
    offset: str = "-0.955",
    gain: str = "0.01",
    detectors: int = 1,
    xrf: str = XRF_HEADER,
    step: str = "<DX>20</DX><DY>30,5</DY>",
) -> str:
    spectrum = (
        '<ClassInstance Type="TRTSpectrum"><TRTHeaderedClass>'
        '<ClassInstance Type="TRTSpectrumHardwareHeader"><RealTime>1000</RealTime>'
        f"<LifeTime>900</LifeTime></ClassInstance>{xrf}</TRTHeaderedClass>"
        '<ClassInstance Type="TRTSpectrumHeader"><ChannelCount>'
        f"{n_channels}</ChannelCount><CalibAbs>{offset}</CalibAbs><CalibLin>{gain}</CalibLin></ClassInstance>"
        f"<Channels>{','.join('0' * n_channels)}</Channels></ClassInstance>"
    )
    streams = "".join(f"<SpectrumData{i}>{spectrum}</SpectrumData{i}>" for i in range(detectors))
    return (
        '<?xml version="1.0" encoding="WINDOWS-1252" standalone="yes"?><TRTSpectrumDatabase>'
        '<ClassInstance Type="TRTSpectrumDatabase" Name="Gr\xfcnschiefer">'
        f'<ClassInstance Type="TRTSEMData">{step}</ClassInstance>{streams}'
        "</ClassInstance></TRTSpectrumDatabase>"
    )


def pixel_of_pulses16(x: int, spectrum: np.ndarray) -> bytes:
    pulses = np.repeat(np.arange(spectrum.size), spectrum).astype("<u2").tobytes()
    n_pulses = len(pulses) // 2
    return struct.pack("<IHHIHHHI", x, spectrum.size, 0, 0, 0, 0, n_pulses, len(pulses)) + pulses


def pixel_of_pulses12(x: int, spectrum: np.ndarray) -> bytes:
    pulses = np.repeat(np.arange(spectrum.size), spectrum).tolist()
    body = bytearray()
    for start in range(0, len(pulses), 4):
        p = [*pulses[start : start + 4], 0, 0, 0][:4]
        group = [
            (p[0] & 15) << 4 | p[1] >> 8,
            p[0] >> 4,
            p[2] >> 4,
            p[1] & 255,
            p[3] & 255,
            (p[2] & 15) << 4 | p[3] >> 8,
        ]
        body += bytes(group[: 2 * min(3, len(pulses) - start)])
    return struct.pack("<IHHIHHHI", x, spectrum.size, 0, 0, 1, 0, len(pulses), len(body)) + body


def pixel_of_runs(x: int, spectrum: np.ndarray, *, extra: Sequence[int] = ()) -> bytes:
    """Pack each run of 7 channels into the smallest size that holds it."""
    body = bytearray()
    for start in range(0, spectrum.size, 7):
        run = spectrum[start : start + 7].astype(np.uint64)
        gain = int(run.min())
        values = (run - np.uint64(gain)).tolist()
        size = next(s for s in (1, 2, 4, 8) if max(values) < 16 ** max(1, s) and gain < 256**s)
        if not any(values) and gain == 0:
            body += bytes([0, len(values)])
            continue
        body += bytes([size, len(values)]) + gain.to_bytes(size, "little")
        if size == 1:
            nibbles = [*values, 0]
            pairs = range((len(values) + 1) // 2)
            body += bytes(nibbles[2 * i] | nibbles[2 * i + 1] << 4 for i in pairs)
        else:
            body += b"".join(value.to_bytes(size // 2, "little") for value in values)
    pulses = np.array(extra, dtype="<u2").tobytes()
    size = spectrum.size
    head = struct.pack("<IHHIHHHI", x, size, size, 0, 2, 0, len(extra), len(body) + 4)
    return head + body + struct.pack("<I", len(pulses)) + pulses


def stream_of_rows(shape: tuple[int, int], rows: Sequence[Sequence[bytes]]) -> bytes:
    start = struct.pack("<ii", *shape).ljust(0x1A0, b"\0")
    return start + b"".join(struct.pack("<I", len(row)) + b"".join(row) for row in rows)


def _compressed(data: bytes, block: int = 4000) -> bytes:
    blocks = [data[i : i + block] for i in range(0, len(data), block)]
    out = bytearray((b"AACS" + struct.pack("<III", block, 0, len(blocks))).ljust(0x80, b"\0"))
    for part in blocks:
        packed = zlib.compress(part)
        out += struct.pack("<IIII", len(packed), len(part), 0, len(packed) + 16) + packed
    return bytes(out)


def container_bytes(files: dict[str, bytes], *, chunk: int = 4096, compress: bool = False) -> bytes:
    usable = chunk - 32
    # The file's own header lies where chunk 0 would be.
    chunks: list[tuple[int, bytes]] = [(0, b"")]

    def add_chain(data: bytes, room: int) -> int:
        first = len(chunks)
        parts = [data[i : i + room] for i in range(0, len(data), room)]
        chunks.extend((first + i + 1, part) for i, part in enumerate(parts))
        return first

    items = [(-1, 0, -1, True, b"EDSDatabase")]
    for name, content in files.items():
        data = _compressed(content) if compress else content
        first = add_chain(data, usable)
        numbers = range(first, first + -(-len(data) // usable))
        table = add_chain(np.array(numbers, "<u4").tobytes(), usable // 4 * 4)
        items.append((table, len(data), 0, False, name.encode()))
    tree = add_chain(
        b"".join(
            struct.pack(
                "<iQQQQIi176s?3s256s32s", at, size, 0, 0, 0, 0, up, b"", folder, b"", name, b""
            )
            for at, size, up, folder, name in items
        ),
        usable // 512 * 512,
    )
    out = bytearray(0x138 + chunk * len(chunks))
    out[:8] = b"AAMVHFSS"
    out[0x124:0x12C] = struct.pack("<fI", 2.6, chunk)
    for number, (following, payload) in enumerate(chunks):
        at = number * chunk
        out[at + 0x118 : at + 0x11C] = struct.pack("<I", following)
        out[at + 0x138 : at + 0x138 + len(payload)] = payload
    out[0x140:0x14C] = struct.pack("<III", tree, len(items), len(chunks))
    return bytes(out)


PACKINGS: dict[str, Callable[[int, np.ndarray], bytes]] = {
    "pulses16": pixel_of_pulses16,
    "pulses12": pixel_of_pulses12,
    "runs": pixel_of_runs,
}


class BcfWriter:
    """Writes .bcf files of given counts, shape (y, x, channel), one array a detector."""

    packings = PACKINGS
    header_xml = staticmethod(header_xml)
    container_bytes = staticmethod(container_bytes)
    stream_of_rows = staticmethod(stream_of_rows)
    pixel_of_runs = staticmethod(pixel_of_runs)

    def __call__(
        self,
        path: Path,
        *detectors: np.ndarray,
        packing: str = "pulses16",
        chunk: int = 4096,
        compress: bool = False,
        xml: str | None = None,
    ) -> Path:
        xml = xml or header_xml(detectors[0].shape[2], detectors=len(detectors))
        files = {"HeaderData": xml.encode("cp1252")}
        for index, counts in enumerate(detectors):
            rows = [[PACKINGS[packing](x, s) for x, s in enumerate(row)] for row in counts]
            files[f"SpectrumData{index}"] = stream_of_rows(counts.shape[:2], rows)
        path.write_bytes(container_bytes(files, chunk=chunk, compress=compress))
        return path


def unpack_pixels(
    bodies: Sequence[bytes],
    n_channels: int,
    *,
    flags: Sequence[int] | int = 2,
    pulses: Sequence[int] | int = 0,
    between: bytes = b"",
) -> np.ndarray:
    """Unpack the data of pixels, after each of which stands something, shape (pixel, channel)."""
    lengths = np.array([len(body) for body in bodies], dtype=np.int64)
    ends = np.cumsum(lengths + len(between)) - len(between)
    shape = len(bodies)
    facts = (np.arange(shape), flags, pulses, ends - lengths, ends)
    table = np.array([np.broadcast_to(fact, shape) for fact in facts], dtype=np.int64)
    window = np.frombuffer(between.join([*bodies, b""]), dtype=np.uint8)
    counts = np.full((1, shape, n_channels), 999, dtype=np.uint16)
    return decode_rows([[PackedPixels(window, table)]], counts)[0]


@pytest.fixture(scope="session")
def unpack() -> Callable[..., np.ndarray]:
    return unpack_pixels


@pytest.fixture(scope="session")
def write_bcf() -> BcfWriter:
    return BcfWriter()


@pytest.fixture(scope="session")
def data_folder() -> Path:
    return Path(__file__).parent.parent / "data"

"""Encoded images become RGB pictures, or one message, whatever their bytes are."""

import io
import struct
import subprocess
import sys
import tracemalloc
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
from boundary.errors import BoundaryError
from boundary.images import decoding
from boundary.images.decoding import decode_image, image_size
from config_files import ROOT
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageFile

LOSSLESS = {"PNG": {}, "BMP": {}, "TIFF": {}, "WEBP": {"lossless": True}}
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)


def encoded(image, kind="PNG", **settings):
    buffer = io.BytesIO()
    image.save(buffer, kind, **settings)
    return buffer.getvalue()


def striped(mode="RGB", size=(3, 2)):
    """Its left column is red, the rest blue, with one green pixel at the top right."""
    image = Image.new("RGB", size, BLUE)
    image.paste(RED, (0, 0, 1, size[1]))
    image.putpixel((size[0] - 1, 0), GREEN)
    return image.convert(mode)


def pixels(image):
    return [image.getpixel((x, y)) for y in range(image.height) for x in range(image.width)]


@pytest.mark.parametrize("kind", LOSSLESS)
def test_what_keeps_its_pixels_keeps_them(kind):
    picture = decode_image(encoded(striped(), kind, **LOSSLESS[kind]))
    assert type(picture) is Image.Image and picture.mode == "RGB" and picture.info == {}
    assert pixels(picture) == pixels(striped())


@pytest.mark.parametrize(
    "mode, kind",
    [("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("P", "GIF"), ("RGBA", "PNG"),
     ("CMYK", "TIFF"), ("CMYK", "JPEG"), ("YCbCr", "JPEG"), ("L", "JPEG"), ("1", "BMP")],
)  # fmt: skip
def test_all_modes_that_are_colours_become_rgb(mode, kind):
    grey = Image.new("RGB", (8, 8), (102, 102, 102)) if mode != "1" else Image.new("1", (8, 8), 1)
    (picture,) = {pixels(decode_image(encoded(grey.convert(mode), kind)))[9]}
    expected = WHITE if mode == "1" else (102, 102, 102)
    assert all(abs(one - other) <= 2 for one, other in zip(picture, expected, strict=True))


def half_clear(mode):
    """One opaque black pixel, one of half an alpha, and one that is clear."""
    image = Image.new("RGBA", (3, 1), (0, 0, 0, 255))
    image.putpixel((1, 0), (0, 0, 0, 128))
    image.putpixel((2, 0), (0, 0, 0, 0))
    return image.convert(mode)


@pytest.mark.parametrize("mode, kind", [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP")])
def test_transparency_is_laid_on_white(mode, kind):
    settings = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    black, grey, white = pixels(decode_image(encoded(half_clear(mode), kind, **settings)))
    assert black == (0, 0, 0) and grey == (127, 127, 127) and white == WHITE


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_so_is_a_colour_that_stands_for_it(mode):
    image = Image.new("RGB", (2, 1), RED)
    image.putpixel((1, 0), (0, 0, 0))
    image = image.quantize(2) if mode == "P" else image.convert(mode)
    clear = image.getpixel((1, 0))
    first, second = pixels(decode_image(encoded(image, transparency=clear)))
    assert first != WHITE and second == WHITE


def test_a_palette_with_alphas_is_too():
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 0, 0, 0])
    image.putpixel((1, 0), 1)
    picture = decode_image(encoded(image, transparency=bytes([255, 128])))
    assert pixels(picture) == [(0, 0, 0), (127, 127, 127)]


TURNS = {
    1: lambda x, y: (x, y), 2: lambda x, y: (2 - x, y), 3: lambda x, y: (2 - x, 1 - y),
    4: lambda x, y: (x, 1 - y), 5: lambda x, y: (y, x), 6: lambda x, y: (y, 1 - x),
    7: lambda x, y: (2 - y, 1 - x), 8: lambda x, y: (2 - y, x),
}  # fmt: skip


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_is_turned_as_its_exif_says_and_once(kind, mode, orientation):
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    image = striped()
    picture = decode_image(encoded(image.convert(mode), kind, exif=exif, **LOSSLESS[kind]))
    assert picture.size == (image.size if orientation < 5 else image.size[::-1])
    for x in range(picture.width):
        for y in range(picture.height):
            assert picture.getpixel((x, y)) == image.getpixel(TURNS[orientation](x, y))


def png(width, height, data=b"", *chunks, bits=8, colour=2):
    """A PNG by hand, whose header may say what its data do not hold."""

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content))
            + kind
            + content
            + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def frames(kind, **settings):
    others = [Image.new("RGB", (3, 2), colour) for colour in (RED, BLUE)]
    return encoded(striped(), kind, save_all=True, append_images=others, **settings)


WHOLE = encoded(Image.radial_gradient("L").resize((90, 60)), "JPEG")
BAD = [
    (b"", "0 bytes, beginning b'', that are no image of PNG, JPEG, WEBP"),
    (b"images/7.jpg", "12 bytes, beginning b'images/7', that are no image of"),
    (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "that are no image of"),
    (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "that are no image of"),
    (b"P6 1 1 255 abc", "that are no image of"),
    (WHOLE[:-40], "a damaged image: image file is truncated"),
    (encoded(striped(size=(40, 30)))[:60], "a damaged image: image file is truncated"),
    (encoded(striped(size=(40, 30)), "WEBP")[:-9], ""),
    (encoded(striped(size=(40, 30)), "GIF")[:-9], ""),
    (encoded(striped(size=(40, 30)), "BMP")[:-9], "a damaged image: image file is truncated"),
    (encoded(striped(size=(40, 30)), "TIFF")[:-9], ""),
    (png(3, 2, b"short"), "a damaged image: image file is truncated"),
    (png(3, 2, b"", (b"zTXt", b"k\0\0" + zlib.compress(bytes(2**22)))), "a damaged image: Decomp"),
    (png(0, 2), "that are no image of|an image of 0 x 2 pixels shows nothing"),
    (png(50_000, 1001), "an image of 50000 x 1001 pixels; at most 50,000,000 are decoded"),
    (png(2**31 - 1, 2**31 - 1), "an image of 2147483647 x 2147483647 pixels; at most"),
    (frames("GIF"), "an image of several frames, of which nobody knows"),
    (frames("PNG"), "an image of several frames"),
    (frames("WEBP"), "an image of several frames"),
    (frames("TIFF"), "an image of several frames"),
    (encoded(Image.new("I;16", (3, 2)), "PNG"), "an image of the mode I;16, whose values are no"),
    (encoded(Image.new("I", (3, 2)), "TIFF"), "an image of the mode I, whose values are no"),
    (encoded(Image.new("F", (3, 2)), "TIFF"), "an image of the mode F, whose values are no"),
    (encoded(Image.new("LAB", (3, 2)), "TIFF"), "an image of the mode LAB, whose values are no"),
    (encoded(striped(), "TIFF", compression="tiff_lzw"), "a compressed TIFF, which is not read"),
]  # fmt: skip


@pytest.mark.parametrize("bad, said", BAD, ids=[f"{n}" for n in range(len(BAD))])
def test_every_bad_image_is_one_message(bad, said, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(BoundaryError, match=f"^.*(?:{said})") as raised:
            decode_image(bad)
    message = str(raised.value)
    assert message and "\n" not in message and len(message) < 300 and "0x" not in message
    assert capfd.readouterr() == ("", "")


def test_two_pictures_of_a_jpeg_are_the_first():
    preview = Image.new("RGB", (3, 2), WHITE)
    both = encoded(Image.new("RGB", (3, 2), BLUE), "MPO", save_all=True, append_images=[preview])
    assert Image.open(io.BytesIO(both)).n_frames == 2
    assert all(blue > 200 and red < 50 for red, _, blue in pixels(decode_image(both)))


def test_a_gif_that_does_not_move_is_a_picture():
    assert pixels(decode_image(encoded(striped(), "GIF"))) == pixels(striped())


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP", "BMP"])
def test_a_bomb_costs_nothing(kind):
    """By its header alone: of a file that is small, and says that it is huge."""
    small = bytearray(encoded(Image.new("RGB", (16, 16)), kind, **LOSSLESS.get(kind, {})))
    if kind == "PNG":
        small = png(30_000, 30_000)
    elif kind == "GIF":
        small[6:10] = struct.pack("<HH", 30_000, 30_000)
    elif kind == "BMP":
        small[18:26] = struct.pack("<ii", 30_000, 30_000)
    else:  # 14 bits each of width and height less 1, behind the signature of VP8L
        at = small.index(b"VP8L") + 9
        sizes = struct.unpack("<I", small[at : at + 4])[0] >> 28 << 28 | 16_000 << 14 | 16_000
        small[at : at + 4] = struct.pack("<I", sizes)
    tracemalloc.start()
    with pytest.raises(BoundaryError, match=r"pixels; at most 50,000,000 are decoded"):
        decode_image(bytes(small))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_the_largest_picture_is_decoded_within_bounds():
    """In a process of its own, whose memory the kernel counts."""
    program = (
        "import io, re; from PIL import Image; from boundary.images import decoding\n"
        "side = int(decoding.LARGEST ** 0.5); buffer = io.BytesIO()\n"
        "image = Image.new('LA', (side, side)); image.save(buffer, 'PNG', compress_level=1)\n"
        "del image; picture = decoding.decode_image(buffer.getvalue())\n"
        "assert picture.size == (side, side) and picture.getpixel((0, 0)) == (255, 255, 255)\n"
        # Not getrusage, whose peak a process has from the one that it was forked of.
        "print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    library = {"PYTHONPATH": str(ROOT / "workflow/lib")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=library
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 1_000_000  # kilobytes


def test_what_others_have_set_does_not_count_and_stays(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3)
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert decode_image(encoded(striped())).size == (3, 2)
        with pytest.raises(BoundaryError, match="truncated"):
            decode_image(WHOLE[:-40])
        with ThreadPoolExecutor(8) as threads:
            assert {one.size for one in threads.map(decode_image, [WHOLE] * 64)} == {(90, 60)}
    assert Image.MAX_IMAGE_PIXELS == 3 and ImageFile.LOAD_TRUNCATED_IMAGES is True


def test_memory_that_is_short_is_not_the_images_fault(monkeypatch):
    def out_of_memory(encoded):
        raise MemoryError

    monkeypatch.setattr(decoding, "_open", out_of_memory)
    with pytest.raises(MemoryError):
        decode_image(WHOLE)


SEEDS = [
    encoded(striped(size=(9, 7))), encoded(striped("P", (9, 7))), WHOLE,
    encoded(striped("CMYK", (9, 7)), "JPEG", progressive=True), encoded(striped(), "GIF"),
    encoded(striped(size=(9, 7)), "WEBP"), encoded(half_clear("RGBA"), "WEBP", lossless=True),
    encoded(striped(), "BMP"), encoded(striped("1"), "BMP"), encoded(striped(), "TIFF"),
    frames("GIF"), frames("PNG"), encoded(striped(), "TIFF", compression="tiff_lzw"),
]  # fmt: skip


@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.integers(0, 4000), st.integers(1, 255)), max_size=6),
    st.floats(0, 1) | st.just(1.0),
)
def test_whatever_is_cut_off_or_flipped_it_is_a_picture_or_a_message(whole, flips, kept):
    damaged = bytearray(whole[: round(kept * len(whole))])
    for at, by in flips:
        if damaged:
            damaged[at % len(damaged)] ^= by
    try:
        picture = decode_image(bytes(damaged))
    except BoundaryError as error:
        assert str(error) and "\n" not in str(error)
    else:
        assert picture.mode == "RGB" and picture.width * picture.height <= decoding.LARGEST


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_a_message(junk):
    with pytest.raises(BoundaryError):
        decode_image(junk)


@pytest.mark.parametrize("turn", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF"])
def test_the_header_tells_the_size_that_the_picture_has(kind, turn):
    image = striped(size=(9, 4))
    exif = image.getexif()
    exif[ExifTags.Base.Orientation] = turn
    written = encoded(image, kind, exif=exif)
    assert image_size(written) == decode_image(written).size
    assert (image_size(written) == (4, 9)) == (turn >= 5)


def test_a_size_is_told_of_a_header_alone():
    written = encoded(Image.effect_noise((600, 400), 80))
    assert image_size(written[:2000]) == (600, 400)
    with pytest.raises(BoundaryError):
        decode_image(written[:2000])

"""gwbot-emoji beside ImageMagick: trim, Lanczos, centre, on images of every kind.

Tolerance, on channels from 0 to 255 multiplied by alpha: no pixel differs by more than 3,
all of them by 0.5 on average.  Both round between two passes, each in its own way.
"""

import os
import resource
import shlex
import struct
import subprocess
import tempfile
import unittest
import zlib

BIN = os.environ["GWBOT_BIN"]
WORKER = os.path.join(BIN, "gwbot-emoji")

LARGEST, MEAN = 3.0, 0.5

SIZES = ((256, 850), (64, 200), (101, 333), (512, 950))

EMPTY = "-size 100x60 xc:none "
IMAGES = {
    "circle.png": EMPTY + "-fill red -draw 'circle 40,30 50,40'",
    "square.png": EMPTY + "-fill black -draw 'rectangle 20,10 59,49'",
    "tall.png": "-size 60x300 xc:none -fill purple -draw 'ellipse 30,150 10,140 0,360'",
    "wide.png": "-size 500x40 xc:none -fill teal -draw 'roundrectangle 5,5 490,30 9,9'",
    "radial.png": "-size 128x128 radial-gradient:#ff0000ff-#00ff0000 -bordercolor none -border 9",
    "lines.png": "-size 128x128 xc:none -stroke blue -draw 'line 5,5 120,100'"
    " -draw 'line 100,5 20,110'",
    "grid.png": "-size 90x90 pattern:checkerboard -bordercolor none -border 4",
    "half.png": "-size 64x96 xc:none -fill '#00ff0080' -draw 'rectangle 10,10 50,80'"
    " -fill '#ff00ff40' -draw 'circle 30,40 45,50'",
    "faint.png": EMPTY + "-fill '#ffffff03' -draw 'circle 40,30 50,40'",
    "point.png": "-size 30x30 xc:none -fill white -draw 'point 10,10'",
    "one_by_one.png": "-size 1x1 xc:orange",
    "thin.png": "-size 200x9 xc:none -fill red -draw 'rectangle 3,4 190,4'",
    "clouds.png": "-seed 1 -size 200x140 plasma:red-blue -bordercolor none -border 7",
    "large.png": "-size 1500x1100 gradient:green-yellow -bordercolor none -border 3",
    "palette.png": EMPTY + "+antialias -fill gold -draw 'circle 40,30 50,40' -colors 8",
    "16bit.png": "-size 100x80 gradient:red-blue -bordercolor none -border 5 -depth 16"
    " -define png:bit-depth=16",
    "grey_alpha.png": "-size 70x70 gradient:white-black -bordercolor none -border 4"
    " -colorspace gray -define png:color-type=4",
    "interlaced.png": "-size 111x77 xc:none -fill lime -draw 'ellipse 50,40 40,20 0,360'"
    " -interlace PNG",
    "still.gif": "-size 90x90 xc:none +antialias -fill orange -draw 'circle 45,45 60,70'",
    "interlaced.gif": "-size 90x91 xc:none +antialias -fill navy -draw 'circle 45,45 60,70'"
    " -interlace GIF",
    "moving.gif": "-size 48x48 -delay 10 ( xc:none -fill red -draw 'circle 20,20 30,30' )"
    " ( xc:none -fill blue -draw 'rectangle 1,1 40,9' ) -loop 0",
    "lossless.webp": "-size 96x96 xc:none -fill navy -draw 'roundrectangle 8,8 80,60 9,9'"
    " -define webp:lossless=true",
    "lossy.webp": "-seed 2 -size 96x64 plasma:red-blue -quality 80",
    "lossy_alpha.webp": "-size 96x96 radial-gradient:#ff0000ff-#00ff0000 -quality 70",
}

# Without a transparent border ImageMagick would trim what is alike.
UNTRIMMED = {"one_by_one.png", "lossy.webp"}


def convert(arguments, **kwargs):
    return subprocess.run(
        ["convert", *arguments], stdout=subprocess.PIPE, check=True, **kwargs).stdout


def pixels_by_imagemagick(path, side, box):
    longer = (side * box + 500) // 1000
    trim = [] if os.path.basename(path) in UNTRIMMED else ["-trim", "+repage"]
    return convert([
        path + "[0]", *trim, "-background", "none", "-filter", "Lanczos", "-resize",
        f"{longer}x{longer}", "-gravity", "center", "-extent", f"{side}x{side}",
        "-depth", "8", "rgba:-"])


def pad(data, side, box):
    return subprocess.run([WORKER, str(side), str(box)], input=data, env={},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def difference(ours, theirs):
    """The largest and the mean difference of two images' premultiplied channels."""
    largest, total = 0.0, 0.0
    for i in range(0, len(ours), 4):
        if ours[i:i + 4] == theirs[i:i + 4]:
            continue
        a, b = ours[i + 3], theirs[i + 3]
        apart = [abs(ours[i + c] * a - theirs[i + c] * b) / 255 for c in range(3)]
        apart.append(abs(a - b))
        largest = max(largest, *apart)
        total += sum(apart)
    return largest, total / len(ours)


class Pixels(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    def make(self, name):
        path = os.path.join(self.dir.name, name)
        convert([*shlex.split(IMAGES[name]), path])
        with open(path, "rb") as file:
            return path, file.read()

    def test_every_kind_of_image_looks_as_imagemagick_makes_it(self):
        self.assertGreaterEqual(len(IMAGES), 20)
        for number, name in enumerate(IMAGES):
            path, data = self.make(name)
            for side, box in (SIZES[0], SIZES[1 + number % 3]):
                with self.subTest(image=name, side=side, box=box):
                    done = pad(data, side, box)
                    self.assertEqual(done.returncode, 0, done.stderr)
                    ours = convert(["png:-", "-depth", "8", "rgba:-"], input=done.stdout)
                    theirs = pixels_by_imagemagick(path, side, box)
                    self.assertEqual(len(ours), len(theirs))
                    self.assertGreater(max(ours[3::4]), 0, "nothing to be seen")
                    largest, mean = difference(ours, theirs)
                    self.assertLessEqual(largest, LARGEST)
                    self.assertLessEqual(mean, MEAN)

    def test_an_image_that_is_cut_or_damaged_is_refused(self):
        for name in ("circle.png", "still.gif", "lossless.webp", "lossy.webp"):
            _, data = self.make(name)
            for size in (0, 1, 12, len(data) // 2):
                with self.subTest(image=name, size=size):
                    self.assertEqual(pad(data[:size], 64, 850).returncode, 65)
        self.assertEqual(pad(b"<svg xmlns='http://www.w3.org/2000/svg'/>", 64, 850).returncode, 65)
        self.assertEqual(pad(b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", 64, 850).returncode, 65)

    def test_an_image_that_claims_to_be_huge_is_refused(self):
        for size in ("4097x1", "1x4097", "2049x2048"):
            data = convert(["-size", size, "xc:red", "png:-"])
            self.assertEqual(pad(data, 64, 850).returncode, 65, size)

    def test_the_largest_image_fits_into_the_sandbox(self):
        for kind in ("png", "gif", "webp"):
            data = convert(["-size", "2048x2048", "gradient:red-blue", "-colors", "16",
                            "-define", "webp:lossless=true", kind + ":-"])
            self.assertLess(len(data), 2_000_000)
            done = pad(data, 512, 950)
            self.assertEqual(done.returncode, 0, (kind, done.stderr))

    def test_more_than_two_million_bytes_are_refused(self):
        _, data = self.make("circle.png")
        self.assertEqual(pad(data + bytes(2_000_000 - len(data)), 64, 850).returncode, 0)
        self.assertEqual(pad(data + bytes(2_000_001 - len(data)), 64, 850).returncode, 65)

    def test_a_million_frames_cost_no_more_than_one(self):
        frame = convert(["-size", "4x4", "xc:red", "gif:-"])
        head, rest = frame[:-1], frame[frame.index(b","):-1]
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = pad(head + rest * ((2_000_000 - len(frame)) // len(rest)) + b";", 64, 850)
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        self.assertEqual(done.returncode, 0)
        self.assertLess(spent, 1)

    def test_a_bomb_in_a_text_chunk_costs_little(self):
        _, data = self.make("circle.png")
        text = b"Comment\0\0" + zlib.compress(bytes(400_000_000))[:1_900_000]
        chunk = struct.pack(">I", len(text)) + b"zTXt" + text
        chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        done = pad(data[:33] + chunk + data[33:], 64, 850)  # 33: behind the head
        spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        self.assertIn(done.returncode, (0, 65))
        self.assertLess(spent, 3)

    def test_what_is_behind_the_image_means_nothing(self):
        _, data = self.make("circle.png")
        alone = pad(data, 64, 850).stdout
        for tail in (b"PK\x03\x04" + bytes(1000), b"<script>alert(1)</script>", b"GIF89a"):
            self.assertEqual(pad(data + tail, 64, 850).stdout, alone)

    def test_wrong_arguments_are_usage_errors(self):
        for arguments in ([], ["256"], ["63", "850"], ["513", "850"], ["256", "199"],
                          ["256", "951"], ["256", "0.85"], ["+256", "850"], ["256", "850", "x"]):
            done = subprocess.run([WORKER, *arguments], stdin=subprocess.DEVNULL,
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, 64, arguments)
            self.assertIn(b"usage: gwbot-emoji", done.stderr)


if __name__ == "__main__":
    unittest.main()

"""/emoji-pad of the real gwbotd against a CDN that writes every byte by hand."""

import contextlib
import gzip
import http.client
import json
import os
import tempfile
import threading
import time
import unittest
import urllib.parse

import gwbotd
from cdn import Cdn, answer, png
from emoji_bot import Bot, find, metric, path_of, pixels_of, size_of
from gwbotd import Gwbotd, Sim


class Case(unittest.TestCase):
    SCRIPT = None

    def setUp(self):
        self.sim = self.enterContext(Sim(rate=0))
        self.cdn = self.enterContext(Cdn(type(self).SCRIPT))
        self.bot = self.enterContext(Bot(self.sim, self.cdn.host, "cdn.discordapp.com"))
        self.bot.start().wait_ready()

    def tearDown(self):
        # With the checkers on: nothing leaked, nothing crashed.
        self.assertEqual(self.bot.stop(), 0, self.bot.output[-3000:])

    def assert_status(self, status, url, **more):
        got, headers, body = self.bot.pad(url, **more)
        self.assertEqual(got, status, (url, body[:200]))
        if got != 200:
            self.assertEqual(headers["Cache-Control"], "no-store")
            self.assertEqual(headers["Content-Type"], "text/plain; charset=utf-8")
            self.assertTrue(body.startswith(str(status).encode() + b" "), body)
            self.assertNotIn("Location", headers)
        return headers, body


class Pictures(Case):
    def test_the_answer_is_a_padded_png_that_may_be_kept_for_a_day(self):
        headers, body = self.assert_status(200, self.cdn.url("1.png"))
        self.assertEqual(headers["Content-Type"], "image/png")
        self.assertEqual(headers["Cache-Control"], "public, max-age=86400")
        self.assertEqual(headers["X-Content-Type-Options"], "nosniff")
        self.assertEqual(size_of(body), (256, 256))
        pixels = pixels_of(body)
        row = pixels[128 * 256 * 4:129 * 256 * 4]
        shown = [x for x in range(256) if row[4 * x + 3]]
        self.assertEqual((shown[0], shown[-1], len(shown)), (19, 236, 218))  # 0.85
        self.assertEqual(row[128 * 4:128 * 4 + 4], b"\xff\x00\x00\xff")

    def test_size_and_box_are_what_was_asked_for(self):
        for s, box, side, width in ((64, 0.2, 64, 13), (512, 0.95, 512, 486),
                                    (1, 0.1, 64, 13), (9999, 2, 512, 486), (100, ".5", 100, 50)):
            _, body = self.assert_status(200, self.cdn.url("1.png"), s=s, box=box)
            self.assertEqual(size_of(body), (side, side))
            row = pixels_of(body)[side // 2 * side * 4:][:side * 4]
            self.assertEqual(sum(1 for x in range(side) if row[4 * x + 3]), width)

    def test_head_says_what_get_would(self):
        got, headers, body = self.bot.get(path_of(self.cdn.url("1.png")), "HEAD")
        self.assertEqual((got, body), (200, b""))
        full, body = self.assert_status(200, self.cdn.url("1.png"))
        for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control"):
            self.assertEqual(headers[name], full[name])
        self.assertEqual(int(headers["Content-Length"]), len(body))
        got, headers, body = self.bot.get("/emoji-pad", "HEAD")
        self.assertEqual((got, body), (400, b""))

    def test_other_methods_are_refused(self):
        for method in ("POST", "PUT", "DELETE"):
            got, headers, _ = self.bot.get(path_of(self.cdn.url("1.png")), method)
            self.assertEqual((got, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.cdn.connects, 0)

    def test_what_was_made_is_not_made_again(self):
        first = [self.assert_status(200, self.cdn.url("1.png")) for _ in range(3)]
        self.assertEqual(len({body for _, body in first}), 1)
        self.assertEqual(len({headers["ETag"] for headers, _ in first}), 1)
        self.assertEqual(self.cdn.asked["1.png"], 1)
        self.assertEqual(metric(self.bot, "gwbotd_emoji_cache_hits_total"), 2)
        self.assertEqual(metric(self.bot, "gwbotd_emoji_requests_total"), 3)
        self.assertGreater(metric(self.bot, "gwbotd_emoji_cache_bytes"), len(first[0][1]))
        self.assert_status(200, self.cdn.url("1.png"), v="2")
        self.assertEqual(self.cdn.asked["1.png"], 2)
        self.assert_status(200, self.cdn.url("1.png?size=96"))
        self.assertEqual(self.cdn.asked["1.png?size=96"], 1)

    def test_a_browser_that_has_it_gets_304(self):
        headers, _ = self.assert_status(200, self.cdn.url("1.png"))
        for cached in (True, False):
            connection = http.client.HTTPConnection("127.0.0.1", self.bot.port, timeout=10)
            connection.request("GET", path_of(self.cdn.url("1.png"), **({} if cached else {"v": 3})),
                               headers={"If-None-Match": headers["ETag"]})
            response = connection.getresponse()
            self.assertEqual((response.status, response.read()), (304, b""))
            self.assertEqual(response.headers["ETag"], headers["ETag"])
            connection.close()

    def test_nothing_of_ours_goes_to_the_cdn(self):
        self.assert_status(200, self.cdn.url("1.png"))
        head = self.cdn.heads[0]
        self.assertNotIn(gwbotd.TOKEN, head)
        for name in ("authorization", "cookie", "referer", "range", "accept-encoding"):
            self.assertNotIn(f"\n{name}:", head.lower())


class Refusals(Case):
    BAD = [
        "", "x", "ftp://{host}/emojis/1.png", "//{host}/emojis/1.png",
        "http://{host}", "http://{host}/", "http://{host}/avatars/1.png",
        "http://{host}/emojis/../emojis/1.png", "http://{host}/emojis/x.png",
        "http://{host}/emojis/%31.png", "http://{host}/emojis/1.png#x",
        "http://{host}/emojis/1.png ", "http://{host}/emojis/1.png?a b",
        "http://{host}\\emojis\\1.png", "http://{host}\t/emojis/1.png",
        "http://user@{host}/emojis/1.png", "http://{host}@127.0.0.1/emojis/1.png",
        "http://cdn.discordapp.com/emojis/1.png", "http://localhost:{port}/emojis/1.png",
        "http://127.0.0.1:{port}0/emojis/1.png", "http://127.0.0.1/emojis/1.png",
        "http://127.1:{port}/emojis/1.png", "http://0177.0.0.1:{port}/emojis/1.png",
        "http://0x7f000001:{port}/emojis/1.png", "http://2130706433:{port}/emojis/1.png",
        "http://[::ffff:127.0.0.1]:{port}/emojis/1.png", "http://127.0.0.1.:{port}/emojis/1.png",
        "HTTP://{host}/emojis/1.png", "https://CDN.discordapp.com/emojis/1.png",
        "https://cdn.discordapp.com.evil/emojis/1.png",
        "https://cdn.discordapp.com@{host}/emojis/1.png",
        "https://cdn.discordapp.com:443/emojis/1.png",
        "https://cdn.discordapp.com./emojis/1.png",
        "https://cdn%2ediscordapp.com/emojis/1.png",
        "https://xn--cdn-discordapp.com/emojis/1.png",
    ]

    def test_a_bad_url_is_400_and_nobody_is_connected_to(self):
        for form in self.BAD:
            url = form.format(host=self.cdn.host, port=self.cdn.port)
            with self.subTest(url=url):
                self.assert_status(400, url)
        self.assertEqual(self.bot.get("/emoji-pad")[0], 400)
        self.assertEqual(self.bot.get("/emoji-pad?")[0], 400)
        good = urllib.parse.quote(self.cdn.url("1.png"))
        self.assertEqual(self.bot.get(f"/emoji-pad?u={good}&u={good}")[0], 400)
        self.assertEqual(self.bot.get(f"/emoji-pad?u={good}&" + "a&" * 20)[0], 400)
        self.assertEqual(self.bot.get(f"/emoji-pad?u={good}&v=" + "v" * 900)[0], 400)
        self.assertEqual(self.cdn.connects, 0)
        self.assertEqual(metric(self.bot, "gwbotd_emoji_fetches_total"), 0)
        self.assertEqual(metric(self.bot, 'gwbotd_emoji_rejects_total{reason="request"}'),
                         len(self.BAD) + 5)

    def test_a_bad_number_is_400(self):
        for more in ({"s": "x"}, {"s": "-64"}, {"s": "1e2"}, {"box": "nan"}, {"box": "0,5"},
                     {"v": "a b"}, {"v": "x" * 65}):
            self.assert_status(400, self.cdn.url("1.png"), **more)
        self.assertEqual(self.cdn.connects, 0)


def play(name, connection):
    """Each name is a fault; those that are none get a picture."""
    number = int(name.split(".")[0])
    whole = png()
    if number in range(300, 600):
        connection.sendall(answer(b"no", f"{number} X", "text/plain", "Location: /emojis/1.png"))
    elif number == 10:  # silence after the request
        time.sleep(20)
    elif number == 11:  # a head that does not end
        for _ in range(20):
            connection.sendall(b"HTTP/1.1 200 OK\r\n"[:1] if _ == 0 else b"x")
            time.sleep(1)
    elif number == 12:  # a body that drips
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
                           b"Content-Length: 100000\r\n\r\n")
        for _ in range(20):
            connection.sendall(b"x")
            time.sleep(1)
    elif number == 13:  # a body without end
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n")
        while True:
            connection.sendall(bytes(65536))
    elif number == 14:  # one byte too many, said beforehand
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
                           b"Content-Length: 2000001\r\n\r\n")
        time.sleep(1)
    elif number == 15:  # one byte too many, in chunks
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
                           b"Transfer-Encoding: chunked\r\n\r\n")
        body = whole + bytes(2000001 - len(whole))
        for at in range(0, len(body), 50000):
            piece = body[at:at + 50000]
            connection.sendall(b"%x\r\n%b\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")
    elif number == 16:  # as large as may be
        connection.sendall(answer(whole + bytes(2000000 - len(whole))))
    elif number == 20:
        connection.sendall(answer(whole, kind="text/html"))
    elif number == 21:
        connection.sendall(answer(whole, kind=None))
    elif number == 22:
        connection.sendall(answer(b"<svg xmlns='http://www.w3.org/2000/svg'/>", kind="image/svg+xml"))
    elif number == 23:  # a bomb in a coding that was not asked for
        bomb = gzip.compress(bytes(50_000_000))
        connection.sendall(answer(bomb, "200 OK", "image/png", "Content-Encoding: gzip"))
    elif number == 24:
        connection.sendall(answer(b""))
    elif number == 25:
        connection.sendall(answer(whole[:-20]))
    elif number == 26:
        connection.sendall(answer(whole[:40] + b"\0" + whole[41:]))
    elif number == 27:  # 65,535 x 65,535
        connection.sendall(answer(whole[:16] + b"\0\0\xff\xff" * 2 + whole[24:]))
    elif number == 30:  # half of what was said
        connection.sendall(answer(whole)[:-10])
    elif number == 31:  # more than was said: the rest is no part of it
        connection.sendall(answer(whole) + bytes(1000))
    elif number == 32:
        connection.sendall(b"\x16\x03\x01 no http at all\r\n\r\n")
    elif number == 33:
        pass  # closes
    elif number == 34:
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
    elif number == 35:
        connection.sendall(answer(whole, "206 Partial Content"))
    elif number == 36:
        connection.sendall(b"HTTP/1.1 304 Not Modified\r\n\r\n")
    else:
        return False
    return True


class Upstream(Case):
    SCRIPT = staticmethod(play)

    def test_its_own_status_is_passed_on_and_no_redirect_followed(self):
        for status in (301, 302, 303, 307, 308, 400, 401, 403, 404, 410, 429, 500, 502, 503):
            headers, _ = self.assert_status(status, self.cdn.url(f"{status}.png"))
            self.assertEqual("Retry-After" in headers, status == 503)
        self.assertEqual(self.cdn.asked["1.png"], 0)

    def test_what_is_no_image_is_415(self):
        for number in (20, 21, 22, 23, 24, 25, 26, 27):
            with self.subTest(number=number):
                self.assert_status(415, self.cdn.url(f"{number}.png"))

    def test_more_than_two_million_bytes_are_413(self):
        for number in (13, 14, 15):
            self.assert_status(413, self.cdn.url(f"{number}.png"))
        self.assert_status(200, self.cdn.url("16.png"))

    def test_no_whole_answer_is_502(self):
        for number in (30, 32, 33, 34, 35, 36):
            with self.subTest(number=number):
                self.assert_status(502, self.cdn.url(f"{number}.png"))
        self.assert_status(200, self.cdn.url("31.png"))

    def test_a_slow_host_is_504_after_8_s_and_its_place_is_free_again(self):
        times = {}

        def ask(number):
            began = time.monotonic()
            status, _, _ = self.bot.pad(self.cdn.url(f"{number}.png"), timeout=30)
            times[number] = (status, time.monotonic() - began)

        threads = [threading.Thread(target=ask, args=(number,)) for number in (10, 11, 12)]
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        self.assert_status(200, self.cdn.url("1.png"))  # one place is left
        for thread in threads:
            thread.join(30)
        for status, took in times.values():
            self.assertEqual(status, 504)
            self.assertGreater(took, 7.5)
            self.assertLess(took, 12)
        for number in range(1, 9):
            self.assert_status(200, self.cdn.url(f"{number}.png"))

    def test_errors_are_not_kept(self):
        for _ in range(2):
            self.assert_status(404, self.cdn.url("404.png"))
        self.assertEqual(self.cdn.asked["404.png"], 2)

    def test_it_may_be_stopped_while_it_fetches(self):
        thread = threading.Thread(target=lambda: self.quiet(10))
        thread.start()
        deadline = time.monotonic() + 10
        while not self.cdn.asked["10.png"] and time.monotonic() < deadline:
            time.sleep(0.02)
        began = time.monotonic()
        self.assertEqual(self.bot.stop(), 0)
        self.assertLess(time.monotonic() - began, 5)
        thread.join(10)

    def quiet(self, number):
        with contextlib.suppress(OSError, http.client.HTTPException):
            self.bot.pad(self.cdn.url(f"{number}.png"))


class Nobody(Case):
    def test_a_host_that_refuses_is_502(self):
        port = gwbotd.free_port()
        with Bot(self.sim, f"127.0.0.1:{port}") as bot:
            bot.start().wait_ready()
            self.assertEqual(bot.pad(f"http://127.0.0.1:{port}/emojis/1.png")[0], 502)
            self.assertEqual(bot.stop(), 0)

    def test_without_hosts_nothing_is_fetched(self):
        with Bot(self.sim) as bot:
            bot.start().wait_ready()
            self.assertEqual(bot.pad("https://cdn.discordapp.com/emojis/1.png")[0], 400)
            self.assertEqual(bot.pad(self.cdn.url("1.png"))[0], 400)
            self.assertEqual(bot.stop(), 0)


class Reloads(unittest.TestCase):
    def test_hosts_and_memory_change_at_once(self):
        with Sim(rate=0) as sim, Cdn() as cdn, Gwbotd(sim) as bot:
            conf = bot.dir / "gwbot.conf"

            def write(text):
                conf.write_text(text)
                conf.chmod(0o600)

            def pad():
                return bot.get(path_of(cdn.url("1.png")), timeout=20)[0]

            write("")
            bot.env["GWBOT_CONFIG"] = str(conf)
            bot.start().wait_ready()
            self.assertEqual(pad(), 400)
            write(f'emoji: {{ hosts = ["{cdn.host}"]; }};\n')
            self.assertEqual(bot.ctl("reload").returncode, 0)
            self.assertEqual((pad(), pad()), (200, 200))
            self.assertEqual(cdn.asked["1.png"], 1)
            write(f'emoji: {{ hosts = ["{cdn.host}"]; cache_bytes = 0; }};\n')
            self.assertEqual(bot.ctl("reload").returncode, 0)
            self.assertEqual(metric(bot, "gwbotd_emoji_cache_bytes"), 0)
            self.assertEqual((pad(), pad()), (200, 200))
            self.assertEqual(cdn.asked["1.png"], 3)
            write("emoji: { hosts = []; };\n")
            self.assertEqual(bot.ctl("reload").returncode, 0)
            self.assertEqual(pad(), 400)
            self.assertEqual(bot.stop(), 0)


class Names(unittest.TestCase):
    """W11: where a configured name leads is looked at, not only what it is called."""

    ADDRESSES = ["127.0.0.1", "127.8.9.10", "10.1.2.3", "172.16.1.1", "192.168.1.1", "100.64.0.1",
                 "169.254.169.254", "0.0.0.0", "224.0.0.1", "::1", "::ffff:127.0.0.1",
                 "::ffff:169.254.169.254", "fe80::1", "fd00:ec2::254", "64:ff9b::7f00:1"]

    @unittest.skipUnless(os.geteuid() == 0, "needs root for a hosts file of its own")
    def test_a_name_that_leads_into_this_net_is_not_connected_to(self):
        with tempfile.NamedTemporaryFile("w") as hosts, Sim(rate=0) as sim, Cdn() as cdn:
            hosts.write("127.0.0.1 localhost\n")
            for number, address in enumerate(self.ADDRESSES):
                hosts.write(f"{address} n{number}.example\n")
            hosts.flush()
            names = [f"n{number}.example:{cdn.port}" for number in range(len(self.ADDRESSES))]
            wrapper = ["unshare", "-m", "sh", "-c",
                       'mount --bind "$0" /etc/hosts && exec "$@"', hosts.name]
            with Bot(sim, *names, "localhost:%d" % cdn.port, wrapper=wrapper) as bot:
                bot.start().wait_ready()
                for number, (name, address) in enumerate(zip(names, self.ADDRESSES), 1):
                    with self.subTest(address=address):
                        began = time.monotonic()
                        status, _, body = bot.pad(f"https://{name}/emojis/1.png")
                        self.assertEqual(status, 502, body)
                        self.assertLess(time.monotonic() - began, 4)
                        # The line may come behind the answer.
                        told = bot.wait_event("emoji_fetch", count=number)[1]
                        self.assertIn("not allowed", told["error"])
                self.assertEqual(cdn.connects, 0)
                # What the operator named as this machine is another matter.
                status, _, _ = bot.pad(f"http://localhost:{cdn.port}/emojis/1.png")
                self.assertEqual((status, cdn.connects), (200, 1))
                self.assertEqual(bot.stop(), 0)


class Secure(unittest.TestCase):
    """The CDN of gwsim, over TLS."""

    def test_gwsim_serves_emoji_and_plays_what_a_cdn_does_wrong(self):
        with Sim(tls=True, rate=0) as sim:
            host = urllib.parse.urlsplit(sim.api_base).netloc
            with Bot(sim, host) as bot:
                bot.start().wait_ready()
                status, _, body = bot.pad(f"https://{host}/emojis/1.png")
                self.assertEqual((status, size_of(body)), (200, (256, 256)))
                self.assertNotEqual(bot.pad(f"https://{host}/emojis/2.png")[2], body)
                self.assertEqual(bot.pad(f"https://{host}/emojis/1.gif")[0], 415)
                for number, (fault, wanted) in enumerate((
                        ("404", 404), ("302", 302), ("500", 500), ("drop", 502), ("large", 413),
                        ("html", 415), ("damaged", 415), ("bomb", 415), ("stall", 504)), 10):
                    with self.subTest(fault=fault):
                        sim.do(f"cdn {fault} 1")
                        url = f"https://{host}/emojis/{number}.png"
                        self.assertEqual(bot.pad(url)[0], wanted)
                        self.assertEqual(bot.pad(url)[0], 200)
                # Plain HTTP to a TLS port: no answer that can be read.
                self.assertEqual(bot.pad(f"http://{host}/emojis/1.png")[0], 502)
                self.assertEqual(bot.stop(), 0)

    def test_with_sim_its_emoji_need_no_configuration(self):
        with Gwbotd() as bot:
            bot.start("--sim").wait_ready()
            info = json.loads(bot.ctl("--json", "sim", "info").stdout)
            host = urllib.parse.urlsplit(find(info, "api_base")).netloc
            self.assertEqual(
                bot.get(path_of(f"https://{host}/emojis/7.png"), timeout=20)[0], 200)
            bot.ctl("sim", "quit")
            self.assertEqual(bot.stop(), 0)


if __name__ == "__main__":
    unittest.main()

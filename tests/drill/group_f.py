"""Faults of the configuration."""

import os
import signal
import subprocess
import time

from drill import Result, check, fault, suite, unit
from gwbotd import BIN, Gwbotd, Sim
from play import cpu_share, rss, shard, until


def configured(bot, text=""):
    """The bot's own file, which it reads at its start and at each reload."""
    path = bot.dir / "gwbot.conf"
    path.write_text(text)
    path.chmod(0o640)
    bot.env["GWBOT_CONFIG"] = str(path)
    return path


@fault("F01", "slips, wrong types, values out of range, names that nobody knows")
def slips():
    unit("test_config_slips", "each_slip_has_its_words_and_its_place",
         "a_slip_hides_nothing_behind_it", "what_libconfig_allows_is_no_slip")
    unit("test_config_file", "each_mistake_is_one_error_with_line_and_cure",
         "all_mistakes_are_told_at_once")
    suite("e2e", "test_config", "Checked.test_all_errors_with_place_line_and_marker")
    cases = {
        "watchdog: {\n stall = ;\n};": ":2",
        'http: { port = "x"; };': ":1",
        "http: { port = 65536; };": "from 1 to 65535",
        "http: { prot = 1; };": "nearest: http.port",
        "bot: { name = \"a\"; name = \"b\"; };": ":1",
    }
    for text, words in cases.items():
        with Gwbotd() as bot:
            path = configured(bot, text)
            check(bot.start().wait_exit() == 78, text, "ended with", bot.process.returncode)
            until(lambda b=bot, p=path: str(p) in b.output, "the file in the error")
            check(words in bot.output, "no", words, "in", bot.output)
    return Result(figure=f"{len(cases)} cases with 78, file, line and cure; all others in the "
                         "tables of the unit tests")


@fault("F02", "values of the environment that cannot be")
def bad_environment():
    unit("test_config", "bad_variables_give_way_with_one_warning",
         "a_bad_variable_gives_way_to_the_file",
         "what_no_default_may_replace_is_an_error_from_anywhere")
    with Sim() as sim:
        for value in ("abc", "0", "-5", "", "1e9"):
            with Gwbotd(sim, env={"KEEPALIVE_INTERVAL_SEC": value}) as bot:
                bot.start().wait_ready()
                told = bot.output.count("KEEPALIVE_INTERVAL_SEC")
                check(told == (value != ""), repr(value), "was told", told, "times")
                check(bot.health()[1]["keepalive_sec"] == 60, repr(value), "was taken")
                check(bot.stop() == 0)
    return Result(figure="5 values give way to the default, each with one warning")


@fault("F03", "a file that is none: a folder, a fifo, 1 GB, a loop of includes")
def impossible_files():
    def unreadable(path):
        path.write_text("")
        path.chmod(0)

    def huge(path):
        path.touch()
        os.truncate(path, 1 << 30)

    def loop(path):
        other = path.with_name("other.conf")
        path.write_text(f'@include "{other}"\n')
        other.write_text(f'@include "{path}"\n')

    cases = {
        "a folder": lambda path: path.mkdir(),
        "a fifo": os.mkfifo,
        "1 GB": huge,
        "a device": lambda path: path.symlink_to("/dev/zero"),
        "a link to itself": lambda path: path.symlink_to(path),
        "an include loop": loop,
        "an include of itself": lambda path: path.write_text(f'@include "{path}"\n'),
        "an include that is missing": lambda path: path.write_text('@include "/nonexistent"\n'),
        "an include of a fifo": lambda path: (os.mkfifo(path.with_name("pipe")), path.write_text(
            f'@include "{path.with_name("pipe")}"\n')),
    }
    if os.geteuid() != 0:
        cases["unreadable"] = unreadable
    slowest = 0
    for name, make in cases.items():
        with Gwbotd() as bot:
            path = bot.dir / "gwbot.conf"
            make(path)
            bot.env["GWBOT_CONFIG"] = str(path)
            began = time.monotonic()
            check(bot.start().wait_exit() == 78, name, "ended with", bot.process.returncode)
            slowest = max(slowest, time.monotonic() - began)
            until(lambda b=bot: "error" in b.output, f"{name}: why")
    check(slowest < 2, "one took", slowest)
    unit("test_config_file", "only_small_regular_files_are_read", "unreadable_files_are_named",
         "includes_that_cannot_be_are_errors_at_their_line", "includes_are_bounded_in_number")
    return Result(figure=f"{len(cases)} cases, slowest {slowest:.2f} s")


@fault("F04", "a reload with an error in the file")
def bad_reload():
    with Sim(heartbeat=500) as sim, Gwbotd(sim) as bot:
        path = configured(bot, 'watchdog: { keepalive = "90s"; };\n')
        bot.start().wait_ready()
        path.write_text('watchdog: { keepalive = "10s"; stal = "5min"; };\n')
        bot.process.send_signal(signal.SIGHUP)
        _, event = bot.wait_event("reload_refused")
        check("stal" in bot.output, "the error is not shown")
        check(bot.health()[1]["keepalive_sec"] == 90, "half of it was taken")
        asked = bot.ctl("reload")
        check(asked.returncode == 1 and "watchdog.stal" in asked.stderr, asked)
        path.write_text('watchdog: { keepalive = "10s"; };\n')
        bot.process.send_signal(signal.SIGHUP)
        bot.wait_event("reloaded")
        check(bot.health()[1]["keepalive_sec"] == 10, "the good one was not taken")
        now = shard(bot)
        check((now["reconnects"], now["identifies"]) == (0, 1), now)
        check(bot.stop() == 0)
    suite("e2e", "test_config", "Reloads.test_a_bad_file_changes_nothing_and_all_its_errors_are_told")
    return Result(figure="the old one stays, the error is in log and gwctl")


@fault("F05", "a reload that changes what cannot change")
def fixed_options():
    with Sim() as sim, Gwbotd(sim) as bot:
        path = configured(bot)
        bot.start().wait_ready()
        path.write_text('discord: { intents = 1; };\nloop: { limit = "20s"; };\n')
        asked = bot.ctl("reload")
        check(asked.returncode == 0 and "at the next start" in asked.stdout, asked)
        check(bot.ctl("status").returncode == 0 and shard(bot)["identifies"] == 1)
        check(bot.stop() == 0)
    return suite("e2e", "test_config", "Reloads.test_each_change_is_told_with_when_it_acts")


@fault("F06", "100 reloads a second under load", limit=90)
def reload_storm():
    with Sim(rate=200, heartbeat=500) as sim, Gwbotd(sim, env={"LOG_LEVEL": "info"}) as bot:
        path = configured(bot)

        def storm(seconds):
            due = time.monotonic()
            for turn in range(seconds * 100):
                fresh = path.with_name("fresh")
                fresh.write_text(f'watchdog: {{ keepalive = {100 + turn % 800}; }};\n'
                                 f'bot: {{ name = "{"n" * (turn % 30 + 1)}"; }};\n')
                fresh.rename(path)
                bot.process.send_signal(signal.SIGHUP)
                due += 0.01
                time.sleep(max(0, due - time.monotonic()))
        bot.start().wait_ready()
        storm(3)  # whatever a process keeps at first
        before = rss(bot)
        storm(8)
        grown = (rss(bot) - before) / 1024
        path.write_text("watchdog: { keepalive = 77; };\n")
        bot.process.send_signal(signal.SIGHUP)
        until(lambda: bot.health()[1]["keepalive_sec"] == 77, "the last one")
        check(not bot.events("reload_refused"), "half a file was read")
        reloads = len(bot.events("reloaded"))
        check(reloads >= 100, "only", reloads, "reloads")
        check(grown < 256, "RSS grew by", grown, "kB")
        now = shard(bot)
        check((now["reconnects"], now["zombies"], now["seq_gaps"]) == (0, 0, 0), now)
        check(cpu_share(bot, 1) < 0.2, "it does not come to rest")
        check(bot.stop() == 0)
    return Result(figure=f"1,100 SIGHUP: {reloads} reloads, the last wins, RSS {grown:+.0f} kB")


@fault("F07", "tokens with line ends, quotes, blanks, NUL, of 49 characters")
def bad_tokens():
    unit("test_config_token", "only_whole_and_clean_tokens_are_usable",
         "a_variable_is_judged_like_a_file")
    secret = "canary-" * 10
    cases = {secret[:49]: "50", secret + " " + secret: "blank", f'"{secret}"': "quotes",
             secret + "\n" + secret: "blank", " ": "token"}
    for token, words in cases.items():
        with Gwbotd(env={"DISCORD_TOKEN": token}) as bot:
            check(bot.start().wait_exit() == 78, repr(token), "ended with",
                  bot.process.returncode)
            until(lambda b=bot, w=words: w in b.output, f"{words} in the error")
            check("canary" not in bot.output, "its value was printed")
    with Sim() as sim, Gwbotd(sim) as bot:
        bot.env["DISCORD_TOKEN"] += "\n"
        bot.start().wait_ready()
        check(bot.stop() == 0)
    return Result(figure=f"{len(cases)} cases with 78, none shown; a line end is cut off")


@fault("F08", "names of profiles in odd case, and unknown ones")
def profiles():
    unit("test_config", "profiles_are_chosen_and_named")
    cases = {"PROD": ("prod", 360), "Production": ("prod", 360), "dEV": ("dev", 60),
             "development": ("dev", 60), "qa": ("qa", 60), "Blue": ("blue", 360)}
    for name, (wanted, keepalive) in cases.items():
        done = subprocess.run([str(BIN / "gwbotd"), "--print-config"], text=True, check=False,
                              capture_output=True, env={"ENV_NAME": name}, timeout=10)
        check(done.returncode == 0, name, done.stderr)
        check(f'profile = "{wanted}"' in done.stdout, name, "is", done.stdout[:80])
        check(f'keepalive = "{keepalive // 60}min"' in done.stdout, name, "has other defaults")
        check(('profile "blue"' in done.stderr) == (name == "Blue"), name, done.stderr)
    return Result(figure=f"{len(cases)} names")

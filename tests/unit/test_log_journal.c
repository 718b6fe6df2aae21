/* The journal's native protocol, against a journal of our own: what a peer says forges
 * no field, large entries arrive as a file, and nothing ever waits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "log_journal.h"
#include "log_line.h"

static char folder[] = "/tmp/test_log_journal.XXXXXX";
static char path[64];
static int journal = -1; /* the fake's end */
static int sender = -1;
static char entry[256 * 1024];

static int
begin(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/test_log_journal.XXXXXX");
	if (!mkdtemp(folder)) {
		return -1;
	}
	(void)snprintf(path, sizeof path, "%s/socket", folder);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	sender = log_journal_open();
	return bind(journal, (struct sockaddr *)&address, sizeof address);
}

static int
end(void **state)
{
	(void)state;
	(void)close(journal);
	(void)close(sender);
	(void)unlink(path);
	return rmdir(folder);
}

static bool
send_event(const char *event, const struct log_kv *pairs, size_t count,
    const struct secret *secret)
{
	char text[12 * 1024];
	struct log_line line = log_line_of(text, sizeof text, secret);
	struct log_event made = {LOG_LEVEL_WARNING, event, pairs, count};

	log_line_put_journal(&line, &made);
	return log_journal_send(sender, path, line.text, line.size);
}

/* What came, as a C string: the datagram, or the file that it carries (*file). */
static size_t
receive(bool *file)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {entry, sizeof entry - 1};
	struct msghdr message = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control,
	    .msg_controllen = sizeof control,
	};
	ssize_t size = recvmsg(journal, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	*file = header != NULL;
	if (header) {
		int fd = -1;

		assert_int_equal(size, 0);
		memcpy(&fd, CMSG_DATA(header), sizeof fd);
		int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

		assert_int_equal(fcntl(fd, F_GET_SEALS), seals);
		size = pread(fd, entry, sizeof entry - 1, 0);
		(void)close(fd);
	}
	assert_true(size > 0);
	entry[size] = '\0';
	return (size_t)size;
}

/* As the journal reads it: each line is NAME=value, and ends in a newline. */
static void
assert_fields(const char *const *wanted, size_t count)
{
	char *at = entry;
	size_t seen = 0;

	while (*at != '\0') {
		char *newline = strchr(at, '\n');

		assert_non_null(newline);
		*newline = '\0';
		assert_true(seen < count);
		assert_string_equal(at, wanted[seen]);
		seen++;
		at = newline + 1;
	}
	assert_int_equal(seen, count);
}

static void
each_pair_is_a_field_besides_the_message(void **state)
{
	static const char *const wanted[] = {
	    "PRIORITY=4",
	    "SYSLOG_IDENTIFIER=gwbotd",
	    "GWBOT_EVENT=shard_state",
	    ("MESSAGE=event=shard_state shard=3 ok=true took_s=0.250 reason=\"a b\" "
	     "none=-"),
	    "GWBOT_SHARD=3",
	    "GWBOT_OK=true",
	    "GWBOT_TOOK_S=0.250",
	    "GWBOT_REASON=a b",
	    "GWBOT_NONE=-",
	};
	bool file;

	(void)state;
	const struct log_kv pairs[] = {KV("shard", 3U), KV("ok", (bool)true),
	    KV("took_s", 0.25), KV("reason", "a b"), KV("none", (const char *)NULL)};

	assert_true(send_event("shard_state", pairs, 5, NULL));
	(void)receive(&file);
	assert_false(file);
	assert_fields(wanted, sizeof wanted / sizeof wanted[0]);
}

static void
a_value_with_newlines_forges_no_field(void **state)
{
	static const char *const wanted[] = {
	    "PRIORITY=4",
	    "SYSLOG_IDENTIFIER=gwbotd",
	    "GWBOT_EVENT=x",
	    ("MESSAGE=event=x reason=\"a\\nPRIORITY=0\\nMESSAGE=forged\\n\\n"
	     "\\u001b[31m\\u202e\""),
	    "GWBOT_REASON=a\\nPRIORITY=0\\nMESSAGE=forged\\n\\n\\u001b[31m\\u202e",
	};
	bool file;

	(void)state;
	const struct log_kv pair =
	    KV("reason", "a\nPRIORITY=0\nMESSAGE=forged\n\n\x1b[31m\xe2\x80\xae");

	assert_true(send_event("x", &pair, 1, NULL));
	(void)receive(&file);
	assert_fields(wanted, sizeof wanted / sizeof wanted[0]);
}

static void
a_long_value_leaves_room_for_the_other_fields(void **state)
{
	static char value[20000];
	bool file;

	(void)state;
	memset(value, 'x', sizeof value);
	const struct log_kv pairs[] = {KV("before", 1),
	    KV("long", ((struct slice){value, sizeof value})), KV("after", 2)};

	assert_true(send_event("x", pairs, 3, NULL));
	size_t size = receive(&file);

	assert_true(size > 10000);
	assert_non_null(strstr(entry, "\nGWBOT_BEFORE=1\n"));
	assert_non_null(strstr(entry, "...\n"));
	assert_int_equal(entry[size - 1], '\n');
}

static void
the_secret_is_masked_here_too(void **state)
{
	static const char token[] = "MTIz.abcdefghijklmnopqrstuvwxyz";
	struct secret *secret = secret_new(token, sizeof token - 1);
	const struct log_kv pair = KV("reason", token);
	bool file;

	(void)state;
	assert_true(send_event("x", &pair, 1, secret));
	(void)receive(&file);
	assert_null(strstr(entry, "MTIz"));
	assert_non_null(strstr(entry, "GWBOT_REASON=********\n"));
	secret_free(secret);
}

/* Of each length around the largest datagram. */
static void
what_no_datagram_holds_comes_as_a_sealed_file(void **state)
{
	static char long_entry[64 * 1024] = "MESSAGE=";
	int least = 1;
	unsigned files = 0;
	unsigned datagrams = 0;

	(void)state;
	memset(long_entry + 8, 'y', sizeof long_entry - 8);
	assert_int_equal(setsockopt(sender, SOL_SOCKET, SO_SNDBUF, &least,
			     sizeof least),
	    0);
	for (size_t size = 512; size <= sizeof long_entry; size *= 2) {
		bool file;

		assert_true(log_journal_send(sender, path, long_entry, size));
		assert_int_equal(receive(&file), size);
		assert_memory_equal(entry, long_entry, size);
		files += file ? 1 : 0;
		datagrams += file ? 0 : 1;
	}
	assert_true(files > 0);
	assert_true(datagrams > 0);
}

static void
a_journal_that_is_full_or_gone_is_told_at_once(void **state)
{
	static const char line[] = "MESSAGE=x\n";
	unsigned sent = 0;
	bool file;

	(void)state;
	(void)alarm(5); /* ends the test where a send blocks */
	while (log_journal_send(sender, path, line, sizeof line - 1)) {
		assert_true(++sent < 100000);
	}
	assert_true(sent > 0);
	/* One that reads again is found. */
	(void)receive(&file);
	assert_true(log_journal_send(sender, path, line, sizeof line - 1));
	(void)close(journal);
	assert_false(log_journal_send(sender, path, line, sizeof line - 1));
	(void)unlink(path);
	assert_false(log_journal_send(sender, path, line, sizeof line - 1));
	(void)alarm(0);
	/* And so is one that was started again. */
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	journal = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(journal, (struct sockaddr *)&address, sizeof address), 0);
	assert_true(log_journal_send(sender, path, line, sizeof line - 1));
	(void)receive(&file);
	assert_string_equal(entry, line);
}

#define JOURNAL_TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    JOURNAL_TEST(each_pair_is_a_field_besides_the_message),
	    JOURNAL_TEST(a_value_with_newlines_forges_no_field),
	    JOURNAL_TEST(a_long_value_leaves_room_for_the_other_fields),
	    JOURNAL_TEST(the_secret_is_masked_here_too),
	    JOURNAL_TEST(what_no_datagram_holds_comes_as_a_sealed_file),
	    JOURNAL_TEST(a_journal_that_is_full_or_gone_is_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

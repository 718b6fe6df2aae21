/* Commands that do something to connections once. */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "commands.h"
#include "gateway.h"

#define GARBAGE_MAX ((size_t)1 << 20)
#define CUT_MAX     UINT64_C(1000000000000)
#define BEATS_MAX   1000

/* Bytes for the stream of a connection. */
struct payload {
	struct buf bytes;
	bool framed;
};

static void
drop(struct gate *gate, void *context)
{
	(void)context;
	conn_drop(gate->conn);
}

/* It goes out with the next bytes. */
static void
rekey(struct gate *gate, void *context)
{
	bool *good = context;

	*good = *good && gate->conn->ssl &&
	    SSL_key_update(gate->conn->ssl, SSL_KEY_UPDATE_REQUESTED) == 1;
}

void
command_rekey(struct command *command)
{
	bool good = true;

	command_each_gate(command, rekey, &good);
	if (!good) {
		command->error = "the connection has no TLS 1.3, or is busy with keys";
	}
}

void
command_drop(struct command *command)
{
	command_each_gate(command, drop, NULL);
}

static void
reset(struct gate *gate, void *context)
{
	(void)context;
	conn_reset(gate->conn);
}

void
command_rst(struct command *command)
{
	command_each_gate(command, reset, NULL);
}

struct close_order {
	enum gateway_close_form form;
	int code;
	const char *reason;
};

static void
close_one(struct gate *gate, void *context)
{
	const struct close_order *order = context;

	gateway_close(gate, order->form, order->code, order->reason);
}

void
command_close(struct command *command)
{
	size_t size = strcspn(command->text, " \t");
	const char *rest = command->text + size;
	struct close_order order = {.reason = rest + strspn(rest, " \t")};
	uint64_t code = 0;
	char word[8] = "";

	(void)slice_copy((struct slice){command->text, size}, word, sizeof word);
	if (strcmp(word, "none") == 0) {
		order.form = GATEWAY_CLOSE_EMPTY;
	} else if (strcmp(word, "short") == 0) {
		order.form = GATEWAY_CLOSE_SHORT;
		order.code = 0x0300;
	} else if (command_number(word, 0, 65535, &code)) {
		order.form = GATEWAY_CLOSE_CODE;
		order.code = (int)code;
	} else {
		command->error = "a close code is wanted, none or short";
		return;
	}
	command_each_gate(command, close_one, &order);
}

static void
ask_reconnect(struct gate *gate, void *context)
{
	(void)context;
	gateway_send_reconnect(gate);
	gateway_wake(gate);
}

void
command_reconnect(struct command *command)
{
	command_each_gate(command, ask_reconnect, NULL);
}

static void
invalidate(struct gate *gate, void *context)
{
	const bool *resumable = context;
	struct conn *conn = gate->conn;

	gateway_send_invalid(gate, *resumable);
	conn_flush(conn);
}

void
command_invalid(struct command *command)
{
	bool resumable =
	    command->word_count == 1 && strcmp(command->words[0], "true") == 0;

	if (!resumable &&
	    (command->word_count != 1 || strcmp(command->words[0], "false") != 0)) {
		command->error = "true or false is wanted";
		return;
	}
	command_each_gate(command, invalidate, &resumable);
}

static void
send_payload(struct gate *gate, void *context)
{
	const struct payload *payload = context;
	struct conn *conn = gate->conn;

	if (payload->framed) {
		gateway_send(gate, buf_slice(&payload->bytes));
	} else if (buf_append(&conn->out, payload->bytes.data, payload->bytes.size) !=
	    GW_OK) {
		conn_reset(conn);
	}
	conn_flush(conn);
}

static bool
fill_random(struct buf *out, size_t size)
{
	while (size > 0) {
		char bytes[256];
		size_t part = size < sizeof bytes ? size : sizeof bytes;

		if (getrandom(bytes, part, 0) != (ssize_t)part ||
		    buf_append(out, bytes, part) != GW_OK) {
			return false;
		}
		size -= part;
	}
	return true;
}

void
command_garbage(struct command *command)
{
	struct payload payload = {.framed = false};
	uint64_t size = 256;

	if (command->word_count > 0 &&
	    !command_number(command->words[0], 1, GARBAGE_MAX, &size)) {
		command->error = "a number of bytes is wanted";
		return;
	}
	buf_init(&payload.bytes, GARBAGE_MAX);
	if (fill_random(&payload.bytes, (size_t)size)) {
		command_each_gate(command, send_payload, &payload);
	} else {
		command->error = "no random bytes";
	}
	buf_fini(&payload.bytes);
}

static void
corrupt(struct gate *gate, void *context)
{
	const struct buf *bytes = context;

	(void)send(gate->conn->watch.fd, bytes->data, bytes->size,
	    MSG_NOSIGNAL | MSG_DONTWAIT);
}

void
command_corrupt(struct command *command)
{
	struct buf bytes;

	buf_init(&bytes, 64);
	if (fill_random(&bytes, 64)) {
		command_each_gate(command, corrupt, &bytes);
	} else {
		command->error = "no random bytes";
	}
	buf_fini(&bytes);
}

void
command_beat(struct command *command)
{
	struct payload payload = {.framed = true};
	uint64_t count = 1;

	if (command->word_count > 0 &&
	    !command_number(command->words[0], 1, BEATS_MAX, &count)) {
		command->error = "a count is wanted";
		return;
	}
	buf_init(&payload.bytes, 64);
	(void)buf_printf(&payload.bytes, "{\"t\":null,\"s\":null,\"op\":1,\"d\":null}");
	for (uint64_t i = 0; i < count; i++) {
		command->affected = 0;
		command_each_gate(command, send_payload, &payload);
	}
	buf_fini(&payload.bytes);
}

void
command_raw(struct command *command)
{
	struct payload payload = {.framed = true};
	size_t size = strlen(command->text);

	buf_init(&payload.bytes, size);
	if (size == 0 || buf_append(&payload.bytes, command->text, size) != GW_OK) {
		command->error = "a payload is wanted";
	} else {
		command_each_gate(command, send_payload, &payload);
	}
	buf_fini(&payload.bytes);
}

static int
hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c != '\0' ? strchr(digits, c | 0x20) : NULL;

	return at ? (int)(at - digits) : -1;
}

void
command_frame(struct command *command)
{
	struct payload payload = {.framed = false};
	const char *hex = command->word_count == 1 ? command->words[0] : "";
	size_t size = strlen(hex);

	buf_init(&payload.bytes, size);
	for (size_t i = 0; i + 1 < size; i += 2) {
		int high = hex_digit(hex[i]);
		int low = hex_digit(hex[i + 1]);
		char byte = (char)(high * 16 + low);

		if (high < 0 || low < 0 ||
		    buf_append(&payload.bytes, &byte, 1) != GW_OK) {
			size = 0;
		}
	}
	if (size == 0 || size % 2 != 0) {
		command->error = "bytes in hexadecimal are wanted";
	} else {
		command_each_gate(command, send_payload, &payload);
	}
	buf_fini(&payload.bytes);
}

static void
cut(struct gate *gate, void *context)
{
	const uint64_t *bytes = context;
	struct conn *conn = gate->conn;

	conn->cut_left = *bytes;
	if (*bytes == 0) {
		conn_drop(conn);
	}
}

void
command_cut(struct command *command)
{
	uint64_t bytes = 0;

	if (command->word_count < 1 ||
	    !command_number(command->words[0], 0, CUT_MAX, &bytes)) {
		command->error = "a number of bytes is wanted";
	} else if (command->word_count == 1) {
		command_each_gate(command, cut, &bytes);
	} else if (strcmp(command->words[1], "next") == 0 && bytes > 0) {
		command->sim->faults.cut_next_at = bytes;
	} else {
		command->error = "at least 1 byte of the next connection";
	}
}

/*
 * Floor: the least that a gateway client can do.  Reads, takes the frames apart,
 * inflates, finds the sequence number, and nothing else: no checks, no session, no
 * second try.  What gwbotd costs is told as a multiple of it.
 *
 *     floor HOST PORT MODE CA_FILE|- [loop]
 *
 * MODE is none, zlib-stream or zstd-stream; without a CA file it is plain.  It waits in
 * read(2); with `loop` the same work is done in the event library's loop, on a
 * descriptor that the loop adopts, so that both costs can be told apart.  It says READY
 * when the first dispatch has come, and on SIGTERM its count and last sequence number.
 */
/* zlib's input pointer is const then. */
#define ZLIB_CONST

#include <errno.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define READ_BYTES ((size_t)64 * 1024)

/* Below gwsim's patience of one and a half intervals of 41.25 s. */
#define BEAT_S 30

struct floor {
	int fd;
	SSL *ssl;
	z_stream zlib;
	ZSTD_DCtx *zstd;
	char *out; /* of the decompressor */
	size_t out_room;
	char *in; /* unread bytes at its front */
	size_t in_size;
	size_t in_room;
	unsigned long long events;
	unsigned long long seq;
};

static volatile sig_atomic_t beat_due;
static volatile sig_atomic_t ended;

static void
on_signal(int number)
{
	if (number == SIGALRM) {
		beat_due = 1;
	} else {
		ended = 1;
	}
}

static _Noreturn void
die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- sending: rare, so it may wait ---- */

static void
write_all(struct floor *floor, const char *data, size_t size)
{
	while (size > 0) {
		struct pollfd room = {floor->fd, POLLOUT, 0};
		ssize_t done = floor->ssl ? SSL_write(floor->ssl, data, (int)size) :
					    write(floor->fd, data, size);

		if (done > 0) {
			data += done;
			size -= (size_t)done;
		} else if (poll(&room, 1, 1000) == 0) {
			die("write");
		}
	}
}

/* A text frame of less than 64 KiB; a mask of zeros leaves the text as it is. */
static void
send_text(struct floor *floor, const char *text, size_t size)
{
	char frame[1024];

	frame[0] = (char)0x81;
	frame[1] = (char)(0x80 | 126);
	frame[2] = (char)(size >> 8);
	frame[3] = (char)(size & 0xFF);
	memset(frame + 4, 0, 4);
	memcpy(frame + 8, text, size);
	write_all(floor, frame, size + 8);
}

static void
send_beat(struct floor *floor)
{
	char text[64];

	int size = snprintf(text, sizeof text, "{\"op\":1,\"d\":%llu}", floor->seq);

	send_text(floor, text, (size_t)size);
}

/* ---- the work ---- */

/* Discord tells it near the front. */
static void
read_payload(struct floor *floor, const char *text, size_t size)
{
	const char *at = memmem(text, size < 200 ? size : 200, "\"s\":", 4);

	if (at && at[4] >= '0' && at[4] <= '9') {
		floor->seq = strtoull(at + 4, NULL, 10);
		floor->events++;
		if (floor->events == 1) {
			puts("READY");
			fflush(stdout);
		}
	}
}

static void
grow(char **data, size_t *room)
{
	*room = *room ? *room * 2 : (size_t)1 << 20;
	*data = realloc(*data, *room);
	if (!*data) {
		die("memory");
	}
}

static size_t
unpack_zlib(struct floor *floor, const char *data, size_t size)
{
	z_stream *zlib = &floor->zlib;
	size_t used = 0;

	zlib->next_in = (const Bytef *)data;
	zlib->avail_in = (uInt)size;
	do {
		if (used == floor->out_room) {
			grow(&floor->out, &floor->out_room);
		}
		zlib->next_out = (Bytef *)floor->out + used;
		zlib->avail_out = (uInt)(floor->out_room - used);
		int result = inflate(zlib, Z_SYNC_FLUSH);

		if (result != Z_OK && result != Z_BUF_ERROR) {
			die("zlib");
		}
		used = floor->out_room - zlib->avail_out;
	} while (zlib->avail_out == 0);
	return used;
}

static size_t
unpack_zstd(struct floor *floor, const char *data, size_t size)
{
	ZSTD_inBuffer in = {data, size, 0};
	ZSTD_outBuffer out = {floor->out, floor->out_room, 0};

	while (in.pos < in.size || out.pos == out.size) {
		if (out.pos == out.size) {
			grow(&floor->out, &floor->out_room);
			out.dst = floor->out;
			out.size = floor->out_room;
		}
		if (ZSTD_isError(ZSTD_decompressStream(floor->zstd, &out, &in))) {
			die("zstd");
		}
	}
	return out.pos;
}

static void
read_message(struct floor *floor, const char *data, size_t size)
{
	if (floor->zstd) {
		read_payload(floor, floor->out, unpack_zstd(floor, data, size));
	} else if (floor->zlib.state) {
		read_payload(floor, floor->out, unpack_zlib(floor, data, size));
	} else {
		read_payload(floor, data, size);
	}
}

/* Size of the frame at the front with its header; 0: it is not whole yet. */
static size_t
frame_at(const unsigned char *data, size_t size, size_t *head)
{
	uint64_t length = size >= 2 ? data[1] & 0x7F : 0;
	size_t extra = length == 126 ? 2 : length == 127 ? 8 : 0;

	*head = 2 + extra;
	if (size < *head) {
		return 0;
	}
	if (extra > 0) {
		length = 0;
		for (size_t i = 0; i < extra; i++) {
			length = length << 8 | data[2 + i];
		}
	}
	return size - *head >= length ? *head + (size_t)length : 0;
}

/* What is in the buffer, message after message; whole ones are in one frame here. */
static void
read_frames(struct floor *floor)
{
	const char *at = floor->in;
	size_t left = floor->in_size;
	size_t head = 0;
	size_t size = 0;

	while ((size = frame_at((const unsigned char *)at, left, &head)) > 0) {
		unsigned opcode = (unsigned char)at[0] & 0x0F;

		if (opcode == 8) {
			fprintf(stderr, "floor: closed by the server\n");
			exit(1);
		}
		if (opcode < 3) {
			read_message(floor, at + head, size - head);
		}
		at += size;
		left -= size;
	}
	memmove(floor->in, at, left);
	floor->in_size = left;
}

/* One read; false: nothing is there (or a signal came). */
static bool
read_some(struct floor *floor)
{
	if (floor->in_room - floor->in_size < READ_BYTES) {
		grow(&floor->in, &floor->in_room);
	}
	char *to = floor->in + floor->in_size;
	size_t got = 0;

	if (floor->ssl) {
		/* Several records, as a buffer of OpenSSL's holds them. */
		do {
			int size =
			    SSL_read(floor->ssl, to + got, (int)(READ_BYTES - got));

			if (size <= 0) {
				break;
			}
			got += (size_t)size;
		} while (got < READ_BYTES && SSL_has_pending(floor->ssl));
		if (got == 0 && SSL_get_shutdown(floor->ssl) != 0) {
			die("end of stream");
		}
	} else {
		ssize_t size = read(floor->fd, to, READ_BYTES);

		if (size == 0) {
			die("end of stream");
		}
		got = size > 0 ? (size_t)size : 0;
	}
	if (got == 0) {
		return false;
	}
	floor->in_size += got;
	read_frames(floor);
	return true;
}

static void
look_at_signals(struct floor *floor)
{
	if (beat_due) {
		beat_due = 0;
		send_beat(floor);
	}
	if (ended) {
		printf("%llu %llu\n", floor->events, floor->seq);
		exit(0);
	}
}

/* ---- in the event library's loop ---- */

static int
on_loop(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
    size_t size)
{
	struct floor *floor = lws_context_user(lws_get_context(wsi));

	(void)user;
	(void)in;
	(void)size;
	if (reason == LWS_CALLBACK_RAW_RX_FILE) {
		do {
			(void)read_some(floor);
		} while (floor->ssl && SSL_has_pending(floor->ssl));
	}
	return 0;
}

static void
run_in_loop(struct floor *floor)
{
	static const struct lws_protocols protocols[] = {{.name = "floor",
							     .callback = on_loop},
	    {0}};
	struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN,
	    .protocols = protocols,
	    .user = floor,
	    .fd_limit_per_thread = 64};

	lws_set_log_level(LLL_ERR, NULL);
	struct lws_context *context = lws_create_context(&info);
	struct lws_vhost *vhost =
	    context ? lws_get_vhost_by_name(context, "default") : NULL;

	if (!vhost ||
	    !lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC,
		(lws_sock_file_fd_type){.filefd = floor->fd}, "floor", NULL)) {
		die("the event library");
	}
	/* What came before the loop had it. */
	while (read_some(floor)) {
	}
	while (lws_service(context, 0) >= 0) {
		look_at_signals(floor);
	}
	die("the event library");
}

/* ---- connecting ---- */

static void
start_tls(struct floor *floor, const char *ca_file, const char *host)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	char name[256];

	if (!context || SSL_CTX_load_verify_locations(context, ca_file, NULL) != 1) {
		die("CA file");
	}
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_default_read_buffer_len(context, READ_BYTES);
	floor->ssl = SSL_new(context);
	SSL_set_fd(floor->ssl, floor->fd);
	(void)snprintf(name, sizeof name, "%s", host);
	SSL_set_tlsext_host_name(floor->ssl, name);
	if (SSL_connect(floor->ssl) != 1) {
		ERR_print_errors_fp(stderr);
		die("TLS");
	}
}

static void
connect_to(struct floor *floor, const char *host, const char *port)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	int one = 1;

	if (getaddrinfo(host, port, &hints, &found) != 0) {
		die("host");
	}
	floor->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (connect(floor->fd, found->ai_addr, found->ai_addrlen) != 0) {
		die("connect");
	}
	setsockopt(floor->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	freeaddrinfo(found);
}

/* The answer's header, byte by byte: it is read once. */
static void
upgrade(struct floor *floor, const char *host, const char *mode)
{
	char text[512];
	size_t size = 0;
	int length = snprintf(text, sizeof text,
	    "GET /?v=10&encoding=json%s%s HTTP/1.1\r\nHost: %s\r\nUpgrade: "
	    "websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
	    strcmp(mode, "none") == 0 ? "" : "&compress=",
	    strcmp(mode, "none") == 0 ? "" : mode, host);

	write_all(floor, text, (size_t)length);
	while (size < 4 || memcmp(text + size - 4, "\r\n\r\n", 4) != 0) {
		if (size == sizeof text - 1 ||
		    (floor->ssl ? SSL_read(floor->ssl, text + size, 1) :
				  (int)read(floor->fd, text + size, 1)) != 1) {
			die("upgrade");
		}
		size++;
	}
	if (strncmp(text, "HTTP/1.1 101", 12) != 0) {
		die("upgrade refused");
	}
}

static void
set_up(struct floor *floor, const char *mode)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct itimerval beats = {{BEAT_S, 0}, {BEAT_S, 0}};

	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	setitimer(ITIMER_REAL, &beats, NULL);
	grow(&floor->in, &floor->in_room);
	if (strcmp(mode, "zlib-stream") == 0) {
		inflateInit(&floor->zlib);
	} else if (strcmp(mode, "zstd-stream") == 0) {
		floor->zstd = ZSTD_createDCtx();
	}
}

int
main(int argc, char **argv)
{
	static const char identify[] =
	    "{\"op\":2,\"d\":{\"token\":\"MTAwNjYzMjk2MDAwMDAwMDAwMA.Gbench.not-a-real-"
	    "token-0123456789abcdefghijk\",\"intents\":53608447,\"properties\":{\"os\":"
	    "\"linux\",\"browser\":\"floor\",\"device\":\"floor\"}}}";
	struct floor floor = {0};

	if (argc < 5) {
		fprintf(stderr, "usage: floor HOST PORT MODE CA_FILE|- [loop]\n");
		return 64;
	}
	set_up(&floor, argv[3]);
	connect_to(&floor, argv[1], argv[2]);
	if (strcmp(argv[4], "-") != 0) {
		start_tls(&floor, argv[4], argv[1]);
	}
	upgrade(&floor, argv[1], argv[3]);
	send_text(&floor, identify, sizeof identify - 1);
	if (argc > 5) {
		int on = 1;

		ioctl(floor.fd, FIONBIO, &on);
		run_in_loop(&floor);
	}
	for (;;) {
		(void)read_some(&floor);
		look_at_signals(&floor);
	}
}

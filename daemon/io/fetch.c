#include "fetch.h"

#include <arpa/inet.h>
#include <libwebsockets.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "log.h"
#include "url.h"
#include "xalloc.h"

/*
 * How libwebsockets 4.1.6 is kept in hand here:
 * - An end may be told in eight ways, some of them several times, some never (204, 304,
 *   a body that stalls).  So the first one cuts the connection loose from its request,
 *   every request has a timer of its own, and that timer also tells the owner: outside
 *   of the library, so that the owner may do anything.
 * - A chunked body that is cut off counts as complete there: see was_cut_off().
 * - It takes 100 Continue for the answer: an error here.
 * - It gives up 5 s after the request without an answer.  So its timeout is put off.
 */

#define WANTED_MAX        16
#define VALUE_BYTES       1024
#define HEAD_BYTES        3000 /* of our headers: the library has a page for all */
#define READ_BYTES        4096
#define CONNECT_TIMEOUT   CLOCK_S(3) /* of one address while there are others */
#define LIBRARY_PATIENCE  60         /* seconds */
#define PUT_OFF_EVERY     CLOCK_S(2)
#define ERROR_BYTES       200
#define REQUEST_MAX_BYTES (16U << 20)

enum step {
	STEP_LOOKUP,
	STEP_CONNECT, /* up to the first byte of the request */
	STEP_ANSWER,  /* the request is on its way, maybe done */
	STEP_ENDED,   /* to be told when the timer fires */
};

/* The library keeps a host name in 128 bytes, and cuts without a word. */
#define HOST_MAX_BYTES 119

#define PORT_HTTP      80
#define PORT_HTTPS     443

struct wanted {
	char *name;
	char *value; /* NULL: absent */
};

struct request {
	TAILQ_ENTRY(request) link;
	struct fetch *fetch;
	uint64_t id;
	void (*fn)(void *ctx, const struct fetch_response *response, mono_ns now);
	void *ctx;

	char method[8];
	struct url url;
	char authority[URL_HOST_BYTES + 16]; /* the Host header */
	struct buf head;                     /* the owner's headers */
	struct buf body;                     /* LWS_PRE bytes, then what is sent */
	bool body_waits;                     /* to be written */

	enum step step;
	mono_ns deadline;
	mono_ns attempt_until;
	struct loop_timer *timer;
	uint64_t lookup;
	struct resolver_answer addresses;
	unsigned tried;
	struct lws *wsi; /* NULL: none, or cut loose */
	bool connecting; /* inside the library's connect function */

	unsigned status;
	bool chunked;
	char **read_at;  /* the library's place, while it reads */
	char *read_from; /* where it began, unless it had bytes left over */
	struct buf answer;
	struct wanted wanted[WANTED_MAX];
	unsigned wanted_count;
	bool sent;
	bool failed;
	char error[ERROR_BYTES];
};

struct fetch {
	struct loop *loop;
	struct resolver *resolver;
	struct lws_vhost *vhost;
	SSL_CTX *tls;
	char *user_agent;
	uint64_t last_id;
	TAILQ_HEAD(, request) requests;
};

/* ---- ends ---- */

/* From now on the library may do with the connection what it likes. */
static void
cut_loose(struct request *request)
{
	if (request->wsi) {
		lws_set_opaque_user_data(request->wsi, NULL);
		request->wsi = NULL;
	}
}

/* The same, and it is closed in the next turn.  Not from inside its callbacks. */
static void
abandon(struct request *request)
{
	struct lws *wsi = request->wsi;

	cut_loose(request);
	if (wsi) {
		lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	}
}

static void
end(struct request *request)
{
	cut_loose(request);
	request->step = STEP_ENDED;
	loop_timer_arm(request->timer, 0);
}

/* What to say if nothing better comes. */
__attribute__((format(printf, 2, 3))) static void
note_error(struct request *request, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	(void)vsnprintf(request->error, sizeof request->error, format, args);
	va_end(args);
}

static void
fail_as_noted(struct request *request)
{
	request->failed = true;
	end(request);
}

#define fail(request, ...) (note_error((request), __VA_ARGS__), fail_as_noted(request))

/* Out of the list: nothing of the library, the resolver or the owner reaches it. */
static void
request_detach(struct request *request)
{
	if (request->lookup != 0) {
		resolver_cancel(request->fetch->resolver, request->lookup);
		request->lookup = 0;
	}
	abandon(request);
	TAILQ_REMOVE(&request->fetch->requests, request, link);
}

static void
request_free(struct request *request)
{
	loop_timer_free(request->timer);
	for (unsigned i = 0; i < request->wanted_count; i++) {
		free(request->wanted[i].name);
		free(request->wanted[i].value);
	}
	buf_fini(&request->head);
	buf_fini(&request->body);
	buf_fini(&request->answer);
	free(request);
}

static const char *
find_header(const struct fetch_response *response, const char *name)
{
	const struct request *request = response->headers;

	for (unsigned i = 0; i < request->wanted_count; i++) {
		if (strcmp(request->wanted[i].name, name) == 0) {
			return request->wanted[i].value;
		}
	}
	return NULL;
}

/* Tells the owner, who may start, cancel and even free the whole from there. */
static void
tell(struct request *request, mono_ns now)
{
	struct fetch_response response = {
	    .error = request->failed ? request->error : NULL,
	    .maybe_done = request->failed && request->sent,
	    .status = request->status,
	    .body = buf_slice(&request->answer),
	    .header = find_header,
	    .headers = request,
	};

	request_detach(request);
	log_debug("fetch_done", KV("host", request->url.host),
	    KV("status", request->status),
	    KV("error", request->failed ? request->error : ""));
	request->fn(request->ctx, &response, now);
	request_free(request);
}

/* ---- connecting ---- */

static bool
is_loopback(const char *address)
{
	static const unsigned char mapped[12] = {[10] = 0xFF, [11] = 0xFF};
	struct in6_addr v6;
	struct in_addr v4;

	if (inet_pton(AF_INET, address, &v4) == 1) {
		return ntohl(v4.s_addr) >> 24 == 127;
	}
	if (inet_pton(AF_INET6, address, &v6) != 1) {
		return false; /* with a scope: link-local */
	}
	return IN6_IS_ADDR_LOOPBACK(&v6) ||
	    (memcmp(v6.s6_addr, mapped, sizeof mapped) == 0 && v6.s6_addr[12] == 127);
}

static bool
connect_to(struct request *request, const char *address)
{
	struct fetch *fetch = request->fetch;
	int flags = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
	struct lws_client_connect_info info = {
	    .context = loop_context(fetch->loop),
	    .vhost = fetch->vhost,
	    .address = address,
	    .port = request->url.port,
	    .path = request->url.path,
	    .host = request->authority,
	    .method = request->method,
	    .alpn = "http/1.1",
	    .ssl_connection = flags | (request->url.tls ? LCCSCF_USE_SSL : 0),
	    .local_protocol_name = "fetch",
	    .pwsi = &request->wsi,
	    .opaque_user_data = request,
	};

	note_error(request, "cannot connect to %s", address);
	request->connecting = true;
	struct lws *wsi = lws_client_connect_via_info(&info);

	request->connecting = false;
	if (!wsi) {
		request->wsi = NULL;
	}
	return request->wsi != NULL;
}

static void
arm(struct request *request, mono_ns now)
{
	mono_ns at = request->deadline;

	if (request->step == STEP_CONNECT && request->attempt_until < at) {
		at = request->attempt_until;
	} else if (request->step == STEP_ANSWER && now + PUT_OFF_EVERY < at) {
		at = now + PUT_OFF_EVERY;
	}
	loop_timer_arm(request->timer, at);
}

/* Begins with the next address that may be used; the last failure is told. */
static void
connect_next(struct request *request, mono_ns now)
{
	while (request->tried < request->addresses.count) {
		const char *address = request->addresses.addresses[request->tried++];
		unsigned left = request->addresses.count - request->tried;
		mono_ns share = (request->deadline - now) / (left + 1);

		if (!request->url.tls && !is_loopback(address)) {
			note_error(request,
			    "plain http to %s, which is no loopback address", address);
			continue;
		}
		if (left > 0 && share > CONNECT_TIMEOUT) {
			share = CONNECT_TIMEOUT;
		}
		request->step = STEP_CONNECT;
		request->attempt_until = now + share;
		if (connect_to(request, address)) {
			arm(request, now);
			return;
		}
	}
	fail_as_noted(request);
}

static void
on_addresses(void *ctx, const struct resolver_answer *answer, mono_ns now)
{
	struct request *request = ctx;

	request->lookup = 0;
	if (answer->error) {
		fail(request, "no address for %s: %s", request->url.host,
		    answer->error);
		return;
	}
	request->addresses = *answer;
	connect_next(request, now);
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct request *request = ctx;

	if (request->step == STEP_ENDED) {
		tell(request, now);
		return;
	}
	if (now >= request->deadline) {
		static const char *const doing[] = {
		    [STEP_LOOKUP] = "looking the name up",
		    [STEP_CONNECT] = "connecting",
		    [STEP_ANSWER] = "waiting for the answer",
		};

		abandon(request);
		fail(request, "timed out while %s", doing[request->step]);
		return;
	}
	if (request->step == STEP_CONNECT && now >= request->attempt_until) {
		abandon(request);
		note_error(request, "timed out connecting to %s",
		    request->addresses.addresses[request->tried - 1]);
	}
	if (request->step == STEP_CONNECT && !request->wsi) {
		connect_next(request, now);
		return;
	}
	if (request->step == STEP_ANSWER && request->wsi) {
		lws_set_timeout(request->wsi, PENDING_TIMEOUT_USER_OK,
		    LIBRARY_PATIENCE);
	}
	arm(request, now);
}

/* ---- what the library tells ---- */

/* Why TLS came to nothing; NULL where it is not to blame. */
static const char *
certificate_error(struct lws *wsi)
{
	const SSL *ssl = lws_get_ssl(wsi);
	long result = ssl ? SSL_get_verify_result(ssl) : X509_V_OK;

	return result == X509_V_OK ? NULL : X509_verify_cert_error_string(result);
}

/* The connection ended without a whole answer. */
static void
on_lost(struct request *request, struct lws *wsi, struct slice why)
{
	const char *refused = certificate_error(wsi);

	if (request->status != 0) {
		fail(request, "closed before the whole answer");
	} else if (request->sent) {
		fail(request, "closed before an answer%s%.*s", why.size ? ": " : "",
		    (int)why.size, why.data ? why.data : "");
	} else if (refused) {
		fail(request, "certificate of %s refused: %s", request->url.host,
		    refused);
	} else {
		note_error(request, "cannot connect to %s: %.*s",
		    request->addresses.addresses[request->tried - 1], (int)why.size,
		    why.data ? why.data : "");
		cut_loose(request);
		if (!request->connecting) {
			loop_timer_arm(request->timer, 0); /* the next address */
		}
	}
}

static int
on_append(struct request *request, struct lws *wsi, char **at, size_t room)
{
	request->sent = true;
	request->step = STEP_ANSWER;
	if (request->head.size > room) {
		fail(request, "request headers larger than allowed");
		return -1;
	}
	memcpy(*at, request->head.data, request->head.size);
	*at += request->head.size;
	if (request->body.size > LWS_PRE) {
		request->body_waits = true;
		lws_client_http_body_pending(wsi, 1);
		lws_callback_on_writable(wsi);
	}
	arm(request, clock_now());
	return 0;
}

static int
on_writable(struct request *request, struct lws *wsi)
{
	size_t size = request->body.size - LWS_PRE;

	if (!request->body_waits) {
		return 0;
	}
	request->body_waits = false;
	lws_client_http_body_pending(wsi, 0);
	if (lws_write(wsi, (unsigned char *)request->body.data + LWS_PRE, size,
		LWS_WRITE_HTTP_FINAL) < (int)size) {
		fail(request, "cannot send the request body");
		return -1;
	}
	return 0;
}

/* The library knows some headers by number and keeps the others by name. */
static int
copy_header(struct lws *wsi, const char *name, char *out, size_t room)
{
	char with_colon[64];
	int size = snprintf(with_colon, sizeof with_colon, "%s:", name);

	if (size < 0 || (size_t)size >= sizeof with_colon) {
		return -1;
	}
	for (int token = 0; token < WSI_TOKEN_COUNT; token++) {
		const unsigned char *known =
		    lws_token_to_string((enum lws_token_indexes)token);

		if (known && strcmp((const char *)known, with_colon) == 0) {
			int copied = lws_hdr_copy(wsi, out, (int)room,
			    (enum lws_token_indexes)token);

			return copied > 0 ? copied : -1; /* 0: absent */
		}
	}
	return lws_hdr_custom_copy(wsi, out, (int)room, with_colon, size);
}

/* How the body will end; false where that cannot be told or is too far away. */
static bool
understand_framing(struct request *request, struct lws *wsi)
{
	char value[64] = "";
	bool sized = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;

	request->chunked =
	    lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
	if (request->chunked &&
	    (sized ||
		lws_hdr_copy(wsi, value, sizeof value,
		    WSI_TOKEN_HTTP_TRANSFER_ENCODING) <= 0 ||
		strcmp(value, "chunked") != 0)) {
		fail(request, "answer in a coding that is not understood");
		return false;
	}
	if (!sized) {
		return true;
	}
	char *rest = NULL;
	bool copied =
	    lws_hdr_copy(wsi, value, sizeof value, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
	unsigned long long size = strtoull(value, &rest, 10);

	if (!copied || value[0] < '0' || value[0] > '9' || *rest) {
		fail(request, "answer with a senseless length");
		return false;
	}
	if (size > request->answer.max_bytes) {
		fail(request, "answer larger than %zu bytes",
		    request->answer.max_bytes);
		return false;
	}
	return true;
}

static int
on_head(struct request *request, struct lws *wsi)
{
	char value[VALUE_BYTES];
	unsigned status = lws_http_client_http_response(wsi);

	if (status < 200 || status > 999) {
		fail(request, "answer with the status %u, which ends nothing", status);
		return -1;
	}
	request->status = status;
	for (unsigned i = 0; i < request->wanted_count; i++) {
		if (copy_header(wsi, request->wanted[i].name, value, sizeof value) >=
		    0) {
			free(request->wanted[i].value);
			request->wanted[i].value = xstrdup(value);
		}
	}
	/* These have no body, whatever their headers say; the library waits for one. */
	if (status == 204 || status == 304 || strcmp(request->method, "HEAD") == 0) {
		end(request);
		return -1;
	}
	return understand_framing(request, wsi) ? 0 : -1;
}

static int
on_readable(struct request *request, struct lws *wsi)
{
	char scratch[READ_BYTES];
	char *at = scratch;
	int size = sizeof scratch;

	request->read_from = scratch;
	request->read_at = &at;
	int result = lws_http_client_read(wsi, &at, &size);

	request->read_at = NULL;
	return result < 0 ? -1 : 0;
}

static int
on_body(struct request *request, const char *data, size_t size)
{
	/* A chunk size beyond 31 bits arrives as a negative one. */
	if (size > READ_BYTES) {
		fail(request, "answer with a senseless chunk size");
		return -1;
	}
	if (buf_append(&request->answer, data, size) != GW_OK) {
		fail(request, "answer larger than %zu bytes",
		    request->answer.max_bytes);
		return -1;
	}
	return 0;
}

/*
 * The end of the stream in the middle of chunks counts as the end of the answer to the
 * library.  It has not moved in what it read then; behind the last chunk it has.
 */
static bool
was_cut_off(const struct request *request)
{
	return request->chunked &&
	    (!request->read_at || *request->read_at == request->read_from);
}

static int
on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
    size_t size)
{
	struct request *request = wsi ? lws_get_opaque_user_data(wsi) : NULL;

	if (!request) {
		return lws_callback_http_dummy(wsi, reason, user, in, size);
	}
	loop_note(request->fetch->loop, __func__);
	/* NOLINTNEXTLINE(clang-diagnostic-switch-enum): the library has over 100
	 * reasons
	 */
	switch ((int)reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return on_append(request, wsi, in, size);
	case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
		return on_writable(request, wsi);
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		return on_head(request, wsi);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
		return on_readable(request, wsi);
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		return on_body(request, in, size);
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
		if (was_cut_off(request)) {
			fail(request, "closed before the whole answer");
		} else {
			end(request);
		}
		return -1;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		on_lost(request, wsi, (struct slice){in, in ? size : 0});
		return -1;
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_WSI_DESTROY:
		on_lost(request, wsi, SLICE_LITERAL("closed"));
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, size);
	}
}

/* ---- the interface ---- */

static SSL_CTX *
tls_new(const char *ca_file)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls) {
		return NULL;
	}
	bool ok = SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1 &&
	    (ca_file ? SSL_CTX_load_verify_file(tls, ca_file) :
		       SSL_CTX_set_default_verify_paths(tls)) == 1;

	(void)SSL_CTX_set_options(tls, SSL_OP_NO_RENEGOTIATION);
	(void)SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	if (!ok) {
		SSL_CTX_free(tls);
		return NULL;
	}
	return tls;
}

static struct lws_vhost *
vhost_new(struct loop *loop, SSL_CTX *tls)
{
	static const struct lws_protocols protocols[] = {
	    {.name = "fetch",
		.callback = on_event,
		.tx_packet_size = REQUEST_MAX_BYTES},
	    {.name = NULL},
	};
	struct lws_context_creation_info info = {
	    .port = CONTEXT_PORT_NO_LISTEN,
	    .vhost_name = "fetch",
	    .protocols = protocols,
	    .options = LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT,
	    .provided_client_ssl_ctx = tls,
	    .http_proxy_address = ":0", /* none, whatever the environment says */
	};

	return lws_create_vhost(loop_context(loop), &info);
}

struct fetch *
fetch_new(struct loop *loop, struct resolver *resolver,
    const struct fetch_options *options)
{
	struct fetch *fetch = xzalloc(sizeof *fetch);

	fetch->loop = loop;
	fetch->resolver = resolver;
	fetch->user_agent = xstrdup(options->user_agent);
	TAILQ_INIT(&fetch->requests);
	fetch->tls = tls_new(options->ca_file);
	fetch->vhost = fetch->tls ? vhost_new(loop, fetch->tls) : NULL;
	if (!fetch->vhost) {
		log_error("fetch_failed",
		    KV("reason",
			fetch->tls ? "the library refused a virtual host" :
				     "cannot use the CA certificates"),
		    KV("ca_file", options->ca_file ? options->ca_file : ""));
		fetch_free(fetch);
		return NULL;
	}
	return fetch;
}

void
fetch_free(struct fetch *owned_fetch)
{
	struct request *request;

	if (!owned_fetch) {
		return;
	}
	while ((request = TAILQ_FIRST(&owned_fetch->requests))) {
		request_detach(request);
		request_free(request);
	}
	if (owned_fetch->vhost) {
		lws_vhost_destroy(owned_fetch->vhost);
	}
	SSL_CTX_free(owned_fetch->tls);
	free(owned_fetch->user_agent);
	free(owned_fetch);
}

static bool
put_header(struct buf *head, const char *name, const char *value)
{
	/* Whoever could smuggle a line end in could add a request. */
	return strpbrk(name, "\r\n: ") == NULL && strpbrk(value, "\r\n") == NULL &&
	    buf_printf(head, "%s: %s\r\n", name, value) == GW_OK;
}

static bool
put_headers(struct request *request, const struct fetch_request *from)
{
	struct buf *head = &request->head;
	const char *method = request->method;
	bool sized = from->body.size > 0 || strcmp(method, "POST") == 0 ||
	    strcmp(method, "PUT") == 0 || strcmp(method, "PATCH") == 0;
	const char *user_agent = request->fetch->user_agent;
	bool ok = !user_agent || put_header(head, "User-Agent", user_agent);

	for (unsigned i = 0; ok && i < FETCH_HEADERS_MAX && from->headers[i].name;
	     i++) {
		ok = put_header(head, from->headers[i].name, from->headers[i].value);
	}
	if (ok && sized) {
		ok = buf_printf(head, "Content-Length: %zu\r\n", from->body.size) ==
		    GW_OK;
	}
	return ok;
}

static bool
put_body(struct request *request, struct slice body)
{
	static const char room[LWS_PRE];

	return buf_append(&request->body, room, sizeof room) == GW_OK &&
	    buf_append(&request->body, body.data, body.size) == GW_OK;
}

static bool
method_is_known(const char *method)
{
	static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH",
	    "DELETE", "OPTIONS"};

	for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
		if (strcmp(methods[i], method) == 0) {
			return true;
		}
	}
	return false;
}

static void
put_authority(struct request *request)
{
	const struct url *url = &request->url;
	bool literal = strchr(url->host, ':') != NULL;
	char port[8] = "";

	if (url->port != (url->tls ? PORT_HTTPS : PORT_HTTP)) {
		(void)snprintf(port, sizeof port, ":%u", url->port);
	}
	(void)snprintf(request->authority, sizeof request->authority, "%s%s%s%s",
	    literal ? "[" : "", url->host, literal ? "]" : "", port);
}

/* Copies what is to be asked; NULL, or why it cannot be. */
static const char *
take_request(struct request *request, const struct fetch_request *from)
{
	if (url_parse(from->url, &request->url) != GW_OK || request->url.websocket ||
	    strlen(request->url.host) > HOST_MAX_BYTES) {
		return "not a URL that can be fetched";
	}
	put_authority(request);
	if (!method_is_known(from->method)) {
		return "a method that cannot be sent";
	}
	(void)slice_copy(slice_of(from->method), request->method,
	    sizeof request->method);
	if (!put_headers(request, from) || !put_body(request, from->body)) {
		return "headers or body larger than allowed, or not well formed";
	}
	for (unsigned i = 0; from->want_headers && from->want_headers[i]; i++) {
		if (i == WANTED_MAX) {
			return "too many headers wanted";
		}
		request->wanted[request->wanted_count++].name =
		    xstrdup(from->want_headers[i]);
	}
	return NULL;
}

uint64_t
fetch_start(struct fetch *fetch, const struct fetch_request *request,
    void (*fn)(void *ctx, const struct fetch_response *response, mono_ns now),
    void *ctx)
{
	struct request *own = xzalloc(sizeof *own);
	mono_ns now = clock_now();

	own->fetch = fetch;
	own->id = ++fetch->last_id;
	own->fn = fn;
	own->ctx = ctx;
	own->deadline = clock_add(now, request->timeout);
	own->timer = loop_timer_new(fetch->loop, on_timer, own);
	buf_init(&own->head, HEAD_BYTES);
	buf_init(&own->body, LWS_PRE + REQUEST_MAX_BYTES);
	buf_init(&own->answer, request->max_body_bytes);
	TAILQ_INSERT_TAIL(&fetch->requests, own, link);

	const char *why = take_request(own, request);

	if (why) {
		fail(own, "%s", why);
		return own->id;
	}
	own->lookup = resolver_lookup(fetch->resolver, own->url.host, request->timeout,
	    on_addresses, own);
	arm(own, now);
	return own->id;
}

void
fetch_cancel(struct fetch *fetch, uint64_t id)
{
	struct request *request;

	TAILQ_FOREACH(request, &fetch->requests, link)
	{
		if (request->id == id) {
			request_detach(request);
			request_free(request);
			return;
		}
	}
}

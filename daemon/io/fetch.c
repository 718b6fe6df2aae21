#include "fetch.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "fetch_job.h"
#include "log.h"
#include "trust.h"
#include "ws_tls.h"
#include "xalloc.h"

#define CONNECT_TIMEOUT  CLOCK_S(3) /* of one address while there are others */
#define LIBRARY_PATIENCE 60         /* seconds */

struct fetch {
	struct loop *loop;
	struct resolver *resolver;
	struct lws_vhost *vhost;
	SSL_CTX *tls;
	char *user_agent;
	uint64_t last_id;
	TAILQ_HEAD(fetch_jobs, fetch_job) jobs;
};

/* Out of the list: nothing of the library, the resolver or the owner reaches it. */
static void
job_detach(struct fetch_job *job)
{
	if (job->lookup != 0) {
		resolver_cancel(job->fetch->resolver, job->lookup);
		job->lookup = 0;
	}
	fetch_job_abandon(job);
	TAILQ_REMOVE(&job->fetch->jobs, job, link);
}

static const char *
find_header(const struct fetch_response *response, const char *name)
{
	const struct fetch_job *job = response->headers;

	for (unsigned i = 0; i < job->wanted_count; i++) {
		if (strcmp(job->wanted[i].name, name) == 0) {
			return job->wanted[i].value;
		}
	}
	return NULL;
}

/* Tells the owner, who may start, cancel and even free the whole from there. */
static void
tell(struct fetch_job *job, mono_ns now)
{
	enum fetch_end failure = job->end == FETCH_WHOLE ? FETCH_FAILED : job->end;
	struct fetch_response response = {
	    .error = job->failed ? job->error : NULL,
	    .end = job->failed ? failure : FETCH_WHOLE,
	    .maybe_done = job->failed && job->sent,
	    .status = job->status,
	    .body = buf_slice(&job->answer),
	    .header = find_header,
	    .headers = job,
	};

	job_detach(job);
	log_debug("fetch_done", KV("host", job->url.host), KV("status", job->status),
	    KV("error", job->failed ? job->error : ""));
	job->fn(job->ctx, &response, now);
	fetch_job_free(job);
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
connect_to(struct fetch_job *job, const char *address)
{
	struct fetch *fetch = job->fetch;
	int flags = LCCSCF_HTTP_NO_FOLLOW_REDIRECT;
	struct lws_client_connect_info info = {
	    .context = loop_context(fetch->loop),
	    .vhost = fetch->vhost,
	    .address = address,
	    .port = job->url.port,
	    .path = job->url.path,
	    .host = job->authority,
	    .method = job->method,
	    .alpn = "http/1.1",
	    .ssl_connection = flags | (job->url.tls ? LCCSCF_USE_SSL : 0),
	    .local_protocol_name = "fetch",
	    .pwsi = &job->wsi,
	    .opaque_user_data = job,
	};

	fetch_job_note(job, "cannot connect to %s", address);
	job->connecting = true;
	struct lws *wsi = lws_client_connect_via_info(&info);

	job->connecting = false;
	if (!wsi) {
		job->wsi = NULL;
	}
	return job->wsi != NULL;
}

/* Begins with the next address that may be used; the last failure is told. */
static void
connect_next(struct fetch_job *job, mono_ns now)
{
	while (job->tried < job->addresses.count) {
		const char *address = job->addresses.addresses[job->tried++];
		unsigned left = job->addresses.count - job->tried;
		mono_ns share = (job->deadline - now) / (left + 1);

		if (!job->url.tls && !job->plain_anywhere && !is_loopback(address)) {
			fetch_job_note(job,
			    "plain http to %s, which is no loopback address", address);
			continue;
		}
		if (job->allows_address && !job->allows_address(address)) {
			fetch_job_note(job, "%s leads to %s, which is not allowed",
			    job->url.host, address);
			continue;
		}
		if (left > 0 && share > CONNECT_TIMEOUT) {
			share = CONNECT_TIMEOUT;
		}
		job->step = FETCH_STEP_CONNECT;
		job->attempt_until = now + share;
		bool begun = connect_to(job, address);

		if (job->step == FETCH_STEP_ENDED) {
			return; /* sent and lost at once: nobody knows if it was done */
		}
		if (begun) {
			fetch_job_arm(job, now);
			return;
		}
	}
	fetch_job_fail_as_noted(job);
}

static void
on_addresses(void *ctx, const struct resolver_answer *answer, mono_ns now)
{
	struct fetch_job *job = ctx;

	job->lookup = 0;
	if (answer->error) {
		job->end = now >= job->deadline ? FETCH_TIMED_OUT : FETCH_WHOLE;
		FETCH_JOB_FAIL(job, "no address for %s: %s", job->url.host,
		    answer->error);
		return;
	}
	job->addresses = *answer;
	connect_next(job, now);
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct fetch_job *job = ctx;

	if (job->step == FETCH_STEP_ENDED) {
		tell(job, now);
		return;
	}
	if (now >= job->deadline) {
		static const char *const doing[] = {
		    [FETCH_STEP_LOOKUP] = "looking the name up",
		    [FETCH_STEP_CONNECT] = "connecting",
		    [FETCH_STEP_ANSWER] = "waiting for the answer",
		};

		fetch_job_abandon(job);
		job->end = FETCH_TIMED_OUT;
		FETCH_JOB_FAIL(job, "timed out while %s", doing[job->step]);
		return;
	}
	if (job->step == FETCH_STEP_CONNECT && now >= job->attempt_until) {
		fetch_job_abandon(job);
		fetch_job_note(job, "timed out connecting to %s",
		    job->addresses.addresses[job->tried - 1]);
	}
	if (job->step == FETCH_STEP_CONNECT && !job->wsi) {
		connect_next(job, now);
		return;
	}
	if (job->step == FETCH_STEP_ANSWER && job->wsi) {
		lws_set_timeout(job->wsi, PENDING_TIMEOUT_USER_OK, LIBRARY_PATIENCE);
	}
	fetch_job_arm(job, now);
}

/* ---- the interface ---- */

static SSL_CTX *
tls_new(const struct fetch_options *options)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_client_method());

	if (!tls) {
		return NULL;
	}
	bool ok = SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION) == 1;

	if (options->trust) {
		trust_share(tls, ws_tls_context(options->trust));
	} else {
		ok = ok && trust_load(tls, options->ca_file);
	}
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
		.callback = fetch_on_event,
		.tx_packet_size = FETCH_REQUEST_MAX_BYTES},
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
	TAILQ_INIT(&fetch->jobs);
	fetch->tls = tls_new(options);
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
	struct fetch_job *job = NULL;

	if (!owned_fetch) {
		return;
	}
	while ((job = TAILQ_FIRST(&owned_fetch->jobs))) {
		job_detach(job);
		fetch_job_free(job);
	}
	if (owned_fetch->vhost) {
		lws_vhost_destroy(owned_fetch->vhost);
	}
	SSL_CTX_free(owned_fetch->tls);
	free(owned_fetch->user_agent);
	free(owned_fetch);
}

uint64_t
fetch_start(struct fetch *fetch, const struct fetch_request *request,
    void (*fn)(void *ctx, const struct fetch_response *response, mono_ns now),
    void *ctx)
{
	struct fetch_job *job = xzalloc(sizeof *job);
	mono_ns now = clock_now();

	job->fetch = fetch;
	job->loop = fetch->loop;
	job->id = ++fetch->last_id;
	job->fn = fn;
	job->ctx = ctx;
	job->plain_anywhere = request->plain_anywhere;
	job->deadline = clock_add(now, request->timeout);
	job->timer = loop_timer_new(fetch->loop, on_timer, job);
	TAILQ_INSERT_TAIL(&fetch->jobs, job, link);

	const char *why = fetch_job_take(job, request, fetch->user_agent);

	if (why) {
		FETCH_JOB_FAIL(job, "%s", why);
		return job->id;
	}
	job->lookup = resolver_lookup(fetch->resolver, job->url.host, request->timeout,
	    on_addresses, job);
	fetch_job_arm(job, now);
	return job->id;
}

void
fetch_cancel(struct fetch *fetch, uint64_t id)
{
	struct fetch_job *job = NULL;

	TAILQ_FOREACH(job, &fetch->jobs, link)
	{
		if (job->id == id) {
			job_detach(job);
			fetch_job_free(job);
			return;
		}
	}
}

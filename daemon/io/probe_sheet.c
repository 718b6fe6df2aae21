/*
 * Kind google-sheet: can the first row of a tab be read?
 *
 * A run goes from step to step: the key's file (on a helper thread, which also sees
 * whether it is another one now), the signature (the same), the access token, the row.
 * With a token that is good and a file that is the same, two of them are left out.
 * Every end is told by the run's timer, outside of whatever found it.
 */
#include "probe_kinds.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "sheet.h"
#include "sheet_memory.h"
#include "sheet_token.h"
#include "xalloc.h"

#define IN_ENVIRONMENT "env:"
#define URL_BYTES      ((size_t)4096)
#define TOKEN_BYTES    ((size_t)4096)
#define FORM_BYTES     ((size_t)16384)

/* A request tells its own timeout, in more words. */
#define FETCH_GRACE CLOCK_S(1)

struct run;

/* From run to run. */
struct kept {
	struct run *run;          /* NULL between two runs */
	bool forgotten;           /* no run will come: freed when the helper is back */
	bool helper_is_out;       /* with a job */
	bool run_wants_it;        /* what the helper brings is for the present run */
	struct sheet_stamp stamp; /* of the file that the token came from */
	struct sheet_memory memory;
};

struct run {
	struct probe_task *task;
	struct kept *kept;
	mono_ns begun_at;
	mono_ns deadline;
	struct loop_timer *timer;
	const char *doing; /* for the word on a timeout */
	struct fetch *fetch;
	uint64_t fetch_id;            /* 0: none under way */
	bool renewed;                 /* a token that was refused was changed once */
	struct sheet_account account; /* while a grant is made; its key is NULL else */
	struct secret *key;           /* the API key, or NULL */
	struct buf grant;
	bool ended; /* to be told when the timer fires */
	enum probe_verdict verdict;
	char reason[PROBE_REASON_ROOM];
};

static void go_for_key(struct run *run, bool in_any_case, mono_ns now);

/* ---- ends ---- */

static void
conclude(struct run *run, enum probe_verdict verdict, const char *reason)
{
	if (run->fetch_id != 0) {
		fetch_cancel(run->fetch, run->fetch_id);
		run->fetch_id = 0;
	}
	run->kept->run_wants_it = false;
	run->ended = true;
	run->verdict = verdict;
	(void)slice_copy(slice_of(reason), run->reason, sizeof run->reason);
	loop_timer_arm(run->timer, 0);
}

__attribute__((format(printf, 2, 3))) static void
fail(struct run *run, const char *format, ...)
{
	char reason[PROBE_REASON_ROOM];
	va_list args;

	va_start(args, format);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): a line above */
	(void)vsnprintf(reason, sizeof reason, format, args);
	va_end(args);
	conclude(run, PROBE_BAD, reason);
}

static void
free_run(struct run *run)
{
	if (run->fetch_id != 0) {
		fetch_cancel(run->fetch, run->fetch_id);
	}
	run->kept->run_wants_it = false;
	run->kept->run = NULL;
	loop_timer_free(run->timer);
	sheet_account_fini(&run->account);
	secret_free(run->key);
	buf_wipe(&run->grant);
	run->task->work = NULL;
	free(run);
}

static void
free_kept(struct kept *kept)
{
	sheet_memory_fini(&kept->memory);
	free(kept);
}

static void
on_timer(void *ctx, mono_ns now)
{
	struct run *run = ctx;
	struct probe_task *task = run->task;
	enum probe_verdict verdict = run->verdict;
	char reason[PROBE_REASON_ROOM];

	if (!run->ended) {
		fail(run, "not done in time: still %s", run->doing);
		verdict = run->verdict;
	}
	memcpy(reason, run->reason, sizeof reason);
	free_run(run);
	task->done(task, verdict, reason, now);
}

/* ---- what a run works with ---- */

static const char *
place_of(const struct run *run)
{
	const struct config_probe *config = run->task->config;

	return config->credentials[0] ? config->credentials : config->api_key;
}

static bool
by_account(const struct run *run)
{
	return run->task->config->credentials[0] != '\0';
}

static struct sheet_asked
asked_of(const struct run *run)
{
	bool account = by_account(run);

	return (struct sheet_asked){
	    .worksheet = run->task->config->worksheet,
	    .email = account ? run->kept->memory.email : "",
	    .project = account ? run->kept->memory.project : "",
	};
}

/* Peers may quote back in an error what they were sent. */
static void
scrub(const struct run *run, struct buf *body)
{
	const struct secret *token = run->kept->memory.token;

	if (body->size > 0 && token) {
		secret_scrub(token, body->data, body->size);
	}
	if (body->size > 0 && run->key) {
		secret_scrub(run->key, body->data, body->size);
	}
}

/* The body goes through kept_body, which is to be wiped afterwards: what is secret in
 * an error is hidden before any of it is cut. */
static struct sheet_answer
answer_of(const struct run *run, const struct fetch_response *response,
    struct buf *kept_body)
{
	buf_init(kept_body, SHEET_ANSWER_MAX_BYTES);
	(void)buf_reserve(kept_body, response->body.size);
	(void)buf_append(kept_body, response->body.data, response->body.size);
	if (response->status != 200) {
		scrub(run, kept_body);
	}
	return (struct sheet_answer){
	    .status = response->status,
	    .body = buf_slice(kept_body),
	    .date = response->header(response, "date"),
	    .retry_after = response->header(response, "retry-after"),
	    .now_s = clock_wall_ms() / 1000,
	};
}

static void
ask(struct run *run, struct fetch_request *request, const char *doing,
    void (*fn)(void *ctx, const struct fetch_response *response, mono_ns now),
    mono_ns now)
{
	static const char *const wanted[] = {"date", "retry-after", NULL};
	mono_ns left = run->deadline - now;

	run->doing = doing;
	run->fetch = run->task->tools->fetch(run->task->tools->ctx);
	if (!run->fetch) {
		fail(run, "no certificates could be loaded (discord.ca_file)");
		return;
	}
	request->timeout = left > CLOCK_MS(1) ? left : CLOCK_MS(1);
	request->max_body_bytes = SHEET_ANSWER_MAX_BYTES;
	request->want_headers = wanted;
	run->fetch_id = fetch_start(run->fetch, request, fn, run);
	loop_timer_arm(run->timer, run->deadline + FETCH_GRACE);
}

/* ---- the row ---- */

static void
on_row(void *ctx, const struct fetch_response *response, mono_ns now)
{
	struct run *run = ctx;
	struct kept *kept = run->kept;
	struct sheet_asked asked = asked_of(run);
	struct sheet_finding finding;

	run->fetch_id = 0;
	if (response->error) {
		fail(run, "the Sheets API: %s", response->error);
		return;
	}
	struct buf body;
	const struct sheet_answer answer = answer_of(run, response, &body);

	sheet_read_row(&asked, &answer, &finding);
	buf_wipe(&body);
	if (finding.refused && by_account(run)) {
		sheet_memory_drop_token(&kept->memory);
		if (!run->renewed) {
			run->renewed = true;
			go_for_key(run, true, now);
			return;
		}
	}
	sheet_memory_take_row(&kept->memory, &finding, run->begun_at, now);
	conclude(run, finding.verdict, finding.reason);
}

static void
read_row(struct run *run, mono_ns now)
{
	const struct config_probe *config = run->task->config;
	const struct secret *token = run->kept->memory.token;
	struct fetch_request request = {.method = "GET"};
	struct buf url;
	struct buf bearer;

	buf_init(&url, URL_BYTES);
	buf_init(&bearer, TOKEN_BYTES);
	(void)buf_reserve(&url, URL_BYTES);
	(void)buf_reserve(&bearer, TOKEN_BYTES);
	enum gw_err err = sheet_put_url(config->base, config->sheet, config->worksheet,
	    run->key, &url);

	if (err == GW_OK && token && !run->key) {
		err = buf_printf(&bearer, "Bearer %s", secret_reveal(token));
		request.headers[0] =
		    (struct fetch_header){"Authorization", bearer.data};
	}
	if (err == GW_OK) {
		err = buf_append(&bearer, "", 1);
	}
	if (err == GW_OK) {
		err = buf_append(&url, "", 1);
	}
	request.url = url.data;
	if (err == GW_OK) {
		ask(run, &request, "reading the row", on_row, now);
	} else {
		fail(run, "the names of sheet and tab are too long for a URL");
	}
	buf_wipe(&url);
	buf_wipe(&bearer);
}

/* ---- the token ---- */

/* A token that is due may still be good while there is no new one. */
static bool
go_on_with_old_token(struct run *run, mono_ns now)
{
	if (!sheet_memory_is_usable(&run->kept->memory, now)) {
		return false;
	}
	read_row(run, now);
	return true;
}

static void
on_token(void *ctx, const struct fetch_response *response, mono_ns now)
{
	struct run *run = ctx;
	struct kept *kept = run->kept;
	struct sheet_asked asked = asked_of(run);
	struct sheet_finding finding = {.transient = true};
	struct sheet_token token = {.access = NULL};

	run->fetch_id = 0;
	if (!response->error) {
		struct buf body;
		const struct sheet_answer answer = answer_of(run, response, &body);
		bool taken = sheet_read_token(&asked, &answer, &token, &finding);

		buf_wipe(&body);
		if (taken) {
			sheet_memory_take_token(&kept->memory, &token, now);
			log_debug("sheet_token_new",
			    KV("probe", (const char *)run->task->config->name),
			    KV("account", (const char *)kept->memory.email),
			    KV("lifetime_s", clock_seconds(token.lifetime)));
			read_row(run, now);
			return;
		}
	}
	if (finding.transient && go_on_with_old_token(run, now)) {
		return;
	}
	if (response->error) {
		fail(run, "the token endpoint: %s", response->error);
	} else {
		sheet_memory_take(&kept->memory, &finding, now);
		conclude(run, finding.verdict, finding.reason);
	}
}

static void
on_signature(void *ctx, const struct sheet_signature *signature, mono_ns now)
{
	struct kept *kept = ctx;
	struct run *run = kept->run_wants_it ? kept->run : NULL;
	struct fetch_request request = {
	    .method = "POST",
	    .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
	};
	struct buf form;

	kept->helper_is_out = false;
	kept->run_wants_it = false;
	if (kept->forgotten) {
		free_kept(kept);
		return;
	}
	if (!run) {
		return;
	}
	if (signature->error) {
		fail(run, "%.120s: %s", place_of(run), signature->error);
		return;
	}
	buf_init(&form, FORM_BYTES);
	(void)buf_reserve(&form, FORM_BYTES);
	if (sheet_put_form(buf_slice(&run->grant), signature->bytes, &form) == GW_OK) {
		request.url = run->account.token_uri;
		request.body = buf_slice(&form);
		ask(run, &request, "waiting for a token", on_token, now);
	} else {
		fail(run, "%.120s: what it says is too long", place_of(run));
	}
	sheet_account_fini(&run->account);
	buf_wipe(&form);
}

/* From here on the helper works for the run. */
static bool
send_helper(struct run *run, enum gw_err err, const char *doing)
{
	if (err != GW_OK) {
		fail(run, "no helper is free: %s",
		    err == GW_ERR_FULL ? "too many of them hang" :
					 "no thread can be made");
		return false;
	}
	run->kept->helper_is_out = true;
	run->kept->run_wants_it = true;
	run->doing = doing;
	return true;
}

/* The account is known; its grant is to be signed. */
static void
make_grant(struct run *run)
{
	struct kept *kept = run->kept;
	struct sheet_memory *memory = &kept->memory;

	memcpy(memory->email, run->account.email, sizeof memory->email);
	memcpy(memory->project, run->account.project, sizeof memory->project);
	buf_wipe(&run->grant);
	(void)buf_reserve(&run->grant, FORM_BYTES);
	if (sheet_put_grant(&run->account, clock_wall_ms() / 1000, &run->grant) !=
	    GW_OK) {
		fail(run, "%.120s: what it says is too long", place_of(run));
		return;
	}
	(void)send_helper(run,
	    sheet_sign(run->task->tools->worker, run->account.key,
		buf_slice(&run->grant), on_signature, kept),
	    "signing");
}

/* ---- the key ---- */

static void
take_key(struct run *run, struct slice text, mono_ns now)
{
	if (!by_account(run)) {
		if (!sheet_trim_key(&text)) {
			fail(run, "%.120s holds no API key", place_of(run));
			return;
		}
		secret_free(run->key);
		run->key = secret_new(text.data, text.size);
		read_row(run, now);
		return;
	}
	sheet_account_fini(&run->account);
	const char *why = sheet_account_read(text, &run->account);

	if (why) {
		fail(run, "%.120s: %s", place_of(run), why);
		return;
	}
	make_grant(run);
}

static void
on_key_file(void *ctx, const struct sheet_key_file *file, mono_ns now)
{
	struct kept *kept = ctx;
	struct run *run = kept->run_wants_it ? kept->run : NULL;

	kept->helper_is_out = false;
	kept->run_wants_it = false;
	if (kept->forgotten) {
		free_kept(kept);
		return;
	}
	if (!run) {
		return;
	}
	if (file->error) {
		fail(run, "cannot read %.120s: %s", place_of(run), file->error);
		return;
	}
	if (file->same) {
		read_row(run, now);
		return;
	}
	if (memcmp(&file->stamp, &kept->stamp, sizeof kept->stamp) != 0) {
		sheet_memory_drop_token(&kept->memory); /* it was another key's */
	}
	kept->stamp = file->stamp;
	take_key(run, file->text, now);
}

static void
read_variable(struct run *run, mono_ns now)
{
	const struct probe_tools *tools = run->task->tools;
	const char *name = place_of(run) + sizeof IN_ENVIRONMENT - 1;
	const char *text = tools->variable(tools->variables, name);

	if (!text || text[0] == '\0') {
		fail(run, "the variable %s is not set", name);
		return;
	}
	take_key(run, slice_of(text), now);
}

static void
go_for_key(struct run *run, bool in_any_case, mono_ns now)
{
	struct kept *kept = run->kept;
	const char *place = place_of(run);
	bool fresh = !in_any_case && by_account(run) &&
	    sheet_memory_is_fresh(&kept->memory, now);

	if (strncmp(place, IN_ENVIRONMENT, sizeof IN_ENVIRONMENT - 1) == 0) {
		if (fresh) {
			read_row(run, now);
		} else {
			read_variable(run, now);
		}
		return;
	}
	if (kept->helper_is_out) {
		fail(run, "an earlier read of %.120s still hangs", place);
		return;
	}
	(void)send_helper(run,
	    sheet_key_read(run->task->tools->worker, place, fresh ? &kept->stamp : NULL,
		on_key_file, kept),
	    "reading the key");
}

/* ---- the kind ---- */

static void
start(struct probe_task *task, mono_ns now)
{
	struct run *run = xzalloc(sizeof *run);
	char reason[PROBE_REASON_ROOM];

	if (!task->kept) {
		task->kept = xzalloc(sizeof(struct kept));
	}
	run->task = task;
	run->kept = task->kept;
	run->kept->run = run;
	run->begun_at = now;
	run->deadline = now + task->config->timeout;
	buf_init(&run->grant, FORM_BYTES);
	run->timer = loop_timer_new(task->tools->loop, on_timer, run);
	loop_timer_arm(run->timer, run->deadline);
	task->work = run;
	if (sheet_memory_spares(&run->kept->memory, now, reason, sizeof reason)) {
		conclude(run, PROBE_UNSETTLED, reason);
	} else {
		go_for_key(run, false, now);
	}
}

static void
cancel(struct probe_task *task)
{
	free_run(task->work);
}

static void
forget(struct probe_task *task)
{
	struct kept *kept = task->kept;

	task->kept = NULL;
	kept->forgotten = true;
	if (!kept->helper_is_out) {
		free_kept(kept);
	}
}

const struct probe_kind probe_sheet = {
    .start = start,
    .cancel = cancel,
    .forget = forget,
};

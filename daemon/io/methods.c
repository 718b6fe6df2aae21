#include "methods.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "methods_rows.h"
#include "methods_visit.h"
#include "xalloc.h"

struct methods {
	const struct methods_source *source;
	bool rebooting;
	struct methods_counts counts;
};

#define FUNCTION_READ(id)   methods_##id
#define FUNCTION_WRITE(id)  methods_##id
#define FUNCTION_EITHER(id) methods_##id
#define FUNCTION_CLIENT(id) visit_refuse_client

static void (*const functions[])(const struct visit *visit) = {
#define COMMAND(id, name, synopsis, access, help) \
	[COMMAND_##id] = FUNCTION_##access(id),
#include "commands.def"
#undef COMMAND
};

/* ---- hello ---- */

static void
add_protocol(struct json *object)
{
	struct json *range = json_new_array();

	json_append(range, json_new_int(RPC_PROTOCOL_MIN));
	json_append(range, json_new_int(RPC_PROTOCOL_MAX));
	json_add(object, "protocol", range);
}

/* False where the client names a range that does not meet ours. */
static bool
protocols_meet(const struct json *params, int64_t *min, int64_t *max)
{
	const struct json *range = json_get(params, "protocol");

	*min = RPC_PROTOCOL_MIN;
	*max = RPC_PROTOCOL_MAX;
	(void)json_int(json_at(range, 0), min);
	(void)json_int(json_at(range, 1), max);
	return *min <= RPC_PROTOCOL_MAX && *max >= RPC_PROTOCOL_MIN;
}

/* A client that wants to be held to reading says so; nothing gives it back. */
static bool
take_access(const struct visit *visit, const struct json *access)
{
	const char *word = access ? json_text(access) : "full";

	if (word && strcmp(word, "read") == 0) {
		control_call_restrict(visit->call);
		return true;
	}
	if (!word || strcmp(word, "full") != 0) {
		visit_refuse(visit, RPC_ERR_PARAMS, NULL,
		    "access must be \"read\" or \"full\"");
		return false;
	}
	return true;
}

static void
say_hello(const struct visit *visit)
{
	const struct methods_source *source = visit->source;
	const struct json *params = visit->request->params;
	struct methods_process process;
	int64_t min;
	int64_t max;

	if (!protocols_meet(params, &min, &max)) {
		visit_refuse(visit, RPC_ERR_SKEW,
		    "restart the daemon after an upgrade: systemctl restart gwbotd",
		    "gwbotd %s speaks protocol %d to %d, %.40s %.40s needs %" PRId64
		    " to %" PRId64,
		    source->version, RPC_PROTOCOL_MIN, RPC_PROTOCOL_MAX,
		    json_text_or(json_get(params, "client"), "the client"),
		    json_text_or(json_get(params, "version"), ""), min, max);
		return;
	}
	if (!take_access(visit, json_get(params, "access"))) {
		return;
	}
	struct json *hello = visit_new_answer("hello");
	struct json *capabilities = json_new_array();

	source->process(source->ctx, &process);
	json_add_text(hello, "daemon", "gwbotd");
	json_add_text(hello, "version", source->version);
	add_protocol(hello);
	for (size_t i = 0; i < commands_count(); i++) {
		if (commands_at(i)->access != COMMAND_CLIENT) {
			json_append(capabilities, json_new_text(commands_at(i)->name));
		}
	}
	json_add(hello, "capabilities", capabilities);
	json_add_text(hello, "access",
	    control_call_restricted(visit->call) ? "read" : "full");
	json_add_text(hello, "name", source->bot_name);
	json_add_text(hello, "profile", source->profile);
	json_add_int(hello, "pid", process.pid);
	json_add_time(hello, "start_time", source->started_wall_ms);
	visit_answer(visit, hello);
}

/* ---- the rows of commands.def ---- */

void
methods_version(const struct visit *visit)
{
	struct json *version = visit_new_answer("version");
	struct json *daemon = json_new_object();

	json_add_text(daemon, "version", visit->source->version);
	add_protocol(daemon);
	json_add(version, "gwbotd", daemon);
	visit_answer(visit, version);
}

/* gwctl talks to gwsim itself: the daemon only says where it listens. */
void
methods_sim(const struct visit *visit)
{
	if (!visit->source->sim_control) {
		visit_refuse(visit, RPC_ERR_REFUSED,
		    "the built-in gateway runs with: gwbotd --sim",
		    "this gwbotd talks to the real gateway; there is nothing to play "
		    "faults with");
		return;
	}
	struct json *sim = visit_new_answer("sim");

	json_add_text(sim, "socket", visit->source->sim_control);
	visit_answer(visit, sim);
}

static void
append_command(struct json *array, const struct command *command)
{
	struct json *object = json_new_object();

	json_add_text(object, "name", command->name);
	json_add_text(object, "synopsis", command->synopsis);
	json_add_text(object, "access", commands_access_word(command->access));
	json_add_text(object, "help", command->help);
	json_append(array, object);
}

void
methods_help(const struct visit *visit)
{
	const char *wanted = json_text(visit_argument(visit, 0));
	const struct command *only = wanted ? commands_find(wanted) : NULL;

	if (wanted && !only) {
		visit_refuse_unknown(visit, wanted);
		return;
	}
	struct json *help = visit_new_answer("help");
	struct json *commands = json_new_array();

	for (size_t i = 0; i < commands_count(); i++) {
		if (!only || only == commands_at(i)) {
			append_command(commands, commands_at(i));
		}
	}
	json_add(help, "commands", commands);
	visit_answer(visit, help);
}

/* ---- dispatch ---- */

/* What one that has yielded can still be told. */
static bool
is_for_yielded(enum command_id id)
{
	return id == COMMAND_stop || id == COMMAND_reboot;
}

static void
serve_command(const struct visit *visit)
{
	bool changes = visit_changes(visit);

	if (changes && control_call_restricted(visit->call)) {
		visit_refuse(visit, RPC_ERR_READ_ONLY, "leave --read-only out",
		    "\"%s\" changes something, and this connection may only read",
		    visit->command->name);
		return;
	}
	if (changes && visit->source->yielded && !is_for_yielded(visit->command->id)) {
		const char *yielded = visit->source->yielded(visit->source->ctx);

		if (yielded) {
			visit_refuse(visit, RPC_ERR_REFUSED,
			    "ask the newer instance; this one can be stopped",
			    "this instance does not act: %s", yielded);
			return;
		}
	}
	if (changes) {
		visit_log(visit);
	}
	functions[visit->command->id](visit);
}

void
methods_serve(void *ctx, struct control_call *owned_call, mono_ns now)
{
	struct methods *methods = ctx;
	const struct rpc_request *request = control_call_request(owned_call);
	struct methods_arguments arguments = {.count = 0};
	const struct visit visit = {
	    .source = methods->source,
	    .command = commands_find(request->method),
	    .request = request,
	    .arguments = &arguments,
	    .call = owned_call,
	    .rebooting = &methods->rebooting,
	    .counts = &methods->counts,
	    .now = now,
	};
	char why[256];

	if (strcmp(request->method, "hello") == 0) {
		say_hello(&visit);
		methods_arguments_fini(&arguments);
		return;
	}
	methods->counts.commands[visit_place(&visit)]++;
	if (!visit.command) {
		visit_refuse_unknown(&visit, request->method);
	} else if (!methods_arguments_read(visit.command, request->params, &arguments,
		       why, sizeof why)) {
		visit_refuse(&visit, RPC_ERR_PARAMS, NULL, "%s", why);
	} else {
		serve_command(&visit);
	}
	methods_arguments_fini(&arguments);
}

struct methods *
methods_new(const struct methods_source *source)
{
	struct methods *methods = xzalloc(sizeof *methods);

	methods->source = source;
	return methods;
}

void
methods_free(struct methods *owned_methods)
{
	free(owned_methods);
}

const struct methods_counts *
methods_counts(const struct methods *methods)
{
	return &methods->counts;
}

void
methods_process_self(void *ctx, struct methods_process *out)
{
	char line[128] = "";
	FILE *statm = fopen("/proc/self/statm", "re");

	(void)ctx;
	*out = (struct methods_process){.pid = getpid()};
	if (!statm) {
		return;
	}
	const char *second = fgets(line, sizeof line, statm) ? strchr(line, ' ') : NULL;

	if (second) {
		out->rss_bytes = strtoull(second, NULL, 10) *
		    (unsigned long long)sysconf(_SC_PAGESIZE);
	}
	(void)fclose(statm);
}

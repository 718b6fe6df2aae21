/* What a health path answers with ?verbose: one line a check, for people. */
#include "health.h"
#include "text.h"

static void
put_good(struct buf *body, const char *name)
{
	(void)buf_printf(body, "[+]%s ok\n", name);
}

/* Reasons quote peers. */
static void
put_reason(void *ctx, const char *text)
{
	struct buf *body = ctx;

	(void)buf_append(body, "[-]", 3);
	(void)text_clean(slice_of(text), true, body);
	(void)buf_append(body, "\n", 1);
}

static void
put_shards(struct buf *body, const struct health_input *input)
{
	struct snapshot_total total = snapshot_aggregate(input->shards, input->count);

	if (total.shards > 0 && total.connected == total.shards) {
		put_good(body, total.shards == 1 ? "shard" : "shards");
	}
}

static void
put_probes(struct buf *body, const struct health_input *input)
{
	for (size_t i = 0; i < input->probe_count; i++) {
		const struct probe_view *view = &input->probes[i];

		/* One that is required and down is among the reasons. */
		if (view->probe.state != PROBE_DOWN) {
			(void)buf_printf(body, "[+]probe %s %s\n", view->name,
			    view->probe.state == PROBE_UP ? "ok" : "not known yet");
		} else if (!view->required) {
			(void)buf_printf(body,
			    "[ ]probe %s is down, not required: ", view->name);
			(void)text_clean(slice_of(view->probe.reason), true, body);
			(void)buf_append(body, "\n", 1);
		}
	}
}

unsigned
health_verbose(enum health_path path, const struct health_input *input,
    struct buf *body)
{
	unsigned status = health_render(path, input, NULL);

	put_good(body, "event loop");
	put_shards(body, input);
	if (!input->budget_low && input->release_wall_ms == 0) {
		put_good(body, "identify budget");
	}
	put_probes(body, input);
	health_reasons(input, put_reason, body);
	(void)buf_printf(body, "%s %s: %u, %s\n", health_path_text(path),
	    status < 400 ? "passed" : "failed", status, health_state(input));
	return status;
}

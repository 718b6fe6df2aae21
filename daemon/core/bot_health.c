#include "bot_health.h"

#include <inttypes.h>
#include <string.h>

#include "message.h"
#include "snapshot.h"

#define GREEN      "\xf0\x9f\x9f\xa2" /* U+1F7E2 */
#define RED        "\xf0\x9f\x94\xb4" /* U+1F534 */

#define KIND_SHEET "google-sheet"

/* What probes may take of the text of health, and one of them, so that all of it is
 * within a message. */
#define PROBES_BYTES 1500
#define REASON_BYTES 200

void
bot_health_uptime(mono_ns uptime, struct buf *out)
{
	int64_t seconds = uptime / CLOCK_S(1);

	(void)buf_printf(out, "%02" PRId64 ":%02d:%02d", seconds / 3600,
	    (int)(seconds / 60 % 60), (int)(seconds % 60));
}

/* What others wrote, as plain text of bounded size. */
static void
put_reason(struct buf *out, const char *reason)
{
	struct slice text = slice_of(reason[0] != '\0' ? reason : "no reason given");

	text.size =
	    text.size > REASON_BYTES ? message_fit(text, REASON_BYTES / 2) : text.size;
	(void)template_escape(text, out);
}

/* Between backticks nothing else ends it. */
static void
put_code(struct buf *out, const char *text)
{
	(void)buf_printf(out, "`");
	for (size_t i = 0; i < REASON_BYTES && text[i] != '\0'; i++) {
		char byte = text[i];

		if (byte == '`') {
			byte = '\'';
		} else if ((unsigned char)byte < ' ') {
			byte = ' ';
		}
		(void)buf_append(out, &byte, 1);
	}
	(void)buf_printf(out, "`");
}

static void
put_probe(struct buf *out, const struct probe_view *view)
{
	bool sheet = strcmp(view->kind, KIND_SHEET) == 0;
	const struct probe *probe = &view->probe;

	(void)buf_printf(out, " | %s: ", sheet ? "Sheets" : view->name);
	switch (probe->state) {
	case PROBE_UNKNOWN:
		(void)buf_printf(out, "not known yet");
		return;
	case PROBE_UP:
		(void)buf_printf(out, "OK");
		if (sheet) {
			bool titled = probe->last_good && probe->reason[0] != '\0';

			(void)buf_printf(out, " (");
			put_code(out, titled ? probe->reason : view->name);
			(void)buf_printf(out, ")");
		}
		return;
	case PROBE_DOWN:
		(void)buf_printf(out, "ERROR: ");
		put_reason(out, probe->reason);
		return;
	}
}

static void
put_probes(struct buf *out, const struct bot_facts *facts)
{
	size_t start = out->size;

	for (size_t i = 0; i < facts->probe_count; i++) {
		if (out->size - start > PROBES_BYTES) {
			(void)buf_printf(out, " | %zu more probes",
			    facts->probe_count - i);
			return;
		}
		put_probe(out, &facts->probes[i]);
	}
}

void
bot_health(const struct bot_facts *facts, struct buf *out)
{
	(void)buf_printf(out, "%s | Latency: ",
	    facts->connected ? GREEN " connected" : RED " disconnected");
	if (facts->latency == SNAPSHOT_NONE) {
		(void)buf_printf(out, "not known");
	} else {
		(void)buf_printf(out, "%" PRId64 " ms", facts->latency / CLOCK_MS(1));
	}
	put_probes(out, facts);
	(void)buf_printf(out, " | Uptime: ");
	bot_health_uptime(facts->uptime, out);
	(void)buf_printf(out, " | Last event age: ");
	if (facts->last_event_age == SNAPSHOT_NONE) {
		(void)buf_printf(out, "none yet");
	} else {
		(void)buf_printf(out, "%" PRId64 "s",
		    facts->last_event_age / CLOCK_S(1));
	}
}

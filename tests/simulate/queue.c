/* What is to come, in order, and what has happened, for the story. */
#include <inttypes.h>
#include <stdarg.h>

#include "simulate.h"
#include "snapshot.h"

static const char *const texts[] = {
#define NOTE_TEXT(name, text) [NOTE_##name] = (text),
    NOTE_TABLE(NOTE_TEXT)
#undef NOTE_TEXT
};

static bool
is_before(const struct note *a, const struct note *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void
insert(struct sim *sim, const struct note *note)
{
	uint32_t at = sim->queued++;

	while (at > 0) {
		uint32_t parent = (at - 1) / 2;

		if (!is_before(note, &sim->heap[parent])) {
			break;
		}
		sim->heap[at] = sim->heap[parent];
		at = parent;
	}
	sim->heap[at] = *note;
}

void
queue_push(struct sim *sim, struct note note)
{
	if (sim->queued == QUEUE_MAX) {
		broken(sim, "the simulation itself: its queue is full");
		return;
	}
	if (note.order == 0) { /* else it was put off, and keeps its place */
		note.order = ++sim->order;
	}
	insert(sim, &note);
}

const struct note *
queue_first(const struct sim *sim)
{
	return sim->queued > 0 ? &sim->heap[0] : NULL;
}

struct note
queue_pop(struct sim *sim)
{
	struct note first = sim->heap[0];
	struct note last = sim->heap[--sim->queued];
	uint32_t at = 0;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= sim->queued) {
			break;
		}
		if (child + 1 < sim->queued &&
		    is_before(&sim->heap[child + 1], &sim->heap[child])) {
			child++;
		}
		if (!is_before(&sim->heap[child], &last)) {
			break;
		}
		sim->heap[at] = sim->heap[child];
		at = child;
	}
	sim->heap[at] = last;
	return first;
}

void
queue_drop_life(struct sim *sim, uint32_t life)
{
	uint32_t count = sim->queued;

	sim->queued = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct note note = sim->heap[i];

		if (note.life != life) {
			insert(sim, &note); /* never passes what is still to be read */
		}
	}
}

/* ---- the story ---- */

static void
print_note(const struct sim *sim, const struct note *note, FILE *out)
{
	(void)fprintf(out, "%13.6f s  shard %" PRIu32 "  %s ",
	    clock_seconds(note->at - sim->begin), note->lane, texts[note->kind]);
	if (note->kind == NOTE_FAULT) {
		(void)fprintf(out, "%s\n", fault_name((enum fault)note->value));
	} else if (note->kind == NOTE_TELL_STATE) {
		(void)fprintf(out, "%s\n",
		    snapshot_state_text((enum snapshot_state)note->value));
	} else {
		(void)fprintf(out, "%" PRId64 "\n", note->value);
	}
}

void
tell(struct sim *sim, const struct note *note)
{
	struct note *kept = &sim->past[sim->told++ % TRACE_KEPT];

	*kept = *note;
	kept->at = sim->now;
	if (sim->trace) {
		print_note(sim, kept, stdout);
	}
}

void
tell_value(struct sim *sim, enum note_kind kind, uint32_t lane, int64_t value)
{
	tell(sim, &(struct note){.kind = kind, .lane = lane, .value = value});
}

void
tell_story(const struct sim *sim, FILE *out)
{
	uint64_t first = sim->told > TRACE_KEPT ? sim->told - TRACE_KEPT : 0;
	bool whole = sim->totals->broken <= STORIES_MAX;

	for (uint64_t i = first; whole && i < sim->told; i++) {
		print_note(sim, &sim->past[i % TRACE_KEPT], out);
	}
	(void)fprintf(out,
	    "BROKEN: seed %" PRIu64 ", step %" PRIu64 ", %.6f s, shard %" PRIu32
	    ": %s\n",
	    sim->seed, sim->told, clock_seconds(sim->now - sim->begin), sim->judged,
	    sim->broken);
}

void
broken(struct sim *sim, const char *format, ...)
{
	va_list args;

	if (sim->broken[0] != '\0') {
		return;
	}
	va_start(args, format);
	(void)vsnprintf(sim->broken, sizeof sim->broken, format, args);
	va_end(args);
}

bool
one_in(struct rng *rng, unsigned n)
{
	return rng_next(rng) % n == 0;
}

mono_ns
wall_ms(const struct sim *sim)
{
	return sim->now / CLOCK_MS(1) + sim->wall_offset_ms;
}

int64_t
ledger_ms(struct sim *sim)
{
	struct ledger_time at = {
	    .boot_id = sim->boot_id,
	    .boot_ms = (sim->now - sim->boot_at) / CLOCK_MS(1),
	    .wall_ms = wall_ms(sim),
	};

	sim->wall_seen_ms = sim->wall_offset_ms;
	return identify_ledger_now(&sim->ledger, &at);
}

void
reboot_host(struct sim *sim)
{
	/* A step of the wall clock that nobody looked at before the host went down is
	 * time that passed, for all that anyone can know. */
	if (sim->wall_seen_ms == sim->wall_offset_ms) {
		sim->boot_at = sim->now;
		sim->boot_id++;
	}
}

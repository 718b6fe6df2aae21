/* Inflate: payloads of streams cut anywhere, and limits. */
#include "inflate_fixture.h"

/* Plays all messages, each cut at one place. */
static void
play_cut(const struct recording *recording, enum inflate_kind kind, size_t cut)
{
	struct inflate *inflate = inflate_new(kind, LIMIT);

	assert_non_null(inflate);
	for (size_t i = 0; i < COUNT(payloads); i++) {
		struct slice message = recording->messages[i];
		size_t at = cut < message.size ? cut : message.size;

		expect_nothing(inflate, part(message, 0, at), false);
		expect_payload(inflate, part(message, at, message.size),
		    slice_of(payloads[i]));
	}
	inflate_free(inflate);
}

static void
messages_may_be_cut_at_every_byte(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct recording recording;

		record(&recording, (enum inflate_kind)kind);
		for (size_t cut = 0; cut <= 470; cut++) {
			play_cut(&recording, (enum inflate_kind)kind, cut);
		}
		forget(&recording);
	}
}

static void
messages_may_come_byte_by_byte(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct recording recording;
		struct inflate *inflate = inflate_new((enum inflate_kind)kind, LIMIT);
		uint64_t bytes_in = 0;
		uint64_t bytes_out = 0;

		record(&recording, (enum inflate_kind)kind);
		for (size_t i = 0; i < COUNT(payloads); i++) {
			struct slice message = recording.messages[i];

			for (size_t at = 0; at + 1 < message.size; at++) {
				expect_nothing(inflate, part(message, at, at + 1),
				    false);
			}
			expect_payload(inflate,
			    part(message, message.size - 1, message.size),
			    slice_of(payloads[i]));
			bytes_in += message.size;
			bytes_out += strlen(payloads[i]);
		}
		assert_int_equal(inflate_bytes_in(inflate), bytes_in);
		assert_int_equal(inflate_bytes_out(inflate), bytes_out);
		inflate_free(inflate);
		forget(&recording);
	}
}

static void
the_end_of_a_message_may_be_an_empty_piece(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct recording recording;
		struct inflate *inflate = inflate_new((enum inflate_kind)kind, LIMIT);

		record(&recording, (enum inflate_kind)kind);
		expect_nothing(inflate, (struct slice){NULL, 0}, false);
		expect_nothing(inflate, recording.messages[0], false);
		expect_payload(inflate, (struct slice){NULL, 0}, slice_of(payloads[0]));
		expect_payload(inflate, recording.messages[1], slice_of(payloads[1]));
		inflate_free(inflate);
		forget(&recording);
	}
}

static void
a_whole_plain_message_is_borrowed_not_copied(void **state)
{
	struct inflate *inflate = inflate_new(INFLATE_NONE, LIMIT);
	struct slice piece = SLICE_LITERAL("{}");
	struct slice out;

	(void)state;
	assert_int_equal(inflate_piece(inflate, piece, true, &out), GW_OK);
	assert_ptr_equal(out.data, piece.data);
	inflate_free(inflate);
}

/* ---- where a payload ends ---- */

static void
a_zlib_payload_ends_with_a_message_that_ends_in_the_suffix(void **state)
{
	struct recording recording;

	(void)state;
	record(&recording, INFLATE_ZLIB);
	struct slice message = recording.messages[0];

	assert_memory_equal(message.data + message.size - 4, "\0\0\xff\xff", 4);
	for (size_t cut = 0; cut <= message.size; cut++) {
		struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);

		if (cut < message.size) {
			expect_nothing(inflate, part(message, 0, cut), true);
		}
		if (cut + 4 <= message.size) {
			expect_payload(inflate, part(message, cut, message.size),
			    slice_of(payloads[0]));
		} else if (cut < message.size) {
			/* The suffix counts within one message only. */
			expect_nothing(inflate, part(message, cut, message.size), true);
		} else {
			expect_payload(inflate, message, slice_of(payloads[0]));
		}
		inflate_free(inflate);
	}
	forget(&recording);
}

static void
the_suffix_inside_a_message_ends_nothing(void **state)
{
	struct recording recording;
	struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);
	struct slice both;

	(void)state;
	record(&recording, INFLATE_ZLIB);
	/* Two flushes in one message: the text of both, at its end. */
	both.size = recording.messages[0].size + recording.messages[1].size;
	char *data = malloc(both.size);

	assert_non_null(data);
	memcpy(data, recording.messages[0].data, recording.messages[0].size);
	memcpy(data + recording.messages[0].size, recording.messages[1].data,
	    recording.messages[1].size);
	both.data = data;
	struct slice out;

	expect_nothing(inflate, part(both, 0, recording.messages[0].size), false);
	assert_int_equal(inflate_piece(inflate,
			     part(both, recording.messages[0].size, both.size), true,
			     &out),
	    GW_OK);
	assert_int_equal(out.size, strlen(payloads[0]) + strlen(payloads[1]));
	free(data);
	inflate_free(inflate);
	forget(&recording);
}

/* ---- sizes ---- */

/* A payload of that many bytes, easily compressed or not at all. */
static struct slice
make_payload(size_t size, bool random)
{
	char *data = malloc(size ? size : 1);
	uint32_t seed = 12345;

	assert_non_null(data);
	for (size_t i = 0; i < size; i++) {
		seed = seed * 1664525 + 1013904223;
		unsigned char byte = random ? (unsigned char)(seed >> 24) : 'a';

		data[i] = (char)byte;
	}
	return (struct slice){data, size};
}

static enum gw_err
play_size(enum inflate_kind kind, size_t size, size_t max_bytes, bool random)
{
	struct stream stream;
	struct inflate *inflate = inflate_new(kind, max_bytes);
	struct slice payload = make_payload(size, random);
	struct slice out;

	stream_open(&stream, kind);
	struct slice message = stream_message(&stream, payload);
	size_t half = message.size / 2;
	enum gw_err err = inflate_piece(inflate, part(message, 0, half), false, &out);

	if (err == GW_OK) {
		err = inflate_piece(inflate, part(message, half, message.size), true,
		    &out);
	}
	if (err == GW_OK) {
		assert_payload(out, payload);
	}
	free_message(message);
	free_message(payload);
	stream_close(&stream);
	inflate_free(inflate);
	return err;
}

static void
a_payload_of_the_limit_passes_and_one_above_fails(void **state)
{
	static const size_t limits[] = {1, 2, 100, 255, 256, 257, 4095, 16383, 16384,
	    16385, 32768, 131072, 131073};

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		for (size_t i = 0; i < 2 * COUNT(limits); i++) {
			size_t limit = limits[i / 2];
			bool random = i % 2 != 0;

			assert_int_equal(play_size((enum inflate_kind)kind, limit,
					     limit, random),
			    GW_OK);
			assert_int_equal(play_size((enum inflate_kind)kind, limit + 1,
					     limit, random),
			    GW_ERR_TOO_LARGE);
		}
	}
	/* whole and borrowed */
	struct inflate *inflate = inflate_new(INFLATE_NONE, 2);

	expect_payload(inflate, SLICE_LITERAL("{}"), SLICE_LITERAL("{}"));
	expect_error(inflate, SLICE_LITERAL("{} "), GW_ERR_TOO_LARGE);
	inflate_free(inflate);
}

static void
a_limit_counts_for_each_payload_anew(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct stream stream;
		struct slice payload = make_payload(1000, true);
		struct inflate *inflate = inflate_new((enum inflate_kind)kind, 1000);

		stream_open(&stream, (enum inflate_kind)kind);
		for (size_t i = 0; i < 20; i++) {
			struct slice message = stream_message(&stream, payload);

			expect_nothing(inflate, part(message, 0, 3), false);
			expect_payload(inflate, part(message, 3, message.size),
			    payload);
			free_message(message);
		}
		inflate_free(inflate);
		stream_close(&stream);
		free_message(payload);
	}
}

static void
a_bomb_is_refused(void **state)
{
	(void)state;
	for (int kind = INFLATE_ZLIB; kind < KINDS; kind++) {
		assert_int_equal(play_size((enum inflate_kind)kind, 4 * LIMIT, LIMIT,
				     false),
		    GW_ERR_TOO_LARGE);
	}
}

/* A guild with as many members as that many bytes hold. */
static struct slice
make_guild(size_t size)
{
	struct buf members;
	struct buf guild;

	buf_init(&members, size);
	for (unsigned i = 0; i < 100; i++) {
		(void)buf_printf(&members,
		    "{\"user\":{\"username\":\"member \xc3\xa9 %u\",\"id\":\"%u\","
		    "\"avatar\":null,\"global_name\":\"\\ud83d\\ude00\"},\"roles\":["
		    "\"81384788765712385\"],\"deaf\":false,\"flags\":0,\"joined_at\":"
		    "\"2026-01-01T00:00:00.000000+00:00\"},",
		    i * 7919, i * 104729);
	}
	buf_init(&guild, size + members.size + 1024);
	(void)buf_printf(&guild,
	    "{\"t\":\"GUILD_CREATE\",\"s\":2,\"op\":0,\"d\":{\"id\":"
	    "\"81384788765712384\",\"members\":[");
	while (guild.size < size) {
		(void)buf_append(&guild, members.data, members.size);
	}
	(void)buf_printf(&guild, "null]}}");
	buf_fini(&members);
	return buf_slice(&guild);
}

static void
a_guild_of_five_megabytes_comes_whole(void **state)
{
	struct slice guild = make_guild((size_t)5 * 1024 * 1024);

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct stream stream;
		struct inflate *inflate =
		    inflate_new((enum inflate_kind)kind, PAYLOAD_MAX_BYTES);
		struct slice out;
		struct payload payload;

		stream_open(&stream, (enum inflate_kind)kind);
		struct slice message = stream_message(&stream, guild);
		size_t at = 0;

		/* the size of a read buffer */
		for (; message.size - at > 16384; at += 16384) {
			expect_nothing(inflate, part(message, at, at + 16384), false);
		}
		assert_int_equal(inflate_piece(inflate, part(message, at, message.size),
				     true, &out),
		    GW_OK);
		assert_payload(out, guild);
		assert_int_equal(payload_parse(out, &payload), GW_OK);
		assert_int_equal(payload.seq, 2);
		free_message(message);
		/* a small one after it, with the memory given back */
		inflate_relax(inflate);
		message = stream_message(&stream, slice_of(payloads[3]));
		expect_payload(inflate, message, slice_of(payloads[3]));
		free_message(message);
		stream_close(&stream);
		inflate_free(inflate);
	}
	free_message(guild);
}

static void
relaxing_keeps_a_payload_that_is_under_way(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct stream stream;
		struct slice payload = make_payload(LIMIT + LIMIT / 4, true);
		struct inflate *inflate =
		    inflate_new((enum inflate_kind)kind, PAYLOAD_MAX_BYTES);

		stream_open(&stream, (enum inflate_kind)kind);
		struct slice message = stream_message(&stream, payload);

		expect_nothing(inflate, part(message, 0, message.size / 2), false);
		inflate_relax(inflate);
		expect_payload(inflate, part(message, message.size / 2, message.size),
		    payload);
		free_message(message);
		stream_close(&stream);
		inflate_free(inflate);
		free_message(payload);
	}
}

/* The one begins a payload, the other has a whole one meanwhile. */
static void
contexts_that_share_a_buffer_do_not_disturb_each_other(void **state)
{
	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		struct buf shared = {.data = NULL};
		struct slice payload = make_payload(LIMIT / 2, true);
		struct stream streams[2];
		struct inflate *contexts[2];

		for (int i = 0; i < 2; i++) {
			stream_open(&streams[i], (enum inflate_kind)kind);
			contexts[i] = inflate_new((enum inflate_kind)kind, LIMIT);
			inflate_share(contexts[i], &shared);
		}
		for (int round = 0; round < 3; round++) {
			struct slice begun = stream_message(&streams[0], payload);
			struct slice whole =
			    stream_message(&streams[1], slice_of(payloads[round]));

			expect_nothing(contexts[0], part(begun, 0, begun.size / 2),
			    false);
			expect_payload(contexts[1], part(whole, 0, whole.size),
			    slice_of(payloads[round]));
			expect_payload(contexts[0],
			    part(begun, begun.size / 2, begun.size), payload);
			free_message(begun);
			free_message(whole);
		}
		/* The larger one is left there, and given back when that is asked for.
		 */
		assert_true(shared.room >= payload.size);
		inflate_free(contexts[0]);
		inflate_relax(contexts[1]);
		assert_non_null(shared.data);
		inflate_free(contexts[1]);
		buf_fini(&shared);
		stream_close(&streams[0]);
		stream_close(&streams[1]);
		free_message(payload);
	}
}

static void
a_shared_buffer_is_given_back_after_a_large_payload(void **state)
{
	struct slice guild = make_guild((size_t)5 * 1024 * 1024);

	(void)state;
	for (int kind = INFLATE_ZLIB; kind < KINDS; kind++) {
		struct buf shared = {.data = NULL};
		struct stream stream;
		struct inflate *inflate =
		    inflate_new((enum inflate_kind)kind, PAYLOAD_MAX_BYTES);

		inflate_share(inflate, &shared);
		stream_open(&stream, (enum inflate_kind)kind);
		struct slice message = stream_message(&stream, guild);

		expect_payload(inflate, message, guild);
		free_message(message);
		assert_true(shared.room >= guild.size);
		inflate_relax(inflate);
		assert_null(shared.data);
		message = stream_message(&stream, slice_of(payloads[3]));
		expect_payload(inflate, message, slice_of(payloads[3]));
		free_message(message);
		stream_close(&stream);
		inflate_free(inflate);
		assert_true(shared.room < LIMIT);
		buf_fini(&shared);
	}
	free_message(guild);
}

static void
kinds_have_the_names_of_the_query(void **state)
{
	(void)state;
	assert_string_equal(inflate_name(INFLATE_NONE), "none");
	assert_string_equal(inflate_name(INFLATE_ZLIB), "zlib-stream");
	assert_string_equal(inflate_name(INFLATE_ZSTD), "zstd-stream");
	inflate_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_may_be_cut_at_every_byte),
	    cmocka_unit_test(messages_may_come_byte_by_byte),
	    cmocka_unit_test(the_end_of_a_message_may_be_an_empty_piece),
	    cmocka_unit_test(a_whole_plain_message_is_borrowed_not_copied),
	    cmocka_unit_test(
		a_zlib_payload_ends_with_a_message_that_ends_in_the_suffix),
	    cmocka_unit_test(the_suffix_inside_a_message_ends_nothing),
	    cmocka_unit_test(a_payload_of_the_limit_passes_and_one_above_fails),
	    cmocka_unit_test(a_limit_counts_for_each_payload_anew),
	    cmocka_unit_test(a_bomb_is_refused),
	    cmocka_unit_test(a_guild_of_five_megabytes_comes_whole),
	    cmocka_unit_test(relaxing_keeps_a_payload_that_is_under_way),
	    cmocka_unit_test(contexts_that_share_a_buffer_do_not_disturb_each_other),
	    cmocka_unit_test(a_shared_buffer_is_given_back_after_a_large_payload),
	    cmocka_unit_test(kinds_have_the_names_of_the_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

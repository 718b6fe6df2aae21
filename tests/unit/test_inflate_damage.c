/* Inflate: damaged streams, and what zlib and zstd allow and Discord does not send. */
#include "inflate_fixture.h"

static void
the_wrong_codec_is_noticed_in_the_first_message(void **state)
{
	struct recording recordings[KINDS];

	(void)state;
	for (int kind = 0; kind < KINDS; kind++) {
		record(&recordings[kind], (enum inflate_kind)kind);
	}
	for (int kind = INFLATE_ZLIB; kind < KINDS; kind++) {
		for (int other = 0; other < KINDS; other++) {
			if (other == kind) {
				continue;
			}
			struct inflate *inflate =
			    inflate_new((enum inflate_kind)kind, LIMIT);

			expect_error(inflate, recordings[other].messages[0],
			    GW_ERR_SYNTAX);
			inflate_free(inflate);
		}
	}
	for (int kind = 0; kind < KINDS; kind++) {
		forget(&recordings[kind]);
	}
}

static void
a_context_does_not_serve_a_second_connection(void **state)
{
	struct recording recording;
	struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);

	(void)state;
	record(&recording, INFLATE_ZLIB);
	expect_payload(inflate, recording.messages[0], slice_of(payloads[0]));
	expect_error(inflate, recording.messages[0], GW_ERR_SYNTAX);
	inflate_free(inflate);
	forget(&recording);
}

static void
damage_never_crashes_and_mostly_shows(void **state)
{
	(void)state;
	for (int kind = INFLATE_ZLIB; kind < KINDS; kind++) {
		struct recording recording;
		size_t errors = 0;

		record(&recording, (enum inflate_kind)kind);
		struct slice message = recording.messages[0];

		for (size_t i = 0; i < message.size; i++) {
			struct inflate *inflate =
			    inflate_new((enum inflate_kind)kind, LIMIT);
			char *damaged = malloc(message.size);
			struct slice out;

			assert_non_null(damaged);
			memcpy(damaged, message.data, message.size);
			damaged[i] = (char)(damaged[i] ^ 0x55);
			errors += inflate_piece(inflate,
				      (struct slice){damaged, message.size}, true,
				      &out) != GW_OK;
			free(damaged);
			inflate_free(inflate);
		}
		assert_true(errors > 2);
		forget(&recording);
	}
}

static void
more_after_the_end_of_a_zlib_stream_is_an_error(void **state)
{
	struct slice text = slice_of(payloads[0]);
	unsigned char message[512];
	uLongf size = sizeof message - 1;
	struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);

	(void)state;
	assert_int_equal(compress(message, &size, (const Bytef *)text.data,
			     (uLong)text.size),
	    Z_OK);
	message[size] = '{';
	/* A stream that ends ends its payload. */
	expect_payload(inflate, (struct slice){(const char *)message, size}, text);
	expect_error(inflate, SLICE_LITERAL("{"), GW_ERR_SYNTAX);
	inflate_free(inflate);

	inflate = inflate_new(INFLATE_ZLIB, LIMIT);
	expect_error(inflate, (struct slice){(const char *)message, size + 1},
	    GW_ERR_SYNTAX);
	inflate_free(inflate);

	/* the Adler checksum */
	message[size - 1] ^= 1;
	inflate = inflate_new(INFLATE_ZLIB, LIMIT);
	expect_error(inflate, (struct slice){(const char *)message, size},
	    GW_ERR_SYNTAX);
	inflate_free(inflate);
}

static void
a_zlib_dictionary_is_refused(void **state)
{
	z_stream zlib = {.next_in = Z_NULL};
	unsigned char message[128];
	struct inflate *inflate = inflate_new(INFLATE_ZLIB, LIMIT);

	(void)state;
	assert_int_equal(deflateInit(&zlib, 6), Z_OK);
	assert_int_equal(deflateSetDictionary(&zlib, (const Bytef *)"heartbeat", 9),
	    Z_OK);
	zlib.next_in = (const Bytef *)"heartbeat";
	zlib.avail_in = 9;
	zlib.next_out = message;
	zlib.avail_out = sizeof message;
	assert_int_equal(deflate(&zlib, Z_SYNC_FLUSH), Z_OK);
	expect_error(inflate,
	    (struct slice){(const char *)message, sizeof message - zlib.avail_out},
	    GW_ERR_SYNTAX);
	(void)deflateEnd(&zlib);
	inflate_free(inflate);
}

/* A frame of its own, with the given window and a checksum. */
static struct slice
make_frame(struct slice text, int window_log, bool end)
{
	ZSTD_CCtx *zstd = ZSTD_createCCtx();
	size_t room = ZSTD_compressBound(text.size) + 128;
	char *data = malloc(room);
	ZSTD_inBuffer in = {text.data, text.size, 0};
	ZSTD_outBuffer out = {data, room, 0};

	assert_non_null(zstd);
	assert_non_null(data);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, window_log);
	(void)ZSTD_CCtx_setParameter(zstd, ZSTD_c_checksumFlag, 1);
	assert_int_equal(ZSTD_compressStream2(zstd, &out, &in,
			     end ? ZSTD_e_end : ZSTD_e_flush),
	    0);
	(void)ZSTD_freeCCtx(zstd);
	return (struct slice){data, out.pos};
}

static void
a_zstd_frame_may_end_and_another_follow(void **state)
{
	struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);

	(void)state;
	for (size_t i = 0; i < COUNT(payloads); i++) {
		struct slice frame = make_frame(slice_of(payloads[i]), 18, true);

		expect_payload(inflate, frame, slice_of(payloads[i]));
		free_message(frame);
	}
	inflate_free(inflate);
}

static void
a_wrong_zstd_checksum_shows(void **state)
{
	struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);
	struct slice frame = make_frame(slice_of(payloads[0]), 18, true);
	char *damaged = malloc(frame.size);

	(void)state;
	assert_non_null(damaged);
	memcpy(damaged, frame.data, frame.size);
	damaged[frame.size - 1] = (char)(damaged[frame.size - 1] ^ 1);
	expect_error(inflate, (struct slice){damaged, frame.size}, GW_ERR_SYNTAX);
	free(damaged);
	free_message(frame);
	inflate_free(inflate);
}

static void
a_zstd_window_is_limited_to_8_mib(void **state)
{
	/* magic, no content size, window descriptor: exponent in the upper five bits */
	static const unsigned char headers[][6] = {
	    {0x28, 0xB5, 0x2F, 0xFD, 0x00, (23 - 10) << 3},
	    {0x28, 0xB5, 0x2F, 0xFD, 0x00, (24 - 10) << 3},
	    {0x28, 0xB5, 0x2F, 0xFD, 0x00, (31 - 10) << 3},
	};
	static const unsigned char block[] = {0x11, 0x00, 0x00, '{', '}'};

	(void)state;
	for (size_t i = 0; i < COUNT(headers); i++) {
		struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);
		char message[sizeof headers[0] + sizeof block];
		struct slice piece = {message, sizeof message};

		memcpy(message, headers[i], sizeof headers[i]);
		memcpy(message + sizeof headers[i], block, sizeof block);
		if (i == 0) {
			expect_payload(inflate, piece, SLICE_LITERAL("{}"));
		} else {
			expect_error(inflate, piece, GW_ERR_SYNTAX);
		}
		inflate_free(inflate);
	}
}

static void
a_zstd_dictionary_is_refused(void **state)
{
	/* one byte of dictionary id: 7 */
	static const char message[] = "\x28\xb5\x2f\xfd\x01\x40\x07\x11\x00\x00{}";
	struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);

	(void)state;
	expect_error(inflate, (struct slice){message, sizeof message - 1},
	    GW_ERR_SYNTAX);
	inflate_free(inflate);
}

static void
a_skippable_zstd_frame_gives_an_empty_payload(void **state)
{
	static const char message[] = "\x50\x2a\x4d\x18\x03\x00\x00\x00xyz";
	struct inflate *inflate = inflate_new(INFLATE_ZSTD, LIMIT);
	struct payload payload;
	struct slice out;

	(void)state;
	assert_int_equal(inflate_piece(inflate,
			     (struct slice){message, sizeof message - 1}, true, &out),
	    GW_OK);
	assert_non_null(out.data);
	assert_int_equal(out.size, 0);
	assert_int_equal(payload_parse(out, &payload), GW_ERR_SYNTAX);
	inflate_free(inflate);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_wrong_codec_is_noticed_in_the_first_message),
	    cmocka_unit_test(a_context_does_not_serve_a_second_connection),
	    cmocka_unit_test(damage_never_crashes_and_mostly_shows),
	    cmocka_unit_test(more_after_the_end_of_a_zlib_stream_is_an_error),
	    cmocka_unit_test(a_zlib_dictionary_is_refused),
	    cmocka_unit_test(a_zstd_frame_may_end_and_another_follow),
	    cmocka_unit_test(a_wrong_zstd_checksum_shows),
	    cmocka_unit_test(a_zstd_window_is_limited_to_8_mib),
	    cmocka_unit_test(a_zstd_dictionary_is_refused),
	    cmocka_unit_test(a_skippable_zstd_frame_gives_an_empty_payload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

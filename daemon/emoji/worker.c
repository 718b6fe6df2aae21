/*
 * gwbot-emoji: an image on standard input, a padded PNG on standard output.
 *
 * gwbotd starts one for each image of /emoji-pad.  Decoders are where hostile images
 * bite, so this is a process of its own that has given up everything else before it
 * reads the first byte; see sandbox.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pad.h"
#include "sandbox.h"

#define INPUT_MAX_BYTES ((size_t)2000000)
#define CPU_MAX_S       5

enum worker_exit {
	WORKER_DONE = 0,
	WORKER_USAGE = 64,
	WORKER_NO_IMAGE = 65, /* the image's fault */
	WORKER_INTERNAL = 70,
};

static int
fail(int status, const char *why)
{
	/* Not by stdio: its buffers would ask the system for more than is allowed. */
	(void)!write(STDERR_FILENO, "gwbot-emoji: ", 13);
	(void)!write(STDERR_FILENO, why, strlen(why));
	(void)!write(STDERR_FILENO, "\n", 1);
	return status;
}

static bool
parse_number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	char *end = NULL;
	unsigned long value = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || value < min ||
	    value > max) {
		return false;
	}
	*out = (uint32_t)value;
	return true;
}

/* Reads all of standard input into room bytes at out; false where there is more. */
static bool
read_input(uint8_t *out, size_t room, size_t *size)
{
	*size = 0;
	for (;;) {
		ssize_t got = read(STDIN_FILENO, out + *size, room - *size);

		if (got == 0) {
			return true;
		}
		if (got < 0 && errno != EINTR) {
			return false;
		}
		*size += got > 0 ? (size_t)got : 0;
		if (*size == room) {
			return false;
		}
	}
}

static bool
write_output(const uint8_t *bytes, size_t size)
{
	while (size > 0) {
		ssize_t done = write(STDOUT_FILENO, bytes, size);

		if (done < 0 && errno != EINTR) {
			return false;
		}
		bytes += done > 0 ? done : 0;
		size -= done > 0 ? (size_t)done : 0;
	}
	return true;
}

static int
work(uint32_t side, uint32_t box)
{
	uint8_t *input = malloc(INPUT_MAX_BYTES + 1);
	struct image image = {0, 0, NULL};
	struct image padded = {0, 0, NULL};
	size_t size = 0;
	uint8_t *png = NULL;
	int status = WORKER_INTERNAL;

	if (!input) {
		return fail(WORKER_INTERNAL, "no memory");
	}
	if (!read_input(input, INPUT_MAX_BYTES + 1, &size)) {
		status =
		    fail(WORKER_NO_IMAGE, "the input is larger than 2000000 bytes");
	} else if (!image_read(input, size, &image)) {
		status = fail(WORKER_NO_IMAGE,
		    "the input is no PNG, GIF or WebP that can be read, or too large");
	} else if (!pad_image(&image, side, box, &padded)) {
		status = fail(WORKER_INTERNAL, "no memory");
	} else {
		png = image_write_png(&padded, &size);
		status = png && write_output(png, size) ?
		    WORKER_DONE :
		    fail(WORKER_INTERNAL, "cannot write the image");
	}
	free(png);
	image_free(&padded);
	image_free(&image);
	free(input);
	return status;
}

int
main(int argc, char **argv)
{
	uint32_t side = 0;
	uint32_t box = 0;

	if (argc != 3 || !parse_number(argv[1], PAD_SIDE_MIN, PAD_SIDE_MAX, &side) ||
	    !parse_number(argv[2], PAD_BOX_MIN, PAD_BOX_MAX, &box)) {
		return fail(WORKER_USAGE,
		    "usage: gwbot-emoji SIDE BOX <image | cat >png; SIDE: 64 to 512; "
		    "BOX: 200 to 950 thousandths of it");
	}
	if (!sandbox_enter(CPU_MAX_S)) {
		return fail(WORKER_INTERNAL, "this system does not allow the sandbox");
	}
	/* Not exit(): nothing is left to be done, and little is allowed. */
	_exit(work(side, box));
}

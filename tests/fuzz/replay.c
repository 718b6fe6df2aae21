/*
 * Replays a corpus through a fuzz target without libFuzzer: every file of every folder
 * named on the command line.
 */
#include <dirent.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define INPUT_MAX_BYTES (16U * 1024 * 1024)

static int
replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *data = malloc(INPUT_MAX_BYTES);
	size_t size = file && data ? fread(data, 1, INPUT_MAX_BYTES, file) : 0;
	/* The target gets exactly its bytes, so that a checker sees a read behind them. */
	uint8_t *exact = file && data ? realloc(data, size ? size : 1) : NULL;

	if (exact) {
		(void)LLVMFuzzerTestOneInput(exact, size);
	}
	free(exact ? exact : data);
	if (file) {
		(void)fclose(file);
	}
	return exact ? 0 : 1;
}

static int
replay_folder(const char *folder, unsigned *count)
{
	DIR *dir = opendir(folder);
	int failed = dir ? 0 : 1;
	const struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		char path[4096];

		if (entry->d_name[0] == '.') {
			continue;
		}
		(void)snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
		failed |= replay(path);
		*count += 1;
	}
	if (dir) {
		(void)closedir(dir);
	}
	return failed;
}

int
main(int argc, char **argv)
{
	unsigned count = 0;
	int failed = 0;

	for (int i = 1; i < argc; i++) {
		failed |= replay_folder(argv[i], &count);
	}
	(void)printf("%u inputs replayed\n", count);
	return failed != 0 || count == 0 ? 1 : 0;
}

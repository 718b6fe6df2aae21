/*
 * Runs a fuzz target over every file of the folders (or the files) given: the corpus as
 * a plain test, with any compiler.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* libFuzzer's entry point, defined by the target. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
replay_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	struct stat status;
	uint8_t *data = NULL;
	int result = 1;

	if (!file || fstat(fileno(file), &status) != 0) {
		goto out;
	}
	/* Exactly the file's size, so that the checkers see a read behind its end. */
	size_t size = (size_t)status.st_size;

	data = malloc(size > 0 ? size : 1);
	if (!data || fread(data, 1, size, file) != size) {
		goto out;
	}
	result = LLVMFuzzerTestOneInput(data, size);
out:
	if (result != 0) {
		(void)fprintf(stderr, "%s: failed\n", path);
	}
	free(data);
	if (file) {
		(void)fclose(file);
	}
	return result;
}

/* How many files were replayed; -1 where one failed. */
static int
replay_folder(const char *path)
{
	DIR *folder = opendir(path);
	const struct dirent *entry;
	int count = 0;

	if (!folder) {
		return replay_file(path) == 0 ? 1 : -1;
	}
	while (count >= 0 && (entry = readdir(folder)) != NULL) {
		char file[4096];

		if (entry->d_name[0] == '.') {
			continue;
		}
		(void)snprintf(file, sizeof file, "%s/%s", path, entry->d_name);
		count = replay_file(file) == 0 ? count + 1 : -1;
	}
	(void)closedir(folder);
	return count;
}

int
main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int count = replay_folder(argv[i]);

		if (count < 0) {
			return EXIT_FAILURE;
		}
		total += count;
	}
	printf("%d inputs replayed\n", total);
	/* A test without an input proves nothing. */
	return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

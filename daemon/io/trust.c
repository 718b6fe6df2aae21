#include "trust.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/x509.h>

/* The names of a hashed folder: 8 digits of the subject's hash, and a number. */
#define HASH_DIGITS 8

/* As OpenSSL finds them itself. */
static const char *
system_file(void)
{
	const char *file = secure_getenv(X509_get_default_cert_file_env());

	return file ? file : X509_get_default_cert_file();
}

static const char *
system_folder(void)
{
	const char *folder = secure_getenv(X509_get_default_cert_dir_env());

	return folder && folder[0] ? folder : X509_get_default_cert_dir();
}

static bool
is_hash(const char *name)
{
	return strspn(name, "0123456789abcdef") == HASH_DIGITS &&
	    name[HASH_DIGITS] == '.' && isdigit((unsigned char)name[HASH_DIGITS + 1]);
}

static size_t
count_hashes(const char *path)
{
	DIR *folder = opendir(path);
	size_t count = 0;

	if (!folder) {
		return 0;
	}
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		count += is_hash(entry->d_name) ? 1 : 0;
	}
	(void)closedir(folder);
	return count;
}

static size_t
count_certificates(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[128];
	size_t count = 0;

	if (!file) {
		return 0;
	}
	while (fgets(line, sizeof line, file)) {
		count += strncmp(line, "-----BEGIN ", strlen("-----BEGIN ")) == 0;
	}
	(void)fclose(file);
	return count;
}

/* Whoever adds an authority to the file alone makes the numbers differ.  Where they are
 * the same and the authorities are not, one is believed less, never more. */
static bool
folder_has_all(void)
{
	size_t hashes = count_hashes(system_folder());

	return hashes > 0 && hashes == count_certificates(system_file());
}

bool
trust_load(SSL_CTX *context, const char *ca_file)
{
	int done = ca_file   ? SSL_CTX_load_verify_file(context, ca_file) :
	    folder_has_all() ? SSL_CTX_set_default_verify_dir(context) :
			       SSL_CTX_set_default_verify_paths(context);

	return done == 1;
}

void
trust_share(SSL_CTX *context, const SSL_CTX *other)
{
	SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(other));
}

/* OpenSSL looks certificates up in the folder when it needs them, so that an empty one
 * is no error to it. */
static bool
has_entry(const char *path)
{
	DIR *folder = opendir(path);
	bool found = false;

	if (!folder) {
		return false;
	}
	for (struct dirent *entry = readdir(folder); entry && !found;
	     entry = readdir(folder)) {
		found = entry->d_name[0] != '.';
	}
	(void)closedir(folder);
	return found;
}

bool
trust_has_system_store(char *place, size_t room)
{
	const char *file = X509_get_default_cert_file();
	const char *folder = system_folder();
	bool in_file = access(file, R_OK) == 0;

	(void)snprintf(place, room, "%s", in_file ? file : folder);
	return in_file || has_entry(folder);
}

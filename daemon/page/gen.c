/*
 * page_gen: style and script of the status page as C, and the policy that lets a
 * browser run just these.
 *
 *   page_gen STYLE.css SCRIPT.js > page_assets.h
 */
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>

#define FILE_ROOM   65536
#define HASH_BYTES  32
#define HASH_BASE64 45 /* with its NUL */

static int
fail(const char *path)
{
	(void)fprintf(stderr, "page_gen: cannot read %s\n", path);
	return 1;
}

static size_t
read_file(const char *path, unsigned char *out)
{
	FILE *file = fopen(path, "re");
	size_t size = file ? fread(out, 1, FILE_ROOM, file) : 0;

	if (file) {
		(void)fclose(file);
	}
	return size < FILE_ROOM ? size : 0;
}

/* As bytes: the language promises no string literal of this size. */
static void
put_array(const char *name, const unsigned char *bytes, size_t size)
{
	(void)printf("static const char %s[] = {", name);
	for (size_t i = 0; i < size; i++) {
		(void)printf("%s%d,", i % 16 == 0 ? "\n\t" : " ",
		    (int)(signed char)bytes[i]);
	}
	(void)printf(" 0};\n");
}

static void
hash(const unsigned char *bytes, size_t size, char out[HASH_BASE64])
{
	unsigned char digest[HASH_BYTES];

	if (EVP_Digest(bytes, size, digest, NULL, EVP_sha256(), NULL) != 1) {
		exit(1);
	}
	(void)EVP_EncodeBlock((unsigned char *)out, digest, HASH_BYTES);
}

int
main(int argc, char **argv)
{
	static unsigned char style[FILE_ROOM];
	static unsigned char script[FILE_ROOM];
	char style_hash[HASH_BASE64];
	char script_hash[HASH_BASE64];

	if (argc != 3) {
		return 2;
	}
	size_t style_size = read_file(argv[1], style);
	size_t script_size = read_file(argv[2], script);

	if (style_size == 0 || script_size == 0) {
		return fail(style_size == 0 ? argv[1] : argv[2]);
	}
	put_array("page_style", style, style_size);
	put_array("page_script", script, script_size);
	hash(style, style_size, style_hash);
	hash(script, script_size, script_hash);
	(void)printf(
	    "#define PAGE_POLICY \\\n"
	    "\t\"default-src 'none'; style-src 'sha256-%s'; \" \\\n"
	    "\t\"script-src 'sha256-%s'; connect-src 'self'; \" \\\n"
	    "\t\"base-uri 'none'; form-action 'none'; frame-ancestors 'none'\"\n",
	    style_hash, script_hash);
	return 0;
}

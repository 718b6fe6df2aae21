#include "query.h"

#include <string.h>

void
query_clear(struct query *query)
{
	query->count = 0;
	query->size = 0;
	query->cut = false;
}

void
query_add(struct query *query, struct slice piece)
{
	if (query->count == QUERY_ARGUMENTS_MAX ||
	    piece.size > sizeof query->text - query->size) {
		query->cut = true;
		return;
	}
	char *at = query->text + query->size;

	if (piece.size > 0) {
		memcpy(at, piece.data, piece.size);
	}
	query->pieces[query->count++] = (struct slice){at, piece.size};
	query->size += piece.size;
}

enum query_found
query_find(const struct query *query, const char *name, struct slice *value)
{
	size_t name_size = strlen(name);
	enum query_found found = QUERY_NONE;

	for (unsigned i = 0; i < query->count; i++) {
		struct slice piece = query->pieces[i];
		const char *equals =
		    piece.size > 0 ? memchr(piece.data, '=', piece.size) : NULL;
		size_t size = equals ? (size_t)(equals - piece.data) : piece.size;

		if (size != name_size || memcmp(piece.data, name, size) != 0) {
			continue;
		}
		if (found != QUERY_NONE) {
			return QUERY_SEVERAL;
		}
		found = QUERY_ONE;
		size_t used = equals ? size + 1 : size;

		*value = (struct slice){piece.data + used, piece.size - used};
	}
	return found;
}

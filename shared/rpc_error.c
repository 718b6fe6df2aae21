/* What can go wrong with a request, in numbers and words. */
#include "rpc.h"

static const struct {
	int number;
	const char *word;
	const char *text;
} errors[] = {[RPC_OK] = {0, "ok", "done"},
#define RPC_ERROR_ROW(name, number, word, text) [RPC_##name] = {number, word, text},
    RPC_ERROR_TABLE(RPC_ERROR_ROW)
#undef RPC_ERROR_ROW
};

int
rpc_error_number(enum rpc_error error)
{
	return errors[error].number;
}

const char *
rpc_error_word(enum rpc_error error)
{
	return errors[error].word;
}

const char *
rpc_error_text(enum rpc_error error)
{
	return errors[error].text;
}

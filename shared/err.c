#include "err.h"

#include <errno.h>
#include <stddef.h>

static const char *const texts[] = {
#define GW_ERR_TEXT(name, text) [GW_##name] = (text),
    GW_ERR_TABLE(GW_ERR_TEXT)
#undef GW_ERR_TEXT
};

const char *
err_text(enum gw_err err)
{
	size_t index = (size_t)err;

	return index < sizeof texts / sizeof texts[0] ? texts[index] : "unknown error";
}

enum gw_err
err_from_errno(int number)
{
	switch (number) {
	case 0:
		return GW_OK;
	case ENOMEM:
	case ENOBUFS:
		return GW_ERR_NOMEM;
	case EEXIST:
		return GW_ERR_EXISTS;
	case ENOENT:
	case ENOTDIR:
		return GW_ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return GW_ERR_PERMISSION;
	case ETIMEDOUT:
		return GW_ERR_TIMEOUT;
	case E2BIG:
	case EFBIG:
	case EMSGSIZE:
	case ENAMETOOLONG:
		return GW_ERR_TOO_LARGE;
	case ERANGE:
		return GW_ERR_RANGE;
	case ECONNRESET:
	case ECONNABORTED:
	case EPIPE:
		return GW_ERR_CLOSED;
	case ENOSPC:
	case EDQUOT:
	case EMFILE:
	case ENFILE:
	case ENOLCK:
		return GW_ERR_FULL;
	case EADDRINUSE:
	case EBUSY:
		return GW_ERR_BUSY;
	default:
		return GW_ERR_IO;
	}
}

bool
err_is_lack(enum gw_err err)
{
	return err == GW_ERR_NOMEM || err == GW_ERR_FULL;
}

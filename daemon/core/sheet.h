/*
 * A Google sheet as a dependency: what is asked of Google for the first row of one tab,
 * and what the answers mean, in words that say what to do.
 *
 * With a service account: its key signs a grant (JWT, RS256), which the token endpoint
 * changes for an access token, with which the row is read.  With an API key: the row is
 * read.  Pure: reading key files, signing and asking is done by io/probe_sheet.c.
 */
#ifndef GWBOTD_SHEET_H
#define GWBOTD_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "clock.h"
#include "probe.h"
#include "secret.h"

/* A key file has about 2400 bytes, an answer with one row a few thousand. */
#define SHEET_KEY_MAX_BYTES    ((size_t)64 * 1024)
#define SHEET_ANSWER_MAX_BYTES ((size_t)1024 * 1024)

/* Google: a row may be read 60 times a minute by one account; we take one of them. */
#define SHEET_READ_EVERY CLOCK_S(60)

#define SHEET_EMAIL_ROOM 160
#define SHEET_PLACE_ROOM 200
#define SHEET_TITLE_ROOM 160

/* ---- what is asked ---- */

/* A service account, out of its key file. */
struct sheet_account {
	char email[SHEET_EMAIL_ROOM];
	char project[SHEET_EMAIL_ROOM];   /* empty: the file does not say */
	char key_id[SHEET_EMAIL_ROOM];    /* the same */
	char token_uri[SHEET_PLACE_ROOM]; /* https, or http to loopback */
	struct secret *key;               /* PEM */
};

/**
 * Reads a key file's JSON.  NULL, and out is to be given to sheet_account_fini(); or
 * why it is none (static text), and out holds nothing.
 */
const char *sheet_account_read(struct slice json, struct sheet_account *out);

/** Wipes and frees the key. */
void sheet_account_fini(struct sheet_account *account);

/** Appends bytes as base64url without padding (RFC 4648, section 5). */
enum gw_err sheet_put_base64url(struct slice bytes, struct buf *out);

/** Appends header and claims of the grant, a dot between them: what is signed.
 * now_s: seconds since 1970. */
enum gw_err sheet_put_grant(const struct sheet_account *account, int64_t now_s,
    struct buf *out);

/** Appends the body that changes a signed grant for an access token. */
enum gw_err sheet_put_form(struct slice grant, struct slice signature, struct buf *out);

/** Appends the URL of the first row; key: the API key, or NULL. */
enum gw_err sheet_put_url(const char *base, const char *sheet, const char *worksheet,
    const struct secret *key, struct buf *out);

/** Drops blanks and line ends around an API key; false where it is none. */
bool sheet_trim_key(struct slice *text);

/* ---- what is answered ---- */

/* Who asked for what; all borrowed. */
struct sheet_asked {
	const char *worksheet;
	const char *email;   /* of the account; "" with an API key */
	const char *project; /* of the account, or "" */
};

struct sheet_answer {
	unsigned status;
	struct slice body;
	const char *date;        /* header Date, or NULL */
	const char *retry_after; /* header Retry-After, or NULL */
	int64_t now_s;           /* this host's wall clock */
};

/* What an answer means. */
struct sheet_finding {
	enum probe_verdict verdict;
	bool refused;   /* 401: another token may help, once */
	bool transient; /* Google's trouble, which passes */
	mono_ns wait;   /* with PROBE_UNSETTLED: nothing is to be asked for so long */
	char reason[PROBE_REASON_ROOM]; /* printable; where good the title of the tab */
};

struct sheet_token {
	struct secret *access; /* NULL: none */
	mono_ns lifetime;
};

/** Reads what the token endpoint answered; true where there is a token, which is the
 * caller's.  Else finding says why not. */
bool sheet_read_token(const struct sheet_asked *asked,
    const struct sheet_answer *answer, struct sheet_token *out,
    struct sheet_finding *finding);

/** Reads what the sheet's endpoint answered. */
void sheet_read_row(const struct sheet_asked *asked, const struct sheet_answer *answer,
    struct sheet_finding *finding);

#endif

/*
 * Google: a token endpoint for service accounts, and sheets that they may read.
 *
 *   POST /token                                  grant (JWT, RS256) -> access token
 *   GET /v4/spreadsheets/{id}/values/{range}     with that token, or with an API key
 *
 * A grant is checked as Google does: signature, iss, scope, aud, iat and exp.  There
 * are two spreadsheets: GOOGLE_PRIVATE, which all accounts may read, and GOOGLE_PUBLIC,
 * which keys may read too.  Both have the tabs "Roster", "Empty" and one with an odd
 * name.  An API key is "AIza" with 35 letters, digits, - and _ ; none with "revoked"
 * in it is good.
 */
#ifndef GWSIM_GOOGLE_H
#define GWSIM_GOOGLE_H

#include <openssl/evp.h>

#include "rest.h"

#define GOOGLE_PRIVATE      "1gwsim-private_sheet-0123456789abcdefghijklmn"
#define GOOGLE_PUBLIC       "1gwsim-public_sheet-0123456789abcdefghijklmno"

#define GOOGLE_ACCOUNTS_MAX 8
#define GOOGLE_TOKENS_MAX   64
#define GOOGLE_TOKEN_ROOM   64
#define GOOGLE_EMAIL_ROOM   160

/* What an endpoint does instead of its work. */
struct google_fault {
	char what[32];  /* a status, an error's name, drop, stall, html, ... */
	uint64_t count; /* how many more; UINT64_MAX: until it is taken back */
};

struct google_account {
	char email[GOOGLE_EMAIL_ROOM];
	EVP_PKEY *key; /* NULL: no account */
};

struct google_token {
	char text[GOOGLE_TOKEN_ROOM];
	mono_ns expires_at; /* 0: none */
};

struct google {
	struct google_account accounts[GOOGLE_ACCOUNTS_MAX];
	struct google_token tokens[GOOGLE_TOKENS_MAX];
	uint64_t token_count; /* all that were ever given */
	int64_t ahead_s;      /* of the real clock, in judging grants and in Date */
	int64_t lifetime_s;   /* of new tokens */
	struct google_fault token_fault;
	struct google_fault sheet_fault;
};

struct google *google_new(void);
void google_free(struct google *owned_google);

/** True where the path is one of Google's; the request is answered then. */
bool google_handle(struct sim *sim, const struct http_request *request,
    struct rest_answer *answer);

/** Gives an account the public key in a PEM file in place of the one it had.  NULL, or
 * why not. */
const char *google_take_key(struct google *google, const char *path, const char *email);

/** Refuses all access tokens that were given so far. */
void google_revoke(struct google *google);

/** Ends what lasts: faults, and the wrong clock. */
void google_calm(struct google *google);

/* ---- google_grant.c ---- */

/* Why a grant is refused; error NULL: it is good. */
struct google_verdict {
	const char *error;
	const char *description;
};

/** Judges the assertion (JWT) of a grant for the endpoint at audience. */
struct google_verdict google_judge(const struct google *google, struct slice assertion,
    const char *audience, int64_t now_s);

/* ---- google_fault.c ---- */

/** Plays the fault of an endpoint, where there is one; true: the answer is done. */
bool google_play_token_fault(struct google *google, struct rest_answer *answer);
bool google_play_sheet_fault(struct google *google, const struct http_request *request,
    struct rest_answer *answer);

/** True where the word is a fault of that endpoint. */
bool google_knows_token_fault(const char *word);
bool google_knows_sheet_fault(const char *word);

/** Answers as the token endpoint does where it refuses. */
void google_refuse_token(struct rest_answer *answer, int status, const char *error,
    const char *description);

/** Answers as Google's APIs do where they refuse; reason: of the details, or NULL. */
void google_refuse_read(struct rest_answer *answer, int status, const char *name,
    const char *reason, struct slice message);

#endif

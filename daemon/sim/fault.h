/*
 * Faults: what is being done to the clients right now.
 *
 * Each shard has its own set, and so have connections that have not told their shard.
 */
#ifndef GWSIM_FAULT_H
#define GWSIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "argv.h"
#include "codec.h"

/* A connection before IDENTIFY or RESUME. */
#define FAULT_NO_SHARD (-1)

enum fault_resume {
	FAULT_RESUME_OK,
	FAULT_RESUME_REFUSE, /* op 9 false */
	FAULT_RESUME_SILENT, /* accepted, never answered */
};

struct fault {
	bool freeze;
	bool blackhole;
	bool no_ack;
	bool no_events;
	bool deaf; /* no dispatch but READY and RESUMED is sent */
	bool no_hello;
	bool no_ready;
	enum fault_resume resume;
	uint64_t slow_bytes_per_s; /* 0: off */
	size_t split_bytes;        /* 0: off */
	double rate;               /* events per second of a session */
	bool codec_forced;
	enum codec_kind codec;
};

/* What REST answers instead of the truth. */
enum fault_rest_kind {
	FAULT_REST_STATUS,
	FAULT_REST_DROP,  /* does it, then closes without an answer */
	FAULT_REST_STALL, /* does it, then never answers */
};

struct fault_rest {
	enum fault_rest_kind kind;
	int status;           /* with FAULT_REST_STATUS; 0: off */
	uint64_t count;       /* how many more; UINT64_MAX: until it is taken back */
	char retry_after[32]; /* as the header has it; "absent": no header */
	char scope[8];        /* user, global or shared */
	bool html;            /* as the CDN would */
};

/* What the CDN does instead of serving an emoji. */
enum fault_cdn_kind {
	FAULT_CDN_STATUS,
	FAULT_CDN_DROP,    /* closes without an answer */
	FAULT_CDN_STALL,   /* never answers */
	FAULT_CDN_LARGE,   /* 2,000,001 bytes and more */
	FAULT_CDN_HTML,    /* of the wrong type */
	FAULT_CDN_DAMAGED, /* one bit is wrong */
	FAULT_CDN_BOMB,    /* small, but inflates to 50 MB */
};

struct fault_cdn {
	enum fault_cdn_kind kind;
	int status;     /* with FAULT_CDN_STATUS */
	uint64_t count; /* how many more; UINT64_MAX: until it is taken back */
};

struct fault_table {
	struct fault fresh; /* connections without a shard */
	struct fault shards[ARGV_MAX_SHARDS];
	struct fault_rest rest;
	struct fault_cdn cdn;
	int upgrade_status; /* 0: off */
	int upgrade_retry_after_s;
	bool refuse;          /* the listening sockets are closed */
	uint64_t cut_next_at; /* the next gateway connection ends after so many bytes */
};

#endif

/*
 * Probes at a fixed rate, whatever becomes of those before: an open loop, so that a
 * stall of the server shows in every probe that was due meanwhile.
 *
 *   load_client PORT PATH RATE SECONDS
 *
 * Prints one line of JSON: how many were sent and answered with 200, and the
 * quantiles of the time from when a probe was due to its whole answer, in ms.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

#define OPEN_MAX_PROBES 1024
#define RATE_MAX        10000
#define SECONDS_MAX     60
#define PATIENCE        CLOCK_S(10)

struct probe {
	int fd; /* -1: free */
	mono_ns due;
	bool asked;
	bool good;
};

struct load {
	int poll;
	uint16_t port;
	char request[512];
	size_t request_size;
	struct probe probes[OPEN_MAX_PROBES];
	mono_ns *times;
	size_t sent, answered, failed, open;
};

static void
end_probe(struct load *load, struct probe *probe, bool good)
{
	(void)close(probe->fd);
	probe->fd = -1;
	load->open--;
	if (good) {
		load->times[load->answered++] = clock_now() - probe->due;
	} else {
		load->failed++;
	}
}

static void
begin_probe(struct load *load, mono_ns due)
{
	struct probe *probe = load->probes;
	const struct probe *end = load->probes + OPEN_MAX_PROBES;

	load->sent++;
	while (probe < end && probe->fd >= 0) {
		probe++;
	}
	if (probe == end) {
		load->failed++;
		return;
	}
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons(load->port),
	    .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct epoll_event event = {.events = EPOLLOUT, .data = {.ptr = probe}};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	*probe = (struct probe){.fd = fd, .due = due};
	load->open++;
	if (fd < 0 ||
	    (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 &&
		errno != EINPROGRESS) ||
	    epoll_ctl(load->poll, EPOLL_CTL_ADD, fd, &event) != 0) {
		end_probe(load, probe, false);
	}
}

static void
advance_probe(struct load *load, struct probe *probe)
{
	char room[16384];

	if (!probe->asked) {
		struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = probe}};

		probe->asked = true;
		if (send(probe->fd, load->request, load->request_size, MSG_NOSIGNAL) !=
			(ssize_t)load->request_size ||
		    epoll_ctl(load->poll, EPOLL_CTL_MOD, probe->fd, &event) != 0) {
			end_probe(load, probe, false);
		}
		return;
	}
	ssize_t got = recv(probe->fd, room, sizeof room, 0);

	if (got > 0) {
		probe->good =
		    probe->good || (got > 12 && memcmp(room + 9, "200", 3) == 0);
	} else if (got == 0 || errno != EAGAIN) {
		end_probe(load, probe, got == 0 && probe->good);
	}
}

static void
serve(struct load *load, mono_ns until)
{
	struct epoll_event events[64];
	mono_ns left = until - clock_now();
	struct timespec pause = {.tv_nsec = left > 0 ? left % CLOCK_S(1) : 0};
	int ready = epoll_pwait2(load->poll, events, 64, &pause, NULL);

	for (int i = 0; i < ready; i++) {
		advance_probe(load, events[i].data.ptr);
	}
}

static int
compare(const void *a, const void *b)
{
	mono_ns left;
	mono_ns right;

	memcpy(&left, a, sizeof left);
	memcpy(&right, b, sizeof right);
	return (left > right) - (left < right);
}

static double
quantile_ms(const struct load *load, double share)
{
	size_t index = (size_t)(share * (double)load->answered);

	if (load->answered == 0) {
		return -1;
	}
	index = index < load->answered ? index : load->answered - 1;
	return (double)load->times[index] / (double)CLOCK_MS(1);
}

static void
run(struct load *load, long rate, long seconds)
{
	mono_ns step = CLOCK_S(1) / rate;
	mono_ns due = clock_now() + CLOCK_MS(10);

	for (long i = 0; i < rate * seconds; i++, due += step) {
		while (clock_now() < due) {
			serve(load, due);
		}
		begin_probe(load, due);
	}
	for (mono_ns end = clock_now() + PATIENCE;
	     load->open > 0 && clock_now() < end;) {
		serve(load, clock_now() + CLOCK_MS(50));
	}
}

int
main(int argc, char **argv)
{
	static struct load load;
	long rate = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
	long seconds = argc == 5 ? strtol(argv[4], NULL, 10) : 0;

	if (rate < 1 || rate > RATE_MAX || seconds < 1 || seconds > SECONDS_MAX) {
		(void)fprintf(stderr, "usage: load_client PORT PATH RATE SECONDS\n");
		return 2;
	}
	load.port = (uint16_t)strtoul(argv[1], NULL, 10);
	load.request_size = (size_t)snprintf(load.request, sizeof load.request,
	    "GET %.400s HTTP/1.1\r\nHost: x\r\n\r\n", argv[2]);
	load.poll = epoll_create1(EPOLL_CLOEXEC);
	load.times = calloc((size_t)(rate * seconds), sizeof *load.times);
	for (size_t i = 0; i < OPEN_MAX_PROBES; i++) {
		load.probes[i].fd = -1;
	}
	if (load.poll < 0 || !load.times) {
		return 1;
	}
	run(&load, rate, seconds);
	qsort(load.times, load.answered, sizeof *load.times, compare);
	(void)printf(
	    "{\"sent\": %zu, \"answered\": %zu, \"failed\": %zu, \"p50_ms\": %.3f, "
	    "\"p99_ms\": %.3f, \"p999_ms\": %.3f, \"max_ms\": %.3f}\n",
	    load.sent, load.answered, load.sent - load.answered,
	    quantile_ms(&load, 0.5), quantile_ms(&load, 0.99),
	    quantile_ms(&load, 0.999), quantile_ms(&load, 1));
	free(load.times);
	(void)close(load.poll);
	return 0;
}

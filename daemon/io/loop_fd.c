/* Raw descriptors, as libwebsockets 4.1.6 treats them. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "loop_private.h"
#include "xalloc.h"

/* Rows of the library's table that we leave to the library. */
#define FDS_SPARE 4

void
loop_fd_call(struct loop_fd *fd)
{
	if (fd->closing) {
		return;
	}
	fd->called_in = fd->loop->present_turn;
	fd->kicked = false; /* what a kick asks for is this */
	loop_enter(fd->loop, fd->name);
	fd->events->ready(fd->ctx, clock_now());
}

void
loop_fd_add_late(struct loop_fd *fd)
{
	if (!fd->late) {
		fd->late = true;
		TAILQ_INSERT_TAIL(&fd->loop->late, fd, link);
	}
	loop_wake_if_before_poll(fd->loop);
}

void
loop_fd_end(struct loop_fd *owned_fd)
{
	struct loop_fd *fd = owned_fd;

	if (fd->late) {
		TAILQ_REMOVE(&fd->loop->late, fd, link);
	}
	fd->closing = true;
	/* It often comes just before poll, maybe behind the fence: not loop_enter(),
	 * which would begin a turn that lasts as long as poll. */
	fd->loop->work++;
	fd->loop->fds--;
	fd->events->gone(fd->ctx);
	free(fd);
}

int
loop_fd_on_library(struct lws *wsi, enum lws_callback_reasons reason, void *user,
    void *in, size_t size)
{
	struct loop_fd *fd = wsi ? lws_get_opaque_user_data(wsi) : NULL;

	if (!fd) {
		return lws_callback_http_dummy(wsi, reason, user, in, size);
	}
	/* A non-zero answer to RAW_ADOPT_FILE would leave a descriptor that is neither
	 * ours nor closed; elsewhere it would close behind our back.  So: 0, always. */
	/* NOLINTNEXTLINE(clang-diagnostic-switch-enum): the library has over 100
	 * reasons */
	switch ((int)reason) {
	case LWS_CALLBACK_RAW_RX_FILE:
		fd->loop->polled = true;
		loop_fd_call(fd);
		return 0;
	case LWS_CALLBACK_RAW_WRITEABLE_FILE:
		fd->loop->polled = true;
		fd->in_writable = true;
		loop_fd_call(fd);
		fd->in_writable = false;
		return 0;
	case LWS_CALLBACK_RAW_CLOSE_FILE:
		lws_set_opaque_user_data(wsi, NULL);
		loop_fd_end(fd);
		return 0;
	case LWS_CALLBACK_RAW_ADOPT_FILE:
		return 0;
	default:
		return lws_callback_http_dummy(wsi, reason, user, in, size);
	}
}

bool
loop_fd_fits(struct loop *loop, int fd)
{
	/* The library leaks what it fails to adopt, and closes that descriptor's number
	 * once more at its end: so do not let it fail. */
	if (loop->freeing || loop->fds + FDS_SPARE >= loop->fds_max) {
		(void)close(fd);
		errno = EMFILE; /* its table is as large as the limit of them */
		return false;
	}
	return true;
}

struct loop_fd *
loop_fd_make(struct loop *loop, int fd, const struct loop_fd_events *events, void *ctx,
    const char *name)
{
	if (!loop_fd_fits(loop, fd)) {
		return NULL;
	}
	struct loop_fd *handle = xzalloc(sizeof *handle);

	*handle = (struct loop_fd){
	    .loop = loop,
	    .events = events,
	    .ctx = ctx,
	    .name = name + (name[0] == '&'),
	};
	handle->wsi = lws_adopt_descriptor_vhost_via_info(&(lws_adopt_desc_t){
	    .vh = loop->vhost,
	    .type = LWS_ADOPT_RAW_FILE_DESC,
	    .fd = {.filefd = fd},
	    .vh_prot_name = "loop-fd",
	    .opaque = handle,
	});
	if (!handle->wsi) {
		(void)close(fd);
		free(handle);
		errno = ENOMEM; /* the library does not say */
		return NULL;
	}
	loop->fds++;
	return handle;
}

void
loop_fd_want_write(struct loop_fd *fd)
{
	if (fd->closing) {
		return;
	}
	assert(fd->wsi); /* nobody waits for room at a seldom one */
	/* The library (4.1.6) clears POLLOUT behind its writable callback, a wish made
	 * inside it included: ask again from outside. */
	if (fd->in_writable) {
		fd->want_write = true;
		loop_fd_add_late(fd);
		return;
	}
	(void)lws_callback_on_writable(fd->wsi);
}

void
loop_fd_kick(struct loop_fd *fd)
{
	if (!fd->closing) {
		fd->kicked = true;
		loop_fd_add_late(fd);
	}
}

bool
loop_fd_is_alone(const struct loop_fd *fd)
{
	const struct loop *loop = fd->loop;

	return loop->work - loop->work_seen <= 1 &&
	    loop->work_seen - loop->work_before <= 1;
}

void
loop_fd_want_read(struct loop_fd *fd, bool on)
{
	if (fd->closing) {
		return;
	}
	if (fd->wsi) {
		(void)lws_rx_flow_control(fd->wsi, on);
	} else {
		loop_seldom_want_read(fd, on);
	}
}

void
loop_fd_close(struct loop_fd *fd)
{
	if (fd->closing) {
		return;
	}
	fd->closing = true;
	if (fd->wsi) {
		lws_set_timeout(fd->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
	} else {
		loop_fd_add_late(fd);
	}
}

void
loop_fds_run_late(struct loop *loop)
{
	struct loop_late_list batch = TAILQ_HEAD_INITIALIZER(batch);
	struct loop_fd *fd;

	TAILQ_CONCAT(&batch, &loop->late, link);
	/* The library's go only inside lws_service(), and the seldom only here: so none
	 * vanishes from the batch. */
	while ((fd = TAILQ_FIRST(&batch)) != NULL) {
		/* Kicked from inside its callback: not twice in a turn, which would be
		 * twice as long. */
		bool again = fd->kicked && fd->called_in == loop->present_turn;

		TAILQ_REMOVE(&batch, fd, link);
		fd->late = false;
		if (fd->closing && !fd->wsi) {
			loop_seldom_close(fd);
			continue;
		}
		if (fd->want_write && !fd->closing) {
			(void)lws_callback_on_writable(fd->wsi);
		}
		fd->want_write = false;
		if (again) {
			loop_fd_add_late(fd);
		} else if (fd->kicked) {
			loop_fd_call(fd);
		}
	}
}

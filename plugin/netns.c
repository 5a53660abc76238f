/* The pod's network namespace: entered here, because the runtime starts the shim with the rights that need it. */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

void netns_enter(const struct shim *shim, const char *path, int *netns, int *route)
{
	static const int on = 1;

	/* Never O_CREAT: a namespace that is gone stays gone. O_NONBLOCK: the path may be a FIFO. */
	*netns = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*netns < 0)
		fail(shim, CNI_BAD_ENVIRONMENT, "CNI_NETNS ", path, ": ", strerror(errno), NULL);
	if (setns(*netns, CLONE_NEWNET) < 0) {
		if (errno == EINVAL)
			fail(shim, CNI_BAD_ENVIRONMENT, "CNI_NETNS ", path, " is not a network namespace", NULL);
		fail(shim, CNI_BAD_ENVIRONMENT, "CNI_NETNS ", path, ": cannot enter it: ", strerror(errno), NULL);
	}
	/*
	 * Non-blocking for the server: the kernel's answers are there when a send returns. Errors with the kernel's words and
	 * without the request; dumps of what was asked for alone (bgpnet/drivers/podlink/channel.py). An older kernel knows
	 * less and does well without.
	 */
	*route = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (*route < 0)
		fail(shim, CNI_IO_FAILURE, "CNI_NETNS ", path, ": cannot open a netlink socket there: ", strerror(errno),
		     NULL);
	(void)setsockopt(*route, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
	(void)setsockopt(*route, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof on);
	(void)setsockopt(*route, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
}

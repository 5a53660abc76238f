/*
 * STATUS, answered from two files beside the server's socket (bgpnet/drivers/readiness.py writes them): an error makes
 * the Node NotReady and takes its pods out of their Services, so a server that restarts or is busy must not be one.
 */
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define HEARTBEAT_MAX_MS 60000

static int open_beside(const char *socket_path, const char *name, char *path, size_t room)
{
	const char *slash = strrchr(socket_path, '/');
	size_t folder = slash ? (size_t)(slash - socket_path) + 1 : 0;

	if (folder + strlen(name) >= room) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(path, socket_path, folder);
	strcpy(path + folder, name);
	return open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

/* The number that a file holds, -1 when it holds none. */
static int64_t read_number(int fd)
{
	char text[24];
	ssize_t length = read(fd, text, sizeof text);
	int64_t number = 0;

	if (length <= 0 || length == (ssize_t)sizeof text)
		return -1;
	for (ssize_t at = 0; at < length && text[at] != '\n'; at++) {
		if (text[at] < '0' || text[at] > '9' || number > INT64_MAX / 10 - 1)
			return -1;
		number = number * 10 + (text[at] - '0');
	}
	return number;
}

void status_demand(const struct shim *shim, const char *socket_path)
{
	char path[4096] = "";
	int64_t beat, now;
	int fd;

	if (strcmp(shim->version, CNI_NEWEST_VERSION) != 0)
		fail(shim, CNI_INCOMPATIBLE_VERSION, "cniVersion is ", shim->version,
		     ", and CNI_COMMAND STATUS came with 1.1.0", NULL);
	fd = open_beside(socket_path, "ready", path, sizeof path);
	if (fd < 0)
		fail(shim, CNI_NOT_AVAILABLE, "the node has no route to the fabric yet (", path, ": ", strerror(errno),
		     "); `bgpnet status` tells why", NULL);
	close(fd);
	fd = open_beside(socket_path, "heartbeat", path, sizeof path);
	if (fd < 0)
		fail(shim, CNI_NOT_AVAILABLE, "no sign of life of the agent (", path, ": ", strerror(errno), ")", NULL);
	beat = read_number(fd);
	close(fd);
	/* Read after the beat, which may be of this very moment: one to come is of an earlier boot. */
	now = clock_ms();
	if (beat < 0 || beat > now || now - beat > HEARTBEAT_MAX_MS)
		fail(shim, CNI_NOT_AVAILABLE, "the agent gave its last sign of life more than 60 s ago (", path,
		     "): is `bgpnet agent` running?", NULL);
}

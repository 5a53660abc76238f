/* The network configuration: from stdin into a memfd, bounded in size and time. */
#include "shim.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CONFIG_MAX ((size_t)1 << 20)
#define COUNT_MAX ((size_t)64 << 20) /* how far an oversized input is counted for the error */

/* One byte more than is allowed, so that a full buffer is an oversized input. Untouched pages cost nothing. */
static char config[CONFIG_MAX + 1];

static size_t read_some(const struct shim *shim, char *bytes, size_t room)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	ssize_t got;

	do {
		int ready = poll(&input, 1, deadline_left(shim));

		if (ready == 0)
			fail(shim, CNI_IO_FAILURE, "stdin: the network configuration did not end in time", NULL);
		got = ready < 0 ? -1 : read(STDIN_FILENO, bytes, room);
	} while (got < 0 && (errno == EINTR || errno == EAGAIN));
	if (got < 0)
		fail(shim, CNI_IO_FAILURE, "stdin: cannot read the network configuration: ", strerror(errno), NULL);
	return (size_t)got;
}

static _Noreturn void fail_oversized(const struct shim *shim, size_t length)
{
	char digits[16];
	char *number = digits + sizeof digits;
	size_t got;

	while (length < COUNT_MAX && (got = read_some(shim, config, CONFIG_MAX)) > 0)
		length += got;
	*--number = '\0';
	for (size_t left = length; left > 0; left /= 10)
		*--number = (char)('0' + left % 10);
	fail(shim, CNI_INVALID_CONFIG, "stdin: the network configuration has ",
	     length < COUNT_MAX ? "" : "more than ", number, " bytes, at most 1048576 are taken", NULL);
}

/* The version in the text, for the shim's own answers. No JSON parser: the server has the real one. */
static void find_version(struct shim *shim, const char *text, size_t length)
{
	static const char key[] = "\"cniVersion\"";
	const char *end = text + length;
	const char *at = memmem(text, length, key, sizeof key - 1);
	size_t size;

	if (!at)
		return;
	at += sizeof key - 1;
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n' || *at == ':'))
		at++;
	if (at == end || *at++ != '"')
		return;
	for (size = 0; at + size < end && size < sizeof shim->version; size++)
		if ((at[size] < '0' || at[size] > '9') && at[size] != '.')
			break;
	if (at + size == end || at[size] != '"' || size == 0 || size >= sizeof shim->version)
		return;
	memcpy(shim->version, at, size);
	shim->version[size] = '\0';
}

int config_read(struct shim *shim)
{
	size_t length = 0;
	size_t got;
	int fd;

	while ((got = read_some(shim, config + length, sizeof config - length)) > 0) {
		length += got;
		if (length == sizeof config)
			fail_oversized(shim, length);
	}
	find_version(shim, config, length);
	fd = memfd_create("bgpnet-cni", MFD_CLOEXEC);
	if (fd < 0 || write_all(fd, config, length) < 0)
		fail(shim, CNI_IO_FAILURE, "cannot keep the network configuration in memory: ", strerror(errno), NULL);
	return fd;
}

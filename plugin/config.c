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

/* The closing quote of a string that begins at `at`, or `end`. */
static const char *string_end(const char *at, const char *end)
{
	for (; at < end && *at != '"'; at++)
		if (*at == '\\')
			at++;
	return at < end ? at : end;
}

static const char *skip_blanks(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
		at++;
	return at;
}

/*
 * A string field of the outermost object. No JSON parser: the server has the real one. Returns -1 when the field is
 * there and no string that fits as it stands; then, and when it is not there, the value stays.
 */
static int find_text(const char *text, size_t length, const char *name, char *value, size_t room)
{
	const char *end = text + length;
	int found = 0;
	int depth = 0;

	for (const char *at = text; at < end; at++) {
		const char *start = at + 1;
		size_t size;

		if (*at == '{' || *at == '[')
			depth++;
		if (*at == '}' || *at == ']')
			depth--;
		if (*at != '"')
			continue;
		at = string_end(start, end);
		if (depth != 1 || (size_t)(at - start) != strlen(name) || memcmp(start, name, strlen(name)) != 0)
			continue;
		start = skip_blanks(at == end ? end : at + 1, end);
		if (start == end || *start != ':')
			continue;
		start = skip_blanks(start + 1, end);
		found = -1;
		if (start == end || *start++ != '"')
			continue;
		at = string_end(start, end);
		size = (size_t)(at - start);
		if (at == end || size == 0 || size >= room || memchr(start, '\\', size) || memchr(start, '\0', size))
			continue;
		memcpy(value, start, size);
		value[size] = '\0';
		found = 1;
	}
	return found;
}

/* Whether the text is an object that is closed where it ends. One that was cut off is none. */
static int is_whole(const char *text, size_t length)
{
	const char *end = text + length;
	const char *at = skip_blanks(text, end);
	int depth = 0;

	if (at == end || *at != '{')
		return 0;
	for (; at < end; at++) {
		if (*at == '{' || *at == '[')
			depth++;
		if ((*at == '}' || *at == ']') && --depth == 0)
			return skip_blanks(at + 1, end) == end;
		if (*at == '"')
			at = string_end(at + 1, end);
	}
	return 0;
}

/* The version for the shim's own answers: it goes back out as it came, so nothing but a version is taken. */
static void find_version(struct shim *shim, const char *text, size_t length)
{
	char version[sizeof shim->version];

	if (find_text(text, length, "cniVersion", version, sizeof version) > 0 &&
	    strspn(version, "0123456789.") == strlen(version))
		strcpy(shim->version, version);
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
	shim->config_is_whole = is_whole(config, length);
	shim->socket_is_bad = find_text(config, length, "socket", shim->socket, sizeof shim->socket) < 0;
	fd = memfd_create("bgpnet-cni", MFD_CLOEXEC);
	if (fd < 0 || write_all(fd, config, length) < 0)
		fail(shim, CNI_IO_FAILURE, "cannot keep the network configuration in memory: ", strerror(errno), NULL);
	return fd;
}

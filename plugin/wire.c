/* The conversation with `bgpnet cni`: one request, one answer. Framing: bgpnet/cni/wire.py. */
#include "wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define DESCRIPTORS_MAX 3

extern char **environ;

static void limit_time(const struct shim *shim, int server, int option)
{
	int left = deadline_left(shim);
	struct timeval limit = { .tv_sec = left / 1000, .tv_usec = (left % 1000) * 1000 };

	/* A limit of nothing would mean: wait for ever. */
	if (left == 0)
		limit.tv_usec = 1;
	(void)setsockopt(server, SOL_SOCKET, option, &limit, sizeof limit);
}

int wire_connect(const struct shim *shim, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (server < 0)
		fail(shim, CNI_IO_FAILURE, "cannot open a socket: ", strerror(errno), NULL);
	if (strlen(path) >= sizeof address.sun_path)
		fail(shim, CNI_BAD_ENVIRONMENT, "BGPNET_CNI_SOCKET ", path, ": longer than a socket's path may be", NULL);
	strcpy(address.sun_path, path);
	limit_time(shim, server, SO_SNDTIMEO);
	if (connect(server, (const struct sockaddr *)&address, sizeof address) < 0)
		fail(shim, CNI_TRY_AGAIN_LATER, "bgpnet cni does not answer on ", path, ": ", strerror(errno), NULL);
	return server;
}

static size_t pack_environment(const struct shim *shim, char *message)
{
	size_t length = sizeof WIRE_MAGIC;

	memcpy(message, WIRE_MAGIC, sizeof WIRE_MAGIC);
	for (char **entry = environ; *entry; entry++) {
		size_t size = strlen(*entry) + 1;

		if (strncmp(*entry, "CNI_", 4) != 0)
			continue;
		if (size > WIRE_REQUEST_MAX - length)
			fail(shim, CNI_BAD_ENVIRONMENT, "the CNI_ environment has more than 32768 bytes", NULL);
		memcpy(message + length, *entry, size);
		length += size;
	}
	return length;
}

void wire_send(const struct shim *shim, int server, const int *descriptors, size_t count)
{
	static char message[WIRE_REQUEST_MAX];
	union {
		char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control = { .bytes = { 0 } };
	struct iovec part = { .iov_base = message, .iov_len = pack_environment(shim, message) };
	struct msghdr packet = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control.bytes,
		.msg_controllen = (socklen_t)CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *rights = CMSG_FIRSTHDR(&packet);

	rights->cmsg_level = SOL_SOCKET;
	rights->cmsg_type = SCM_RIGHTS;
	rights->cmsg_len = (socklen_t)CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(rights), descriptors, count * sizeof(int));
	if (sendmsg(server, &packet, MSG_NOSIGNAL) < 0)
		fail(shim, CNI_TRY_AGAIN_LATER, "bgpnet cni does not take the request: ", strerror(errno), NULL);
}

static int print_answer(int config, size_t length)
{
	static char chunk[16384];
	off_t offset = 0;

	while ((size_t)offset < length) {
		size_t want = length - (size_t)offset < sizeof chunk ? length - (size_t)offset : sizeof chunk;
		ssize_t got = pread(config, chunk, want, offset);

		if (got <= 0 || write_all(STDOUT_FILENO, chunk, (size_t)got) < 0)
			return -1;
		offset += got;
	}
	return 0;
}

int wire_answer(const struct shim *shim, int server, int config)
{
	struct wire_answer answer;
	ssize_t got;

	limit_time(shim, server, SO_RCVTIMEO);
	do
		got = recv(server, &answer, sizeof answer, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		fail(shim, CNI_TRY_AGAIN_LATER, "bgpnet cni did not answer in time", NULL);
	if (got <= 0)
		fail(shim, CNI_TRY_AGAIN_LATER, "bgpnet cni ended before it answered", NULL);
	if (got != sizeof answer || memcmp(answer.magic, WIRE_MAGIC, sizeof answer.magic) != 0)
		fail(shim, CNI_TRY_AGAIN_LATER, "bgpnet cni answered in another version's framing", NULL);
	if (print_answer(config, answer.length) < 0)
		return 1;
	return answer.status == 0 ? 0 : 1;
}

/*
 * The CNI plug-in that a container runtime starts: it hands the request to `bgpnet cni` and prints its answer.
 *
 * It decides nothing. What it does itself is what needs the runtime's rights (entering the pod's network namespace)
 * or must work while nobody listens: VERSION, STATUS, and an error that lets the runtime try again later.
 */
#include "shim.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE_MS 20000
#define DEADLINE_MAX_MS 600000

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int deadline_left(const struct shim *shim)
{
	int64_t left = shim->deadline_ms - now_ms();

	return left > 0 ? (int)left : 0;
}

static void set_deadline(struct shim *shim)
{
	const char *wanted = getenv("BGPNET_CNI_DEADLINE_MS");
	int64_t limit = 0;

	for (const char *digit = wanted; digit && *digit; digit++) {
		if (*digit < '0' || *digit > '9' || limit > DEADLINE_MAX_MS)
			limit = DEADLINE_MAX_MS + 1;
		else
			limit = limit * 10 + (*digit - '0');
	}
	shim->now_ms = now_ms();
	shim->deadline_ms = shim->now_ms + (wanted ? limit : DEADLINE_MS);
	if (wanted && (limit < 1 || limit > DEADLINE_MAX_MS))
		fail(shim, CNI_BAD_ENVIRONMENT, "BGPNET_CNI_DEADLINE_MS is ", wanted, ", not milliseconds from 1 to 600000",
		     NULL);
}

static int print_versions(const struct shim *shim)
{
	static const char supported[] = "\",\"supportedVersions\":[" CNI_SUPPORTED_VERSIONS "]}\n";
	static const char start[] = "{\"cniVersion\":\"";

	if (write_all(STDOUT_FILENO, start, sizeof start - 1) < 0 ||
	    write_all(STDOUT_FILENO, shim->version, strlen(shim->version)) < 0 ||
	    write_all(STDOUT_FILENO, supported, sizeof supported - 1) < 0)
		return 1;
	return 0;
}

/* DEL needs no namespace: the pod's end of the link goes with the host's end, also when the namespace is gone. */
static int needs_netns(const char *command)
{
	return strcmp(command, "ADD") == 0 || strcmp(command, "CHECK") == 0;
}

int main(void)
{
	struct shim shim = { .version = CNI_NEWEST_VERSION };
	const char *command = getenv("CNI_COMMAND");
	const char *netns = getenv("CNI_NETNS");
	const char *path = getenv("BGPNET_CNI_SOCKET");
	int descriptors[3];
	size_t count = 1;
	int server;

	set_deadline(&shim);
	descriptors[0] = config_read(&shim);
	if (!command || !*command)
		fail(&shim, CNI_BAD_ENVIRONMENT, "CNI_COMMAND is not set", NULL);
	if (strcmp(command, "VERSION") == 0)
		return print_versions(&shim);
	if (!path || !*path)
		path = WIRE_SOCKET;
	if (strcmp(command, "STATUS") == 0) {
		status_demand(&shim, path);
		return 0;
	}
	server = wire_connect(&shim, path);
	if (needs_netns(command)) {
		if (!netns || !*netns)
			fail(&shim, CNI_BAD_ENVIRONMENT, "CNI_NETNS is not set, ", command, " needs it", NULL);
		netns_enter(&shim, netns, &descriptors[1], &descriptors[2]);
		count = 3;
	}
	wire_send(&shim, server, descriptors, count);
	return wire_answer(&shim, server, descriptors[0]);
}

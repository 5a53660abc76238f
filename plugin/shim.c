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
#include <unistd.h>

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

/* Where the server listens: the runtime passes nothing on from us but the network configuration. */
static const char *server_path(const struct shim *shim)
{
	const char *path = getenv("BGPNET_CNI_SOCKET");

	if (path && *path)
		return path;
	if (shim->socket_is_bad || (shim->socket[0] && shim->socket[0] != '/'))
		fail(shim, CNI_INVALID_CONFIG, "socket in the network configuration is ",
		     shim->socket_is_bad ? "no string of 1 to 107 plain characters" : shim->socket,
		     ": give the absolute path of cni.sock in the run directory of bgpnet cni", NULL);
	if (!shim->socket[0] && !shim->config_is_whole)
		fail(shim, CNI_BAD_JSON, "stdin: the network configuration is no JSON object, or was cut off", NULL);
	return shim->socket[0] ? shim->socket : WIRE_SOCKET;
}

int main(void)
{
	struct shim shim = { .version = CNI_NEWEST_VERSION };
	const char *command = getenv("CNI_COMMAND");
	const char *netns = getenv("CNI_NETNS");
	const char *path;
	int descriptors[3];
	size_t count = 1;
	int server;

	deadline_set(&shim);
	descriptors[0] = config_read(&shim);
	if (!command || !*command)
		fail(&shim, CNI_BAD_ENVIRONMENT, "CNI_COMMAND is not set", NULL);
	if (strcmp(command, "VERSION") == 0)
		return print_versions(&shim);
	path = server_path(&shim);
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

/* The CNI shim: what its files share. */
#ifndef BGPNET_SHIM_H
#define BGPNET_SHIM_H

#include <stddef.h>
#include <stdint.h>

/* Error codes of the CNI specification. */
enum cni_code {
	CNI_INCOMPATIBLE_VERSION = 1,
	CNI_BAD_ENVIRONMENT = 4,
	CNI_IO_FAILURE = 5,
	CNI_BAD_JSON = 6,
	CNI_INVALID_CONFIG = 7,
	CNI_TRY_AGAIN_LATER = 11,
	CNI_NOT_AVAILABLE = 50,
};

#define CNI_SUPPORTED_VERSIONS "\"0.3.0\",\"0.3.1\",\"0.4.0\",\"1.0.0\",\"1.1.0\""
#define CNI_NEWEST_VERSION "1.1.0"

/* One run of the shim. */
struct shim {
	char version[17];           /* cniVersion of the answers that the shim writes itself */
	char socket[108];           /* of the server, from the configuration; "" when it names none */
	int socket_is_bad;          /* it names one that is none */
	int config_is_whole;        /* it is closed as one object: what it does not name, it leaves out */
	int64_t deadline_ms;        /* CLOCK_MONOTONIC */
};

/* CLOCK_MONOTONIC. */
int64_t clock_ms(void);

/* Begin now, and end when the environment says, or in 20 s. */
void deadline_set(struct shim *shim);

/* Milliseconds until the deadline, at least 0. */
int deadline_left(const struct shim *shim);

/* Write all bytes to a descriptor; -1 with errno when that is not possible. */
int write_all(int fd, const char *bytes, size_t length);

/* Write a CNI error as JSON to stdout and end with status 1. The message is the joined strings, up to NULL. */
_Noreturn void fail(const struct shim *shim, enum cni_code code, ...) __attribute__((sentinel));

/* Read the network configuration from stdin into a new memfd; sets shim->version and shim->socket from it. */
int config_read(struct shim *shim);

/* Return if the node can give pods a network. `socket_path` is the server's, in the run directory. */
void status_demand(const struct shim *shim, const char *socket_path);

/* Enter the network namespace at `path`, and open a NETLINK_ROUTE socket there. */
void netns_enter(const struct shim *shim, const char *path, int *netns, int *route);

#endif

/* What travels between this shim and `bgpnet cni`. The framing is described in bgpnet/cni/wire.py. */
#ifndef BGPNET_WIRE_H
#define BGPNET_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "shim.h"

#define WIRE_MAGIC "bgpnet1" /* eight bytes with its NUL */
#define WIRE_REQUEST_MAX 32768u
#define WIRE_SOCKET "/run/bgpnet/cni.sock"

struct wire_answer {
	char magic[8];
	uint32_t status;
	uint32_t length;
};

/* Connect to the server's socket. Calls fail() when nobody listens there. */
int wire_connect(const struct shim *shim, const char *path);

/* Send the CNI environment with `count` descriptors, the configuration's memfd first. */
void wire_send(const struct shim *shim, int server, const int *descriptors, size_t count);

/* Wait for the answer, copy it from the memfd to stdout and return the exit status. */
int wire_answer(const struct shim *shim, int server, int config);

#endif

/* How long a run of the shim may take. */
#include "shim.h"

#include <stdlib.h>
#include <time.h>

#define DEADLINE_MS 20000
#define DEADLINE_MAX_MS 600000

int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int deadline_left(const struct shim *shim)
{
	int64_t left = shim->deadline_ms - clock_ms();

	return left > 0 ? (int)left : 0;
}

void deadline_set(struct shim *shim)
{
	const char *wanted = getenv("BGPNET_CNI_DEADLINE_MS");
	int64_t limit = 0;

	for (const char *digit = wanted; digit && *digit; digit++) {
		if (*digit < '0' || *digit > '9' || limit > DEADLINE_MAX_MS)
			limit = DEADLINE_MAX_MS + 1;
		else
			limit = limit * 10 + (*digit - '0');
	}
	shim->deadline_ms = clock_ms() + (wanted ? limit : DEADLINE_MS);
	if (wanted && (limit < 1 || limit > DEADLINE_MAX_MS))
		fail(shim, CNI_BAD_ENVIRONMENT, "BGPNET_CNI_DEADLINE_MS is ", wanted, ", not milliseconds from 1 to 600000",
		     NULL);
}

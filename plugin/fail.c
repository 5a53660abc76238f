/* The errors that the shim reports itself, as the CNI specification wants them: JSON on stdout, status 1. */
#include "shim.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

struct text {
	char bytes[4096];
	size_t length;
};

static void put(struct text *text, char byte)
{
	/* A longer text is cut; the room kept is for what closes the object. */
	if (text->length < sizeof text->bytes - 8)
		text->bytes[text->length++] = byte;
}

static void put_plain(struct text *text, const char *string)
{
	while (*string)
		put(text, *string++);
}

/* Paths come from outside: what could break the JSON or the reader's terminal is replaced. */
static void put_quoted(struct text *text, const char *string)
{
	for (; *string; string++) {
		unsigned char byte = (unsigned char)*string;

		if (byte == '"')
			put(text, '\'');
		else if (byte == '\\' || byte < ' ' || byte > '~')
			put(text, '?');
		else
			put(text, *string);
	}
}

static void put_number(struct text *text, unsigned number)
{
	if (number >= 10)
		put_number(text, number / 10);
	put(text, (char)('0' + number % 10));
}

int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -1;
		bytes += written;
		length -= (size_t)written;
	}
	return 0;
}

void fail(const struct shim *shim, enum cni_code code, ...)
{
	struct text text = { .length = 0 };
	const char *part;
	va_list parts;

	put_plain(&text, "{\"cniVersion\":\"");
	put_plain(&text, shim->version);
	put_plain(&text, "\",\"code\":");
	put_number(&text, code);
	put_plain(&text, ",\"msg\":\"");
	va_start(parts, code);
	while ((part = va_arg(parts, const char *)) != NULL)
		put_quoted(&text, part);
	va_end(parts);
	for (part = "\"}\n"; *part; part++)
		text.bytes[text.length++] = *part;
	(void)write_all(STDOUT_FILENO, text.bytes, text.length);
	exit(1);
}

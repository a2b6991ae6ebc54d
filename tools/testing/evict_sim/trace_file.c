// SPDX-License-Identifier: GPL-2.0
/* A trace from a file: see oracle.h.  Each vCPU has all of it. */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "oracle.h"
#include "trace.h"
#include "util.h"

#define CHUNK	1024

enum { KNOB_PATH };

static const struct knob knobs[] = {
	[KNOB_PATH] = { "path", .help = "of the file; without spaces", .text = true },
	{}
};

struct state {
	FILE *file;
	u64 length;
	struct oracle_record chunk[CHUNK];
};

static void file_init(struct trace *trace)
{
	struct state *state = trace->state = xcalloc(1, sizeof(*state));
	const char *path = trace->knobs.text;
	struct stat stat;

	if (!*path)
		die("trace=file needs path=");
	state->file = fopen(path, "r");
	if (!state->file)
		die("cannot open %s: %s", path, strerror(errno));
	if (fstat(fileno(state->file), &stat) || !S_ISREG(stat.st_mode))
		die("%s is no file", path);
	if (!stat.st_size)
		die("%s is empty", path);
	if (stat.st_size % sizeof(struct oracle_record))
		die("%s is no oracleGeneral trace: it ends within a record of %zu bytes", path,
		    sizeof(struct oracle_record));
	state->length = stat.st_size / sizeof(struct oracle_record);
}

static void file_exit(struct trace *trace)
{
	struct state *state = trace->state;

	fclose(state->file);
}

static u64 file_length(const struct trace *trace)
{
	const struct state *state = trace->state;

	return state->length;
}

static size_t file_fill(struct trace *trace, u64 *accesses, size_t nr)
{
	struct state *state = trace->state;
	size_t done = 0, some, i;

	while (done < nr) {
		some = nr - done < CHUNK ? nr - done : CHUNK;
		some = fread(state->chunk, sizeof(*state->chunk), some, state->file);
		if (!some)
			break;
		for (i = 0; i < some; i++)
			accesses[done++] = le64toh(state->chunk[i].obj_id);
	}
	if (ferror(state->file))
		die("cannot read %s: %s", trace->knobs.text, strerror(errno));
	return done;
}

const struct trace_ops file_trace = {
	.name	= "file",
	.help	= "an oracleGeneral file, as save and record write it",
	.knobs	= knobs,
	/* Nothing was chosen by any of them. */
	.held_out = true,
	.init	= file_init,
	.exit	= file_exit,
	.fill	= file_fill,
	.length	= file_length,
};

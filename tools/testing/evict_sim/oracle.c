// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "map.h"
#include "oracle.h"
#include "util.h"

/* So many records are read and written at a time. */
#define CHUNK		4096

#define CLOCK_SHIFT	20

static void give_up(const struct oracle *oracle, const char *what)
{
	int error = errno;

	remove(oracle->part);
	die("cannot %s %s: %s", what, oracle->path, strerror(error));
}

void oracle_create(struct oracle *oracle, const char *path)
{
	oracle->path = path;
	oracle->nr = 0;
	if (asprintf(&oracle->part, "%s.part", path) < 0)
		die("out of memory");
	oracle->file = fopen(oracle->part, "w+");
	if (!oracle->file)
		die("cannot create %s: %s", oracle->part, strerror(errno));
}

void oracle_add(struct oracle *oracle, const u64 *accesses, size_t nr)
{
	struct oracle_record record = {
		.obj_size = htole32(1),
		.next_access_vtime = htole64(ORACLE_NEVER),
	};
	size_t i;

	for (i = 0; i < nr; i++) {
		record.clock_time = htole32(oracle->nr++ >> CLOCK_SHIFT);
		record.obj_id = htole64(accesses[i]);
		if (fwrite(&record, sizeof(record), 1, oracle->file) != 1)
			give_up(oracle, "write");
	}
}

/* The records from @first on: read them, or write them. */
static void read_chunk(struct oracle *oracle, u64 first, struct oracle_record *chunk, size_t nr)
{
	if (fseeko(oracle->file, first * sizeof(*chunk), SEEK_SET) ||
	    fread(chunk, sizeof(*chunk), nr, oracle->file) != nr)
		give_up(oracle, "read back");
}

static void write_chunk(struct oracle *oracle, u64 first, const struct oracle_record *chunk,
			size_t nr)
{
	if (fseeko(oracle->file, first * sizeof(*chunk), SEEK_SET) ||
	    fwrite(chunk, sizeof(*chunk), nr, oracle->file) != nr)
		give_up(oracle, "write");
}

/* The position of each object's last record so far, plus one. */
struct next {
	struct map map;
	u64 *position;
	size_t nr;
};

static void set_next(struct next *next, struct oracle_record *record, u64 position)
{
	u32 id = map_number(&next->map, le64toh(record->obj_id));

	if (id >= next->nr) {
		next->position = xgrow(next->position, next->nr, 2 * next->nr + 1024,
				       sizeof(*next->position));
		next->nr = 2 * next->nr + 1024;
	}
	/* And 0 - 1 is ORACLE_NEVER. */
	record->next_access_vtime = htole64(next->position[id] - 1);
	next->position[id] = position + 1;
}

void oracle_finish(struct oracle *oracle)
{
	struct oracle_record *chunk = xcalloc(CHUNK, sizeof(*chunk));
	struct next next = {};
	u64 end = oracle->nr, first, i;

	for (; end; end = first) {
		first = (end - 1) / CHUNK * CHUNK;
		read_chunk(oracle, first, chunk, end - first);
		for (i = end; i-- > first; )
			set_next(&next, &chunk[i - first], i);
		write_chunk(oracle, first, chunk, end - first);
	}
	if (fclose(oracle->file))
		give_up(oracle, "write");
	if (rename(oracle->part, oracle->path))
		give_up(oracle, "rename");
	map_free(&next.map);
	free(next.position);
	free(oracle->part);
	free(chunk);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Settings of the machine that tests change, by way of files of one short line,
 * and restore however they end.
 */
#include "mmu_evict.h"
#include "test_util.h"

#define MAX_SETTINGS	16

static struct {
	const char *path;
	char text[32];
} kept[MAX_SETTINGS];

static pid_t keeper;
static int nr_kept;

/* Read the first line of a file, without its end.  Returns false if there is none. */
static bool read_line(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "r");
	bool ok = f && fgets(text, size, f);

	if (f)
		fclose(f);
	if (ok)
		text[strcspn(text, "\n")] = '\0';
	return ok;
}

/* Returns 0, or what keeps the file from taking that. */
int mmu_evict_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), r;

	if (fd < 0)
		return -errno;

	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* Test cases are children of the process that outlives those that are killed. */
static void restore_settings(void)
{
	int i;

	for (i = 0; i < nr_kept && getpid() == keeper; i++)
		if (mmu_evict_write_file(kept[i].path, kept[i].text))
			fprintf(stderr, "Failed to restore '%s' to '%s'\n",
				kept[i].path, kept[i].text);
}

/* Have the file's line restored when this process ends.  Does nothing if there's none. */
void mmu_evict_keep_setting(const char *path)
{
	TEST_ASSERT(nr_kept < MAX_SETTINGS, "No room for '%s'", path);
	if (!read_line(path, kept[nr_kept].text, sizeof(kept[nr_kept].text)))
		return;

	kept[nr_kept].path = path;
	if (!nr_kept++) {
		keeper = getpid();
		atexit(restore_settings);
	}
}

bool mmu_evict_has_param(void)
{
	return !access(MMU_EVICT_PARAM, F_OK);
}

void mmu_evict_get_param(char *word, size_t size)
{
	TEST_ASSERT(read_line(MMU_EVICT_PARAM, word, size), "Reading the policy failed");
}

int mmu_evict_set_param(const char *word)
{
	return mmu_evict_write_file(MMU_EVICT_PARAM, word);
}

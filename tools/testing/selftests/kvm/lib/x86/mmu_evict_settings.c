// SPDX-License-Identifier: GPL-2.0-only
/*
 * The settings of the machine that antagonists of the stress test change, and
 * that the test restores.
 */
#include "lru_gen_util.h"
#include "mmu_evict_antagonist.h"

int evict_stress_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), r;

	if (fd < 0)
		return -errno;

	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* The settings that antagonists change. */
static const char * const settings[] = {
	EVICT_STRESS_KSM "run",
	EVICT_STRESS_KSM "pages_to_scan",
	EVICT_STRESS_KSM "sleep_millisecs",
	LRU_GEN_ENABLED_PATH,
};

static char kept[ARRAY_SIZE(settings)][32];

static void restore_settings(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (kept[i][0] && evict_stress_write_file(settings[i], kept[i]))
			fprintf(stderr, "Failed to restore '%s' to %s\n", settings[i], kept[i]);
}

/* Call this in the process that outlives those of the test cases. */
void evict_stress_keep_settings(void)
{
	FILE *f;
	int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		f = fopen(settings[i], "r");
		if (!f)
			continue;
		if (!fgets(kept[i], sizeof(kept[i]), f))
			kept[i][0] = '\0';
		fclose(f);
	}
	atexit(restore_settings);
}

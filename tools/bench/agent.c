// SPDX-License-Identifier: GPL-2.0
/*
 * What L1 runs for a cell of make bench: L2 in QEMU, and a snapshot of KVM's
 * statistics whenever L2 asks for one and waits.
 *
 *	agent [-p POOL] [-t | -s PERIOD] QEMU ARGUMENT...
 *
 * L2's second serial port is a socket to here.  L2 writes lines to it: "mark WORD"
 * is answered by an empty line once the snapshot was taken, so that all of it
 * belongs to the same point of L2's work, and nothing has to be polled; all other
 * lines are passed on.  Lines go to the memory that is shared with the host:
 *
 *	mark WORD {"name": number...}	all files of the VM in debugfs, and clocks;
 *					the last one counts, see take_snapshot()
 *	said TEXT			from L2
 *	F ADDRESS ERROR, ...		the trace, see print_event()
 *	console TEXT			L2's console, if it did not end well
 *	exit STATUS			of QEMU
 *
 * -p: KVM_SET_NR_MMU_PAGES, by a library that is loaded into QEMU.
 * -t: trace the shadow MMU, from the VM's creation on; told once L2 has ended.
 * -s: take a stack of the kernel every PERIOD ns; told at the end, too, see samples.c.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ring.h"
#include "samples.h"

#define VMS	"/sys/kernel/debug/kvm"
#define CONSOLE	"/tmp/l2.console"

#define EXITS	VMS "/exits"

#define REST_US	30000
#define TRIES	10
#define PCI	"/sys/bus/pci/devices"

static FILE *out;
static bool trace, sample;

static void die(const char *what)
{
	fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
	exit(1);
}

static bool is_ivshmem(const char *device)
{
	unsigned int vendor = 0, model = 0;
	char path[300];
	FILE *file;

	snprintf(path, sizeof(path), PCI "/%.200s/modalias", device);
	file = fopen(path, "r");
	if (file) {
		if (fscanf(file, "pci:v%8xd%8x", &vendor, &model) != 2)
			vendor = 0;
		fclose(file);
	}
	return vendor == 0x1af4 && model == 0x1110;
}

/* Its memory is the second BAR.  No driver needed, and no exit for each byte. */
static FILE *open_shared(void)
{
	DIR *dir = opendir(PCI);
	struct dirent *entry;
	char path[300];
	struct stat stat;
	void *memory;
	int fd;

	while (dir && (entry = readdir(dir)) && !is_ivshmem(entry->d_name))
		;
	if (!dir || !entry)
		die("no memory is shared with the host");
	snprintf(path, sizeof(path), PCI "/%.200s/enable", entry->d_name);
	fd = open(path, O_WRONLY);
	if (fd < 0 || write(fd, "1", 1) != 1)
		die(path);
	close(fd);
	snprintf(path, sizeof(path), PCI "/%.200s/resource2", entry->d_name);
	fd = open(path, O_RDWR);
	if (fd < 0 || fstat(fd, &stat))
		die(path);
	memory = mmap(NULL, stat.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (memory == MAP_FAILED)
		die(path);
	closedir(dir);
	return fmemopen(memory, stat.st_size, "w");
}

/* For the emulator's plugin, a no-op for everybody else; see meter.c. */
static inline uint64_t tell_meter(void)
{
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .ascii \"METR\"" ::: "memory");
	return __builtin_ia32_rdtsc();
}

static void print_numbers_of(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		unsigned long long value;
		FILE *file;
		char *path;

		if (entry->d_type != DT_REG || asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
			continue;
		file = fopen(path, "r");
		free(path);
		if (!file)
			continue;
		if (fscanf(file, "%llu", &value) == 1)
			fprintf(out, ", \"%s\": %llu", entry->d_name, value);
		fclose(file);
	}
	if (dir)
		closedir(dir);
}

/* There is one VM at most; before QEMU has started there is none. */
static void print_vm(void)
{
	DIR *dir = opendir(VMS);
	struct dirent *entry;
	char *path;

	while (dir && (entry = readdir(dir))) {
		if (entry->d_type != DT_DIR || !strchr(entry->d_name, '-') ||
		    asprintf(&path, VMS "/%s", entry->d_name) < 0)
			continue;
		print_numbers_of(path);
		free(path);
	}
	if (dir)
		closedir(dir);
}

/* Pages of shadow tables, and what the kernel allocated for them, in KiB. */
static void print_memory(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long long value;
	char line[200], name[100];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%99[^:]: %llu", name, &value) == 2 &&
		    (!strcmp(name, "SecPageTables") || !strcmp(name, "SUnreclaim") || !strcmp(name, "AnonHugePages")))
			fprintf(out, ", \"kib_%s\": %llu", name, value);
	}
	if (file)
		fclose(file);
}

static unsigned long long exits(void)
{
	FILE *file = fopen(EXITS, "r");
	unsigned long long value;

	if (!file || fscanf(file, "%llu", &value) != 1)
		die(EXITS);
	fclose(file);
	return value;
}

/*
 * What happens before, after and between the windows of L2's work must not count:
 * the meter and the clocks are read on both sides of all the rest.
 */
static void print_snapshot(const char *word)
{
	struct timespec before, after;
	uint64_t tsc = tell_meter();

	clock_gettime(CLOCK_MONOTONIC_RAW, &before);
	fprintf(out, "mark %s {\"tsc_before\": %llu, \"ns_before\": %llu", word, (unsigned long long)tsc,
	       before.tv_sec * 1000000000ull + before.tv_nsec);
	print_vm();
	print_memory();
	fflush(out);
	clock_gettime(CLOCK_MONOTONIC_RAW, &after);
	fprintf(out, ", \"ns_after\": %llu", after.tv_sec * 1000000000ull + after.tv_nsec);
	tsc = tell_meter();
	fprintf(out, ", \"tsc_after\": %llu}\n", (unsigned long long)tsc);
}

/*
 * L2's CPU goes on until the first process waits, and a timer of a server may wake
 * it up while we look: numbers that were read meanwhile are of different points of
 * its work.  If it never rests, cells.py doesn't take them.
 */
static void take_snapshot(const char *word)
{
	unsigned long long before;
	int tries = 0;

	do {
		usleep(REST_US);
		before = exits();
		print_snapshot(word);
	} while (exits() != before && ++tries < TRIES);
	if (trace)
		ring_mark(word);
	if (sample)
		samples_mark(word);
}

static void serve(int port)
{
	FILE *lines = fdopen(port, "r");
	char line[4096];

	while (fgets(line, sizeof(line), lines)) {
		line[strcspn(line, "\r\n")] = '\0';
		if (strncmp(line, "mark ", 5)) {
			fprintf(out, "said %s\n", line);
			continue;
		}
		take_snapshot(line + 5);
		if (write(port, "\n", 1) != 1)
			die("cannot answer L2");
	}
}

static int start_qemu(char **argv, int nr, const char *pool, int *port)
{
	char chardev[64], *args[nr + 5];
	int ends[2], pid;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends))
		die("socketpair");
	snprintf(chardev, sizeof(chardev), "socket,id=mark,fd=%d", ends[1]);
	memcpy(args, argv, nr * sizeof(*argv));
	memcpy(args + nr, (char *[]){ "-chardev", chardev, "-serial", "chardev:mark", NULL }, 5 * sizeof(*args));
	pid = fork();
	if (!pid) {
		close(ends[0]);
		if (pool) {
			setenv("FORCE_POOL", pool, 1);
			setenv("LD_PRELOAD", "/bench/force-pool.so", 1);
		}
		execv(args[0], args);
		die(args[0]);
	}
	close(ends[1]);
	*port = ends[0];
	return pid;
}

static void print_console(void)
{
	FILE *file = fopen(CONSOLE, "r");
	char line[1024];

	while (file && fgets(line, sizeof(line), file))
		fprintf(out, "console %s\n", strtok(line, "\r\n") ?: "");
}

int main(int argc, char **argv)
{
	int option, port, pid, status;
	const char *pool = NULL;
	unsigned long period = 0;

	while ((option = getopt(argc, argv, "+p:ts:")) != -1) {
		if (option == 'p')
			pool = optarg;
		else if (option == 't')
			trace = true;
		else if (option == 's')
			period = strtoul(optarg, NULL, 0);
		else
			return 2;
	}
	if (optind == argc)
		return fprintf(stderr, "usage: agent [-p POOL] [-t | -s PERIOD] QEMU ARGUMENT...\n"), 2;
	if (trace && !ring_start())
		die("cannot trace");
	sample = period && samples_start(period);
	if (period && !sample)
		die("cannot take samples");
	out = open_shared();
	take_snapshot("boot");
	pid = start_qemu(argv + optind, argc - optind, pool, &port);
	serve(port);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (trace && !ring_print(out))
		die("cannot read the trace");
	if (sample && !samples_print(out))
		die("cannot read the samples");
	print_console();
	fprintf(out, "exit %d\n", status);
	if (ferror(out) || fclose(out))
		die("the shared memory is too small");
	return status ? 1 : 0;
}

// SPDX-License-Identifier: GPL-2.0
/*
 * LD_PRELOAD library: every VM of a program gets the number of shadow pages
 * that FORCE_POOL says, at its creation.  A program that sets the number itself
 * does so later and wins.  The first VM of each process is told on stderr, as
 * proof that the library was in the way.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/kvm.h>

/* Not by declaration of ioctl(): there its third argument is a "...". */
typedef int (*ioctl_fn)(int fd, unsigned long request, void *arg);

static void force_pool(ioctl_fn real_ioctl, int vm)
{
	static int told;
	const char *want = getenv("FORCE_POOL");
	unsigned long pages = want ? strtoul(want, NULL, 10) : 0;
	int old_errno = errno;

	if (real_ioctl(vm, KVM_SET_NR_MMU_PAGES, (void *)pages)) {
		perror("force-pool: KVM_SET_NR_MMU_PAGES");
		abort();
	}
	if (!__atomic_exchange_n(&told, 1, __ATOMIC_RELAXED))
		fprintf(stderr, "force-pool: %lu shadow pages\n", pages);
	errno = old_errno;
}

int ioctl(int fd, unsigned long request, ...)
{
	ioctl_fn real_ioctl = (ioctl_fn)dlsym(RTLD_NEXT, "ioctl");
	va_list args;
	void *arg;
	int ret;

	va_start(args, request);
	arg = va_arg(args, void *);
	va_end(args);

	ret = real_ioctl(fd, request, arg);
	if (request == KVM_CREATE_VM && ret >= 0)
		force_pool(real_ioctl, ret);
	return ret;
}

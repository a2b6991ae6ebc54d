// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>

#include "../util.h"
#include "checked.h"

struct policy_ops checked;
const struct policy_ops *inner;
struct page *checked_pages[MAX_CHECKED];
unsigned int nr_checked;
bool broken;

void check(bool ok, const char *what)
{
	if (!ok && !broken)
		printf("# %s\n", what);
	broken = broken || !ok;
}

static unsigned int index_of(const struct page *page)
{
	unsigned int i = 0;

	while (i < nr_checked && checked_pages[i] != page)
		i++;
	return i;
}

static void checked_link(struct policy *policy, struct page *page)
{
	check(index_of(page) == nr_checked, "a page is linked twice");
	if (nr_checked == MAX_CHECKED)
		die("there are too many pages");
	checked_pages[nr_checked++] = page;
	inner->link(policy, page);
}

static void checked_unlink(struct policy *policy, struct page *page)
{
	unsigned int i = index_of(page);

	if (i == nr_checked)
		die("a page goes that isn't there");
	check(!policy_pinned(policy, page), "a pinned page goes");
	inner->unlink(policy, page);
	checked_pages[i] = checked_pages[--nr_checked];
}

static bool only_pinned(struct policy *policy)
{
	unsigned int i;

	for (i = 0; i < nr_checked; i++)
		if (!policy_pinned(policy, checked_pages[i]))
			return false;
	return true;
}

static unsigned long checked_evict(struct policy *policy, unsigned long target,
				   unsigned long need)
{
	unsigned int before = nr_checked;
	unsigned long freed = inner->evict(policy, target, need);

	check(freed == before - nr_checked, "an eviction miscounts what it has freed");
	check(freed >= need || only_pinned(policy), "an eviction gives up too early");
	return freed;
}

void check_policy(const struct policy_ops *ops)
{
	inner = ops;
	checked = *ops;
	checked.link = checked_link;
	checked.unlink = checked_unlink;
	checked.evict = checked_evict;
	nr_checked = 0;
	broken = false;
}

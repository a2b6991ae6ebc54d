// SPDX-License-Identifier: GPL-2.0
/*
 * A cache of single objects of one size: what papers about eviction simulate, and
 * what other simulators can be compared with.  A page is an object, an access to
 * one that is not there is a fault, and that is all that it costs.
 */
#include "map.h"
#include "model.h"
#include "util.h"

enum { KNOB_MIN_FREE, KNOB_REFILL };

static const struct knob flat_knobs[] = {
	[KNOB_MIN_FREE]	= { "min_free", 1, 1, 1000, "evict if fewer pages are available" },
	[KNOB_REFILL]	= { "refill", 1, 1, 1000, "... until so many are" },
	{}
};

struct flat {
	struct model model;
	/* One for each object that fits, and those of them that hold none. */
	struct page *pages;
	struct list_head free;
	/* The page of each object: its index plus one, or 0. */
	u32 *where;
	size_t nr_where;
	/* The objects' numbers, if their names are not small themselves. */
	struct map map;
	bool small_names;
};

static struct flat *to_flat(struct model *model)
{
	return container_of(model, struct flat, model);
}

static bool flat_pinned(const struct page *page)
{
	return false;
}

static bool flat_test_clear(struct model *model, struct page *page)
{
	bool accessed = page->accessed;

	model->counters.spte_reads++;
	page->accessed = false;
	return accessed;
}

static unsigned int flat_nr_present(const struct page *page)
{
	return 1;
}

static unsigned long flat_zap(struct model *model, struct page *page)
{
	struct flat *flat = to_flat(model);

	model->policy.ops->unlink(&model->policy, page);
	flat->where[page->id] = 0;
	list_add(&page->link, &flat->free);
	model->used--;
	model->counters.zapped++;
	return 1;
}

static const struct model_ops flat_ops = {
	.pinned			= flat_pinned,
	.test_clear_parents	= flat_test_clear,
	.test_clear_leaves	= flat_test_clear,
	.nr_present		= flat_nr_present,
	.zap			= flat_zap,
};

static struct model *flat_create(const struct knobs *knobs, const struct trace *trace,
				 unsigned long max)
{
	struct flat *flat = xcalloc(1, sizeof(*flat));
	unsigned long i;

	flat->model.ops = &flat_ops;
	model_init_pool(&flat->model, max, knobs->value[KNOB_MIN_FREE], knobs->value[KNOB_REFILL]);
	flat->pages = xcalloc(max, sizeof(*flat->pages));
	INIT_LIST_HEAD(&flat->free);
	for (i = 0; i < max; i++)
		list_add_tail(&flat->pages[i].link, &flat->free);

	if (trace->ops->universe) {
		flat->small_names = true;
		flat->nr_where = trace->ops->universe(trace);
		flat->where = xcalloc(flat->nr_where, sizeof(*flat->where));
	}
	return &flat->model;
}

static u32 number_of(struct flat *flat, u64 object)
{
	u32 id;

	if (flat->small_names)
		return object;

	id = map_number(&flat->map, object);
	if (id >= flat->nr_where) {
		size_t nr = flat->nr_where ? 2 * flat->nr_where : 1024;

		flat->where = xgrow(flat->where, flat->nr_where, nr, sizeof(*flat->where));
		flat->nr_where = nr;
	}
	return id;
}

static void miss(struct flat *flat, u32 id)
{
	struct model *model = &flat->model;
	struct policy *policy = &model->policy;
	struct page *page;

	model->counters.faults++;
	if (policy->ops->miss)
		policy->ops->miss(policy, id);
	model_make_available(model);

	page = list_first_entry(&flat->free, struct page, link);
	list_del(&page->link);
	*page = (struct page) { .id = id, .level = 1 };
	flat->where[id] = page - flat->pages + 1;
	model->used++;
	model->counters.created++;
	if (model->future)
		page->next_use = model->future->next[0][model->now];
	policy->ops->link(policy, page);
	if (policy->ops->fill)
		policy->ops->fill(policy, page);
}

static void flat_run(struct model *model, const u64 *accesses, size_t nr)
{
	void (*report)(struct policy *policy, struct page *page) = model->policy.ops->access;
	struct flat *flat = to_flat(model);
	struct page *page;
	size_t i;
	u32 id;

	for (i = 0; i < nr; i++, model->now++) {
		id = number_of(flat, accesses[i]);
		if (!flat->where[id]) {
			miss(flat, id);
			continue;
		}
		page = &flat->pages[flat->where[id] - 1];
		page->accessed = true;
		if (model->future)
			page->next_use = model->future->next[0][model->now];
		if (report)
			report(&model->policy, page);
	}
	model->counters.accesses += nr;
}

static void flat_destroy(struct model *model)
{
	struct flat *flat = to_flat(model);

	map_free(&flat->map);
	free(flat->where);
	free(flat->pages);
	free(flat);
}

const struct model_type flat_model = {
	.name		= "flat",
	.help		= "a cache of objects of one size",
	.knobs		= flat_knobs,
	.create		= flat_create,
	.run		= flat_run,
	.destroy	= flat_destroy,
};

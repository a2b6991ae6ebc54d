// SPDX-License-Identifier: GPL-2.0
/*
 * The roots of a vCPU: the current ones, and those of the processes that it ran
 * before, which KVM caches, i.e. pins, see kvm_mmu_new_pgd().
 */
#include <string.h>

#include "mmu.h"

static void put_root(struct mmu *mmu, struct root *root)
{
	struct policy *policy = &mmu->model.policy;
	unsigned int i;

	for (i = 0; root->valid && i < nr_roots(mmu); i++) {
		/* As mmu_free_root_page(). */
		if (policy->ops->touch)
			policy->ops->touch(policy, &root->sp[i]->page);
		root->sp[i]->root_count--;
	}
	root->valid = false;
}

static void load_root(struct mmu *mmu, struct root *root, u64 process)
{
	struct policy *policy = &mmu->model.policy;
	bool found, before;
	unsigned int i;

	model_make_available(&mmu->model);
	root->valid = true;
	root->process = process;
	for (i = 0; i < nr_roots(mmu); i++) {
		root->sp[i] = mmu_get_page(mmu, process, (u64)i << 2 * TABLE_SHIFT,
					   root_level(mmu), &found, &before);
		if (found && policy->ops->touch)
			policy->ops->touch(policy, &root->sp[i]->page);
		root->sp[i]->root_count++;
	}
}

void mmu_switch_root(struct mmu *mmu, struct vcpu *vcpu, u64 process)
{
	struct root *roots = vcpu->roots, root;
	unsigned int i;

	for (i = 0; i < CACHED_ROOTS - 1; i++)
		if (roots[i].valid && roots[i].process == process)
			break;

	root = roots[i];
	memmove(roots + 1, roots, i * sizeof(*roots));
	roots[0] = root;
	if (!root.valid || root.process != process) {
		put_root(mmu, &roots[0]);
		load_root(mmu, &roots[0], process);
	}
	memset(vcpu->tlb, 0, sizeof(vcpu->tlb));
}

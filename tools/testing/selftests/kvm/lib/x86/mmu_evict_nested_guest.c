// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's side of the nested test: L1, which runs L2 on the table that the
 * host names, and L2, which verifies what it reads.
 */
#include "mmu_evict_nested.h"
#include "svm_util.h"
#include "ucall_common.h"
#include "vmx.h"

#define EPTP_AD_ENABLED	BIT_ULL(6)

struct evict_nested_job evict_nested_job;
struct evict_nested_account
evict_nested_account[EVICT_NESTED_TABLES][EVICT_NESTED_REGIONS][EVICT_NESTED_PAGES];

static void l2_guest_code(void)
{
	const struct evict_nested_job *job = &evict_nested_job;
	u32 table = job->table, page = job->page, region;

	for (region = job->first; region < job->first + job->nr; region++) {
		u64 *word = (u64 *)evict_nested_l2_gpa(region, page);

		GUEST_ASSERT_EQ(READ_ONCE(*word), evict_nested_word(table, region, page));
		if (!job->write)
			continue;

		WRITE_ONCE(*word, *word + 1);
		evict_nested_account[table][region][page].writes++;
	}

	if (job->vmx)
		vmcall();
	else
		vmmcall();
}

/* L2 never comes back from its exit, but starts over with the next job. */
static void l1_run_svm(struct svm_test_data *svm)
{
	svm->vmcb->control.nested_cr3 = evict_nested_job.pgd;
	svm->vmcb->save.rip = (u64)l2_guest_code;
	svm->vmcb->save.rsp = (u64)svm->stack;
	run_guest(svm->vmcb, svm->vmcb_gpa);
	GUEST_ASSERT_EQ(svm->vmcb->control.exit_code, SVM_EXIT_VMMCALL);
}

static void l1_run_vmx(struct vmx_pages *vmx, bool launched)
{
	u64 eptp = vmreadz(EPT_POINTER) & ~PHYSICAL_PAGE_MASK;

	if (!evict_nested_job.has_ad)
		eptp &= ~EPTP_AD_ENABLED;
	vmwrite(EPT_POINTER, eptp | evict_nested_job.pgd);
	vmwrite(GUEST_RIP, (u64)l2_guest_code);
	vmwrite(GUEST_RSP, (u64)vmx->stack);
	GUEST_ASSERT(!(launched ? vmresume() : vmlaunch()));
	GUEST_ASSERT_EQ(vmreadz(VM_EXIT_REASON), EXIT_REASON_VMCALL);
}

void evict_nested_guest_code(void *nested)
{
	bool vmx = evict_nested_job.vmx, launched = false;

	if (vmx) {
		GUEST_ASSERT(prepare_for_vmx_operation(nested));
		GUEST_ASSERT(load_vmcs(nested));
		prepare_vmcs(nested, l2_guest_code);
	} else {
		generic_svm_setup(nested, l2_guest_code);
	}

	for (;; launched = true) {
		GUEST_SYNC(0);
		if (vmx)
			l1_run_vmx(nested, launched);
		else
			l1_run_svm(nested);
	}
}

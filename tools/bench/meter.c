// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin of QEMU's emulator (TCG) that counts what L1 executes, without L1
 * noticing: instructions of L1 and L2, kernel and user, of each function of L1's
 * kernel, of each exit from L2, inside some functions, and under mmu_lock.
 *
 *	-plugin meter.so,out=FILE,symbols=FILE[,inside=FUNCTION]...
 *
 * Each line of symbols is "ADDRESS NAME", sorted, with a leading "+" of the name
 * where the function takes mmu_lock.  The agent in L1 executes a no-op that has
 * MAGIC in it: then a line of JSON goes to FILE.
 *
 * L1 runs on one CPU and without nested guests of L2.  Translated code of L1 and
 * of L2 is never shared, as QEMU tells them apart by a flag, hence what is known at
 * translation holds.
 * A block of code counts as a whole when it is entered: where a fault interrupts
 * it, a few instructions are counted twice.
 *
 * The declarations are those of version 1 of QEMU's interface, whose header no
 * package of Debian has.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t plugin_id;
typedef void (*exec_fn)(unsigned int cpu, void *data);
enum { NO_REGS, ADD_U64 = 0 };

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*fn)(plugin_id, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *to, uint64_t add);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, exec_fn fn, int flags, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

/* nopl MAGIC(%rax,%rax) */
static const uint8_t mark_code[] = { 0x0f, 0x1f, 0x84, 0x00, 'M', 'E', 'T', 'R' };

#define KERNEL_BASE	0xffffffff80000000ull

struct function {
	uint64_t start, end, count;
	char name[60];
	bool locks;
};

/* Instructions between two points, as often as both were passed. */
struct span {
	const char *name;
	uint64_t calls, insns, began;
	bool open;
};

/* Four bins an octave: bin 4 * n + m is [2^n * (1 + m / 4), ...). */
#define BINS		(4 * 40)

static struct function *functions;
static size_t nr_functions;
static struct span inside[8], lock = { .name = "mmu_lock" }, faults = { .name = "faults" },
		   others = { .name = "others" };
static size_t nr_inside;
static uint64_t bins[BINS];
/* Of L1 and L2; the kernel's functions have their own counts, too. */
static uint64_t kernel[2], user[2];
static bool in_l2, was_fault, for_mmu;
static uint64_t vmrun_end, exit_began;
static FILE *out;

static uint64_t l1_insns(void)
{
	return kernel[0] + user[0];
}

static void open_span(struct span *span)
{
	span->began = l1_insns();
	span->open = true;
}

static uint64_t close_span(struct span *span)
{
	uint64_t insns = l1_insns() - span->began;

	if (!span->open)
		return 0;
	span->open = false;
	span->calls++;
	span->insns += insns;
	return insns;
}

static void enter(unsigned int cpu, void *span)
{
	if (!((struct span *)span)->open)
		open_span(span);
}

static void leave(unsigned int cpu, void *span)
{
	close_span(span);
}

static void count_bin(uint64_t insns)
{
	unsigned int octave = 63 - __builtin_clzll(insns | 4);
	unsigned int bin = 4 * octave + (insns >> (octave - 2) & 3);

	bins[bin < BINS ? bin : BINS - 1]++;
}

static void enter_l2(unsigned int cpu, void *data)
{
	struct span *span = was_fault ? &faults : &others;

	if (exit_began) {
		span->began = exit_began;
		span->open = true;
		if (was_fault)
			count_bin(l1_insns() - exit_began);
		close_span(span);
	}
	was_fault = false;
	in_l2 = true;
}

static void leave_l2(unsigned int cpu, void *data)
{
	in_l2 = false;
	exit_began = l1_insns();
}

static void note_fault(unsigned int cpu, void *data)
{
	was_fault = true;
}

static void note_locker(unsigned int cpu, void *data)
{
	for_mmu = true;
}

static void locked(unsigned int cpu, void *data)
{
	if (for_mmu && !lock.open)
		open_span(&lock);
	for_mmu = false;
}

static void print_span(const struct span *span)
{
	fprintf(out, ", \"%s\": {\"calls\": %" PRIu64 ", \"insns\": %" PRIu64 "}", span->name, span->calls, span->insns);
}

static void print_mark(unsigned int cpu, void *data)
{
	const char *comma = "";
	size_t i;

	fprintf(out, "{\"l1_kernel\": %" PRIu64 ", \"l1_user\": %" PRIu64 ", \"l2_kernel\": %" PRIu64
		", \"l2_user\": %" PRIu64, kernel[0], user[0], kernel[1], user[1]);
	print_span(&faults);
	print_span(&others);
	print_span(&lock);
	for (i = 0; i < nr_inside; i++)
		print_span(&inside[i]);
	fprintf(out, ", \"bins\": {");
	for (i = 0; i < BINS; i++) {
		if (bins[i]) {
			fprintf(out, "%s\"%zu\": %" PRIu64, comma, i, bins[i]);
			comma = ", ";
		}
	}
	fprintf(out, "}, \"functions\": {");
	for (comma = "", i = 0; i < nr_functions; i++) {
		if (functions[i].count) {
			fprintf(out, "%s\"%s\": %" PRIu64, comma, functions[i].name, functions[i].count);
			comma = ", ";
		}
	}
	fprintf(out, "}}\n");
	fflush(out);
}

static struct function *function_at(uint64_t address)
{
	size_t low = 0, high = nr_functions;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (functions[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < nr_functions && functions[low].start <= address ? &functions[low] : NULL;
}

/* GCC's .isra.0, .constprop.1, .part.0 and .cold are the same function. */
static bool is_called(const struct function *f, const char *name)
{
	size_t length = strlen(name);

	return f && !strncmp(f->name, name, length) && (!f->name[length] || f->name[length] == '.');
}

static bool starts_as(const struct function *f, const char *name, uint64_t address)
{
	return f->start == address && is_called(f, name) && !strstr(f->name, ".cold");
}

/* The target of a call or a jump with a 32-bit offset. */
static bool has_target(const uint8_t *code, size_t size, uint8_t opcode, uint64_t address, uint64_t *target)
{
	int32_t offset;

	if (size != 5 || code[0] != opcode)
		return false;
	memcpy(&offset, code + 1, sizeof(offset));
	*target = address + size + offset;
	return true;
}

/* What of L1's kernel is of interest beyond its number. */
static void look_at_kernel(struct qemu_plugin_insn *insn, const uint8_t *code, size_t size, uint64_t address)
{
	struct function *f = function_at(address), *to;
	uint64_t target;
	bool ends;
	size_t i;

	if (!f)
		return;
	if (starts_as(f, "kvm_mmu_page_fault", address))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, note_fault, NO_REGS, NULL);
	if (f->locks && has_target(code, size, 0xe8, address, &target)) {
		to = function_at(target);
		if (to && starts_as(to, "_raw_write_lock", target))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, note_locker, NO_REGS, NULL);
	}
	/* A jump to another function is the last call of this one. */
	ends = code[0] == 0xc3 ||
	       (has_target(code, size, 0xe9, address, &target) && !is_called(function_at(target), f->name));
	if (ends && is_called(f, "_raw_write_lock"))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, locked, NO_REGS, NULL);
	if (starts_as(f, "_raw_write_unlock", address))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, leave, NO_REGS, &lock);
	for (i = 0; i < nr_inside; i++) {
		if (starts_as(f, inside[i].name, address))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, enter, NO_REGS, &inside[i]);
		if (ends && is_called(f, inside[i].name))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, leave, NO_REGS, &inside[i]);
	}
}

static void translate(plugin_id id, struct qemu_plugin_tb *tb)
{
	size_t i, n = qemu_plugin_tb_n_insns(tb);
	uint64_t start = qemu_plugin_tb_vaddr(tb);
	bool is_kernel = start >= 1ull << 63;
	struct function *f;

	if (start == vmrun_end && vmrun_end) {
		/* Before everything else: this block is L1's. */
		in_l2 = false;
		qemu_plugin_register_vcpu_insn_exec_cb(qemu_plugin_tb_get_insn(tb, 0), leave_l2, NO_REGS, NULL);
	}
	qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, is_kernel ? &kernel[in_l2] : &user[in_l2], n);
	f = is_kernel && !in_l2 ? function_at(start) : NULL;
	if (f)
		qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &f->count, n);
	for (i = 0; i < n && !in_l2; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		size_t size = qemu_plugin_insn_size(insn);
		const uint8_t *code = qemu_plugin_insn_data(insn);
		uint64_t address = qemu_plugin_insn_vaddr(insn);

		if (is_kernel) {
			if (size == 3 && !memcmp(code, "\x0f\x01\xd8", 3)) {
				vmrun_end = address + size;
				qemu_plugin_register_vcpu_insn_exec_cb(insn, enter_l2, NO_REGS, NULL);
			}
			if (address >= KERNEL_BASE)
				look_at_kernel(insn, code, size, address);
		} else if (size == sizeof(mark_code) && !memcmp(code, mark_code, size)) {
			qemu_plugin_register_vcpu_insn_exec_cb(insn, print_mark, NO_REGS, NULL);
		}
	}
}

static bool read_symbols(const char *path)
{
	FILE *file = fopen(path, "r");
	char name[256];
	uint64_t start;
	size_t room = 0;

	if (!file) {
		perror(path);
		return false;
	}
	while (fscanf(file, "%" SCNx64 " %255s", &start, name) == 2) {
		struct function *f;

		if (nr_functions == room)
			functions = realloc(functions, (room = 2 * room + 1024) * sizeof(*functions));
		f = &functions[nr_functions];
		*f = (struct function){ .start = start, .end = start + 65536, .locks = name[0] == '+' };
		snprintf(f->name, sizeof(f->name), "%s", name + f->locks);
		if (nr_functions++)
			f[-1].end = start;
	}
	fclose(file);
	if (!nr_functions)
		fprintf(stderr, "meter: no symbols in %s\n", path);
	return nr_functions;
}

__attribute__((visibility("default")))
int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	int i;

	for (i = 0; i < argc; i++) {
		if (!strncmp(argv[i], "out=", 4))
			out = fopen(argv[i] + 4, "w");
		else if (!strncmp(argv[i], "symbols=", 8) && !read_symbols(argv[i] + 8))
			return 1;
		else if (!strncmp(argv[i], "inside=", 7) && nr_inside < sizeof(inside) / sizeof(inside[0]))
			inside[nr_inside++].name = strdup(argv[i] + 7);
	}
	if (!out || !functions) {
		fprintf(stderr, "meter: out= and symbols= are needed\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0
#include <inttypes.h>
#include <stdio.h>

#include "job.h"
#include "list.h"

static void print_text(const char *name, const char *text)
{
	printf("\"%s\": \"", name);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void print_bool(const char *name, bool value)
{
	printf(", \"%s\": %s", name, value ? "true" : "false");
}

static void print_knobs(const struct knob *knob)
{
	const char *comma = "";

	printf("\"knobs\": [");
	for (; knob && knob->name; knob++, comma = ", ") {
		printf("%s{", comma);
		print_text("name", knob->name);
		printf(", \"value\": %" PRIu64 ", \"min\": %" PRIu64 ", \"max\": %" PRIu64 ", ",
		       knob->value, knob->min, knob->max);
		print_text("help", knob->help);
		print_bool("text", knob->text);
		putchar('}');
	}
	putchar(']');
}

/* One line of an array; its members are to follow. */
static void print_entry(unsigned int i, const char *name, const char *what, const char *text)
{
	printf("%s\n  {", i ? "," : "");
	print_text("name", name);
	printf(", ");
	print_text(what, text);
}

static void end_entry(const struct knob *knobs)
{
	printf(", ");
	print_knobs(knobs);
	putchar('}');
}

static void list_models(void)
{
	unsigned int i;

	printf(",\n \"models\": [");
	for (i = 0; i < nr_model_types; i++) {
		print_entry(i, model_types[i]->name, "help", model_types[i]->help);
		print_bool("bound", model_types[i]->lower_bound);
		end_entry(model_types[i]->knobs);
	}
	putchar(']');
}

static void list_traces(void)
{
	unsigned int i;

	printf(",\n \"traces\": [");
	for (i = 0; i < nr_traces; i++) {
		print_entry(i, traces[i]->name, "help", traces[i]->help);
		print_bool("held_out", traces[i]->held_out);
		end_entry(traces[i]->knobs);
	}
	putchar(']');
}

static void list_policies(void)
{
	unsigned int i;

	printf(",\n \"policies\": [");
	for (i = 0; i < nr_policies; i++) {
		print_entry(i, policies[i]->name, "source", policies[i]->source);
		print_bool("bound", policies[i] == &lower_bound);
		print_bool("clairvoyant", policies[i]->clairvoyant);
		print_bool("access", policies[i]->access);
		end_entry(policies[i]->knobs);
	}
	putchar(']');
}

void list_json(void)
{
	printf("{");
	print_knobs(job_knobs);
	list_models();
	list_traces();
	list_policies();
	printf("}\n");
}

static void tell_knobs(const struct knob *knob)
{
	for (; knob && knob->name; knob++)
		if (knob->text)
			printf("    %s=\t%s\n", knob->name, knob->help);
		else
			printf("    %s=%" PRIu64 "\t%s (%" PRIu64 " to %" PRIu64 ")\n",
			       knob->name, knob->value, knob->help, knob->min, knob->max);
}

void list_text(void)
{
	unsigned int i;

	printf("every job\n");
	tell_knobs(job_knobs);
	for (i = 0; i < nr_model_types; i++) {
		printf("model=%s\t%s\n", model_types[i]->name, model_types[i]->help);
		tell_knobs(model_types[i]->knobs);
	}
	for (i = 0; i < nr_traces; i++) {
		printf("trace=%s\t%s%s\n", traces[i]->name, traces[i]->help,
		       traces[i]->held_out ? " (held out)" : "");
		tell_knobs(traces[i]->knobs);
	}
	for (i = 0; i < nr_policies; i++) {
		printf("policy=%s\t%s\n", policies[i]->name, policies[i]->source);
		tell_knobs(policies[i]->knobs);
	}
}

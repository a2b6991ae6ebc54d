/* SPDX-License-Identifier: GPL-2.0 */
#ifndef EVICT_SIM_LIST_H
#define EVICT_SIM_LIST_H

/*
 * Print all that a job may name, as JSON, for programs:
 *
 *	{"knobs": [KNOB...],
 *	 "models": [{"name", "help", "bound": has it policy=bound, "knobs"}...],
 *	 "traces": [{"name", "help", "held_out", "knobs"}...],
 *	 "policies": [{"name", "source", "bound", "clairvoyant", "access": may see each
 *		       access, if it has a knob "exact" only with that, "knobs"}...]}
 *
 * where a KNOB is {"name", "value", "min", "max", "help", "text": it takes any}.
 */
void list_json(void);

/* The same for people. */
void list_text(void);

#endif /* EVICT_SIM_LIST_H */

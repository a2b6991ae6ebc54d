# SPDX-License-Identifier: GPL-2.0
"""Causes of faults, from traces that were made by hand: each shows one way to fault."""
import sys
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1] / "report")]

import causes

# The guest's tables by level; the page that they map at ADDRESS.
ADDRESS, OTHER = 0x7F0000001000, 0x7F0000002000
ROOT, TABLES, DATA = 0x1000, {3: 0x1003, 2: 0x1002, 1: 0x1001}, 0x2000
# Where the shadow page of level 1 is, and the same for an SPTE in it.
SPT = 0x9000000
EVICT, SPARE = 2, 1


def load():
    """L2 loads CR3."""
    return [f"G {ROOT:x} 4 1"]


def walk(tables=TABLES, page=DATA):
    below = {4: tables[3], 3: tables[2], 2: tables[1], 1: page}
    return [f"L {level} {gfn << 12 | 0x67:x}" for level, gfn in below.items()]


def fault(address=ADDRESS, error=4, tables=TABLES, page=DATA, new=(), old=(), spte=True, before=()):
    """A fault that KVM fixes: shadow pages of levels @new are made, those of @old linked once more."""
    index = address >> 12 & 511
    return [f"F {address:x} {error:x}", *walk(tables, page), *before,
            *(f"G {tables[level]:x} {level:x} {int(level in new)}" for level in (3, 2, 1) if level in (*new, *old)),
            f"R {page:x}", *([f"S {SPT + 8 * index:x} {page:x} 1"] if spte else [])]


def evict(level, verdict=EVICT):
    gfn = TABLES.get(level, ROOT)
    return [f"V {gfn:x} {level:x} {verdict:x}", *([f"Z {gfn:x} {level:x}"] if verdict == EVICT else [])]


def zap(level):
    return [f"Z {TABLES[level]:x} {level:x}"]


class Causes(unittest.TestCase):
    def found(self, *parts):
        """The causes in the last window."""
        lines = ["M before", *(line for part in parts for line in part), "lost 0"]
        self.analysis = causes.analyse(lines)
        return {cause: n for cause, n in self.analysis.windows["now"].items() if cause in causes.CAUSES and n}

    MAPPED = load() + fault(new=(3, 2, 1))
    NOW = ["M now"]

    def test_first_touch(self):
        self.assertEqual(self.found(load(), self.NOW, fault(new=(3, 2, 1))), {"first": 1})
        self.assertEqual(self.found(self.MAPPED, self.NOW, fault(OTHER, page=0x2001)), {"first": 1})

    def test_a_table_that_was_a_victim(self):
        self.assertEqual(self.found(self.MAPPED, evict(1), self.NOW, fault(new=(1,))), {"refault": 1})
        self.assertEqual(self.found(self.MAPPED, evict(1), self.NOW, fault(new=(1,), spte=False)), {"refault": 1})
        self.assertEqual((self.analysis.windows["now"]["reshadowed"], self.analysis.windows["before"]["victims"]), (1, 1))

    def test_each_entry_under_a_victim(self):
        both = self.MAPPED + fault(OTHER, page=0x2001)
        self.assertEqual(self.found(both, evict(1), self.NOW, fault(new=(1,)), fault(OTHER, page=0x2001)), {"refault": 2})

    def test_an_entry_that_was_not_there_before_the_eviction(self):
        self.assertEqual(self.found(self.MAPPED, evict(1), self.NOW, fault(new=(1,)), fault(OTHER, page=0x2001)),
                         {"refault": 1, "first": 1})
        self.assertEqual(self.found(self.MAPPED, evict(1), self.NOW, fault(OTHER, page=0x2001, new=(1,))), {"first": 1})

    def test_a_victim_takes_its_children_along(self):
        """The table below is alive, but nobody points to it."""
        self.assertEqual(self.found(self.MAPPED, evict(2), self.NOW, fault(new=(2,), old=(1,), spte=False)), {"refault": 1})

    def test_a_victim_in_the_fault_itself(self):
        other = {3: 0x1003, 2: 0x1002, 1: 0x3001}
        far = ADDRESS + (2 << 20)
        self.assertEqual(self.found(self.MAPPED, self.NOW, fault(far, tables=other, page=0x2002, new=(1,), before=evict(1)),
                                    fault(new=(1,))), {"first": 1, "refault": 1})

    def test_a_page_that_was_spared_is_there(self):
        self.assertEqual(self.found(self.MAPPED, evict(1, SPARE), self.NOW, fault(error=5)), {"again": 1})

    def test_a_zap_by_the_guest_is_no_eviction(self):
        self.assertEqual(self.found(self.MAPPED, zap(1), self.NOW, fault(new=(1,))), {"zapped": 1})
        self.assertEqual(self.found(self.MAPPED, evict(1, SPARE), zap(1), self.NOW, fault(new=(1,))), {"zapped": 1})

    def test_a_zap_after_an_eviction_and_another_event(self):
        self.assertEqual(self.found(self.MAPPED, evict(2), ["W 4"], zap(1), self.NOW, fault(new=(2, 1))), {"zapped": 1})

    def test_another_page_in_the_same_place(self):
        self.assertEqual(self.found(self.MAPPED, evict(1), self.NOW, fault(page=0x2005, new=(1,))), {"first": 1})
        self.assertEqual(self.found(self.MAPPED, self.NOW, fault(page=0x2005)), {"first": 1})

    def test_write_to_a_table(self):
        write = [f"F ffff888001001000 3", "L 4 3003067", "L 3 3002067", "L 2 3001067", f"L 1 {TABLES[1] << 12 | 0x67:x}"]
        table = [f"G 3003 3 1", "G 3002 2 1", "G 3001 1 1", f"R {TABLES[1]:x}", f"S a000008 {TABLES[1]:x} 1"]
        self.assertEqual(self.found(self.MAPPED, self.NOW, write), {"table": 1})
        self.assertEqual(self.found(self.MAPPED, self.NOW, write, [f"U {TABLES[1]:x} 1"], table), {"table": 1})
        self.assertEqual(self.found(self.MAPPED, self.NOW, write, table), {"table": 1})
        self.assertEqual(self.found(self.MAPPED, zap(1), self.NOW, write, table), {"first": 1})

    def test_write_to_a_table_that_goes_out_of_sync(self):
        self.assertEqual(self.found(self.MAPPED, self.NOW, fault(OTHER, 6, page=0x2001, before=["U 2001 1"])), {"table": 1})

    def test_faults_that_take_no_lock(self):
        self.assertEqual(self.found(self.MAPPED, self.NOW, [f"F {ADDRESS:x} 7", "P 5", f"F {ADDRESS:x} 7", "P 4"]),
                         {"again": 1, "spurious": 1})

    def test_the_guests_own_fault(self):
        self.assertEqual(self.found(self.MAPPED, self.NOW, ["F 1000 6", "L 4 0", "W 6"]), {"guest": 1})

    def test_a_walker_error_of_the_emulator(self):
        self.assertEqual(self.found(self.MAPPED, self.NOW, fault(OTHER, page=0x2001), ["W 6"]), {"first": 1})

    def test_devices(self):
        self.assertEqual(self.found(load(), self.NOW, ["F ffff0000 a"]), {"mmio": 1})
        self.assertEqual(self.analysis.windows["now"]["untaken"], 1)
        self.assertEqual(self.found(load(), self.NOW, ["F ffff0000 2", "R fec00", "K fec00"]), {"mmio": 1})
        self.assertEqual(self.analysis.windows["now"]["untaken"], 0)

    def test_nothing_to_fill(self):
        self.assertEqual(self.found(self.MAPPED, self.NOW, fault(spte=False)), {"spurious": 1})
        self.assertEqual(self.found(self.MAPPED, self.NOW, ["F 1000 4"]), {"other": 1})

    def test_entries_filled_along_with_it(self):
        """What KVM prefetches is there later, and has no fault of its own."""
        index = OTHER >> 12 & 511
        prefetch = [f"S {SPT + 8 * index:x} 2001 1"]
        self.assertEqual(self.found(load(), fault(new=(3, 2, 1)), prefetch, evict(1), self.NOW,
                                    fault(OTHER, page=0x2001, new=(1,))), {"refault": 1})

    def test_a_root_that_was_a_victim(self):
        self.assertEqual(self.found(self.MAPPED, evict(4), self.NOW, load(), fault(old=(3,), spte=False)), {"refault": 1})

    def test_a_root_that_comes_back(self):
        """Its load is not traced; what is below it tells."""
        other = {3: 0x1013, 2: 0x1012, 1: 0x1011}
        self.assertEqual(self.found(self.MAPPED, ["G 1010 4 1"], fault(tables=other, page=0x2010, new=(3, 2, 1)), evict(3),
                                    self.NOW, fault(new=(3,), old=(2,), spte=False)), {"refault": 1})

    def test_pages_that_the_trace_did_not_tell_of(self):
        self.found(self.MAPPED, self.NOW, ["S b000000 7777 1", "G 8888 1 0"])
        self.assertEqual(self.analysis.unknown, 2)

    def test_all_faults_have_a_cause(self):
        lines = self.MAPPED + evict(1) + self.NOW + fault(new=(1,)) + ["F 1000 6", "L 4 0", "W 6", "F 1000 4"]
        self.found(lines)
        self.assertEqual(sum(self.analysis.windows["now"][cause] for cause in causes.CAUSES), 3)

    def test_the_most_pages_at_a_time(self):
        self.found(self.MAPPED, evict(1), self.NOW, fault(new=(1,)))
        self.assertEqual(self.analysis.shadow.peak, 4)

    def test_traces_that_are_none(self):
        for lines, what in ((["M now"], "no end"), (["M now", "lost 3"], "3 events")):
            with self.assertRaisesRegex(causes.TraceError, what):
                causes.analyse(lines)


if __name__ == "__main__":
    unittest.main()

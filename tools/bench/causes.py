# SPDX-License-Identifier: GPL-2.0
"""Why a guest with shadow paging faults: one cause for each #PF, from a trace.

The trace (ring.c) tells which entries of shadow tables each fault had to fill.  This
follows every shadow table from its creation to its end, and knows of each entry what
it pointed to and how it went away:

  never     nothing was there, or what points elsewhere: the guest uses a page for the first
            time, or has changed its own table
  evicted   its table was evicted, or the table it points to was
  zapped    the same by any other zap: the guest wrote to a table that is shadowed, or ended
            a process
  there     it was there and is filled once more

One fault may have to fill several entries, a level each.  It has the first of these causes
that fits:

  guest     the guest's own tables don't allow the access: its kernel gets the fault
  mmio      there is no memory: a device
  table     a write to a page that is shadowed as a table
  first     an entry was "never" there: without eviction there would have been a fault as well
  zapped    an entry was "zapped", as before
  refault   an entry was "evicted", all others that had to be filled were there before as well: a
            table is shadowed again after it was a victim, or an SPTE filled again under it
  again     a "there" entry: access that grows from read to write (P is set in the error
            code), or an SPTE that KVM dropped as the guest's entry had changed meanwhile
  spurious  nothing had to be filled
  other     the fault was not finished and happens again

They add up to all faults.  What the trace cannot tell: a page that the guest frees and soon
uses as the same table again, with the same entries, counts as the same table.  The root of
a walk is not traced: it is known by the table below it in the guest's half, and is the last
one that was loaded elsewhere.
"""
from collections import Counter

CAUSES = ("guest", "mmio", "table", "first", "zapped", "refault", "again", "spurious", "other")
# Of the entries that a fault has to fill, this one decides.
DECIDES = (("never", "first"), ("zapped", "zapped"), ("evicted", "refault"), ("there", "again"))

# Of enum kvm_mmu_evict_verdict: the page is evicted.
EVICTED = (2, 3)
RET_PF_FIXED = 5
PRESENT, WRITE, RESERVED = 1, 2, 8
# Of union kvm_mmu_page_role.
LEVEL, DIRECT, INVALID = 15, 1 << 8, 1 << 14
PAGE = 12
ADDRESS = (1 << 52) - (1 << PAGE)


class TraceError(Exception):
    """The trace is none, or misses something; the text says what."""


class Table:
    """A shadow page: its entries are {index: [target, "there" | "evicted" | "zapped"]}."""

    __slots__ = ("key", "entries", "parents")

    def __init__(self, key, entries):
        self.key, self.entries, self.parents = key, entries, set()

    @property
    def level(self):
        return self.key[1] & LEVEL

    def fill(self, index, target):
        """What was there until now."""
        old = self.entries.get(index)
        self.entries[index] = [target, "there"]
        return "never" if old is None or old[0] != target else old[1]


def index_at(address, level):
    return address >> (PAGE + 9 * (level - 1)) & 511


class Shadow:
    """All shadow pages of a VM, alive or remembered."""

    def __init__(self):
        self.alive, self.ghosts, self.pages, self.places = {}, {}, {}, {}
        self.root, self.root_of, self.peak = None, {}, 0

    def create(self, key):
        if key in self.alive:
            self.end(key, "zapped")
        table = self.alive[key] = Table(key, self.ghosts.pop(key, {}))
        self.peak = max(self.peak, len(self.alive))
        self.places.setdefault(key[0], []).append(table)
        return table

    def end(self, key, how):
        """The page and all entries that point to it are gone, and what they were is remembered."""
        table = self.alive.pop(key, None)
        if not table:
            return
        self.places[key[0]].remove(table)
        for index, (target, state) in table.entries.items():
            if state == "there":
                table.entries[index][1] = how
                child = self.alive.get(target)
                if child:
                    child.parents.discard((table, index))
        for parent, index in table.parents:
            entry = parent.entries.get(index)
            if entry and entry[0] == key and entry[1] == "there":
                entry[1] = how
        self.ghosts[key] = table.entries
        if self.root is table:
            self.root = None

    def link(self, parent, index, child):
        child.parents.add((parent, index))
        return parent.fill(index, child.key)

    def is_table(self, gfn):
        """Direct pages map memory that is not a table."""
        return any(not table.key[1] & DIRECT for table in self.places.get(gfn, ()))

    def at(self, gfn, level, parent, index):
        """The shadow page of what is at @gfn; if it has several, the one that @parent points to."""
        tables = [table for table in self.places.get(gfn, ()) if table.level == level]
        linked = [table for table in tables if (parent, index) in table.parents]
        return (linked or tables or [None])[-1]


class Fault:
    """What the events since a #PF say about it."""

    def __init__(self, address, error):
        self.address, self.error = address, error
        self.walk, self.reasons, self.cause = {}, [], None
        self.requested = self.filled = False
        self.new = None

    def is_untaken(self):
        """KVM knows it for MMIO by the reserved bit alone, and doesn't count it in pf_taken."""
        return bool(self.error & RESERVED) and not self.requested and self.cause in (None, "mmio")

    def decide(self):
        """Events after its end, of exits that are no faults, don't matter any more."""
        if self.cause:
            return self.cause
        for reason, cause in DECIDES:
            if reason in self.reasons:
                return cause
        if self.requested:
            return "spurious"
        if self.is_untaken():
            return "mmio"
        return "table" if self.error & PRESENT and self.error & WRITE else "other"


class Analysis:
    """Events in, causes by window out.  A window is from one mark to the next."""

    def __init__(self):
        self.shadow, self.fault, self.victim = Shadow(), None, False
        self.windows, self.window = {}, None
        # Events about pages that the trace did not tell of.
        self.unknown = 0
        self.names = {"F": self.begin, "L": self.element, "G": self.get_page, "R": self.request, "S": self.set_spte,
                      "V": self.examine, "Z": self.zap, "U": self.unsync, "W": self.walker_error, "K": self.mmio,
                      "H": self.mmio, "P": self.fast}

    def count(self, what):
        if self.window is not None:
            self.window[what] += 1

    def finish_fault(self):
        if self.fault:
            self.count(self.fault.decide())
            if self.fault.is_untaken():
                self.count("untaken")
            self.fault = None

    def mark(self, word):
        self.finish_fault()
        self.window = self.windows.setdefault(word, Counter())

    def take(self, line):
        letter, *fields = line.split()
        if letter == "M":
            self.mark(fields[0])
            return
        if letter != "V" and letter != "Z":
            self.victim = False
        self.names[letter](*(int(field, 16) for field in fields))

    def begin(self, address, error):
        self.finish_fault()
        self.fault = Fault(address, error)

    def element(self, level, pte):
        """Level of the guest's table, and what it says: the table below."""
        if self.fault:
            self.fault.walk[level - 1] = (pte & ADDRESS) >> PAGE
            if level == 4:
                self.guess_root()

    def guess_root(self):
        fault = self.fault
        if index_at(fault.address, 4) < 256:
            root = self.shadow.root_of.get(fault.walk[3])
            if root and self.shadow.alive.get(root.key) is root:
                self.shadow.root = root
            elif self.shadow.root:
                self.shadow.root_of[fault.walk[3]] = self.shadow.root

    def table_of(self, level):
        """What the guest's walk went through at @level, shadowed."""
        fault, table = self.fault, self.shadow.root
        for at in range(3, level - 1, -1):
            if at not in fault.walk:
                return None
            index = index_at(fault.address, at + 1)
            table = self.shadow.at(fault.walk[at], at, table, index)
        return table if table and table.level == level else None

    def get_page(self, gfn, role, created):
        key, shadow, fault = (gfn, role & ~INVALID), self.shadow, self.fault
        table = shadow.create(key) if created else shadow.alive.get(key)
        if not table:
            self.unknown += 1
            table = shadow.create(key)
        if created and any(state == "evicted" for _, state in table.entries.values()):
            self.count("reshadowed")
        if table.level == 4 or not fault or fault.filled:
            shadow.root = table
            return
        fault.new = table
        parent = self.table_of(table.level + 1)
        if parent:
            fault.reasons.append(shadow.link(parent, index_at(fault.address, parent.level), table))
        elif fault.walk:
            self.unknown += 1

    def request(self, gfn):
        fault = self.fault
        if not fault or fault.requested:
            return
        fault.requested = True
        if fault.error & WRITE and self.shadow.is_table(gfn):
            fault.cause = fault.cause or "table"

    def set_spte(self, sptep, gfn, level):
        """The first one after a request is what the fault is about, others are filled along with it."""
        fault, page = self.fault, sptep >> PAGE
        first = fault and fault.requested and not fault.filled
        if first:
            table = fault.new if fault.new and fault.new.level == level else self.table_of(level)
            table = table or self.shadow.pages.get(page)
            if table:
                self.shadow.pages[page] = table
        table = self.shadow.pages.get(page)
        if not table or self.shadow.alive.get(table.key) is not table:
            self.unknown += 1
            return
        before = table.fill(sptep >> 3 & 511, gfn)
        if first:
            fault.filled = True
            fault.reasons.append(before)

    def examine(self, gfn, role, verdict):
        self.victim = verdict in EVICTED
        if self.victim:
            self.count("victims")

    def zap(self, gfn, role):
        self.shadow.end((gfn, role & ~INVALID), "evicted" if self.victim else "zapped")

    def unsync(self, gfn, role):
        if self.fault:
            self.fault.cause = self.fault.cause or "table"

    def walker_error(self, error):
        if self.fault and not self.fault.requested:
            self.fault.cause = self.fault.cause or "guest"

    def mmio(self, gfn):
        if self.fault:
            self.fault.cause = self.fault.cause or "mmio"

    def fast(self, ret):
        if self.fault:
            self.fault.cause = "again" if ret == RET_PF_FIXED else "spurious"


def analyse(lines):
    """An Analysis of all of a trace."""
    analysis = Analysis()
    for line in lines:
        word = line.split(" ", 1)[0]
        if word == "lost":
            if int(line.split()[1]):
                raise TraceError(f"{line.split()[1]} events did not fit into the buffer")
            analysis.finish_fault()
            return analysis
        if word == "M" or word in analysis.names:
            analysis.take(line)
    raise TraceError("the trace has no end")

# SPDX-License-Identifier: GPL-2.0
"""From the samples of the agent (samples.c) to folded stacks: "outer;inner;innermost" and how often."""
import bisect
from collections import Counter

from result import ResultError

# What has no stack of L1's kernel.
OTHERS = {"g": "[the guest's guest]", "u": "[programs of the guest]"}


class Symbols:
    """Functions of L1's kernel, by address; @lines are "ADDRESS NAME", sorted."""

    def __init__(self, lines):
        pairs = [line.split() for line in lines if line]
        self.starts = [int(address, 16) for address, _ in pairs]
        # GCC's .isra.0, .constprop.1, .part.0 and .cold are the same function.
        self.names = [name.lstrip("+").partition(".")[0] for _, name in pairs]

    def at(self, address):
        place = bisect.bisect_right(self.starts, address) - 1
        return self.names[place] if place >= 0 else f"{address:x}"

    def stack(self, addresses):
        """Outermost first.  A return address is behind the call, which may be the function's end."""
        names = [self.at(address - bool(place)) for place, address in enumerate(addresses)]
        return ";".join(reversed(names)) or "[unknown]"


def fold(lines, windows, symbols):
    """The stacks in @windows, i.e. from such a mark to the next one."""
    found, counts = Counter(), False
    for line in lines:
        word, *rest = line.split()
        if word == "M":
            counts = rest[0] in windows
        elif word == "C" and counts:
            found[OTHERS.get(rest[0]) or symbols.stack([int(address, 16) for address in rest[1:]])] += 1
        elif word == "lost":
            if rest != ["0"]:
                raise ResultError("samples did not fit into the buffer")
            if not found:
                raise ResultError("no samples")
            return dict(sorted(found.items()))
    raise ResultError("the samples have no end")

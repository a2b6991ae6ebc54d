# SPDX-License-Identifier: GPL-2.0
"""A guest that LAVA boots, by the job and the device in tools/lava.

lava-run, from Debian's lava-dispatcher, needs no lab: it is what a worker of a lab calls.
Its log has what came over the port, and the result of every case.  The former is what a
guest of run-guest's own leaves in files; the latter has to say the same.
"""
import os
import re
import signal
import subprocess
import time
from pathlib import Path

import guest

TEMPLATES = Path(__file__).resolve().parents[1] / "lava"
POLL_S = 0.2
# What LAVA needs beside the time of the guest: to start, to copy the files, to clean up.
AROUND_S = 120
RESULT = re.compile(r"(?:# )?(not )?ok \d+ ([^#]*[^#\s])\s*(# SKIP)?")


class LavaError(OSError):
    pass


def tests_of(command):
    """The selftests that run_kselftest.sh is asked for."""
    names = [after.partition(":")[2] for word, after in zip(command, command[1:]) if word == "-t"]
    if not names:
        raise LavaError("LAVA can only tell the results of selftests: no `-t kvm:NAME` in the command")
    return names


def render(template, **values):
    try:
        import jinja2
    except ImportError:
        raise LavaError("no LAVA on this machine: run make lava-test, which installs it")
    return jinja2.Template((TEMPLATES / template).read_text(), undefined=jinja2.StrictUndefined).render(values) + "\n"


def documents(opts, ramdisk):
    """The files that lava-run gets."""
    # It takes QEMU's arguments as a line for a shell, to which none of these is special.
    options = [*guest.machine_arguments(opts), "-serial", "stdio"]
    url = lambda path: "file://" + os.path.abspath(path)
    return {
        "job.yaml": render("job.yaml.jinja2", name=Path(opts.log).stem, timeout=int(opts.timeout),
                           kernel=url(opts.kernel), ramdisk=url(ramdisk), tests=tests_of(opts.command),
                           cmdline=f"{guest.kernel_cmdline(opts)} {guest.ONE_PORT_ARGS}"),
        "device.yaml": render("device.yaml.jinja2", qemu=opts.qemu, options=options),
        "dispatcher.yaml": "dispatcher_ip: 127.0.0.1\n",
    }


def records(text):
    """What lava-run said, a message a line."""
    import yaml
    for line in text.splitlines():
        if line.startswith("{"):
            yield yaml.load(line, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def port(messages):
    """What the guest said: LAVA hides quotes from YAML though they are quoted anyway."""
    return "".join(f"{m['msg']}\n".replace('\\"', '"') for m in messages if m["lvl"] == "target")


def results_of(messages):
    """(suite, case, result) of each result that is not about the job itself."""
    found = [m["msg"] for m in messages if m["lvl"] == "results" and m["msg"]["definition"] != "lava"]
    return [(m["definition"], m["extra"]["test_case_id"], m["result"]) for m in found]


def results_in(output):
    """The same from what run_kselftest.sh printed."""
    suite, found = None, []
    for line in output.splitlines():
        if line.startswith("# selftests: kvm: "):
            suite = line.rpartition(" ")[2].lower()
        match = RESULT.match(line)
        if match and suite:
            found.append((suite, match[2], "skip" if match[3] and not match[1] else "fail" if match[1] else "pass"))
    return found


class Guest:
    """As run-guest's: LAVA's guest, until the context is left."""

    def __init__(self, opts, folder):
        if os.geteuid():
            raise LavaError("lava-run must be root")
        self.opts, self.dir, self.lava_log = opts, Path(folder), Path(opts.log).with_suffix(".lava.log")
        ramdisk, archive = self.dir / "ramdisk", guest.command_archive(opts.command)
        ramdisk.write_bytes(guest.join_initrds(Path(opts.initrd).read_bytes(), archive))
        Path(opts.log).with_suffix(".cmd.cpio").write_bytes(archive)
        for name, text in documents(opts, ramdisk).items():
            (self.dir / name).write_text(text)
            Path(opts.log).with_suffix(f".{name}").write_text(text)
        with open(self.lava_log, "w") as log:
            self.lava = subprocess.Popen(self.argv(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                         start_new_session=True)

    def argv(self):
        # Should run-guest be killed, lava-run cancels its job and with it the guest.
        return ["setpriv", "--pdeathsig", "TERM", "lava-run", "--job-id", f"rig-{os.getpid()}", "--output-dir", str(self.dir / "output"),
                "--device", str(self.dir / "device.yaml"), "--dispatcher", str(self.dir / "dispatcher.yaml"),
                str(self.dir / "job.yaml")]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Cancelled, it takes QEMU down."""
        if self.lava.poll() is None:
            self.lava.send_signal(signal.SIGTERM)
        try:
            self.lava.wait(30)
        except subprocess.TimeoutExpired:
            self.lava.kill()
            self.lava.wait()

    def wait(self, tick):
        """None once LAVA has ended, which knows the limit, too."""
        end = time.monotonic() + self.opts.timeout + AROUND_S
        while self.lava.poll() is None:
            if time.monotonic() > end:
                return "timeout"
            time.sleep(POLL_S)
        return None

    def ending(self, stopped):
        self.messages = list(records(self.lava_log.read_text(errors="replace")))
        console, self.output, control = guest.split_port(port(self.messages))
        Path(self.opts.log).write_text(console)
        Path(self.opts.output).write_text(self.output)
        job = next((m["msg"] for m in self.messages if m["lvl"] == "results" and m["msg"]["case"] == "job"), {})
        self.trouble = None if job.get("result") == "pass" else str(job.get("error_msg") or "no result")
        if "timed out" in (self.trouble or "") and guest.reported_status(control) is None:
            stopped = "timeout"
        # How QEMU ended is not told; what it said is on the port, if the guest said nothing.
        return guest.Ending(console if guest.kernel_release(control, console) else "", control, console,
                            None if stopped else int(not guest.kernel_release(control, console)), stopped)

    def complaint(self):
        """Where the results that LAVA has are not those of the guest."""
        if self.trouble:
            return f"the job of LAVA failed: {self.trouble}; log: {self.lava_log}"
        lava, told = results_of(self.messages), results_in(self.output)
        if lava == told:
            return None
        odd = next((pair for pair in zip(lava, told) if pair[0] != pair[1]), None)
        return f"LAVA has {len(lava)} results, the guest told {len(told)}" + (f"; first {odd[0]} for {odd[1]}" if odd else "")

# SPDX-License-Identifier: MIT
"""gdb and the user threads of libupcall-mn: see mn_gdb(7).

gdb knows kernel threads. A user thread that does not run is shown in place of what
its debugger has selected: an unwinder says that the selected thread's innermost frame
was called from where the user thread has left the processor. No register and no
memory is written, so a core file will do. _mn_debug, which the library exports, says
where everything is; src/debug.c makes it.
"""

import struct

import gdb
from gdb.unwinder import Unwinder

VERSION = 1
MOST = 200000
# So many are unwound for a list.
MOST_PLACES = 1000

FIELDS = (
    "n_states", "n_saved", "rt_vcpus", "rt_vcpu", "rt_all", "vcpu_size",
    "vcpu_current", "vcpu_tid", "sp", "vcpu", "state", "preempted", "name",
    "all_next", "id", "ran",
)


class Memory:
    """The inferior's, whatever its width."""

    def __init__(self):
        self.inferior = gdb.selected_inferior()
        self.word = 4

    def read(self, at, n):
        return self.inferior.read_memory(at, n).tobytes()

    def uint(self, at):
        return struct.unpack("<I", self.read(at, 4))[0]

    def int(self, at):
        return struct.unpack("<i", self.read(at, 4))[0]

    def pointer(self, at):
        return struct.unpack("<I" if self.word == 4 else "<Q",
                             self.read(at, self.word))[0]

    def string(self, at):
        text = b""
        while not text.endswith(b"\0"):
            text += self.read(at + len(text), 1)
        return text[:-1].decode("utf-8", "replace")


class Thread:
    """A user thread."""

    def __init__(self, runtime, at):
        m, f = runtime.memory, runtime.fields
        self.at = at
        self.id = m.uint(at + f["id"])
        self.name = m.string(at + f["name"])
        self.vcpu = m.pointer(at + f["vcpu"])
        self.sp = m.pointer(at + f["sp"])
        self.has_run = m.int(at + f["ran"]) >= 0
        self.preempted = m.read(at + f["preempted"], 1) != b"\0"
        self.state = runtime.state(m.uint(at + f["state"]))
        # The kernel thread that runs it.
        self.tid = runtime.running.get(at)

    def described(self):
        if self.tid is not None:
            return "running in LWP %d" % self.tid
        if not self.has_run:
            return "not begun"
        return self.state + (", preempted" if self.preempted else "")


class Runtime:
    """What there is in the program at this moment."""

    def __init__(self):
        m = self.memory = Memory()
        try:
            at = int(gdb.parse_and_eval("(unsigned long) &_mn_debug"))
            version, m.word = struct.unpack("<II", m.read(at, 8))
        except gdb.error:
            raise gdb.GdbError("There is no libupcall-mn in this program, "
                               "or it has not begun.")
        if version != VERSION:
            raise gdb.GdbError("This libupcall-mn is of another version.")
        self.rt, names, saved = (m.pointer(at + 8 + i * m.word)
                                 for i in range(3))
        numbers = at + 8 + 3 * m.word
        self.fields = f = {name: m.uint(numbers + 4 * i)
                           for i, name in enumerate(FIELDS)}
        self.names = [m.string(m.pointer(names + i * m.word))
                      for i in range(f["n_states"])]
        # Each is a name, in four characters, and a distance from sp.
        self.saved = [struct.unpack("<4sI", m.read(saved + 8 * i, 8))
                      for i in range(f["n_saved"])]
        self.running = {}
        self.vcpus = {}
        first = m.pointer(self.rt + f["rt_vcpu"])
        for i in range(m.int(self.rt + f["rt_vcpus"]) if first else 0):
            vcpu = first + i * f["vcpu_size"]
            self.vcpus[vcpu] = i
            self.running[m.pointer(vcpu + f["vcpu_current"])] = \
                m.int(vcpu + f["vcpu_tid"])

    def state(self, n):
        return self.names[n] if n < len(self.names) else "?"

    def threads(self):
        """All of them, the oldest first."""
        found = []
        at = self.memory.pointer(self.rt + self.fields["rt_all"])
        while at and len(found) < MOST:
            found.append(Thread(self, at))
            at = self.memory.pointer(at + self.fields["all_next"])
        return sorted(found, key=lambda t: t.id)

    def registers(self, thread):
        """Where a thread that does not run goes on: values by name."""
        values = {}
        for name, offset in self.saved:
            name = name.rstrip(b"\0").decode()
            at = thread.sp + offset
            values[name] = at if name.endswith("sp") else \
                self.memory.pointer(at)
        # A caller is looked up by the instruction before: at the first one of a
        # function that would be another function.
        pc = "rip" if "rip" in values else "eip"
        if not thread.has_run:
            values[pc] += 1
        return values


class Shown:
    """A user thread in the place of a kernel thread."""

    def __init__(self, runtime, thread):
        frame = gdb.newest_frame()
        wide = runtime.memory.word == 8
        self.id = thread.id
        self.ptid = gdb.selected_thread().ptid
        self.sp_name, self.pc_name = ("rsp", "rip") if wide else ("esp", "eip")
        self.at = self.place(frame)
        self.base = thread.sp
        self.registers = runtime.registers(thread)

    def place(self, frame):
        return tuple(int(frame.read_register(name)) & 0xffffffffffffffff
                     for name in (self.sp_name, self.pc_name))


class FrameId:
    def __init__(self, sp, pc):
        self.sp, self.pc = sp, pc


class FromSaved(Unwinder):
    """Below the innermost frame comes what Shown says."""

    def __init__(self):
        super().__init__("libupcall-mn")
        self.shown = None

    def selected(self):
        """What is shown in place of the selected thread."""
        thread = gdb.selected_thread()
        if self.shown and thread and thread.ptid == self.shown.ptid:
            return self.shown
        return None

    def __call__(self, pending):
        shown = self.selected()
        if not shown or shown.place(pending) != shown.at:
            return None
        # As if it were deeper on the same stack: gdb takes no other for sound.
        frame_id = FrameId(gdb.Value(shown.base), gdb.Value(shown.at[1]))
        info = pending.create_unwind_info(frame_id)
        for name, value in shown.registers.items():
            kind = pending.read_register(name).type
            info.add_saved_register(name, gdb.Value(value).cast(kind))
        return info


class WithoutInnermost:
    """A frame filter: the kernel thread's own frame is none of the user thread's, and
    what a thread begins with has no caller."""

    name = "libupcall-mn"
    priority = 100
    enabled = False

    def filter(self, frames):
        return (f for f in frames
                if f.inferior_frame().level() > 0 and f.inferior_frame().pc())


unwinder = FromSaved()
innermost = WithoutInnermost()


def show(shown):
    """Shows that, or, with None, the kernel thread as it is."""
    unwinder.shown = shown
    innermost.enabled = bool(shown)
    gdb.invalidate_cached_frames()


def select(runtime, thread):
    if thread.tid is None:
        show(None)
        shown = Shown(runtime, thread)
        show(shown)
        gdb.newest_frame().older().select()
        return
    show(None)
    for kernel in gdb.selected_inferior().threads():
        if kernel.ptid[1] == thread.tid:
            kernel.switch()
            return
    raise gdb.GdbError("gdb has no thread with LWP %d." % thread.tid)


class Selection:
    """What is selected, to come back to."""

    def __enter__(self):
        self.thread = gdb.selected_thread()
        self.shown = unwinder.shown
        self.level = gdb.selected_frame().level()

    def __exit__(self, *_):
        self.thread.switch()
        show(self.shown)
        frame = gdb.newest_frame()
        while frame.level() < self.level and frame.older():
            frame = frame.older()
        frame.select()


def selected_id(runtime):
    if unwinder.selected():
        return unwinder.shown.id
    tid = gdb.selected_thread().ptid[1]
    for thread in runtime.threads():
        if thread.tid == tid:
            return thread.id
    return None


def live_runtime():
    if not gdb.selected_thread():
        raise gdb.GdbError("The program is not being run.")
    return Runtime()


def is_inside(frame):
    """Is it the library's, or what a preempted thread goes on from?"""
    return frame.type() == gdb.SIGTRAMP_FRAME or \
        "libupcall-mn.so" in (gdb.solib_name(frame.pc()) or "")


def place():
    """The function of the selected thread that has called the library."""
    frame = gdb.selected_frame()
    # What a thread begins with has no caller.
    while is_inside(frame) and frame.older() and frame.older().pc():
        frame = frame.older()
    return (frame.name() or "0x%x" % frame.pc()) + " ()"


def header(thread):
    return '%d "%s" (%s)' % (thread.id, thread.name, thread.described())


def chosen(runtime, words):
    """The threads that numbers, or the word "all", stand for."""
    threads = runtime.threads()
    if words == ["all"]:
        return threads
    by_id = {str(t.id): t for t in threads}
    for word in words:
        if word not in by_id:
            raise gdb.GdbError("There is no user thread %s: see \"info mn\"."
                               % word)
    return [by_id[word] for word in words]


class InfoMn(gdb.Command):
    """List the user threads of libupcall-mn.
A running one has the kernel thread that it is on; the others, what they wait for,
and where. The last column is the function that has called the library."""

    def __init__(self):
        super().__init__("info mn", gdb.COMMAND_STATUS)

    def invoke(self, _, from_tty):
        runtime = live_runtime()
        threads = runtime.threads()
        current = selected_id(runtime)
        if not threads:
            gdb.write("No user threads.\n")
            return
        wide = max(4, max(len(t.name) for t in threads))
        state = max(5, max(len(t.described()) for t in threads))
        gdb.write("  %-5s %-*s %-*s %-4s %s\n" %
                  ("Id", wide, "Name", state, "State", "vCPU", "Where"))
        with Selection():
            for t in threads:
                where = "" if len(threads) > MOST_PLACES else self.where(runtime, t)
                gdb.write("%s %-5d %-*s %-*s %-4d %s\n" % (
                    "*" if t.id == current else " ", t.id, wide, t.name, state,
                    t.described(), runtime.vcpus.get(t.vcpu, -1), where))

    @staticmethod
    def where(runtime, thread):
        try:
            select(runtime, thread)
            return place()
        except gdb.error:
            return "?"


class Mn(gdb.Command):
    """User threads of libupcall-mn: see "info mn"."""

    def __init__(self):
        super().__init__("mn", gdb.COMMAND_STACK, prefix=True)

    def invoke(self, _, from_tty):
        raise gdb.GdbError('"mn" must be followed by "thread" or "apply".')


class MnThread(gdb.Command):
    """Select a user thread of libupcall-mn.
Usage: mn thread [ID]
Its frames, arguments and variables can be looked at; registers are those that it
will go on with. Without an ID the kernel thread is as it was, which it also is once
the program goes on."""

    def __init__(self):
        super().__init__("mn thread", gdb.COMMAND_STACK)

    def invoke(self, args, from_tty):
        runtime = live_runtime()
        words = gdb.string_to_argv(args)
        if not words:
            show(None)
        elif len(words) > 1:
            raise gdb.GdbError("Usage: mn thread [ID]")
        else:
            thread, = chosen(runtime, words)
            select(runtime, thread)
            gdb.write("[User thread %s]\n" % header(thread))
        gdb.execute("frame", from_tty)


class MnApply(gdb.Command):
    """Do a command of gdb for user threads of libupcall-mn.
Usage: mn apply all COMMAND, or mn apply ID... COMMAND"""

    def __init__(self):
        super().__init__("mn apply", gdb.COMMAND_STACK)

    def invoke(self, args, from_tty):
        words = args.split()
        n = 0
        while n < len(words) and words[n].isdigit():
            n += 1
        if not n and words[:1] == ["all"]:
            n = 1
        command = args.split(None, n)[n:]
        if not n or not command:
            raise gdb.GdbError("Usage: mn apply all|ID... COMMAND")
        runtime = live_runtime()
        with Selection():
            for thread in chosen(runtime, words[:n]):
                gdb.write("\nUser thread %s\n" % header(thread))
                try:
                    select(runtime, thread)
                    gdb.execute(command[0], from_tty)
                except gdb.error as e:
                    gdb.write("%s\n" % e)


def gone_on(_):
    if unwinder.shown:
        show(None)


# It may be read more than once: by hand, and for each copy of the library.
if not hasattr(gdb, "libupcall_mn"):
    gdb.libupcall_mn = True
    gdb.unwinder.register_unwinder(None, unwinder)
    gdb.frame_filters[innermost.name] = innermost
    gdb.events.cont.connect(gone_on)
    gdb.events.exited.connect(gone_on)
    for command in InfoMn, Mn, MnThread, MnApply:
        command()

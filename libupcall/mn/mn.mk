# SPDX-License-Identifier: MIT
#
# libupcall-mn, included by ../Makefile, which has the variables. Targets are mn,
# mn-programs, mn-tests, check-mn-host, print-mn-tests, print-mn-programs, mn-bench
# and install-mn.

MN_VERSION	= 0.1.0
MN_SONAME	= libupcall-mn.so.0
# Where gdb looks for what belongs to a library: see mn_gdb(7).
GDBDIR		?= $(PREFIX)/share/gdb/auto-load

mn_cflags := $(MBITS) $(if $(filter -m32,$(MBITS)),-march=i686 -mtune=generic) \
	-mgeneral-regs-only -std=gnu11 $(warn) -Wstrict-prototypes -fPIC \
	-fvisibility=hidden -fno-stack-protector -fasynchronous-unwind-tables \
	-fcf-protection=branch -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64 -pthread
mn_ldflags := $(MBITS) -shared -pthread -Wl,-soname,$(MN_SONAME) \
	-Wl,--version-script=mn/src/libupcall-mn.map -Wl,-z,defs,-z,relro,-z,now \
	-Wl,-z,text,-z,noexecstack -Wl,--fatal-warnings

mn_objs := $(patsubst mn/src/%,$(O)/mn/obj/%.o,$(basename \
	$(wildcard mn/src/*.c mn/src/arch/$(arch)/*.[cS])))
mn_header := $(O)/include/upcall/mn.h
mn_hpp	:= $(O)/include/upcall/mn.hpp
mn_so	:= $(O)/libupcall-mn.so.$(MN_VERSION)
mn_links := $(O)/$(MN_SONAME) $(O)/libupcall-mn.so
mn_mans	:= $(wildcard mn/man/*.[1-9])

# Pages that are about several functions: NAME=PAGE, in section 3.
mn_man_links := mn_accept=mn_read mn_chan_close=mn_chan_create \
	mn_chan_destroy=mn_chan_create mn_chan_recv=mn_chan_create \
	mn_chan_send=mn_chan_create mn_chan_timedrecv=mn_chan_create \
	mn_chan_timedsend=mn_chan_create mn_chan_tryrecv=mn_chan_create \
	mn_chan_trysend=mn_chan_create mn_close=mn_read \
	mn_cond_broadcast=mn_cond_wait mn_cond_init=mn_cond_wait \
	mn_cond_signal=mn_cond_wait mn_cond_timedwait=mn_cond_wait \
	mn_connect=mn_read mn_crit_exit=mn_crit_enter mn_detach=mn_spawn \
	mn_exit=mn_spawn mn_getspecific=mn_key_create mn_hold=mn_crit_enter \
	mn_join=mn_spawn mn_key_delete=mn_key_create \
	mn_mutex_init=mn_mutex_lock mn_mutex_timedlock=mn_mutex_lock \
	mn_mutex_trylock=mn_mutex_lock mn_mutex_unlock=mn_mutex_lock \
	mn_name=mn_self mn_stack_used=mn_self mn_now=mn_sleep mn_release=mn_crit_enter \
	mn_sem_init=mn_sem_wait mn_sem_post=mn_sem_wait \
	mn_sem_timedwait=mn_sem_wait mn_sem_trywait=mn_sem_wait \
	mn_setspecific=mn_key_create mn_sleep_until=mn_sleep \
	mn_timedaccept=mn_read mn_timedblocking=mn_blocking \
	mn_timedconnect=mn_read mn_timedjoin=mn_spawn mn_timedonce=mn_once \
	mn_timedread=mn_read mn_timedwrite=mn_read mn_vcpu=mn_self \
	mn_write=mn_read mn_yield=mn_self \
	mn_barrier_init=mn_barrier_wait mn_barrier_timedwait=mn_barrier_wait \
	mn_rwlock_init=mn_rwlock_rdlock \
	mn_rwlock_timedrdlock=mn_rwlock_rdlock \
	mn_rwlock_timedwrlock=mn_rwlock_rdlock \
	mn_rwlock_tryrdlock=mn_rwlock_rdlock \
	mn_rwlock_trywrlock=mn_rwlock_rdlock \
	mn_rwlock_unlock=mn_rwlock_rdlock mn_rwlock_wrlock=mn_rwlock_rdlock \
	mn_wg_add=mn_wg_wait mn_wg_done=mn_wg_wait mn_wg_init=mn_wg_wait \
	mn_wg_timedwait=mn_wg_wait

# Libraries of others, unpacked there: see scripts/others.sh. What uses one that
# is not there is left out. abspath, as $(O) may be still to come.
OTHERS	?= $(abspath $(O)/../others)$(if $(filter 64,$(BITS)),-x86_64)
multiarch := $(if $(filter 64,$(BITS)),x86_64,i386)-linux-gnu
others_lib := $(abspath $(OTHERS))/usr/lib
have	= $(wildcard $(OTHERS)/usr/include/$(1))
# Boost.Fiber is too large to be fetched for one program: that of the system, or none.
boost	:= $(call have,boost/fiber/fiber.hpp)$(if $(filter 64,$(BITS)),$(wildcard \
	/usr/include/boost/fiber/fiber.hpp))
missing := $(if $(call have,lua5.4/lua.h),,lua) $(if $(call have,sqlite3.h),,sqlite) \
	$(if $(call have,pth.h),,compare_pth) $(if $(call have,st.h),,compare_st) \
	$(if $(boost),,fibers)
mn_programs := $(filter-out $(missing),\
	$(basename $(notdir $(wildcard mn/programs/*.c mn/programs/*.cc))))
# man_example is the example of mn(7), man_example_cxx that of mn_cxx(7), as they are
# printed there; hpp_clang is hpp, built with another compiler.
mn_tests := $(basename $(notdir $(wildcard mn/tests/*.c mn/tests/*.cc))) \
	man_example man_example_cxx $(if $(shell command -v clang++),hpp_clang)
mn_benches := $(filter-out $(missing),\
	$(basename $(notdir $(wildcard mn/bench/*.c))))
cflags_compare_pth := -I$(OTHERS)/usr/include
lib_compare_pth := $(others_lib)/$(multiarch)/libpth.a
cflags_compare_st := -I$(OTHERS)/usr/include
lib_compare_st := $(others_lib)/libst.a
mn_program_files := $(addprefix $(O)/mn/programs/,$(mn_programs))
mn_test_files := $(addprefix $(O)/mn/tests/,$(mn_tests))
mn_static := $(O)/mn/tests/static
mn_objects := $(patsubst mn/tests/objects/%.c,$(O)/mn/tests/%.so,\
	$(wildcard mn/tests/objects/*.c))
mn_debuggee := $(O)/mn/tests/gdb/debuggee
mn_bench_files := $(addprefix $(O)/mn/bench/,$(mn_benches))

mn: $(mn_so) $(mn_links) $(O)/libupcall-mn.a $(mn_header) $(mn_hpp)

mn-programs: $(mn_program_files)
	$(if $(boost),,@echo 'note: no libboost-fiber-dev of this width: mn/programs/fibers is left out')

mn-tests: $(mn_test_files) $(mn_objects)

mn-bench: $(mn_bench_files)

print-mn-tests:
	@printf '%s\n' $(abspath $(mn_test_files))

print-mn-bench:
	@printf '%s\n' $(abspath $(mn_bench_files))

# On this machine, with the signal back end: the shell has to survive them.
check-mn-host: mn-tests mn-programs installed $(mn_debuggee)
	CC='$(CC)' CXX='$(CXX)' MBITS='$(MBITS)' mn/tests/check-host.sh $(O) \
		$(mn_test_files) $(mn_program_files)

print-mn-programs:
	@printf '%s\n' $(abspath $(mn_program_files))

$(mn_header): mn/include/upcall/mn.h
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(mn_hpp): mn/include/upcall/mn.hpp
	@mkdir -p $(@D)
	$(Q)cp $< $@

$(O)/mn/obj/%.o: mn/src/%.c $(headers) $(mn_header) Makefile mn/mn.mk
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(mn_cflags) $(incs) -Imn/src/arch/$(arch) \
		$(deps) -c -o $@ $<

$(O)/mn/obj/%.o: mn/src/%.S Makefile mn/mn.mk
	$(call say,AS,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) $(mn_cflags) $(deps) -c -o $@ $<

$(mn_so): $(mn_objs) $(so) $(links) mn/src/libupcall-mn.map Makefile mn/mn.mk
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $(mn_ldflags) -o $@ $(mn_objs) -L$(O) -lupcall

$(mn_links): $(mn_so)
	$(Q)ln -sf $(<F) $@

# Names of the inside must not meet a program's: one object, without them. Those
# of a group, which are the compiler's, would be gone for the program as well.
$(O)/libupcall-mn.a: $(filter-out %/interpose.o %/locks.o %/mask.o,$(mn_objs))
	$(call say,AR,$@)
	$(Q)rm -f $@
	$(Q)$(CC) $(MBITS) -nostdlib -r -Wl,--force-group-allocation \
		-o $(O)/mn/libupcall-mn.o $^
	$(Q)$(OBJCOPY) --localize-hidden $(O)/mn/libupcall-mn.o
	$(Q)$(AR) rcsD $@ $(O)/mn/libupcall-mn.o

# Programs, tests and benchmarks: each a file, linked with the shared libraries
# (a static program can't be preempted: see mn(7)) and what lib_NAME says. The
# path has to serve for what libupcall-mn.so needs, too: hence the old tag.
mn_prog_cflags = $(MBITS) $(warn) -std=gnu11 -fPIE -pthread \
	-fasynchronous-unwind-tables $(incs) -Itests -Imn/tests/$(arch) $(deps)
mn_prog_ldflags = $(MBITS) -pthread -rdynamic -Wl,-z,noexecstack \
	-Wl,--disable-new-dtags \
	-L$(O) -Wl,-rpath,'$$ORIGIN/../..' -Wl,-rpath,'$$ORIGIN' -Wl,-rpath-link,$(O)

cflags_fpu = -mgeneral-regs-only
lib_safepoint = $(O)/mn/tests/other.so $(O)/mn/tests/named.so
others_cflags := -isystem $(OTHERS)/usr/include \
	-isystem $(OTHERS)/usr/include/$(multiarch)
cflags_lua := $(others_cflags)
cflags_sqlite := $(others_cflags)
lib_sqlite = $(others_lib)/$(multiarch)/libsqlite3.so.0 \
	-Wl,-rpath,$(others_lib)/$(multiarch)
# It is for libupcall alone.
std_fibers := -std=c++17
cflags_fibers := $(if $(call have,boost/fiber/fiber.hpp),$(others_cflags))
ldflags_fibers := -Wl,--as-needed
lib_fibers = -L$(others_lib)/$(multiarch) -Wl,-rpath,$(others_lib)/$(multiarch) \
	-lboost_fiber -lboost_context
lib_lua	= $(others_lib)/$(multiarch)/liblua5.4.so.0 \
	-Wl,-rpath,$(others_lib)/$(multiarch)

$(O)/mn/%.o: mn/%.c $(headers) $(mn_header) mn/mn.mk
	$(call say,CC,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(mn_prog_cflags) $(cflags_$(basename $(@F))) -c -o $@ $<

mn_prog_cxxflags = $(CXXFLAGS) $(filter-out -std=%,$(mn_prog_cflags)) \
	$(cflags_$(basename $(@F))) $(or $(std_$(basename $(@F))),-std=c++11)
std_hpp := -std=c++20 -Werror
std_hpp_clang := $(std_hpp)
std_man_example_cxx := $(std_hpp)

$(O)/mn/%.o: mn/%.cc $(headers) $(mn_header) $(mn_hpp) mn/mn.mk
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(mn_prog_cxxflags) -c -o $@ $<

$(O)/mn/tests/hpp_clang.o: mn/tests/hpp.cc $(headers) $(mn_header) $(mn_hpp) mn/mn.mk
	$(call say,CXX,$@)
	@mkdir -p $(@D)
	$(Q)clang++ $(mn_prog_cxxflags) -c -o $@ $<

# Objects of their own, which are no programs.
$(O)/mn/tests/%.so: mn/tests/objects/%.c mn/tests/objects/other.h $(mn_header) mn/mn.mk
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(MBITS) $(warn) -fPIC -shared -Wl,-soname,$(@F) \
		-Wl,-z,noexecstack $(incs) -o $@ $<

$(O)/mn/tests/safepoint: $(O)/mn/tests/other.so $(O)/mn/tests/named.so

$(O)/mn/tests/man_example.c: mn/man/mn.7
	@mkdir -p $(@D)
	$(Q)sed -n '/^#include/,/^\.Ed/p' $< | sed '/^\.Ed/d; s/\\e/\\/g' >$@

$(O)/mn/tests/man_example.o: $(O)/mn/tests/man_example.c $(headers) $(mn_header)
	$(call say,CC,$@)
	$(Q)$(CC) $(CFLAGS) $(mn_prog_cflags) -c -o $@ $<

$(O)/mn/tests/man_example_cxx.cc: mn/man/mn_cxx.7
	@mkdir -p $(@D)
	$(Q)sed -n '/^#include/,/^\.Ed/p' $< | sed '/^\.Ed/d; s/\\e/\\/g' >$@

$(O)/mn/tests/man_example_cxx.o: $(O)/mn/tests/man_example_cxx.cc $(mn_header) $(mn_hpp)
	$(call say,CXX,$@)
	$(Q)$(CXX) $(mn_prog_cxxflags) -c -o $@ $<

$(mn_static): $(O)/mn/tests/static.o $(O)/libupcall-mn.a $(O)/libupcall.a
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(MBITS) -static -pthread -Wl,-z,noexecstack -o $@ $^

$(mn_program_files) $(filter-out $(mn_static),$(mn_test_files)) \
		$(mn_bench_files) $(mn_debuggee): $(O)/mn/%: $(O)/mn/%.o $(mn_so) $(mn_links)
	$(call say,LD,$@)
	$(Q)$(if $(or $(wildcard mn/$*.cc),$(std_$(@F))),$(CXX),$(CC)) $(CFLAGS) $(mn_prog_ldflags) \
		$(ldflags_$(@F)) -o $@ $< -lupcall-mn -lupcall $(lib_$(@F))

# For libupcall's tests of gdb.
$(O)/tests/obj/debuggee_mn.o: $(mn_header)
$(O)/tests/debuggee_mn: $(O)/tests/obj/debuggee_mn.o $(mn_so) $(mn_links)
	$(call say,LD,$@)
	$(Q)$(CC) $(CFLAGS) $(MBITS) -pthread -Wl,-z,noexecstack \
		-Wl,--disable-new-dtags -L$(O) -Wl,-rpath,'$$ORIGIN/..' \
		-Wl,-rpath-link,$(O) -o $@ $< -lupcall-mn -lupcall

install-mn: mn
	install -d $(DESTDIR)$(LIBDIR)/pkgconfig $(DESTDIR)$(INCLUDEDIR)/upcall
	install -m 755 $(mn_so) $(DESTDIR)$(LIBDIR)/
	ln -sf $(notdir $(mn_so)) $(DESTDIR)$(LIBDIR)/$(MN_SONAME)
	ln -sf $(MN_SONAME) $(DESTDIR)$(LIBDIR)/libupcall-mn.so
	install -m 644 $(O)/libupcall-mn.a $(DESTDIR)$(LIBDIR)/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' \
		-e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' -e 's|@VERSION@|$(MN_VERSION)|' \
		mn/libupcall-mn.pc.in >$(DESTDIR)$(LIBDIR)/pkgconfig/libupcall-mn.pc
	chmod 644 $(DESTDIR)$(LIBDIR)/pkgconfig/libupcall-mn.pc
	install -m 644 $(mn_header) $(mn_hpp) $(DESTDIR)$(INCLUDEDIR)/upcall/
	install -d $(DESTDIR)$(GDBDIR)$(LIBDIR)
	install -m 644 mn/gdb/mn.py \
		$(DESTDIR)$(GDBDIR)$(LIBDIR)/$(notdir $(mn_so))-gdb.py
	set -e; for m in $(mn_mans); do \
		d=$(DESTDIR)$(MANDIR)/man$${m##*.}; \
		install -d $$d; install -m 644 $$m $$d/; \
	done; for m in $(mn_man_links); do \
		ln -sf $${m#*=}.3 $(DESTDIR)$(MANDIR)/man3/$${m%=*}.3; \
	done

.PHONY: mn mn-programs mn-tests mn-bench print-mn-bench print-mn-tests \
	print-mn-programs check-mn-host install-mn

-include $(wildcard $(O)/mn/obj/*.d $(O)/mn/obj/arch/*/*.d $(O)/mn/*/*.d)

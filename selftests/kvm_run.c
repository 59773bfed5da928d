// SPDX-License-Identifier: GPL-2.0
/*
 * A dispatch to a task that runs a virtual machine makes KVM_RUN return with
 * EINTR, as a signal would, and the upcall is entered then, if it may be.
 *
 * upcall.rst, section 8 (virtual machines).
 */
#include "upcall_proc.h"

#include <sys/ioctl.h>
#include <linux/kvm.h>

#define PAGE	4096
#define CODE	0x1000
#define COUNTER	0x1800

static struct upcall upc = UPCALL_INIT;
static int id, hits, vcpu = -1;
static char *memory;

/* In real mode: 1: incw COUNTER; jmp 1b. */
static const unsigned char code[] = { 0xff, 0x06, 0x00, 0x18, 0xeb, 0xfa };

static unsigned short turns(void)
{
	return READ_ONCE(*(unsigned short *)(memory + COUNTER - CODE));
}

static int start_at_code(void)
{
	struct kvm_regs regs = { .rip = CODE, .rflags = 2 };
	struct kvm_sregs sregs;

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		return -1;
	sregs.cs.base = 0;
	sregs.cs.selector = 0;
	return ioctl(vcpu, KVM_SET_SREGS, &sregs) ||
	       ioctl(vcpu, KVM_SET_REGS, &regs);
}

static int make_machine(int kvm)
{
	struct kvm_userspace_memory_region region = {
		.guest_phys_addr = CODE, .memory_size = PAGE,
	};
	int vm = ioctl(kvm, KVM_CREATE_VM, 0);

	memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (vm < 0 || memory == MAP_FAILED)
		return -1;
	memcpy(memory, code, sizeof(code));
	region.userspace_addr = (unsigned long)memory;
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		return -1;
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	return vcpu < 0 ? -1 : start_at_code();
}

FIXTURE(kvm) {
};

FIXTURE_VARIANT(kvm) {
	bool held;
};

FIXTURE_VARIANT_ADD(kvm, enters) {
};

FIXTURE_VARIANT_ADD(kvm, holds_back) {
	.held = true,
};

FIXTURE_SETUP(kvm)
{
	int kvm = open("/dev/kvm", O_RDWR);

	if (kvm < 0)
		SKIP(return setup_skipped(), "no KVM here");
	ASSERT_EQ(0, make_machine(kvm));
	id = upc_register_ctx(&upc, ctx_next, count_cfunc, &hits);
	ASSERT_GT(id, 0);
}

FIXTURE_TEARDOWN(kvm)
{
}

/* When the machine has been seen to run. */
static void *dispatcher(void *arg)
{
	unsigned short before = turns();

	WAIT_UNTIL(turns() != before);
	return (void *)(long)upc_dispatch(id, 1);
}

TEST_F(kvm, run_is_left)
{
	int i, n = 20, ret, err;
	pthread_t thread;
	void *dispatched;

	for (i = 0; i < n; i++) {
		hits = 0;
		upc.crit_count = variant->held ? UPC_CRITADD : 0;
		ASSERT_EQ(0, pthread_create(&thread, NULL, dispatcher, NULL));
		ret = ioctl(vcpu, KVM_RUN, 0);
		err = errno;
		ASSERT_EQ(-1, ret);
		ASSERT_EQ(EINTR, err);
		ASSERT_EQ(0, pthread_join(thread, &dispatched));
		ASSERT_TRUE(!dispatched);
		ASSERT_EQ(!variant->held, hits);
		if (!variant->held)
			continue;
		ASSERT_EQ(1, upc.pending);
		upc.crit_count = 0;
		ASSERT_EQ(0, upc_dispatch(-1, 0));
		ASSERT_EQ(1, hits);
		ASSERT_EQ(0, upc.pending);
	}
}

TEST_HARNESS_MAIN

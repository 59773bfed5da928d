// SPDX-License-Identifier: MIT
/* An upcall that a critical section holds back. */
#include <stdio.h>
#include <sys/upcall.h>

static struct upcall upc = UPCALL_INITIALIZER;

static void hello(void *name)
{
	printf("hello, %s\n", (const char *)name);
}

int main(void)
{
	int id = upc_register(&upc, upc_callused_wrapper, hello,
			      (void *)"upcall");

	if (id < 0) {
		perror("upc_register");
		return 1;
	}
	upc_crit_enter(&upc);
	upc_control(UPC_CONTROL_DISPATCH, id, NULL);	/* by any thread */
	puts("dispatched, but held back");
	upc_crit_exit(&upc);				/* hello() runs here */
	puts("back again");
	return 0;
}

/* SPDX-License-Identifier: MIT */
#ifndef LIBUPCALL_LIB_H
#define LIBUPCALL_LIB_H

/* Everything is hidden (-fvisibility=hidden) but what says otherwise. */
#define LIB_EXPORT	__attribute__((visibility("default")))

/* With its argument in a register, as x86-64 has it anyway. */
#ifdef __i386__
#define LIB_REGPARM	__attribute__((regparm(1)))
#else
#define LIB_REGPARM
#endif

/* Called by upc_control(), which is assembly; one takes its arguments. */
int libupcall_control(int command, int upcall_id, void *data);
int LIB_REGPARM libupcall_fail(int err);

/* The exported ones under a name that nobody can interpose. */
int libupcall_available(void);

/* The context functions name it in their unwind information. */
int libupcall_personality(int version, int actions, unsigned long long class,
			  void *exception, void *context);

/* The calling thread's, in its static TLS block. */
extern __thread struct upcall libupcall_self
	__attribute__((tls_model("initial-exec")));

#endif /* LIBUPCALL_LIB_H */

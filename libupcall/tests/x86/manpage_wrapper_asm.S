/* SPDX-License-Identifier: MIT */
/*
 * The context function that the manual page of 2003 gives as an example, as
 * printed there, between the lines. The file's head supplies what the page
 * takes for granted.
 */
#define CRIT_COUNT	4
#define PENDING		8

	.text
	.globl	callused_wrapper
	.type	callused_wrapper, @function
/* ------------------------------------------------------------------------ */
        /*
         * upc is a global pointing to this process's upcall structure
         * (just as an example).  The Os-supplied stack frame is:
         *
         *      [%eax %ecx %edx,%eflags %original_ip]
         */
callused_wrapper:
        pushl   %edx            /* save %edx (upcall pointer) */
        pushl   %ecx            /* func=%eax(data=%ecx) */
        call    *%eax           /* call the C function */
        addl    $4,%esp
        popl    %edx            /* restore the upcall pointer */
        incl    PENDING(%edx)   /* setting pending stops upcalls */
        subl    $32,CRIT_COUNT(%edx) /* cleanup crit section count */
        pushl   %esp            /* sp pointing to os user frame */
        pushl   $-1             /* upcid */
        pushl   $2              /* FETCH next */
        call    upc_control
        /* not reached */
        /* just for show, restore Os supplied user context */
        popl    %eax            /* code just for show */
        popl    %ecx            /* code just for show */
        popl    %edx            /* code just for show */
        popfl                   /* code just for show */
        ret                     /* code just for show */
/* ------------------------------------------------------------------------ */
	.size	callused_wrapper, . - callused_wrapper

	.section .note.GNU-stack, "", @progbits

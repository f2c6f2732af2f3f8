/* The switch between two stacks, and the first frame of a fiber. Only what the calling conventions call preserved is saved, and the
   floating-point modes: about 5 ns, no system call, no signal mask. fibers.c gives it a face; nothing else may call it.

     intptr_t cs_fiber_switch(void **save_sp, void *to_sp, intptr_t value): returns the value of whoever switches back */
#if defined(__x86_64__)
    .text
    .globl cs_fiber_switch
    .hidden cs_fiber_switch
    .type cs_fiber_switch, @function
    .p2align 4
cs_fiber_switch:
    .cfi_startproc
    endbr64
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    subq $8, %rsp
    stmxcsr (%rsp)
    fnstcw 4(%rsp)
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    movq %rdx, %rax
    ldmxcsr (%rsp)
    fldcw 4(%rsp)
    addq $8, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    popq %rcx               /* pop and jump: a ret would mispredict, the caller is another one */
    jmpq *%rcx
    .cfi_endproc
    .size cs_fiber_switch, .-cs_fiber_switch

    .globl cs_fiber_boot
    .hidden cs_fiber_boot
    .type cs_fiber_boot, @function
    .p2align 4
cs_fiber_boot:
    .cfi_startproc
    .cfi_undefined rip      /* back traces and unwinders end here */
    .cfi_undefined rbp
    endbr64
    movq %r12, %rdi
    callq *%rbx             /* main(fiber), never returns */
    ud2
    .cfi_endproc
    .size cs_fiber_boot, .-cs_fiber_boot

#elif defined(__aarch64__)
    .text
    .globl cs_fiber_switch
    .hidden cs_fiber_switch
    .type cs_fiber_switch, %function
    .p2align 4
cs_fiber_switch:
    .cfi_startproc
    hint #34                /* bti c */
    sub sp, sp, #176
    stp d8,  d9,  [sp, #0]
    stp d10, d11, [sp, #16]
    stp d12, d13, [sp, #32]
    stp d14, d15, [sp, #48]
    stp x19, x20, [sp, #64]
    stp x21, x22, [sp, #80]
    stp x23, x24, [sp, #96]
    stp x25, x26, [sp, #112]
    stp x27, x28, [sp, #128]
    stp x29, x30, [sp, #144]
    mrs x9, fpcr
    str x9, [sp, #160]
    mov x9, sp
    str x9, [x0]
    mov sp, x1
    mov x0, x2
    ldr x9, [sp, #160]
    msr fpcr, x9
    ldp d8,  d9,  [sp, #0]
    ldp d10, d11, [sp, #16]
    ldp d12, d13, [sp, #32]
    ldp d14, d15, [sp, #48]
    ldp x19, x20, [sp, #64]
    ldp x21, x22, [sp, #80]
    ldp x23, x24, [sp, #96]
    ldp x25, x26, [sp, #112]
    ldp x27, x28, [sp, #128]
    ldp x29, x30, [sp, #144]
    add sp, sp, #176
    ret
    .cfi_endproc
    .size cs_fiber_switch, .-cs_fiber_switch

    .globl cs_fiber_boot
    .hidden cs_fiber_boot
    .type cs_fiber_boot, %function
    .p2align 4
cs_fiber_boot:
    .cfi_startproc
    .cfi_undefined x30      /* back traces and unwinders end here */
    hint #36                /* bti j */
    mov x0, x20
    blr x19                 /* main(fiber), never returns */
    brk #1
    .cfi_endproc
    .size cs_fiber_boot, .-cs_fiber_boot
#endif
    .section .note.GNU-stack, "", %progbits

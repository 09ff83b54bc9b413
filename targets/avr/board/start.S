; Before RAM is set up: the reset flags are kept, the stack is painted. No stack, no variables yet.

#define __SFR_OFFSET 0
#include "board.h"

; The bytes that a reset leaves alone, as reset.c describes them; the linker script puts them at a fixed address.
    .section .noinit, "aw", @nobits
    .global reset_kept
reset_kept:
    .skip 6

; A bootloader that has cleared MCUSR hands the flags over in r2, as Optiboot does.
    .section .init3, "ax", @progbits
    in r24, MCUSR
    cpse r24, r1
    mov r2, r24
    sts reset_kept, r2
    out MCUSR, r1           ; WDRF would keep the watchdog on

; The stack's bytes, so that its greatest depth can be read from outside.
    ldi r30, lo8(STACK_END)
    ldi r31, hi8(STACK_END)
    ldi r24, STACK_PAINT
    ldi r25, hi8(RAMEND + 1)
1:  st Z+, r24
    cpi r30, lo8(RAMEND + 1)
    cpc r31, r25
    brne 1b
